"""Which question: what is wrong with a network before a number goes through it?

Idea: positions follow from integers alone, so these checks read what describe knows: strides, kernels, padding and maps.
Each is one function from a Case to its findings, and needs no trace.

    early downsampling     one position per 8×8 pixels before a second convolution has seen the photo
    collapsed maps         kernels that multiply mostly padding, since their map has shrunk below them
    checkerboard           transposed convolutions whose outputs are sums of more and of fewer taps in turn
    even kernels           even kernels that move the map by half a pixel

Cost: a few milliseconds.  What it does not do: see shifts that a padding layer in front of an even kernel makes.
Source: Zeiler & Fergus (2014); Chen et al. (2017); Odena et al. (2016); Wu et al. (2019); each is named where its threshold stands.
Next room: checks_field.py.
"""

from fractions import Fraction
from math import prod

from minicnn.axis import Slide, Transposed, whole
from minicnn.layers import Conv2d, ConvTranspose2d
from minicnn.network import Node
from minicnn.network.geometry import grid
from minicnn.probe.finding import Case, Finding, floats, listed
from minicnn.text import times

# One position per 8×8 pixels.  The stems of ResNet, DenseNet, MobileNet and EfficientNet stop at 4 behind their first convolution.
# AlexNet's goes on to 8, and Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks" (2014), section 4.1, saw the
# aliasing that came of it and mended it with a smaller stride.
EARLY_STRIDE = 8

# More than half of the products are with padding.  Chen et al., "Rethinking Atrous Convolution" (2017), section 3.3, call such a kernel
# degenerate: in the end only its centre still multiplies numbers.
MOSTLY_PADDING = Fraction(1, 2)


def _spatial(node: Node) -> bool:
    """Whether a node learns filters that see more than one position."""
    return isinstance(node.layer, Conv2d) and node.layer.window.kernel != (1, 1)


def early_downsampling(case: Case) -> list[Finding]:
    """Find the node that leaves one position per 8×8 pixels behind at most one convolution, with more convolutions to come."""
    before, found = dict.fromkeys(case.net.inputs, 0), []
    later = _leads_to_convolutions(case)
    for node in case.net:
        count = before[node.name] = max(before[name.split(":")[0]] for name in node.inputs) + _spatial(node)
        stride = case.facts[node.name].field.stride
        strides = [case.facts[name].field.stride for name in node.inputs]
        if stride is None or None in strides or count > 1 or node.name not in later:
            continue
        if max(stride) >= EARLY_STRIDE > max(map(max, strides)):
            first, here = (case.facts.shapes[name] for name in (case.net.inputs[0], node.name))
            left = prod(here[1:]) / prod(first[1:])
            told = f"there is one position per {times(stride)} pixels behind {count} convolution{'s' * (count != 1)}: "
            told += f"of the input's {times(first[1:])} numbers {times(here[1:])} are left, {left:.0%}."
            cause = "small things, and fine textures, are averaged away or aliased before a second convolution could tell them apart."
            remedy = "use smaller strides in the first layers, or put convolutions of stride 1 between them."
            numbers = {"stride": tuple(map(float, stride)), "convolutions": count, "left": left}
            found.append(Finding("early downsampling", node.name, told, cause, remedy, numbers))
    return found


def _leads_to_convolutions(case: Case) -> set[str]:
    """Return the nodes behind which a spatial convolution comes."""
    names: set[str] = set()
    for node in reversed(case.net.nodes):
        if _spatial(node) or node.name in names:
            names.update(name.split(":")[0] for name in node.inputs)
    return names


def collapsed_maps(case: Case) -> list[Finding]:
    """Find convolutions most of whose products are with padding; the first is told, and how many follow."""
    degenerate = {}
    for node in case.net:
        if _spatial(node) and node.layer.window.padding_mode == "zeros":
            share = inside(node.layer.axes(*case.in_shapes(node))[0], grid(case.facts.shapes[node.inputs[0]]))
            if share < MOSTLY_PADDING:
                degenerate[node.name] = share
    if not degenerate:
        return []
    (name, share), *more = degenerate.items()
    node, size = case.net.node(name), grid(case.facts.shapes[case.net.node(name).inputs[0]])
    window = node.layer.window
    told = f"{times(window.kernel)} kernels{f' with dilation {times(window.dilation)}' if window.dilation != (1, 1) else ''} slide over a map of "
    told += f"{times(size)}: {1 - float(share):.0%} of their products are with padding" + ("" if more else ".")
    told += f", and so with {listed(name for name, _ in more)}." if more else ""
    cause = "the map has shrunk below what the kernels span, for an input of this size, so most of their weights do nothing."
    remedy = "give a larger input, use smaller strides before this node, or smaller kernels or dilation here."
    numbers = {"inside": float(share), "map": size, "nodes": tuple(degenerate)}
    return [Finding("collapsed maps", name, told, cause, remedy, numbers)]


def inside(rules: tuple[Slide, Slide], size: tuple[int, int]) -> Fraction:
    """Return the share of a kernel's products that are with numbers of the map, not with padding.

    >>> inside((Slide(3, before=1, after=1), Slide(3, before=1, after=1)), (1, 2))         # 1/3 along rows, 4/6 along columns
    Fraction(2, 9)
    """
    share = Fraction(1)
    for rule, n in zip(rules, size, strict=True):
        outputs = rule.out_size(n)
        share *= Fraction(sum(len(rule.sees(i, n)) for i in range(outputs)), outputs * rule.kernel)
    return share


def checkerboard(case: Case) -> list[Finding]:
    """Find transposed convolutions whose outputs are sums of more and of fewer taps in turn: kernel % stride is not 0."""
    found = []
    for node in case.net:
        if not isinstance(node.layer, ConvTranspose2d):
            continue
        uneven = [(axis, rule, taps(rule)) for axis, rule in zip(("rows", "columns"), node.layer.rules, strict=True)]
        uneven = [(axis, rule, counts) for axis, rule, counts in uneven if max(counts) != min(counts)]
        if uneven:
            told = "; ".join(
                f"along {axis} the kernel is {rule.kernel} and the stride {rule.stride}, so outputs are sums of {min(counts)} and {max(counts)} taps in turn"
                for axis, rule, counts in uneven
            )
            cause = "numbers of unequal overlap draw a checkerboard into the map, and into the gradient (Odena et al. 2016)."
            stride = uneven[0][1].stride
            remedy = f"use a kernel that the stride divides, such as {2 * stride}, or Upsample({stride}) with a convolution behind it."
            numbers = {"kernel": tuple(node.layer.weight.shape[2:]), "stride": node.layer.stride, "taps": tuple(c for _, _, c in uneven)}
            found.append(Finding("checkerboard", node.name, told + ".", cause, remedy, numbers))
    return found


def taps(rule: Transposed) -> tuple[int, ...]:
    """Return how many taps meet in an output, for each of `stride` outputs in a row.

    Source: Odena, Dumoulin, Olah, "Deconvolution and Checkerboard Artifacts" (2016).

    >>> taps(Transposed(kernel=3, stride=2)), taps(Transposed(kernel=4, stride=2)), taps(Transposed(kernel=2, stride=3))
    ((2, 1), (2, 2), (1, 1, 0))
    """
    return tuple(sum(t * rule.dilation % rule.stride == phase for t in range(rule.kernel)) for phase in range(rule.stride))


def even_kernels(case: Case) -> list[Finding]:
    """Find convolutions of an even kernel whose unequal padding moves the map by half a pixel.

    With an odd stride an even kernel's middle lies between two positions.  Equal padding moves the whole grid to such middles, and the
    map stays where it was; unequal padding, as 'same' has it, moves it, and layers in a row add up.
    Source: Wu et al., "Convolution with even-sized kernels and symmetric padding" (2019).
    """
    found = []
    for node in case.net:
        if not isinstance(node.layer, Conv2d):
            continue
        rules = node.layer.axes(*case.in_shapes(node))[0]
        shift = [whole(Fraction(rule.after - rule.before, 2)) if rule.extent % 2 == 0 and rule.stride % 2 else 0 for rule in rules]
        if any(shift):
            sides = ", ".join(f"{rule.before} before and {rule.after} after" for rule, s in zip(rules, shift, strict=True) if s)
            told = f"the kernel spans {times(rule.extent for rule in rules)} with a padding of {sides}: the map moves by {_moved(shift)}."
            cause = "an even kernel has no middle, and its padding is not shared evenly; every such layer moves the map again."
            remedy = "use an odd kernel, or equal padding on both sides."
            found.append(Finding("even kernels", node.name, told, cause, remedy, {"shift": floats(shift)}))
    return found


def _moved(shift) -> str:
    words = [f"{abs(s)} position{'s' * (abs(s) > 1)} along {axis}" for s, axis in zip(shift, ("rows", "columns"), strict=True) if s]
    return " and ".join(words)
