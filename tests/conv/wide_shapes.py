"""Convolutions of float32 whose channels, filters and sizes reach past every tile: for test_every_shape.py and test_memory.py.

`PRODUCTS` bounds what one case costs by the law, which is plain loops: about a nanosecond a product compiled, a microsecond else.
"""

from math import prod

import numba
import numpy as np
from convolutions import Case
from hypothesis import strategies as st

from minicnn.conv.gallery import ALGORITHMS, load_algorithm
from minicnn.conv.memory_format import channels_last, is_channels_last
from minicnn.window import Window

UNCOMPILED = bool(numba.config.DISABLE_JIT)
PRODUCTS = 3_000 if UNCOMPILED else 2_000_000
FAST = [name for name in ALGORITHMS if name not in ("reference", "im2col", "fft")]  # with loops of their own for float32
WINOGRAD = [name for name in FAST if name.startswith("winograd")]


def numbers(rng, shape, values):
    """Whole numbers so small that every sum is exact and F(4, 3), whose arithmetic has fractions, rounds to it; or normal ones."""
    return rng.integers(-3, 4, shape).astype(np.float32) if values == "integer" else rng.standard_normal(shape, np.float32)


def made(x_shape, w_shape, values="integer", *, bias=True, seed=0, stride=1, padding=0, dilation=1):
    """Return the Case of these shapes; groups follow from them."""
    rng = np.random.default_rng([seed, *x_shape, *w_shape])
    offset = numbers(rng, w_shape[:1], values) if bias else None
    arguments = {"stride": stride, "padding": padding, "dilation": dilation, "groups": x_shape[1] // w_shape[1]}
    return Case(numbers(rng, x_shape, values), numbers(rng, w_shape, values), offset, arguments)


def window_of(case: Case) -> Window:
    return Window.of(case.weight.shape[2:], *(case.arguments[name] for name in ("stride", "padding", "dilation")))


def computed(name: str, case: Case, activation=None) -> np.ndarray:
    """Run one algorithm as dispatch does, with an activation at the store; channels_last inputs must give the same bits, channels_last."""
    module, window = load_algorithm(name), window_of(case)
    prepared = module.prepare(case.weight, window, case.arguments["groups"])
    with np.errstate(all="ignore"):  # sums that nobody wants may be of anything
        y = module.run(case.x, prepared, case.bias, activation)
        if hasattr(module, "bind"):
            x, (_, K, P, Q) = channels_last(case.x), y.shape
            last = module.run(x, prepared, case.bias, activation)
            np.testing.assert_array_equal(last, y)
            several = name == "depthwise" and x.shape[1] != K  # filters a channel: by a copy of x
            assert is_channels_last(last) or several or not is_channels_last(x) or 1 in (K, P * Q)
        return y


def applies(name: str, case: Case) -> bool:
    return load_algorithm(name).why_not(case.x.shape, case.weight.shape, window_of(case), np.dtype(np.float32)) is None


@st.composite
def wide_cases(draw, name: str, values="integer") -> Case:
    """Draw a Case that `name` takes: up to 70 channels and filters, maps of up to 40×40, as many products as PRODUCTS."""
    up_to = lambda least, most: draw(st.integers(least, most))  # noqa: E731
    steps = [1, 1] if name in WINOGRAD else [up_to(1, 4), up_to(1, 4)]
    dilation = [1, 1] if name in WINOGRAD else [up_to(1, 3), up_to(1, 3)]
    kernel = (1, 1) if name == "pointwise" else (3, 3) if name in WINOGRAD else (up_to(1, 6), up_to(1, 6))
    if name == "depthwise":
        kernel = draw(st.sampled_from([(3, 3), (5, 5), kernel]))
        groups, channels, filters = up_to(2, 70), 1, up_to(1, 2)
    else:
        groups = 1 if name in WINOGRAD else up_to(1, 4)
        channels, filters = up_to(1, 70 // groups), up_to(1, 70 // groups)
    padding = tuple((up_to(0, 4), up_to(0, 4)) for _ in "hw")
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    size = [max(up_to(1, 40), span - sum(sides)) for span, sides in zip(spans, padding, strict=True)]
    images = up_to(1, 3)
    window = Window.of(kernel, tuple(steps), padding, tuple(dilation))
    extents = {"images": images, "groups": groups, "channels": channels, "filters": filters, "rows": size[0], "columns": size[1]}
    least = {"rows": max(1, spans[0] - sum(padding[0])), "columns": max(1, spans[1] - sum(padding[1]))}
    if name == "depthwise":
        least["groups"] = 2
    while products_of(extents, window) > PRODUCTS:  # the one that is farthest above its least shrinks by an odd amount
        longest = max(extents, key=lambda which: extents[which] / least.get(which, 1))
        extents[longest] = max(least.get(longest, 1), extents[longest] * 5 // 7)
    images, groups, channels, filters, *size = extents.values()
    arguments = {"stride": tuple(steps), "padding": padding, "dilation": tuple(dilation)}
    shapes = (images, groups * channels, *size), (groups * filters, channels, *kernel)
    return made(*shapes, values, bias=draw(st.booleans()), seed=up_to(0, 99), **arguments)


def products_of(extents: dict, window: Window) -> int:
    out = window.output_size((extents["rows"], extents["columns"]))
    return prod(extents[name] for name in ("images", "groups", "channels", "filters")) * prod(window.kernel) * prod(out)


def ragged(name: str) -> list[Case]:
    """Return a few small cases whose every extent ends within a tile."""
    if name == "depthwise":
        return [
            made((2, 3, 7, 5), (3, 1, 3, 3), padding=1),
            made((1, 17, 9, 11), (17, 1, 3, 3), padding=((1, 0), (2, 1)), stride=2),
            made((1, 9, 6, 13), (18, 1, 5, 5), padding=2),
            made((1, 25, 8, 3), (25, 1, 5, 5), bias=False, padding=2, stride=(1, 2)),
            made((2, 35, 5, 4), (35, 1, 2, 3), dilation=(2, 1), stride=(3, 1)),
            made((1, 8, 1, 1), (8, 1, 3, 3), padding=1),
            made((1, 21, 6, 8), (21, 1, 1, 1)),
            made((1, 3, 75, 38), (3, 1, 3, 2), stride=(2, 1), padding=1),
        ]
    if name in WINOGRAD:
        return [
            made((1, 1, 3, 3), (1, 1, 3, 3)),
            made((2, 3, 7, 5), (5, 3, 3, 3), padding=1),
            made((1, 17, 6, 13), (9, 17, 3, 3), bias=False),
            made((1, 8, 9, 8), (33, 8, 3, 3), padding=((0, 2), (1, 0))),
            made((3, 19, 1, 2), (25, 19, 3, 3), padding=((1, 1), (2, 4))),
            made((1, 9, 4, 21), (49, 9, 3, 3), padding=1),
            made((1, 2, 5, 4), (290, 2, 3, 3)),
        ]
    size = (1, 1) if name == "pointwise" else (3, 2)
    return [
        made((1, 1, *size), (1, 1, *size)),
        made((2, 3, 7, 5), (5, 3, *size), padding=1),
        made((1, 17, 6, 9), (9, 17, *size), bias=False),
        made((1, 10, 9, 8), (14, 5, *size), padding=((0, 2), (1, 0)), stride=(2, 1)),
        made((3, 6, 3, 11), (33, 2, *size), stride=(1, 3)),
        made((1, 2, 8, 41), (8, 2, *size)),
        made((1, 4, 9, 33), (18, 2, *size), padding=((2, 0), (0, 3)), dilation=(2, 3)),
        made((2, 290, 3, 4), (3, 290, *size)),
        made((1, 2, 4, 3), (290, 2, *size)),
    ]
