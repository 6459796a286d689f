"""Output sizes of every layer with a window against torch.nn, on random asymmetric cases, and who refuses what.

One difference is meant, and has its test: 'same' with a stride is ours alone.  Where a transposed
convolution leaves no columns, some of PyTorch's backends refuse and others hand out an empty map; we refuse.
"""

import numpy as np
import pytest

from minicnn import describe, nn
from minicnn.errors import MinicnnError
from minicnn.window import Window, from_torch_pad

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")

CASES = 300
pytestmark = [
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths"),
    pytest.mark.filterwarnings("ignore:Initializing zero-element tensors"),
]


def ours(build, shape):
    """Return the shape that comes out, or None where minicnn refuses."""
    try:
        return describe(nn.Sequential(("it", build())), shape)["it"].shape
    except MinicnnError:
        return None


def theirs(build, shape):
    """Return the shape that comes out, or None where PyTorch refuses or hands out nothing."""
    try:
        with torch.no_grad():
            result = tuple(build()(torch.zeros(shape)).shape)
    except (RuntimeError, ValueError):
        return None
    return None if 0 in result else result


def pair(rng, low, high):
    return tuple(int(n) for n in rng.integers(low, high + 1, 2))


def compare(case, *, both=0.2, refused=True):
    """Hold `case(rng) → (ours, theirs, shape)` against each other; enough cases must be answered, and some refused."""
    answered = none = 0
    for seed in range(CASES):
        mine, other, shape = case(np.random.default_rng(seed))
        found, expected = ours(mine, shape), theirs(other, shape)
        assert found == expected, (seed, shape, mine())
        answered, none = answered + (found is not None), none + (found is None)
    assert answered >= both * CASES
    assert (none > 0) == refused


def image(rng, most=9):
    return (int(rng.integers(1, 3)), 2, *pair(rng, 1, most))


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_conv2d(mode):
    def case(rng):
        kernel, stride, padding, dilation = pair(rng, 1, 5), pair(rng, 1, 4), pair(rng, 0, 4), pair(rng, 1, 3)
        settings = (2, 4, kernel, stride, padding, dilation, int(rng.integers(1, 3)), True, mode)
        return lambda: nn.Conv2d(*settings, rng=nn.SHAPE_ONLY), lambda: torch.nn.Conv2d(*settings), image(rng)

    compare(case)


def test_conv2d_with_padding_by_name():
    def case(rng):
        settings = (2, 3, pair(rng, 1, 5), 1, str(rng.choice(["same", "valid"])), pair(rng, 1, 3))
        return lambda: nn.Conv2d(*settings, rng=nn.SHAPE_ONLY), lambda: torch.nn.Conv2d(*settings), image(rng)

    compare(case)


def test_same_with_a_stride_is_ours_alone():
    assert theirs(lambda: torch.nn.Conv2d(2, 3, 3, 2, "same"), (1, 2, 7, 8)) is None
    assert ours(lambda: nn.Conv2d(2, 3, 3, 2, "same", rng=nn.SHAPE_ONLY), (1, 2, 7, 8)) == (1, 3, 4, 4)


@pytest.mark.parametrize("n", range(1, 9))
@pytest.mark.parametrize(("kernel", "dilation"), [(1, 1), (2, 1), (3, 1), (4, 1), (2, 3), (3, 2)])
def test_same_puts_the_odd_cell_where_pytorch_does(kernel, dilation, n):
    """An output is 1 where the first tap lies on the only pixel, so it shows how far the kernel was shifted."""
    x = np.zeros((1, 1, 1, n), np.float32)
    x[..., n // 2] = 1
    weight = np.zeros((1, 1, 1, kernel), np.float32)
    weight[..., 0] = 1
    expected = torch.nn.functional.conv2d(torch.from_numpy(x), torch.from_numpy(weight), padding="same", dilation=(1, dilation))
    np.testing.assert_array_equal(nn.Conv2d.of(weight, padding="same", dilation=(1, dilation))(x), expected.numpy())


def test_unequal_sides_are_torchs_pad_and_then_no_padding():
    for seed in range(CASES):
        rng = np.random.default_rng(seed)
        four, kernel, stride, dilation, shape = (
            rng.integers(0, 4, 4).tolist(),
            pair(rng, 1, 5),
            pair(rng, 1, 4),
            pair(rng, 1, 3),
            image(rng),
        )
        unpadded = torch.nn.Conv2d(2, 1, kernel, stride, 0, dilation)
        expected = theirs(lambda four=four, unpadded=unpadded: lambda x: unpadded(torch.nn.functional.pad(x, four)), shape)
        try:
            found = Window.of(kernel, stride, from_torch_pad(*four), dilation).output_size(shape[2:])
        except MinicnnError:
            found = None
        assert found == (None if expected is None else expected[2:]), (seed, shape, four)


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_max_pool2d(ceil_mode):
    def case(rng):
        kernel, stride, padding, dilation, shape = pair(rng, 1, 5), pair(rng, 1, 6), pair(rng, 0, 2), pair(rng, 1, 3), image(rng, 12)
        settings = (kernel, stride, padding, dilation, False, ceil_mode)
        return lambda: nn.MaxPool2d(*settings), lambda: torch.nn.MaxPool2d(*settings), shape

    compare(case)


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_avg_pool2d(ceil_mode):
    def case(rng):
        kernel, stride, padding, shape = pair(rng, 1, 5), None if rng.random() < 0.2 else pair(rng, 1, 6), pair(rng, 0, 2), image(rng)
        settings = (kernel, stride, padding, ceil_mode)
        return lambda: nn.AvgPool2d(*settings), lambda: torch.nn.AvgPool2d(*settings), shape

    compare(case)


@pytest.mark.parametrize("kernel", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("padding", [0, 1])
def test_ceil_mode_for_every_residue(kernel, stride, padding):
    for n in range(1, 2 * stride + 4):  # with ceil, the kernel may hang out by less than a stride
        settings, shape = (kernel, stride, padding), (1, 1, n, n + 1)
        expected = theirs(lambda settings=settings: torch.nn.MaxPool2d(*settings, ceil_mode=True), shape)
        assert ours(lambda settings=settings: nn.MaxPool2d(*settings, ceil_mode=True), shape) == expected, n


def test_conv_transpose2d():
    def case(rng):
        kernel, stride, padding, dilation = pair(rng, 1, 5), pair(rng, 1, 4), pair(rng, 0, 4), pair(rng, 1, 3)
        extra = tuple(int(rng.integers(0, max(s, d))) for s, d in zip(stride, dilation, strict=True))
        settings = (2, 4, kernel, stride, padding, extra, int(rng.integers(1, 3)), True, dilation)
        return lambda: nn.ConvTranspose2d(*settings, rng=nn.SHAPE_ONLY), lambda: torch.nn.ConvTranspose2d(*settings), image(rng)

    compare(case)


@pytest.mark.parametrize("kind", ["AdaptiveAvgPool2d", "AdaptiveMaxPool2d"])
def test_adaptive_pooling(kind):
    def case(rng):
        size = tuple(None if n == 0 else n for n in pair(rng, 0, 8))
        return lambda: getattr(nn, kind)(size), lambda: getattr(torch.nn, kind)(size), image(rng)

    compare(case, refused=False)


def test_upsample_to_a_size():
    def case(rng):
        settings = {"size": pair(rng, 1, 12), "mode": str(rng.choice(["nearest", "bilinear"]))}
        return lambda: nn.Upsample(**settings), lambda: torch.nn.Upsample(**settings), image(rng)

    compare(case, refused=False)


def test_upsample_by_a_factor():
    def case(rng):
        factors = tuple(float(rng.choice([0.3, 0.5, 2 / 3, 0.9, 1, 1.1, 1.5, 2, 3.7])) for _ in range(2))
        settings = {"scale_factor": factors, "mode": str(rng.choice(["nearest", "bilinear"]))}
        return lambda: nn.Upsample(**settings), lambda: torch.nn.Upsample(**settings), image(rng)

    compare(case)


@pytest.mark.parametrize("kind", ["ZeroPad2d", "ReflectionPad2d", "ReplicationPad2d", "CircularPad2d"])
def test_padding_layers(kind):
    def case(rng):
        four = tuple(rng.integers(0, 5, 4).tolist())
        return lambda: getattr(nn, kind)(four), lambda: getattr(torch.nn, kind)(four), image(rng, 6)

    compare(case, refused=kind in ("ReflectionPad2d", "CircularPad2d"))


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("Conv2d", (2, 3, 0)),
        ("Conv2d", (2, 3, 3, 0)),
        ("Conv2d", (2, 3, 3, 1, -1)),
        ("Conv2d", (2, 3, 3, 1, 0, 0)),
        ("Conv2d", (2, 3, 3, 1, 0, 1, 2)),
        ("Conv2d", (2, 3, 3, 1, "full")),
        ("ConvTranspose2d", (2, 3, 3, 0)),
        ("ConvTranspose2d", (2, 3, 3, 1, 7)),
        ("MaxPool2d", (0,)),
        ("MaxPool2d", (2, 0)),
        ("MaxPool2d", (2, 1, 2)),
        ("AvgPool2d", (3, 1, 2)),
        ("AvgPool2d", (3, 1, -1)),
    ],
)
def test_settings_that_both_refuse(kind, arguments):
    own = {"rng": nn.SHAPE_ONLY} if kind.startswith("Conv") else {}
    assert theirs(lambda: getattr(torch.nn, kind)(*arguments), (1, 2, 5, 6)) is None
    assert ours(lambda: getattr(nn, kind)(*arguments, **own), (1, 2, 5, 6)) is None
