"""conv2d of arrays that live on a device: the same numbers, the same kind back, nothing copied, and what bad ones are told."""

import numpy as np
import pytest
from device_marks import needs_device

from minicnn.conv.contract import allowed_error
from minicnn.conv.cuda import device
from minicnn.conv.cuda.device import downloaded, simulated, uploaded
from minicnn.conv.dispatch import conv2d
from minicnn.conv.gallery import ALGORITHMS, LADDER
from minicnn.errors import ArgumentError, DTypeError, ShapeError, UnknownNameError, UnsupportedError

pytestmark = needs_device


def integers(*shape) -> np.ndarray:
    return np.random.default_rng(sum(shape)).integers(-8, 9, shape).astype(np.float32)


def there(*shape):
    return uploaded(integers(*shape))


@pytest.fixture
def copies(monkeypatch):
    """Every copy to the device and back, as its number of bytes."""
    made = {"to": [], "back": []}
    to, back = device.uploaded, device.downloaded
    monkeypatch.setattr(device, "uploaded", lambda x: made["to"].append(x.nbytes) or to(x))
    monkeypatch.setattr(device, "downloaded", lambda x: made["back"].append(x.nbytes) or back(x))
    return made


@pytest.mark.parametrize("algorithm", ["auto", "cuda_naive", "cuda_register_tiled"])
def test_device_arrays_in_and_the_same_kind_out(algorithm):
    x, w, b = integers(2, 4, 5, 4), integers(9, 2, 3, 2), None
    settings = {"stride": (2, 1), "padding": ((1, 0), (2, 1)), "groups": 1}
    x = x[:, :2].copy()
    y = conv2d(uploaded(x), uploaded(w), b, **settings, algorithm=algorithm)
    assert type(y) is type(uploaded(x))
    assert y.dtype == np.float32
    np.testing.assert_array_equal(downloaded(y), conv2d(x, w, b, **settings, algorithm="reference"))


def test_a_bias_an_image_without_a_batch_and_groups():
    x, w, b = integers(4, 5, 3), integers(6, 2, 3, 3), integers(6)
    y = conv2d(uploaded(x), uploaded(w), uploaded(b), padding="same", groups=2)
    assert tuple(y.shape) == (6, 5, 3)
    np.testing.assert_array_equal(downloaded(y), conv2d(x, w, b, padding="same", groups=2, algorithm="reference"))


def test_an_empty_batch_stays_empty():
    empty = device.empty((0, 2, 4, 5))
    assert tuple(conv2d(empty, there(3, 2, 3, 3)).shape) == (0, 3, 2, 3)


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_a_weight_on_the_device_that_is_not_finite(bad):
    """It is found there, and never multiplied by padding."""
    x, w = integers(1, 2, 3, 4), integers(8, 2, 3, 3)
    w[3, 1, 0, 2] = bad
    y = conv2d(uploaded(x), uploaded(w), padding=1)
    np.testing.assert_array_equal(downloaded(y), conv2d(x, w, padding=1, algorithm="reference"))


def test_nothing_is_copied(copies):
    """Four bytes go to and fro under padding: whether the weight is finite."""
    x, w, b = there(1, 2, 4, 5), there(8, 2, 3, 3), there(8)
    copies["to"].clear()
    conv2d(x, w, b)
    conv2d(x, w)
    assert copies == {"to": [], "back": []}
    conv2d(x, w, b, padding=1)
    assert copies == {"to": [4], "back": [4]}


def test_numpys_arrays_are_copied_once_each(copies):
    x, w, b = integers(1, 2, 4, 5), integers(8, 2, 3, 3), integers(8)
    y = conv2d(x, w, b, padding=1, algorithm="cuda_register_tiled")
    assert sorted(copies["to"]) == sorted([x.nbytes, w.nbytes, b.nbytes])
    assert copies["back"] == [y.nbytes]


def test_inputs_on_the_device_are_not_written():
    x, w = integers(1, 2, 4, 5), integers(8, 2, 3, 3)
    on = uploaded(x), uploaded(w)
    conv2d(*on, padding=1)
    np.testing.assert_array_equal(downloaded(on[0]), x)
    np.testing.assert_array_equal(downloaded(on[1]), w)


# What bad ones are told.


def test_host_and_device_mixed():
    x, w, b = integers(1, 2, 4, 5), integers(3, 2, 3, 3), integers(3)
    with pytest.raises(
        ArgumentError, match=r"all arrays live on one device, or none does, but x is on a device and weight and bias are on the host; copy"
    ):
        conv2d(uploaded(x), w, b)
    with pytest.raises(
        ArgumentError, match=r"but weight is on a device and x is on the host; copy .* numba.cuda.to_device\(a\); or .* x.copy_to_host\(\)"
    ):
        conv2d(x, uploaded(w))


def test_arrays_on_another_device(monkeypatch):
    x, w = there(1, 2, 4, 5), there(3, 2, 3, 3)
    monkeypatch.setattr(device, "device_of", lambda array: 1 if array is w else 0)
    with pytest.raises(
        ArgumentError, match=r"all arrays lie on one device, the current one, but that is device 0 and weight lies on device 1; choose"
    ):
        conv2d(x, w)


def test_numbers_that_are_not_float32():
    wide = uploaded(np.ones((1, 2, 4, 5)))
    with pytest.raises(DTypeError, match=r"arrays on a device are float32, but x is float64; give x.astype\('float32'\)"):
        conv2d(wide, there(3, 2, 3, 3))


def test_arrays_with_gaps():
    x = there(1, 2, 4, 10)[:, :, :, ::2]
    with pytest.raises(
        UnsupportedError, match=r"lie without gaps, rows last \(C order\), but x of shape \(1, 2, 4, 5\) has strides .* x.contiguous\(\)"
    ):
        conv2d(x, there(3, 2, 3, 3))


def test_arrays_that_32_bits_do_not_count(monkeypatch):
    with pytest.raises(
        ShapeError, match=r"at most 2,147,483,647 numbers, but x of shape \(8, 64, 2048, 2048\) has 2,147,483,648; .* 7 images at the most"
    ):
        device.check_size((8, 64, 2048, 2048), "conv2d", "x")
    device.check_size((7, 64, 2048, 2048), "conv2d", "x")
    x, w = there(2, 2, 4, 5), there(8, 2, 1, 1)  # 80 numbers in, 320 out
    monkeypatch.setattr(device, "LARGEST", 200)
    with pytest.raises(ShapeError, match=r"y of shape \(2, 8, 4, 5\) has 320; use a smaller batch, of 1 images at the most"):
        conv2d(x, w, algorithm="cuda_naive")


def test_shapes_that_do_not_meet():
    x, w = there(1, 2, 4, 5), there(3, 2, 3, 3)
    with pytest.raises(ShapeError, match=r"x must be \(N, C, H, W\) or \(C, H, W\), but x.shape=\(4, 5\) has 2 axes"):
        conv2d(there(4, 5), w)
    with pytest.raises(ShapeError, match=r"only the batch may be empty, but x.shape=\(1, 2, 0, 5\)"):
        conv2d(device.empty((1, 2, 0, 5)), w)
    with pytest.raises(
        ShapeError, match=r"weight must be \(K, C/groups, kernel rows, kernel columns\), none of them 0, but weight.shape=\(3, 2\)"
    ):
        conv2d(x, there(3, 2))
    with pytest.raises(ShapeError, match=r"bias holds one number per output channel, \(3,\) .* but bias.shape=\(2,\)"):
        conv2d(x, w, there(2))
    with pytest.raises(ShapeError, match=r"weight expects 2 input channels but x has 4"):
        conv2d(there(1, 4, 4, 5), w)
    with pytest.raises(ArgumentError, match=r"groups must divide the output channels, but 3 / 2 leaves 1"):
        conv2d(x, w, groups=2)
    with pytest.raises(ShapeError, match=r"kernel must fit into the padded input"):
        conv2d(there(1, 2, 2, 5), w)


def test_other_padding_than_zeros():
    with pytest.raises(
        UnsupportedError, match=r"kernels for the GPU pad with zeros, but padding_mode is 'reflect'; pad on the device first .* padding=0"
    ):
        conv2d(there(1, 2, 4, 5), there(3, 2, 3, 3), padding=1, padding_mode="reflect")


@pytest.mark.parametrize("algorithm", list(ALGORITHMS))
def test_algorithms_of_the_host(algorithm):
    with pytest.raises(
        UnsupportedError, match=rf"x lives on a device, where the algorithms are 'auto' and 'cuda_naive', .* '{algorithm}' runs on the host"
    ):
        conv2d(there(1, 2, 4, 5), there(3, 2, 3, 3), algorithm=algorithm)


def test_algorithms_that_do_not_exist_or_do_not_apply():
    x, w = there(1, 2, 4, 5), there(3, 2, 3, 3)
    with pytest.raises(UnknownNameError, match=r"'auto' or one of 'cuda_naive', .*, but it is 'cuda_register_tilde'.*cuda_register_tiled"):
        conv2d(x, w, algorithm="cuda_register_tilde")
    with pytest.raises(UnknownNameError, match=r"but it is 3"):
        conv2d(x, w, algorithm=3)
    with pytest.raises(
        UnsupportedError, match=r"'cuda_pointwise' does not apply here: it is for 1×1 kernels.* Use 'auto', which is 'cuda_coalesced' here"
    ):
        conv2d(x, w, algorithm="cuda_pointwise")
    with pytest.raises(
        UnsupportedError, match=r"'cuda_depthwise' does not apply here: it is for one input channel per group, and here are 2"
    ):
        conv2d(x, w, algorithm="cuda_depthwise")


# Out of memory.


class OutOfMemory(Exception):
    """What a driver raises: Numba's CudaAPIError with this name in its text."""


@pytest.mark.parametrize("error", [MemoryError("no room"), OutOfMemory("[2] Call to cuMemAlloc results in CUDA_ERROR_OUT_OF_MEMORY")])
@pytest.mark.parametrize("call", ["device_array", "to_device"])
def test_out_of_memory(monkeypatch, call, error):
    """320 bytes are asked for and 200 free: one image of 40 numbers, 160 bytes, would fit.  The next call works."""
    from numba import cuda

    def refuse(*arguments, **options):
        raise error

    x, w = integers(2, 2, 4, 5), integers(2, 2, 1, 1)
    with monkeypatch.context() as patched:
        patched.setattr(cuda, call, refuse)
        patched.setattr(device, "free_and_total", lambda: (200, 1000))
        with pytest.raises(
            UnsupportedError,
            match=r"200 of its 1,000 bytes free, but an array of shape \(2, 2, 4, 5\) needs 320; free some, or use a smaller batch, of 1 images",
        ):
            (uploaded if call == "to_device" else lambda x: device.empty(x.shape))(x)
        with pytest.raises(UnsupportedError, match=r"200 of its 1,000 bytes free, but an array of shape"):
            conv2d(x, w, algorithm="cuda_naive")
    np.testing.assert_array_equal(conv2d(x, w, algorithm="cuda_naive"), conv2d(x, w, algorithm="reference"))


def test_other_errors_of_the_device_pass(monkeypatch):
    from numba import cuda

    def refuse(*arguments, **options):
        raise RuntimeError("something else")

    monkeypatch.setattr(cuda, "device_array", refuse)
    with pytest.raises(RuntimeError, match="something else"):
        device.empty((2, 3))


# PyTorch's tensors, where there is a GPU for them.


@pytest.mark.skipif(simulated(), reason="PyTorch's tensors live on a real GPU")
@pytest.mark.parametrize("algorithm", ["auto", *LADDER])
def test_tensors_of_pytorch(algorithm):
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("this PyTorch has no GPU")
    shapes = (2, 8, 9, 7), (16, 1 if algorithm == "cuda_depthwise" else 8, *((1, 1) if algorithm == "cuda_pointwise" else (3, 3)))
    x, w = integers(*shapes[0]) / 7, integers(*shapes[1]) / 7
    settings = {"padding": 1, "groups": 8 if algorithm == "cuda_depthwise" else 1}
    y = conv2d(torch.as_tensor(x, device="cuda"), torch.as_tensor(w, device="cuda"), **settings, algorithm=algorithm)
    assert isinstance(y, torch.Tensor)
    assert y.is_cuda
    error = np.abs(y.cpu().numpy().astype(np.float64) - conv2d(x, w, **settings, algorithm="reference"))
    assert (error <= allowed_error("cuda_naive", x, w, **settings)).all()


@pytest.mark.skipif(simulated(), reason="PyTorch's tensors live on a real GPU")
def test_tensors_of_pytorch_that_begin_anywhere():
    """A view that begins 4 bytes into its memory is no place for loads of 16."""
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("this PyTorch has no GPU")
    flat = torch.arange(1 + 2 * 16 * 12, dtype=torch.float32, device="cuda")
    x, w = flat[1:].reshape(2, 16, 3, 4), torch.ones(16, 16, 1, 1, device="cuda")
    np.testing.assert_array_equal(conv2d(x, w).cpu().numpy(), conv2d(x.cpu().numpy(), w.cpu().numpy(), algorithm="reference"))
    with pytest.raises(UnsupportedError, match=r"know no gradients, but weight asks for one; give weight.detach\(\)"):
        conv2d(x, w.requires_grad_())
