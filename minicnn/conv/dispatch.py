"""Which question: which algorithm computes this convolution, and are its arguments sound?

    conv2d(x, weight, …)      checks once, builds the Window, and calls
    convolve(x, weight, …)    which picks, pads by mode, prepares (or takes what was prepared) and runs

Four frames from a call to the sum.  What there is to pick from stands in gallery.py.

The cache that is here: what was prepared for a layer, held weakly by the layer, so it goes when the layer
goes; safe, because a layer's arrays are locked.  (Small tables of whole numbers, pure functions of shapes, are kept for the last few hundred shapes: here, in layout.py, in gemm.py.)
"""

import functools
import weakref

import numpy as np

from minicnn import check
from minicnn.conv.cuda.device import is_on_device
from minicnn.conv.gallery import check_groups, check_weight, load_algorithm, refuse_unfit
from minicnn.conv.memory_format import is_channels_last
from minicnn.window import Window

FEW_PRODUCTS = 1 << 22
MANY_CHANNELS = 16  # fewer would not repay the transforms of winograd.py
MANY_TILES = 12
WINOGRAD_BUDGET = 60 << 20  # bytes of transformed weight: a little below where winograd.py declines
ACCURACIES = ("exact", "fast")
_PAD_WORDS = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}  # PyTorch's names, NumPy's names


def conv2d(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride=1,
    padding=0,
    dilation=1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
    algorithm: str = "auto",
    accuracy: str = "exact",
) -> np.ndarray:
    """Slide filters over x: the sum of products of each window with each filter, and a bias.

    y[n,k,p,q] = b[k] + Σ_c Σ_i Σ_j w[k,c,i,j] · x[n, g·C/G + c, p·stride_h + i·dil_h - top, q·stride_w + j·dil_w - left]

    Parameters
    ----------
    x : (N, C, H, W) or (C, H, W), float32 or float64
        Arrays may live on a GPU (Numba's, CuPy's, PyTorch's), all of them: then y is computed there, and is of x's kind.
    weight : (K, C/groups, kernel rows, kernel columns), x's dtype
    bias : (K,) or None
    stride, dilation : int or (vertical, horizontal)
    padding : int, (vertical, horizontal), ((top, bottom), (left, right)), 'valid' or 'same'.
        'same' with a stride follows TensorFlow: ceil(H / stride) rows come out, and an odd padding
        has its extra cell at the bottom and right; PyTorch refuses that case.
    groups : output channels of group g see the input channels of group g only; groups = C is depthwise.
    padding_mode : 'zeros', 'reflect', 'replicate' or 'circular'
    algorithm : 'auto', or a name of `ALGORITHMS`, or of `LADDER`, which run on a GPU
    accuracy : 'exact' keeps to the algorithms that sum the equation's own products, 'fast' may use others.

    Returns
    -------
    (N, K, P, Q) in x's dtype, P = floor((H + top + bottom - dilation·(kernel rows - 1) - 1) / stride) + 1

    Raises
    ------
    ShapeError, DTypeError, ArgumentError, UnknownNameError, UnsupportedError

    Examples
    --------
    >>> x = np.arange(12.0).reshape(1, 1, 3, 4)
    >>> edge = np.array([[[[-1.0, 1.0]]]])           # right neighbour minus this one
    >>> conv2d(x, edge)[0, 0]
    array([[1., 1., 1.],
           [1., 1., 1.],
           [1., 1., 1.]])
    >>> conv2d(x, edge, stride=(2, 1), padding="same").shape
    (1, 1, 2, 4)

    Source: Goodfellow, Bengio, Courville (2016), section 9.1; PyTorch's conv2d for names and order.
    """
    if is_on_device(x) or is_on_device(weight) or is_on_device(bias):
        from minicnn.conv.cuda import on_device

        settings = {"padding_mode": padding_mode, "algorithm": algorithm, "accuracy": accuracy}
        return on_device.conv2d(x, weight, bias, stride, padding, dilation, groups, **settings)
    x, unbatched = check.image_batch(x, "conv2d")
    weight, bias = check_weight(weight, bias, "conv2d")
    check.same_dtype("conv2d", x=x, weight=weight, bias=bias)
    groups = check_groups(groups, weight, "conv2d")
    check.wants_channels("conv2d", x, weight.shape[1] * groups, unbatched=unbatched)
    window = Window.of(weight.shape[2:], stride, padding, dilation, padding_mode=padding_mode, what="conv2d")
    check.one_of(accuracy, "accuracy", "conv2d", ACCURACIES)
    y = convolve(x, weight, bias, window, algorithm=algorithm, accuracy=accuracy)
    return y[0] if unbatched else y


def convolve(x, weight, bias, window: Window, *, algorithm="auto", accuracy="exact", activation=None, owner=None):
    """Run checked arguments: pick, pad by mode, prepare, run.

    `owner` is the layer whose weight it is; its weight may be float32 where x is float64, and is widened once.
    """
    if isinstance(algorithm, str) and algorithm == "auto":
        name, shape = _planned(x.shape, weight.shape, window, x.dtype, accuracy, is_channels_last(x))
    else:
        name, shape = algorithm, _output_shape(x.shape, weight.shape, window)
        refuse_unfit(algorithm, x.shape, weight.shape, window, x.dtype)
    if shape[0] == 0:
        return np.empty(shape, x.dtype)
    x, window = pad_by_mode(x, window)
    module = load_algorithm(name)
    groups = x.shape[1] // weight.shape[1]
    prepared = module.prepare(weight, window, groups) if owner is None else _prepared_for(owner, name, weight, window, groups, x.dtype)
    with np.errstate(all="ignore"):  # numbers that are not finite pass as in the law, without NumPy's warnings
        return module.run(x, prepared, bias, activation)


def bind(x, weight, bias, window: Window, *, algorithm, accuracy, activation, owner, adds: bool = False):
    """Return fill(x, y), flat, for channels_last inputs of x's shape, as `convolve` computes it; None where the algorithm has no such form.

    With `adds` it is fill(x, other, y), which adds another map before the activation: the algorithm channels_last has that form.
    """
    if not is_channels_last(x) or window.padding_mode != "zeros":
        return None
    name = algorithm if algorithm != "auto" else _planned(x.shape, weight.shape, window, x.dtype, accuracy, True)[0]
    module, groups = load_algorithm(name), x.shape[1] // weight.shape[1]
    if not hasattr(module, "bind") or (name == "depthwise" and groups != len(weight)) or (adds and name != "channels_last"):
        return None
    prepared = _prepared_for(owner, name, weight, window, groups, x.dtype)
    if not prepared.finite:
        return None
    return module.bind(x.shape, prepared, bias, activation, adds=True) if adds else module.bind(x.shape, prepared, bias, activation)


def _output_shape(x_shape, weight_shape, window: Window) -> tuple[int, ...]:
    return (x_shape[0], weight_shape[0], *window.output_size(x_shape[2:], "conv2d"))


@functools.lru_cache(256)
def _planned(x_shape, weight_shape, window: Window, dtype, accuracy: str, channels_last: bool) -> tuple[str, tuple[int, ...]]:
    """Return what choose_algorithm says, and the output's shape: both are functions of whole numbers, and take a while in Python."""
    name = choose_algorithm(x_shape, weight_shape, window, dtype, accuracy, channels_last=channels_last)
    return name, _output_shape(x_shape, weight_shape, window)


def choose_algorithm(x_shape, weight_shape, window: Window, dtype, accuracy: str = "exact", *, channels_last: bool = False) -> str:
    """Return the name of the algorithm that conv2d(algorithm="auto") takes: a pure function of its arguments.

    The rule, in order: depthwise where every group has one input channel of several; for float64 pointwise for 1×1 kernels, else im2col.
    In float32: winograd for 3×3 kernels of stride 1 in one group where accuracy is "fast" and there are at least 16 channels and
    filters, or 64 filters of three channels, with tiles of 4×4 where there are enough of them (N·⌈P/4⌉·⌈Q/4⌉ ≥ 12), else 2×2;
    channels_last where x has its channels side by side in memory, or would do well to have: larger kernels of 64 channels and filters,
    and 1×1 kernels of many (C·K ≥ 2¹⁸, or 2¹⁷ on maps of P·Q ≤ 64) on maps of P·Q ≤ 200; pointwise for other 1×1 kernels; direct for few
    taps (C/G·R·S ≤ 400) under few filters (K/G ≤ 8) or on narrow maps (Q ≤ 16), whose rows gemm would have to piece together; gemm for the rest.

    >>> choose_algorithm((1, 32, 56, 56), (32, 1, 3, 3), Window.of(3), np.float32)
    'depthwise'
    >>> choose_algorithm((1, 32, 56, 56), (32, 32, 3, 3), Window.of(3), np.float32)
    'gemm'
    >>> choose_algorithm((1, 64, 56, 56), (64, 64, 3, 3), Window.of(3), np.float32, accuracy="fast")
    'winograd4'

    Fitted with benchmarks/algorithms.py on one core with AVX-512, to the 89 distinct convolutions of five networks and five of courses: it errs
    by more than a tenth on 4 of the 94, and takes 1.02 times as long as the fastest choice in the geometric mean, 2.4 times at worst
    (one filter on one large image, where im2col is ahead).
    Source: the way of scipy.signal.choose_conv_method, a rule that is fitted and says how often it errs.
    """
    (K, channels, R, S), groups, pointwise = weight_shape, x_shape[1] // weight_shape[1], window.is_pointwise
    if channels == 1 and groups > 1:
        return "depthwise"
    if dtype != np.float32:
        return "pointwise" if pointwise else "im2col"
    N, (P, Q) = x_shape[0], window.output_size(x_shape[2:], "conv2d")
    many = min(K, channels) >= MANY_CHANNELS or (K >= 4 * MANY_CHANNELS and channels == 3)
    if accuracy == "fast" and groups == 1 and many and _small_and_dense(window):
        filters_and_rest = (K + 32) * channels * 4  # bytes at one point, filters rounded up
        if N * -(-P // 4) * -(-Q // 4) >= MANY_TILES and 36 * filters_and_rest <= WINOGRAD_BUDGET:
            return "winograd4"
        if 16 * filters_and_rest <= WINOGRAD_BUDGET:
            return "winograd2"
    if channels_last or (groups == 1 and _worth_turning(K, channels, P * Q, pointwise)):
        return "channels_last"
    if pointwise:
        return "pointwise"
    return "direct" if channels * R * S <= 400 and (K // groups <= 8 or Q <= 16) else "gemm"


def _worth_turning(K: int, C: int, positions: int, pointwise: bool) -> bool:
    """Whether laying the channels of a pixel side by side, and back, costs less than the panels of gemm.py and their ends."""
    if not pointwise:
        return min(K, C) >= 4 * MANY_CHANNELS
    return positions <= 200 and (1 << 17 if positions <= 64 else 1 << 18) <= K * C


def _small_and_dense(window: Window) -> bool:
    return window.kernel == (3, 3) and window.stride == (1, 1) and window.dilation == (1, 1)


def pad_by_mode(x, window: Window):
    """Return x padded by reflection, replication or wrapping, and the window without padding; zeros are left alone."""
    if window.padding_mode == "zeros":
        return x, window
    if not window.padded(x.shape[2:]):
        return x, Window(window.kernel, window.stride, window.padding, window.dilation)
    sides = window.resolve(x.shape[2:]).padding
    padded = np.pad(x, ((0, 0), (0, 0), *sides), mode=_PAD_WORDS[window.padding_mode])
    return padded, Window(window.kernel, window.stride, ((0, 0), (0, 0)), window.dilation)


_prepared: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def _prepared_for(owner, name: str, weight, window: Window, groups: int, dtype):
    """Return what was prepared for a layer; without a lock, since two threads that both prepare get the same."""
    key = (name, dtype, window)
    kept = _prepared.setdefault(owner, {})
    found = kept.get(key)
    if found is None:
        found = kept[key] = load_algorithm(name).prepare(weight.astype(dtype, copy=False), window, groups)
    return found
