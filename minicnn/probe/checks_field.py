"""Which question: does what the last numbers look at fit the photo, and do branches look at the same place?

Idea: the receptive field of every node is known from integers alone.  Where the network stops having positions, at its global
pooling or its linear layers, the field is compared with the photo; where branches meet, their centres are compared.

    small field            a global mean over positions that each see a small part of the photo
    large field            a field that even weights spread wider than the photo
    misaligned branches    numbers that meet though they look at different places

Cost: a few milliseconds; needs no trace.
What it does not do: judge the field of a map that is handed out, which may want to be small, or of networks of which every number
sees everything early on (squeeze-and-excitation, group norm).
Source: Araujo et al. (2019); Brendel & Bethge (2019); Luo et al. (2016); each is named where its threshold stands.
Next room: checks_numbers.py.
"""

from fractions import Fraction
from math import sqrt

from minicnn.axis import Slide
from minicnn.layers import AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, MaxPool2d
from minicnn.network import Node
from minicnn.network.geometry import grid
from minicnn.probe.finding import Case, Finding, floats
from minicnn.text import times

# A quarter of the photo's side.  Brendel & Bethge, "Approximating CNNs with Bag-of-local-Features Models" (2019): with fields of a
# seventh of the side (33 of 224) the top-5 error is nearly twice ResNet-50's.  Araujo et al., "Computing Receptive Fields" (2019),
# find accuracy to grow with the logarithm of the field.
SMALL_FIELD = Fraction(1, 4)

# One standard deviation as wide as the whole photo: then even the middle position has only erf(1 / √8) = 38% of its weights along an
# axis inside, 15% in the plane.  That the weight falls off as a bell curve is Luo et al., "Understanding the Effective Receptive
# Field" (2016); its variance is the sum of those of the kernels.
LARGE_SPREAD = 1

# Half of a step of the map: beyond it a number meets one whose neighbour looks nearer to its place.  Just half is what every feature
# pyramid has that enlarges, by repeating numbers, a map that strided 3×3 kernels made.
SHIFT = Fraction(1, 2)

POOLING = (AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, MaxPool2d)


def small_field(case: Case) -> list[Finding]:
    """Find global pooling over positions whose fields are far smaller than the photo."""
    found = []
    for name, readers in _last_maps(case):
        size, field = case.input_size, case.facts[name].field
        if not all(isinstance(node.layer, POOLING) for node in readers) or not readers:
            continue  # a linear layer sees how positions lie to each other, and a map that is handed out may want small fields
        shares = [Fraction(side) / n for side, n in zip(field.size, size, strict=True)]
        if min(shares) < SMALL_FIELD:
            told = f"each position sees {times(field.size)} of {times(size)} pixels, and {readers[0].name} takes all positions together without their order."
            cause = "nothing in the network sees more than such a patch, so it can tell textures, but not how parts make a thing."
            remedy = "use more layers, strides or dilation before the global pooling; describe(net, input_shape) shows the fields."
            found.append(Finding("small field", name, told, cause, remedy, {"field": floats(field.size), "input": size}))
    return found


def large_field(case: Case) -> list[Finding]:
    """Find a last map whose field, with even weights, spreads wider than the photo."""
    found, spreads = [], _variances(case)
    for name, _ in _last_maps(case):
        size, variance = case.input_size, spreads[name]
        if variance is None:
            continue
        spread = [sqrt(v) for v in variance]
        if all(s > LARGE_SPREAD * n for s, n in zip(spread, size, strict=True)):
            field = case.facts[name].field
            told = f"the field is {times(field.size)} on an input of {times(size)}; with even weights its standard deviation is "
            told += f"{times(f'{s:.0f}' for s in spread)} pixels."
            cause = "most of what the last layers look at is padding: the network was drawn for larger photos."
            remedy = "give larger photos, or leave out strides at the start."
            numbers = {"field": floats(field.size), "input": size, "spread": tuple(spread)}
            found.append(Finding("large field", name, told, cause, remedy, numbers))
    return found


def _last_maps(case: Case) -> list[tuple[str, list[Node]]]:
    """Return the last maps that have a field of their own: all of whose readers see everything, or that are handed out."""
    ends = []
    if case.input_size is None:
        return ends
    for node in case.net:
        facts, readers = case.facts[node.name], case.readers[node.name]
        everything = all(
            case.facts[reader.name].field.sees_everything and grid(case.facts[reader.name].shape) == (1, 1) for reader in readers
        )
        if len(facts.shape) == 4 and facts.field.size is not None and everything and (readers or node.name in case.net.outputs):
            ends.append((node.name, readers))
    return ends


def _variances(case: Case) -> dict[str, tuple[Fraction, Fraction] | None]:
    """Return, for each node, the variance of the places that it looks at, in pixels², as if all weights were the same.

    A kernel of k taps, d apart, has (k² - 1)/12 · d²; those of layers in a row add up, times the stride²; branches that meet share.
    """
    found: dict[str, tuple | None] = dict.fromkeys(case.net.inputs, (Fraction(0), Fraction(0)))
    for node in case.net:
        parts = []
        for name, rules in zip(node.inputs, node.layer.axes(*case.in_shapes(node)), strict=True):
            name, size = name.split(":")[0], grid(case.facts.shapes[name])
            if case.facts[name].field.sees_nothing:
                continue  # a constant
            stride, behind = case.facts[name].field.stride, found[name]
            own = [_variance(rule, n) for rule, n in zip(rules, size, strict=True)]
            if None in own or behind is None or stride is None:
                parts.append(None)
            else:
                parts.append(tuple(b + v * Fraction(s) ** 2 for b, v, s in zip(behind, own, stride, strict=True)))
        unknown = None in parts or not parts
        found[node.name] = None if unknown else tuple(sum(axis) / len(parts) for axis in zip(*parts, strict=True))
    return found


def _variance(rule, n: int) -> Fraction | None:
    if isinstance(rule, Slide):
        return Fraction(rule.kernel**2 - 1, 12) * rule.dilation**2
    reach = rule.reach(n)
    return None if isinstance(reach, str) else max(Fraction(0), (Fraction(reach.size) ** 2 - 1) / 12)


def misaligned_branches(case: Case) -> list[Finding]:
    """Find the nodes where branches first meet that look more than half a step beside each other."""
    found = []
    for node in case.net:
        field, behind = case.facts[node.name].field, [case.facts[name].field for name in node.inputs]
        if field.aligned or field.size is None or not all(each.aligned for each in behind):
            continue  # told where it was born
        seen = [_centre(each, rules, case, name) for each, rules, name in _branches(case, node, behind)]
        centres = [centre for centre in seen if centre is not None]
        shift = [max(c) - min(c) for c in zip(*centres, strict=True)]
        if any(s > SHIFT * step for s, step in zip(shift, field.stride, strict=True)):
            told = f"{field.reason}; the map's step is {times(field.stride)} pixels."
            cause = "one branch shifts, by an even kernel, unequal padding, or a pooling that drops a row, and the other does not."
            remedy = "give the branches odd kernels with padding of half the kernel, or the same layers' kernels, strides and padding."
            numbers = {"shift": floats(shift), "stride": floats(field.stride)}
            found.append(Finding("misaligned branches", node.name, told, cause, remedy, numbers))
    return found


def _branches(case: Case, node: Node, behind):
    return zip(behind, node.layer.axes(*case.in_shapes(node)), node.inputs, strict=True)


def _centre(field, rules, case: Case, name: str) -> tuple[Fraction, Fraction] | None:
    """Return where output (0, 0) of a layer looks at, on the average, through one of its inputs; None for a constant."""
    reaches = [rule.reach(n) for rule, n in zip(rules, grid(case.facts.shapes[name]), strict=True)]
    through = field.through((reaches[0], reaches[1]))
    if through.size is None:
        return None
    rows, columns = (start + Fraction(size - 1) / 2 for start, size in zip(through.start, through.size, strict=True))
    return rows, columns
