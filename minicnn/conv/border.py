"""Which question: what comes back to an input whose border was filled with copies of its own positions?

Idea: a border that mirrors, repeats or wraps reads a position several times, so that position collects the
gradients of all its copies; the rule that says which position a copy was taken from is window.py's, for a kernel
of size 1.  A border of zeros gives nothing back.
Cost: one copy of the inside, one row or column per border position.
Next room: gradient.py, and functional/rearrange.py, whose pad does the same.
"""

import numpy as np

from minicnn.axis import Slide


def collected(grad: np.ndarray, rule: Slide, n: int, axis: int) -> np.ndarray:
    """Return, along one axis, what each of n inputs gets back: its own gradient and those of its copies in the border.

    >>> from minicnn.window import Window
    >>> rule, _ = Window.of(1, padding=((1, 0), (0, 0)), padding_mode="replicate").axes((3, 1))
    >>> collected(np.array([10.0, 1.0, 2.0, 3.0]), rule, 3, axis=0)
    array([11.,  2.,  3.])
    """
    own = (slice(None),) * axis
    total = grad[(*own, slice(rule.before, rule.before + n))].copy()
    if rule.mode == "zeros":
        return total
    with np.errstate(all="ignore"):
        for place in (*range(rule.before), *range(rule.before + n, grad.shape[axis])):
            total[(*own, rule.sees(place, n)[0])] += grad[(*own, place)]
    return total
