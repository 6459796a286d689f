"""fuse against PyTorch's fuse_conv_bn_eval: the folded weights, the biases, and what comes out.

PyTorch folds in the weights' dtype: var + eps, root, reciprocal and two products are rounded once each, and a bias passes three more
roundings; ours is worked out in float64 and rounded once.  With eps for twice the unit of rounding the weights differ by at
most 4·eps·|w·scale|, the biases by 5·eps·((|b| + |mean|)·|scale| + |β|).
"""

import numpy as np
import pytest

from minicnn import fuse, nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
from torch.nn.utils.fusion import fuse_conv_bn_eval  # noqa: E402

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
CASES = [
    ("plain", (4, 6, (3, 2)), {"padding": (1, 0)}),
    ("strided groups", (4, 6, 3), {"stride": (2, 1), "groups": 2, "bias": False}),
    ("depthwise", (5, 5, (3, 5)), {"padding": (1, 2), "groups": 5}),
    ("pointwise", (7, 20, 1), {}),
    ("dilated, wrapped", (3, 4, 3), {"dilation": (1, 2), "padding": 2, "padding_mode": "circular"}),
]


def pairs(rng, arguments, settings, dtype, ours=nn.Conv2d, theirs=torch.nn.Conv2d):
    """Return (our layers, PyTorch's) with the same numbers."""
    module = theirs(*arguments, **settings).to(torch.float64 if dtype == np.float64 else torch.float32).eval()
    names = {name: value for name, value in settings.items() if name != "bias"}
    weight, bias = (None if p is None else p.detach().numpy().copy() for p in (module.weight, module.bias))
    layer = ours.of(weight, bias, **names)
    channels = arguments[1]
    arrays = [a.astype(dtype) for a in (rng.standard_normal(channels), rng.random(channels) + 0.05, *rng.standard_normal((2, channels)))]
    norm = torch.nn.BatchNorm2d(channels, eps=1e-3).to(module.weight.dtype).eval()
    for tensor, array in zip((norm.running_mean, norm.running_var, norm.weight.data, norm.bias.data), arrays, strict=True):
        tensor.copy_(torch.from_numpy(array))
    return [layer, nn.BatchNorm2d.of(*arrays, eps=1e-3)], [module, norm]


def assert_folded_alike(ours, theirs, shape_of_scale, **options):
    (layer, line), (module, norm) = ours, theirs
    found, expected = fuse(nn.Sequential(*ours))["bn1"], fuse_conv_bn_eval(module, norm, **options)
    eps = np.finfo(layer.weight.dtype).eps
    scale = np.abs(line.weight.astype(np.float64)) / np.sqrt(line.running_var.astype(np.float64) + line.eps)
    weight, bias = expected.weight.detach().numpy(), expected.bias.detach().numpy()
    assert found.weight.dtype == weight.dtype
    assert found.weight.shape == weight.shape
    assert (np.abs(found.weight - weight) <= 4 * eps * np.abs(layer.weight) * scale.reshape(shape_of_scale)).all()
    offset = 0 if layer.bias is None else np.abs(layer.bias)
    assert (np.abs(found.bias - bias) <= 5 * eps * ((offset + np.abs(line.running_mean)) * scale + np.abs(line.bias))).all()
    return found, expected


@DTYPES
@pytest.mark.parametrize(("arguments", "settings"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_folded_convolutions(arguments, settings, dtype):
    rng = np.random.default_rng(3)
    for _ in range(5):
        ours, theirs = pairs(rng, arguments, settings, dtype)
        found, expected = assert_folded_alike(ours, theirs, (-1, 1, 1, 1))
        x = rng.standard_normal((2, arguments[0], 9, 7)).astype(dtype)
        with torch.no_grad():
            their_y = torch.relu(expected(torch.from_numpy(x))).numpy()
        our_y = fuse(nn.Sequential(*ours, nn.ReLU()))(x, accuracy="exact")
        eps, wide = np.finfo(dtype).eps, {"weight": np.abs(found.weight.astype(float)), "bias": np.abs(found.bias.astype(float))}
        size = found.with_(**wide)(np.abs(x.astype(float)))
        spread = np.abs(ours[1].running_mean * ours[1].weight) / np.sqrt(ours[1].running_var) + np.abs(ours[1].bias)
        terms = int(np.prod(found.weight.shape[1:]))
        bound = (terms + 2 + 5) * eps * (size + 2 * spread[:, None, None])  # sums of both, and what the weights and biases differ by
        assert our_y.shape == their_y.shape
        assert (np.abs(our_y - their_y) <= bound).all()


@DTYPES
def test_folded_transposed_convolution(dtype):
    rng = np.random.default_rng(4)
    settings = {"stride": (2, 3), "padding": (0, 1), "output_padding": (1, 0)}
    ours, theirs = pairs(rng, (4, 3, (3, 2)), settings, dtype, nn.ConvTranspose2d, torch.nn.ConvTranspose2d)
    assert_folded_alike(ours, theirs, (1, -1, 1, 1), transpose=True)
