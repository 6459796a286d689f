"""Which question: which products does a number sum, where its layer sums products?

    y = activation(bias + Σ factor · cell)

Idea: convolution, its transpose, a linear layer, an average, interpolation, the sum of branches and fold are this one equation; they
differ in which cells a number looks at and in the factors.  Positions come from the layers' one-axis rules (axis.py).

Contract: with T products, in whatever order they are summed, the stored number lies within (T + 2)·eps·(Σ|products| + |bias|) of
their sum in float64, and T + 2 losses to underflow (conv/contract.py).  That holds for averages too, whose one division replaces T
roundings of products, and for interpolation, whose products are rounded four times but have at most two additions.  ReLU and ReLU6
at the store bring no two numbers further apart, SiLU by 1.1 at most, and its own evaluation is off by 11 eps (two exponentials
of 4 eps, three roundings on either side).  Winograd and the FFT have bounds of their own, asked of contract.py.
Cost: O(terms).  What it does not do: layers that bend (bent.py) or hand on (moved.py).
Source: Higham, "Accuracy and Stability of Numerical Algorithms" (2002), section 3.1.  Next room: moved.py.
"""

from dataclasses import replace

import numpy as np

from minicnn import functional as F
from minicnn.conv.contract import allowed_error
from minicnn.conv.dispatch import choose_algorithm
from minicnn.probe.terms import Part, Question, Working, cells, inside, places, window
from minicnn.window import Window

ACTIVATIONS = {"relu": F.relu, "relu6": F.relu6, "silu": F.silu}
NORMS = ("fft", "winograd2", "winograd4")  # algorithms that do not sum the equation's own products


def summed(asked: Question, equation: str, parts, bias=None, activation=None, *, allowed=None, notes=(), kind="products") -> Working:
    """Return the working of a sum of products, with the contract's bound unless another is given."""
    products = np.concatenate([part.products for part in parts]) if parts else np.zeros(0)
    with np.errstate(all="ignore"):
        total = float(products.sum()) + (0.0 if bias is None else float(bias))
        if allowed is None:
            allowed = contract(asked, parts, bias)
        result = total
        if activation is not None:
            result = float(ACTIVATIONS[activation](np.array([total]))[0])
            allowed = 1.1 * allowed + 11 * asked.eps * abs(result) if activation == "silu" else allowed
    return Working(kind, equation, tuple(parts), total, result, float(allowed), bias, activation, notes=tuple(notes))


def contract(asked: Question, parts, bias=None) -> float:
    """Return (T + 2)·eps·(Σ|products| + |bias|) and underflow; 0 for one cell as it is, ∞ where the sums may overflow."""
    count = sum(len(part) for part in parts)
    if bias is None and (count == 0 or (count == 1 and (parts[0].factors is None or parts[0].factors[0] == 1))):
        return 0.0
    size = sum(float(np.abs(part.products).sum()) for part in parts) + abs(float(bias or 0))
    if size > asked.largest:
        return np.inf
    return (count + 2) * (asked.eps * size + asked.smallest)


def bias_of(layer, k: int) -> float | None:
    return None if layer.bias is None else float(layer.bias[k])


def convolution(asked: Question) -> Working:
    """Return the products of a convolution: the window of every input channel of the group under one filter."""
    layer, x, (*lead, k, i, j) = asked.layer, asked.x, asked.index
    share = layer.weight.shape[1]
    first = k // (layer.weight.shape[0] // layer.groups) * share
    rows, columns = (places(rule, at, n) for rule, at, n in zip(layer.window.axes(x.shape[-2:]), (i, j), x.shape[-2:], strict=True))
    part = window(asked.names[0], x, tuple(lead), first + np.arange(share), rows, columns, layer.weight[k])
    parts, equation = [part], _convolution_equation(asked, first)
    if len(asked.inputs) > 1:  # ConvAdd
        parts.append(cells(asked.names[1], asked.inputs[1], asked.index, 1))
        equation += f" + {asked.names[1]}[{k}, {i}, {j}]"
    found = summed(asked, equation, parts, bias_of(layer, k), layer.activation)
    return _as_it_was_computed(asked, found, tuple(lead), range(first, first + share), k)


def _convolution_equation(asked: Question, first: int) -> str:
    """Return the convolution's equation with this number's own place, stride, dilation and padding."""
    layer, (k, i, j) = asked.layer, asked.index[-3:]
    rules = layer.window.axes(asked.x.shape[-2:])
    rows, columns = (
        (f"{at}·{rule.stride}" if rule.stride > 1 else f"{at}")
        + (f" + {rule.dilation}·{letter}" if rule.dilation > 1 else f" + {letter}")
        + (f" - {rule.before}" if rule.before else "")
        for at, rule, letter in zip((i, j), rules, "ij", strict=True)
    )
    channel = f"{first} + c" if first else "c"
    border = "" if layer.window.padding_mode == "zeros" else f", {layer.window.padding_mode} at the border"
    bias = "" if layer.bias is None else f"b[{k}] + "
    return f"y[{k}, {i}, {j}] = {bias}Σ w[{k}, c, i, j] · x[{channel}, {rows}, {columns}]{border}"


def _as_it_was_computed(asked: Question, found: Working, lead, channels: range, k: int) -> Working:
    """Return the working with the bound of the algorithm that was used, where that sums other products than the equation's."""
    layer, name = asked.layer, asked.layer.algorithm
    if name == "auto" and not abs(asked.stored - found.result) <= found.allowed and asked.x.ndim == 4:
        name = choose_algorithm(asked.x.shape, layer.weight.shape, layer.window, asked.dtype, "fast")
    if name not in NORMS:
        return found
    group = (lead, slice(channels.start, channels.stop))
    x = asked.x[(*group[0], group[1])][None]
    weight, bias = (None if a is None else a[k : k + 1].astype(asked.dtype) for a in (layer.weight, layer.bias))
    settings = {name: getattr(layer.window, name) for name in ("stride", "padding", "dilation", "padding_mode")}
    bound = float(allowed_error(name, x, weight, bias, **settings)[(0, 0, *asked.index[-2:])]) + contract(asked, found.parts, found.bias)
    again = summed(asked, found.equation, found.parts, found.bias, found.activation, allowed=bound)
    return replace(again, notes=(f"{name} sums other products than the equation's; the bound is its own",))


def transposed(asked: Question) -> Working:
    """Return the products of a transposed convolution: the cells whose stamped filters meet here."""
    layer, x, (*lead, k, i, j) = asked.layer, asked.x, asked.index
    per_group = layer.weight.shape[1]
    group, own = divmod(k, per_group)
    share = layer.in_channels // layer.groups
    channels = group * share + np.arange(share)
    reached = [_reaching(rule, at, n) for rule, at, n in zip(layer.rules, (i, j), x.shape[-2:], strict=True)]
    (rows, row_taps), (columns, column_taps) = reached
    filters = layer.weight[channels, own][:, row_taps][:, :, column_taps]
    part = window(asked.names[0], x, tuple(lead), channels, inside(rows), inside(columns), filters)
    bias = "" if layer.bias is None else f"b[{k}] + "
    equation = f"y[{k}, {i}, {j}] = {bias}Σ w[c, {own}, …] · x[c, …] over the cells whose filters reach here"
    notes = () if len(part) else ("no input cell's filter reaches this place",)
    return summed(asked, equation, [part], bias_of(layer, k), notes=notes)


def _reaching(rule, i: int, n: int) -> tuple[list[int], list[int]]:
    """Return the cells of one axis whose filters reach output i, in order, and the tap with which each does.

    >>> from minicnn.axis import Transposed
    >>> _reaching(Transposed(kernel=3, stride=2), 2, 4)        # 2 = 0·2 + 2 = 1·2 + 0
    ([0, 1], [2, 0])
    """
    taps = ((divmod(i + rule.before - t * rule.dilation, rule.stride), t) for t in reversed(range(rule.kernel)))
    found = [(q, t) for (q, rest), t in taps if rest == 0 and 0 <= q < n]
    return [q for q, _ in found], [t for _, t in found]


def linear(asked: Question) -> Working:
    """Return the products of a fully connected layer: all features under one row of the weight."""
    layer, *lead = asked.layer, *asked.index[:-1]
    o, features = asked.index[-1], layer.in_features
    index = np.column_stack([np.full(features, n) for n in lead] + [np.arange(features)])
    equation = f"y[{o}] = {'' if layer.bias is None else f'b[{o}] + '}Σ w[{o}, f] · x[f]"
    return summed(asked, equation, [cells(asked.names[0], asked.x, index, layer.weight[o])], bias_of(layer, o))


def average(asked: Question) -> Working:
    """Return the shares of an average over a window; the divisor is PyTorch's."""
    layer, x, (*lead, c, i, j) = asked.layer, asked.x, asked.index
    size, rules = x.shape[-2:], layer.window.axes(x.shape[-2:])
    rows, columns = (places(rule, at, n) for rule, at, n in zip(rules, (i, j), size, strict=True))
    down, across = (_counted(rule, at, n, layer.count_include_pad) for rule, at, n in zip(rules, (i, j), size, strict=True))
    divisor = layer.divisor_override or down * across
    why = (
        "the divisor that the layer was given"
        if layer.divisor_override
        else f"{down}·{across} positions" + (", padding counted" if layer.count_include_pad else ", padding not counted")
    )
    return _mean(asked, window(asked.names[0], x, tuple(lead), c, rows, columns, 1 / divisor), divisor, why)


def _counted(rule, i: int, n: int, padding: bool) -> int:
    """Return how many positions of one axis count: all that the padded map has, or those of the map alone."""
    whole = replace(rule, before=0, after=0)
    return len(whole.sees(i, n + rule.before + rule.after)) if padding else len(rule.sees(i, n))


def shared_average(asked: Question) -> Working:
    """Return the shares of adaptive average pooling."""
    x, (*lead, c, i, j) = asked.x, asked.index
    rows, columns = (places(rule, at, n) for rule, at, n in zip(asked.layer.axes(x.shape)[0], (i, j), x.shape[-2:], strict=True))
    count = len(rows.at) * len(columns.at)
    part = window(asked.names[0], x, tuple(lead), c, rows, columns, 1 / count)
    return _mean(asked, part, count, f"{len(rows.at)}·{len(columns.at)} cells")


def _mean(asked: Question, part: Part, divisor: int, why: str) -> Working:
    return summed(asked, f"y = (Σ x) / {divisor}", [part], notes=(f"{divisor} is {why}",))


def resized(asked: Question) -> Working:
    """Return the taps of an interpolation and their weights."""
    x, (*lead, c, i, j) = asked.x, asked.index
    taps = [rule.taps(at, n) for rule, at, n in zip(asked.layer.axes(x.shape)[0], (i, j), x.shape[-2:], strict=True)]
    rows, columns = ([place for place, _ in axis] for axis in taps)
    down, across = ([float(weight) for _, weight in axis] for axis in taps)
    part = window(asked.names[0], x, tuple(lead), c, inside(rows), inside(columns), np.outer(down, across))
    if asked.layer.mode == "nearest":
        return summed(asked, "y = x at the nearest cell", [part])
    down, across = (" and ".join(f"{weight}" for _, weight in axis) for axis in taps)
    return summed(asked, "y = Σ (weight of the row) · (weight of the column) · x", [part], notes=(f"rows {down}, columns {across}",))


def added(asked: Question) -> Working:
    """Return the numbers of all branches at one place."""
    parts = [cells(name, x, asked.index, 1) for name, x in zip(asked.names, asked.inputs, strict=True)]
    return summed(asked, "y = " + " + ".join(asked.names), parts, activation=asked.layer.activation)


def folded(asked: Question) -> Working:
    """Return the columns' numbers that lie on one place of the map."""
    layer, x, (*lead, c, i, j) = asked.layer, asked.x, asked.index
    rules = Window.of(layer.kernel_size, layer.stride, layer.padding, layer.dilation, what="Fold").axes(layer.output_size)
    rows, columns = ([*_covering(rule, at, n)] for rule, at, n in zip(rules, (i, j), layer.output_size, strict=True))
    kh, kw = layer.kernel_size
    across = rules[1].out_size(layer.output_size[1])
    index = [(*lead, (c * kh + t) * kw + u, p * across + q) for p, t in rows for q, u in columns]
    notes = () if index else ("no window lies on this place",)
    part = cells(asked.names[0], x, np.array(index, np.int64).reshape(-1, x.ndim), 1)
    return summed(asked, "y = Σ x over the windows that lie here", [part], notes=notes)


def _covering(rule, h: int, n: int):
    """Yield (window, tap) of one axis for every window that lies on position h.

    >>> from minicnn.axis import Slide
    >>> list(_covering(Slide(kernel=3, stride=2, before=1), 1, 5))        # windows begin at -1, 1 and 3
    [(0, 2), (1, 0)]
    """
    for tap in reversed(range(rule.kernel)):
        p, rest = divmod(h + rule.before - tap * rule.dilation, rule.stride)
        if rest == 0 and 0 <= p < rule.out_size(n):
            yield p, tap
