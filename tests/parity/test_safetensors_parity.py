"""Safetensors files between PyTorch and minicnn, both ways: every number must be equal."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn import load, nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
safetensors_torch = pytest.importorskip("safetensors.torch", reason="safetensors is not installed: pip install safetensors")

KINDS = ["f4", "f8", "f2", "i8", "i4", "i2", "i1", "u1", "?"]


def test_pytorch_reads_our_file(tmp_path):
    arrays = {f"w.{kind}": np.array([[[0, 1, 2]], [[3, 100, 0]]]).astype(kind) for kind in KINDS}
    arrays |= {"scalar": np.array(2.5), "empty": np.zeros((0, 3), np.float32), "层.weight": np.arange(4.0)[::-2]}
    path = load.save_weights(arrays, tmp_path / "ours.safetensors", metadata={"epoch": "3", "by": "minicnn"})
    found = safetensors_torch.load_file(path)
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        assert_array_equal(found[name].numpy(), array, strict=True)


def test_pytorch_runs_with_our_weights(tmp_path):
    """The same names in both: a Conv2d called 0 and a BatchNorm2d called 1."""
    ours = nn.Sequential(("0", nn.Conv2d(2, 3, (2, 3), rng=np.random.default_rng(4))), ("1", nn.BatchNorm2d(3)))
    theirs = torch.nn.Sequential(torch.nn.Conv2d(2, 3, (2, 3)), torch.nn.BatchNorm2d(3))
    state = safetensors_torch.load_file(load.save_weights(ours, tmp_path / "net.safetensors"))
    missing = theirs.load_state_dict(state, strict=False)
    assert missing.unexpected_keys == []
    assert missing.missing_keys in ([], ["1.num_batches_tracked"])
    back = tmp_path / "back.safetensors"
    safetensors_torch.save_file(theirs.state_dict(), back)
    found = load.load_weights(nn.Sequential(("0", nn.Conv2d(2, 3, (2, 3))), ("1", nn.BatchNorm2d(3))), back)
    x = np.random.default_rng(5).standard_normal((2, 2, 5, 7)).astype(np.float32)
    assert_array_equal(found(x), ours(x))


def test_we_read_pytorchs_file(tmp_path):
    tensors = {kind: torch.from_numpy(np.array([[0, 1, 2], [3, 100, 0]]).astype(kind)) for kind in KINDS if kind != "f2"}
    tensors |= {"scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3)}
    path = tmp_path / "theirs.safetensors"
    safetensors_torch.save_file(tensors, path, metadata={"format": "pt"})
    found = load.weights(path)
    assert list(found) == sorted(tensors)
    for name, tensor in tensors.items():
        assert_array_equal(found[name], tensor.numpy(), strict=True)
    assert load.metadata(path) == {"format": "pt"}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_every_number_of_half_precision(tmp_path, dtype):
    tensor = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16).view(dtype)
    path = tmp_path / "half.safetensors"
    safetensors_torch.save_file({"w": tensor}, path)
    with pytest.warns(load.WeightsNotice, match="float16 of 1 tensors"):
        found = load.weights(path)["w"]
    assert_array_equal(found, tensor.float().numpy(), strict=True)
    assert_array_equal(np.signbit(found), np.signbit(tensor.float().numpy()))
