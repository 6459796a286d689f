"""conv2d against PyTorch's, over random asymmetric cases: values, shapes, and which arguments are refused.

Both sum the same products in some order, so they differ by at most the sum of two contracts.
"""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "conv"))
from convolutions import convolutions

from minicnn import conv2d, nn
from minicnn.conv.contract import allowed_error
from minicnn.conv.gallery import ALGORITHMS, load_algorithm
from minicnn.errors import MinicnnError
from minicnn.window import Window

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
F = torch.nn.functional


def torch_conv(case):
    """PyTorch takes equal sides only, so unequal padding goes through F.pad, as its users do."""
    (top, bottom), (left, right) = case.arguments["padding"]
    mode = {"zeros": "constant"}.get(case.arguments["padding_mode"], case.arguments["padding_mode"])
    x = F.pad(torch.from_numpy(case.x), (left, right, top, bottom), mode=mode)
    bias = None if case.bias is None else torch.from_numpy(case.bias)
    stride, dilation, groups = (case.arguments[name] for name in ("stride", "dilation", "groups"))
    return F.conv2d(x, torch.from_numpy(case.weight), bias, stride, 0, dilation, groups).numpy()


def agrees(case, algorithm):
    theirs, ours = torch_conv(case), conv2d(*case.arrays, **case.arguments, algorithm=algorithm)
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    name = "im2col" if algorithm == "auto" else algorithm
    allowed = allowed_error(name, *case.arrays, **case.arguments) + allowed_error("im2col", *case.arrays, **case.arguments)
    assert (np.abs(ours.astype(np.float64) - theirs) <= allowed).all()


@pytest.mark.parametrize("algorithm", ["auto", *ALGORITHMS])
@given(data=st.data())
def test_values(algorithm, data):
    case = data.draw(convolutions(kernels=st.just(1) if algorithm == "pointwise" else None))
    window = Window.of(case.weight.shape[2:], case.arguments["stride"], case.arguments["padding"], case.arguments["dilation"])
    fits = algorithm == "auto" or load_algorithm(algorithm).why_not(case.x.shape, case.weight.shape, window, case.x.dtype) is None
    agrees(case, algorithm if fits else "auto")


@given(case=convolutions(padding_modes=("reflect", "replicate", "circular")))
def test_padding_modes(case):
    agrees(case, "auto")


@pytest.mark.filterwarnings("ignore:Using padding=.same. with even kernel")
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("kernel", [(3, 3), (2, 4), (1, 5)])
@pytest.mark.parametrize("dilation", [1, (2, 3)])
def test_padding_words(padding, kernel, dilation):
    rng = np.random.default_rng(0)
    x, w = rng.integers(-5, 6, (2, 3, 13, 17)).astype(np.float64), rng.integers(-5, 6, (4, 3, *kernel)).astype(np.float64)
    theirs = F.conv2d(torch.from_numpy(x), torch.from_numpy(w), padding=padding, dilation=dilation).numpy()
    np.testing.assert_array_equal(conv2d(x, w, padding=padding, dilation=dilation), theirs)


def test_single_image_and_empty_batch():
    rng = np.random.default_rng(1)
    x, w = rng.integers(-5, 6, (3, 7, 9)).astype(np.float32), rng.integers(-5, 6, (5, 3, 2, 3)).astype(np.float32)
    np.testing.assert_array_equal(conv2d(x, w, stride=2), F.conv2d(torch.from_numpy(x), torch.from_numpy(w), stride=2).numpy())
    empty = np.zeros((0, 3, 7, 9), np.float32)
    assert conv2d(empty, w).shape == tuple(F.conv2d(torch.from_numpy(empty), torch.from_numpy(w)).shape)


@pytest.mark.parametrize(
    ("x", "w", "arguments"),
    [
        ((1, 4, 5, 5), (2, 3, 3, 3), {}),
        ((1, 3, 5, 5), (4, 3, 3, 3), {"groups": 3}),
        ((1, 3, 2, 5), (4, 3, 3, 3), {}),
        ((1, 3, 5, 5), (4, 3, 3, 3), {"stride": 0}),
        ((1, 3, 5, 5), (4, 3, 3, 3), {"padding": -1}),
        ((1, 3, 5, 5), (4, 3, 3, 3), {"dilation": 0}),
        ((5, 5), (4, 3, 3, 3), {}),
        ((1, 3, 5, 5), (4, 3, 3), {}),
    ],
)
def test_what_is_refused(x, w, arguments):
    with pytest.raises((RuntimeError, ValueError)):
        F.conv2d(torch.zeros(x), torch.zeros(w), **arguments)
    with pytest.raises(MinicnnError):
        conv2d(np.zeros(x, np.float32), np.zeros(w, np.float32), **arguments)


@pytest.mark.parametrize(
    "arguments", [{}, {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 2, "padding_mode": "circular"}]
)
def test_layer_shapes_and_names(arguments):
    ours, theirs = nn.Conv2d(4, 6, (3, 2), **arguments), torch.nn.Conv2d(4, 6, (3, 2), **arguments)
    assert {name: array.shape for name, array in ours.parameters().items()} == {n: tuple(p.shape) for n, p in theirs.named_parameters()}
    theirs.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in ours.parameters().items()})
    x = np.random.default_rng(2).standard_normal((2, 4, 9, 11), np.float32)
    allowed = 2 * allowed_error("im2col", x, ours.weight, ours.bias, **arguments)  # two orders of summing
    assert (np.abs(ours(x).astype(np.float64) - theirs(torch.from_numpy(x)).detach().numpy()) <= allowed).all()


def test_first_weights_have_pytorchs_spread():
    """kaiming_uniform(a=√5) is even over ±1/√fan_in, for weight and bias alike."""
    rng, _ = np.random.default_rng(0), torch.manual_seed(0)
    pairs = (nn.Conv2d(16, 640, 3, rng=rng), torch.nn.Conv2d(16, 640, 3)), (nn.Linear(300, 200, rng=rng), torch.nn.Linear(300, 200))
    for ours, theirs in pairs:
        for name, array in ours.parameters().items():
            bound = float(getattr(theirs, name).detach().abs().max())
            assert np.abs(array).max() == pytest.approx(bound, rel=0.1)
            assert array.std() == pytest.approx(np.abs(array).max() / 3**0.5, rel=0.1)
