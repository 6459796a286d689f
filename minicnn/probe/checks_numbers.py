"""Which question: what is wrong with the numbers that went through a network?

Idea: each check is one function from a Case with a trace to its findings.  A fault is told where it was born: where what goes into
a node is well and what comes out is not.

    not a number        numbers that are not finite: in the input, in a parameter, or born in a node
    dead channels       an activation most of whose channels are zero everywhere
    constant maps       a layer with weights, most of whose channels say the same at every place
    saturated units     a sigmoid, tanh or ReLU6 most of whose numbers lie at a limit, where the slope is none

Cost: a few reads of every map.
When it loses: on one image.  A channel of a late layer may stand for something that this photo does not show; so a channel counts as
asked once for every part of the images that has no pixel in common with the others (Case.looks), and what it owes is worked out from that.
Source: Lu et al. (2019); Hu et al. (2016); Glorot & Bengio (2010); each is named where its threshold stands.
Next room: checks_scale.py.
"""

from math import exp, log, sqrt

import numpy as np

from minicnn.layers import BatchNorm2d, Conv2d, ConvTranspose2d, GroupNorm, LayerNorm, Linear, ReLU6, Sigmoid, Tanh
from minicnn.network import Node
from minicnn.network.node import first_nodes
from minicnn.probe.finding import SILENT, Case, Finding, constant, images, listed

# The share of zeros behind the sparsest layer of a trained VGG-16, conv5_3, by Hu et al., "Network Trimming" (2016), table 1: a
# healthy channel may be off in this many of the places that it is asked at.
ZEROS = 0.93

# More silent channels than that, or than SILENT, are told where a layer has them with a chance below one in a hundred.  Single dead
# channels are common in healthy networks (4 of 32 in EfficientNet-Lite0's stem); print the trace to see them.
CHANCE = 0.01

# Within 1% of the range of a limit, sigmoid and tanh have less than 4% of their steepest slope: 4·0.01·0.99, and 1 - 0.98².  Where more
# than half of the numbers lie there, so does the median, and hardly a gradient passes: Glorot & Bengio, "Understanding the
# Difficulty of Training Deep Feedforward Neural Networks" (2010), section 3.
NEAR = 0.01
SATURATED = 0.5


WEIGHTED = (Conv2d, ConvTranspose2d, Linear, BatchNorm2d, GroupNorm, LayerNorm)


def not_a_number(case: Case) -> list[Finding]:
    """Find numbers that are not finite, where they were born: in the input, in a parameter, or in a node."""
    clean = {m.name: m.dtype.kind != "f" or bool(np.isfinite(m.data).all()) for m in case.trace}
    kind, found = "not a number", []
    for name in case.net.inputs:
        if not clean[name]:
            told = f"the input holds {_where(case.trace[name].data)}."
            found.append(Finding(kind, name, told, "the data came with it.", "look for it where the data is read and scaled.", {}))
    spoiled = {}
    measured = {name: array for name, array in case.net.buffers().items() if name.endswith(("running_mean", "running_var"))}
    for name, array in {**case.net.parameters(), **measured}.items():
        if isinstance(array, np.ndarray) and not np.isfinite(array).all():
            node, _, field = name.rpartition(".")
            spoiled.setdefault(node, []).append(field)
            told = f"its {field} holds {_where(array)}."
            cause = "a training step that diverged left them, or a file of weights that is damaged."
            remedy = "go back to the weights before that step and use a smaller learning rate, or load the file again."
            found.append(Finding(kind, node, told, cause, remedy, {"parameter": field}))
    first = first_nodes(case.net)
    for node in case.net:
        if not clean[node.name] and all(clean[name] for name in node.inputs) and first[id(node.layer)] not in spoiled:
            found.append(_born(case, node))
    return found


def _born(case: Case, node: Node) -> Finding:
    data = case.trace[node.name].data
    largest = max(float(np.abs(case.trace[name].data).max(initial=0)) for name in node.inputs)
    told = f"born here: its inputs are finite, the largest ±{largest:.3g}, and its output holds {_where(data)}."
    cause, remedy = _arithmetic(node, largest, data.dtype)
    bad = ~np.isfinite(data)
    place = tuple(int(i) for i in np.unravel_index(int(bad.reshape(-1).argmax()), data.shape))
    return Finding("not a number", node.name, told, cause, remedy, {"count": int(bad.sum()), "first": place, "largest_input": largest})


def _arithmetic(node: Node, largest: float, dtype) -> tuple[str, str]:
    """Return the likely operation that left the finite numbers, and what to do about it."""
    layer, top = node.layer, float(np.finfo(dtype).max)
    if isinstance(layer, BatchNorm2d) and float(layer.running_var.min()) + layer.eps <= 0:
        channel = int(layer.running_var.argmin())
        told = f"a root or a division: running_var[{channel}] + eps = {float(layer.running_var[channel]) + layer.eps:.3g}, which must be above 0."
        return told, "load running statistics that are variances, and use an eps above 0, such as 1e-5."
    if isinstance(layer, BatchNorm2d | GroupNorm | LayerNorm) and layer.eps == 0:
        return "a division by √variance where the variance is 0, since eps is 0.", "use an eps above 0, such as 1e-5."
    if largest > sqrt(top):
        return f"an overflow: products and sums of such numbers leave {dtype}, which ends at {top:.2g}.", _SMALLER
    return f"its arithmetic leaves {dtype}: a division by 0, ∞ - ∞, or a product beyond {top:.2g}.", _SMALLER


_SMALLER = "scale the input to about ±1, use smaller first weights or normalization before this node, or a smaller learning rate."


def _where(array: np.ndarray) -> str:
    """Return how many numbers are not finite, and where the first of them is."""
    bad = ~np.isfinite(array)
    first = np.unravel_index(int(bad.reshape(-1).argmax()), array.shape)
    names = {4: ("image", "channel", "row", "column"), 2: ("image", "feature")}.get(array.ndim, ("index",) * array.ndim)
    place = ", ".join(f"{name} {int(i)}" for name, i in zip(names, first, strict=True))
    count = int(bad.sum())
    return f"{count:,} of {array.size:,} numbers that {'is' if count == 1 else 'are'} not finite, the first, {array[first]}, at {place}"


def dead_channels(case: Case) -> list[Finding]:
    """Find activations most of whose channels are zero at every place of every image: dying ReLU (Lu et al. 2019)."""
    found = []
    for node, m in _born_silent(case):
        if m.kind != "activation":
            continue
        low, high = case.ranges[node.name]
        dead = (low == 0) & (high == 0)
        chance = by_chance(int(dead.sum()), dead.size, case.looks(node.name))
        if chance > CHANCE:
            continue
        told = f"{_counted(case, node, dead, 'zero')}{_highest(case, node, dead)}"
        cause = (
            "a step too large, or first weights and biases, pushed them below zero, where a ReLU passes no gradient back (Lu et al. 2019)."
        )
        remedy = (
            "a smaller learning rate, He's first weights, normalization before the activation, or LeakyReLU; with trained weights, check "
        )
        remedy += "how the input is scaled." + _more_images(case)
        found.append(Finding("dead channels", node.name, told, cause, remedy, _silent_numbers(case, node, dead, chance)))
    return found


def constant_maps(case: Case) -> list[Finding]:
    """Find layers with weights most of whose channels hold one number only, dead ones behind an activation not counted."""
    found = []
    for name in case.net.inputs:
        if case.silent(name) > SILENT:
            told = f"{case.silent(name):.0%} of the input's channels hold the same number everywhere."
            found.append(Finding("constant maps", name, told, "the photo is empty, or was scaled away.", "look at what is fed in.", {}))
    for node, m in _born_silent(case):
        if not isinstance(node.layer, WEIGHTED) or case.numbers_each(node.name) < 2:
            continue  # pooling over a whole map makes it one number, rightly, and activations that are all at a limit are saturated
        low, high = case.ranges[node.name]
        same = constant(low, high) & ((high != 0) if m.kind == "activation" else True)
        chance = by_chance(int(same.sum()), same.size, case.looks(node.name))
        if chance > CHANCE:
            continue
        told = _counted(case, node, same, "one number")
        cause = "weights or a scale of zero, or numbers too small beside a bias: what goes in varies, and what comes out does not."
        remedy = "look at this node's parameters: were they loaded, or decayed away?" + _more_images(case)
        found.append(Finding("constant maps", node.name, told, cause, remedy, _silent_numbers(case, node, same, chance)))
    return found


def by_chance(silent: int, channels: int, looks: int) -> float:
    """Return a bound on the chance that so many channels, or more, are silent without a fault.

    Each is silent with probability p = max(ZEROS**looks, SILENT), and exp(-channels · KL(share, p)) bounds the chance; that all of
    them are, so that nothing passes, is asked of ZEROS**looks alone.
    Source: Chernoff's bound; Boucheron, Lugosi, Massart, "Concentration Inequalities" (2013), section 2.2.

    >>> round(by_chance(8, 8, 1), 2), by_chance(8, 8, 49) < 1e-9, by_chance(66, 128, 729) > 0.5, by_chance(90, 128, 729) < 1e-4
    (0.56, True, True, True)
    """
    share, log_p = silent / channels, looks * log(ZEROS)
    if silent == channels:
        return exp(channels * log_p)
    p = max(exp(log_p), SILENT)
    if share <= p:
        return 1.0
    return exp(-channels * (share * log(share / p) + (1 - share) * log((1 - share) / (1 - p))))


def _born_silent(case: Case):
    """Yield the nodes whose channels may be judged, with their maps: numbers are finite, and something that varies goes in."""
    for node in case.net:
        if case.sound(node.name) and any(case.silent(name) <= SILENT for name in node.inputs):
            yield node, case.maps[node.name]


def _counted(case: Case, node: Node, silent: np.ndarray, what: str) -> str:
    each = case.numbers_each(node.name)
    told = f"{int(silent.sum()):,} of {silent.size:,} channels ({silent.mean():.0%}) are {what} at all {each:,} places of {images(case.images)}"
    return f"{told}: {listed(np.flatnonzero(silent))}."


def _highest(case: Case, node: Node, dead: np.ndarray) -> str:
    before = node.inputs[0]
    if not case.sound(before) or case.ranges[before][1].shape != dead.shape:
        return ""
    return f" What goes in is at most {float(case.ranges[before][1][dead].max()):.3g} there."


def _more_images(case: Case) -> str:
    return " The evidence is one image: ask again with a batch." if case.images == 1 else ""


def _silent_numbers(case: Case, node: Node, silent: np.ndarray, chance: float) -> dict:
    share = {"channels": silent.size, "silent": tuple(map(int, np.flatnonzero(silent))), "share": float(silent.mean())}
    return {**share, "images": case.images, "looks": case.looks(node.name), "chance": chance}


def saturated_units(case: Case) -> list[Finding]:
    """Find activations inside the network most of whose numbers lie at a limit."""
    found = []
    for node in case.net:
        limits = _limits(node)
        if limits is None or node.name in case.net.outputs or not case.sound(node.name):
            continue
        low, high = (float(share) for share in _at_the_limits(case.maps[node.name].data, *limits))
        if low + high > SATURATED:
            told = f"{low + high:.0%} of its numbers lie at a limit, to {NEAR:.0%} of the range: {low:.0%} at {limits[0]}, {high:.0%} at {limits[1]}."
            cause = "what goes in is too large, so the slope is next to nothing and hardly a gradient passes (Glorot & Bengio 2010)."
            remedy = "scale the input to about ±1, use smaller first weights, normalization before this node, or a ReLU in its place."
            found.append(Finding("saturated units", node.name, told, cause, remedy, {"low": low, "high": high, "limits": limits}))
    return found


def _limits(node: Node) -> tuple[int, int] | None:
    if isinstance(node.layer, Sigmoid):
        return 0, 1
    if isinstance(node.layer, Tanh):
        return -1, 1
    return (0, 6) if isinstance(node.layer, ReLU6) or node.layer.activation == "relu6" else None


def _at_the_limits(data: np.ndarray, low: int, high: int) -> tuple[float, float]:
    """Return the shares of numbers at the lower and at the upper limit; the zeros of a ReLU6 are its rest, not a limit."""
    if high == 6:
        return 0.0, (data >= high).mean()
    margin = NEAR * (high - low)
    return (data <= low + margin).mean(), (data >= high - margin).mean()
