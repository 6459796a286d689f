"""Which question: which sizes and settings may a case of an assignment have?

Idea: a Hypothesis strategy of flat dictionaries of whole numbers, drawn one axis at a time: the kernel, stride, padding and dilation first,
then an input that they fit, so that no draw is thrown away and every number shrinks towards its smallest.  Rows and columns are drawn apart,
so shapes are unequal, strides often do not divide, and the kernel is often 1 or as large as the input.

    N, C, K: images, channels, filters   H, W: input   kh, kw: kernel   sh, sw: stride   ph, pw: padding   dh, dw: dilation

Cost: a draw of a dozen numbers.  What it does not do: arrays (case.py fills them).
Source: MacIver & Hatfield-Dodds, Hypothesis: a new approach to property-based testing, JOSS 4 (2019).  Next room: bounds.py.
"""

from hypothesis import strategies as st

__all__ = ["pair", "pooling", "sizes", "sliding"]


def sizes(**ranges: tuple[int, int]):
    """Return a strategy of dictionaries with a whole number from (least, most) under every name, in this order.

    Source: hypothesis.strategies.fixed_dictionaries.

    >>> from hypothesis import find
    >>> find(sizes(N=(1, 2), C=(1, 3)), lambda settings: settings["C"] > 1) == {"N": 1, "C": 2}
    True
    """
    drawn = st.fixed_dictionaries({name: st.integers(least, most) for name, (least, most) in ranges.items()})
    return drawn.map(lambda settings: {name: settings[name] for name in ranges})  # Hypothesis turns the order over, to be helpful


@st.composite
def sliding(draw, *, kernel=3, stride=1, padding=0, dilation=None, within_half=False, extra=4, **ranges):
    """Draw the settings of a sliding step over rows and columns, and a number for each of `ranges`.

    kernel, stride, padding, dilation are the most that an axis gets; the kernel spans d·(k - 1) + 1, so the input is drawn from
    max(1, d·(k - 1) + 1 - 2·p) to `extra` - p more.  Without `dilation` there are no dh and dw.  within_half: padding ≤ kernel // 2, as pooling wants.

    >>> from hypothesis import find
    >>> case = find(sliding(stride=2, N=(1, 2)), lambda settings: settings["sw"] > 1)
    >>> {name: number for name, number in case.items() if number > 1}
    {'sw': 2}
    """
    settings = draw(sizes(**ranges))
    for size, letter in (("H", "h"), ("W", "w")):
        k, s = draw(st.integers(1, kernel)), draw(st.integers(1, stride))
        p = draw(st.integers(0, min(padding, k // 2) if within_half else padding))
        d = draw(st.integers(1, dilation or 1))
        least = max(1, d * (k - 1) + 1 - 2 * p)
        settings[size] = draw(st.integers(least, least + max(extra - p, 0)))
        settings |= {"k" + letter: k, "s" + letter: s, "p" + letter: p} | ({"d" + letter: d} if dilation else {})
    return settings


def pooling(*, kernel=3, stride=3, padding=0):
    """Return the settings of a pooling over N images of C channels; its padding is at most half its kernel.

    >>> from hypothesis import find
    >>> case = find(pooling(padding=1), lambda settings: settings["ph"] > 0)
    >>> case["kh"], case["ph"], case["kw"]
    (2, 1, 1)
    """
    return sliding(kernel=kernel, stride=stride, padding=padding, within_half=True, N=(1, 2), C=(1, 3))


def pair(settings, letter: str) -> tuple[int, int]:
    """Return one setting for rows and columns: letter 'k', 's', 'p' or 'd'.

    >>> pair({"sh": 2, "sw": 1}, "s")
    (2, 1)
    """
    return settings[letter + "h"], settings[letter + "w"]
