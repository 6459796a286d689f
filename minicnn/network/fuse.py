"""Which question: which of a trained network's nodes can be one?

Idea: once trained, batch normalization is a line per channel, and a convolution of filters that were scaled is
the scaled convolution.  So the line goes into the filters, and the activation behind it to the store:

    (w ∗ x + b)·scale + shift  =  (w·scale) ∗ x + (b·scale + shift),     scale = γ/√(var + eps),  shift = β - mean·scale

Two nodes become one where nobody else reads what lies between; nodes that change nothing (Identity, and Dropout outside
of training) go.  One pass joins neighbours, and passes go on until one finds nothing, so conv, bn, relu take two.
A network whose convolutions fill vectors with their filters moreover gets a node ChannelsLast behind each input: from there on the
channels of a pixel lie side by side (conv/memory_format.py), and convolutions have nothing to lay out.

Cost: one float64 copy of each folded weight, once.  In return, two passes over memory less for each convolution.
When it loses: before training, which wants the batch's statistics, and where every map is to be looked at: those in
between are no more.
What it does not do: fold a normalization that comes before its convolution (padding zeros would have to be shifted),
or one whose numbers are not finite, which is left as it was.
Source: Jacob et al., "Quantization and Training of Neural Networks" (2018), section 3.2; PyTorch's fuse_conv_bn_eval.
Next room: layers/store.py.
"""

from collections import Counter, defaultdict
from itertools import count

import numpy as np

from minicnn import check
from minicnn.functional.normalization import scale_and_shift
from minicnn.layers import (
    AdaptiveAvgPool2d,
    Add,
    BatchNorm2d,
    ChannelsLast,
    Concat,
    Conv2d,
    ConvAdd,
    ConvTranspose2d,
    Dropout,
    Flatten,
    Hardswish,
    Identity,
    Layer,
    Linear,
    MaxPool2d,
    ReLU,
    ReLU6,
    ShapeOnly,
    Sigmoid,
    SiLU,
    Softmax,
)
from minicnn.layers.store import with_activation
from minicnn.network.graph import Network, as_network
from minicnn.network.node import Node

PASSING = (Identity, Dropout)
TAKES_A_LINE = (Conv2d, ConvTranspose2d)  # Linear's outputs lie along the last axis, and BatchNorm2d's channels along the second
KEEPS_THE_FORMAT = (Conv2d, Add, MaxPool2d, ReLU, ReLU6, SiLU, Sigmoid, Hardswish, Concat)  # given channels_last they give it
ENDS_IT = (AdaptiveAvgPool2d, Flatten, Linear, Softmax)  # their outputs are small, or have no such format
MANY_FILTERS = 16  # in the fewest that a convolution has: they fill a vector
AT_THE_STORE = {Conv2d: {ReLU: "relu", ReLU6: "relu6", SiLU: "silu"}, Add: {ReLU: "relu"}}


def fuse(net: Network, *, channels_last: bool | None = None) -> Network:
    """Return another network of fewer nodes that computes the same: batch norm in the filters, activations at the store.

    bn(conv(x)) = (w·scale) ∗ x + (b·scale + shift), scale = γ/√(var + eps), shift = β - mean·scale, per output channel,
    worked out in float64 and rounded once; ReLU, ReLU6 and SiLU behind a Conv2d and ReLU behind an Add become its
    `activation`; Identity and Dropout go.  A node is joined to the one before it where nobody else reads that one's map,
    and a layer that stands in several nodes only where all of them are joined to the same.

    A joined node goes by the name of the last of its parts, so outputs, and whoever reads them, keep their names; Identity
    and Dropout hand theirs on where it is an output's.  Layers that nothing is joined to stay the same objects.

    `channels_last` says whether a node ChannelsLast stands behind each input, so that maps keep the channels of a pixel side by side in
    memory; None leaves it to a rule: where every convolution has 16 filters or more, in float32, and all layers know the format.  Then an
    Add behind a 1×1 convolution becomes part of it too, a ConvAdd, with the bits of both.

    Results differ by rounding.  In front of the activation, with T products per output, u half of the dtype's eps (the
    weights' where x is finer), scale and shift as float64 holds them, and γ(n) = n·u / (1 - n·u),

        |fuse(net)(x) - net(x)|  ≤  γ(2T + 6) · ( |scale| · conv2d(|x|, |w|, |b|) + |shift| )         accuracy="exact"

    where nothing over- or underflows.  The plain way: T + 1 roundings in the sums (conv/contract.py), one each of scale,
    product and sum, and shift rounded twice, T + 4 at the most.  The fused way: one in each weight, T + 1 in the sums, two
    in a bias that then passes T additions: T + 2.  γ(T + 4) + γ(T + 2) ≤ γ(2T + 6); a second batch norm adds 5 to that.
    ReLU and ReLU6 bring no two numbers further apart, SiLU by 1.1 at most.  Without batch norm they keep their bits.

    >>> from minicnn import nn
    >>> bn = nn.BatchNorm2d.of(np.array([1.0]), np.array([3.0]), np.array([4.0]), np.array([0.5]), eps=1.0)     # (y - 1)·2 + 0.5
    >>> net = nn.Sequential(nn.Conv2d.of(np.array([[[[3.0]]]])), bn, nn.ReLU(), nn.Dropout())
    >>> fused = fuse(net)
    >>> fused, fused["dropout1"].weight.item(), fused["dropout1"].bias.item()
    (Network(x → dropout1): 1 node, 2 parameters
      dropout1  Conv2d(1, 1, kernel_size=1, activation='relu')  ← x, 6.0, -1.5)
    >>> x = np.array([[[[1.0, -1.0]]]])
    >>> net(x).tolist(), fused(x).tolist()
    ([[[[4.5, 0.0]]]], [[[[4.5, 0.0]]]])

    Raises ArgumentError for what is no network.  Source: Jacob et al. (2018), section 3.2; PyTorch's fuse_conv_bn_eval.
    """
    net = as_network(net, "fuse")
    nodes, before = list(net.nodes), None
    while len(nodes) != before:
        before = len(nodes)
        nodes = _joined(_without_passing(nodes, net.outputs), net.outputs)
    if channels_last is None:
        channels_last = _fills_vectors(nodes)
    if check.flag(channels_last, "channels_last", "fuse", "pass True, False or None"):
        nodes = _channels_last(_with_sums(nodes, net.outputs), net.inputs)
    return Network(nodes, net.inputs, net.outputs, input_shapes=net.input_shapes)


def _fills_vectors(nodes: list[Node]) -> bool:
    """Whether maps that keep the channels of a pixel side by side pay: see the docstring of fuse."""
    layers = [node.layer for node in nodes]
    convolutions = [layer for layer in layers if type(layer) is Conv2d]
    known = all(type(layer) in (*KEEPS_THE_FORMAT, *ENDS_IT) for layer in layers)
    return (
        known and bool(convolutions) and all(conv.out_channels >= MANY_FILTERS and conv.weight.dtype == np.float32 for conv in convolutions)
    )


def _with_sums(nodes: list[Node], outputs) -> list[Node]:
    """Return the nodes with each Add in the 1×1 convolution before it, where nobody else reads that one's map."""
    reads, makers, ends = _reads(nodes, outputs), {node.name: node for node in nodes}, {}
    holders = Counter(node.layer for node in nodes)
    for node in nodes:
        if type(node.layer) is not Add or len(node.inputs) != 2:
            continue
        for name in reversed(node.inputs):
            maker = makers.get(name)
            if maker is not None and reads[name] == 1 and _ends_in_a_sum(maker.layer) and holders[maker.layer] == 1:
                other = node.inputs[1 - node.inputs.index(name)]
                ends[node.name] = name, Node(node.name, ConvAdd.around(maker.layer, node.layer.activation), (*maker.inputs, other))
                break
    gone = {name for name, _ in ends.values()}
    return [ends[node.name][1] if node.name in ends else node for node in nodes if node.name not in gone]


def _ends_in_a_sum(layer: Layer) -> bool:
    return (
        type(layer) is Conv2d and layer.activation is None and layer.window.is_pointwise and layer.groups == 1 and layer.algorithm == "auto"
    )


def _channels_last(nodes: list[Node], inputs) -> list[Node]:
    """Return the nodes with one behind each input, which all of its readers read instead."""
    names, behind = {*inputs, *(node.name for node in nodes)}, {}
    for name in inputs:
        at = next(number for number in count() if f"channels_last{number or ''}" not in names)
        behind[name] = f"channels_last{at or ''}"
        names.add(behind[name])
    first = [Node(behind[name], ChannelsLast(), (name,)) for name in inputs]
    return first + [Node(node.name, node.layer, tuple(behind.get(name, name) for name in node.inputs)) for node in nodes]


def _without_passing(nodes: list[Node], outputs) -> list[Node]:
    """Return the nodes without those that hand on what they are given."""
    reads, now = _reads(nodes, outputs), {}
    left: dict[str, Node] = {}
    for node in nodes:
        inputs = tuple(now.get(name, name) for name in node.inputs)
        node = node if inputs == node.inputs else Node(node.name, node.layer, inputs)
        maker = left.get(inputs[0])
        if type(node.layer) not in PASSING:
            left[node.name] = node
        elif node.name not in outputs:
            now[node.name] = inputs[0]
            reads[inputs[0]] += reads[node.name] - 1
        elif maker is not None and reads[maker.name] == 1 and len(maker.layer.results) == 1:  # its maker takes the output's name
            renamed = Node(node.name, maker.layer, maker.inputs)
            left = {each.name: each for each in (renamed if other is maker else other for other in left.values())}
        else:
            left[node.name] = node
    return list(left.values())


def _joined(nodes: list[Node], outputs) -> list[Node]:
    """Return the nodes with neighbours joined where both allow it: at the place of the first, under the name of the second."""
    pairs = _pairs(nodes, _reads(nodes, outputs))
    wishes = defaultdict(set)  # of all nodes that hold a layer: what each would have it become, None for itself
    for node in nodes:
        wishes[node.layer].add(pairs[node.name][1] if node.name in pairs else None)
    shared = {layer for layer, become in wishes.items() if layer.parameters() and len(become) > 1}
    pairs = {node.name: pairs[node.name] for node in nodes if node.name in pairs and node.layer not in shared}
    taken = {second.name for second, _ in pairs.values()}
    joined = []
    for node in nodes:
        if node.name in pairs:
            second, layer = pairs[node.name]
            joined.append(Node(second.name, layer, node.inputs))
        elif node.name not in taken:
            joined.append(node)
    return joined


def _pairs(nodes: list[Node], reads: Counter) -> dict[str, tuple[Node, Layer]]:
    """Return, by the name of a node whose map has one reader, that reader and the layer that does the work of both."""
    by_name, made, pairs = {node.name: node for node in nodes}, {}, {}
    for second in nodes:
        first = by_name.get(second.inputs[0])
        part = _part(first.layer, second.layer) if first is not None and reads[first.name] == 1 else None
        if part is None:
            continue
        key = first.layer, part
        if key not in made:  # one layer for all nodes that hold the same two, so what was shared stays so
            made[key] = with_activation(*key) if isinstance(part, str) else folded(*key)
        if made[key] is not None:
            pairs[first.name] = second, made[key]
    return pairs


def _part(layer: Layer, behind: Layer) -> BatchNorm2d | str | None:
    """Return what of the layer behind can become part of a layer: a batch norm, the name of an activation, or None."""
    if layer.activation is not None:
        return None
    if type(behind) is BatchNorm2d and type(layer) in TAKES_A_LINE:
        return behind
    return AT_THE_STORE.get(type(layer), {}).get(type(behind))


def folded(layer: Conv2d | ConvTranspose2d, bn: BatchNorm2d) -> Layer | None:
    """Return a convolution that normalizes what it computes, or None where a number of it would not be finite.

    >>> bn = BatchNorm2d.of(np.array([2.0]), np.array([3.0]), np.array([10.0]), None, eps=1.0)     # (y - 2)·5
    >>> conv = folded(Conv2d.of(np.array([[[[1.0, 2.0]]]]), np.array([3.0])), bn)
    >>> conv.weight.ravel(), conv.bias
    (array([ 5., 10.]), array([5.]))
    """
    if bn.num_features != layer.out_channels:
        return None  # the network says so, with the node's name, when it is run
    dtype = np.result_type(layer.weight.dtype, bn.running_mean.dtype)
    if layer.is_shape_only or bn.is_shape_only:
        return layer.with_(weight=ShapeOnly(layer.weight.shape, dtype), bias=ShapeOnly((layer.out_channels,), dtype))
    with np.errstate(all="ignore"):
        scale, shift = scale_and_shift(bn.running_mean, bn.running_var, bn.weight, bn.bias, bn.eps)
        weight = (layer.weight.astype(np.float64) * _per_output(scale, layer)).astype(dtype)
        bias = (shift if layer.bias is None else layer.bias.astype(np.float64) * scale + shift).astype(dtype)
    return layer.with_(weight=weight, bias=bias) if np.isfinite(weight).all() and np.isfinite(bias).all() else None


def _per_output(scale: np.ndarray, layer: Conv2d | ConvTranspose2d) -> np.ndarray:
    """Return one number per output channel as it meets the weight: (K, C/groups, …), or (C, K/groups, …) if transposed."""
    if isinstance(layer, Conv2d):
        return scale.reshape(-1, 1, 1, 1)
    by_group = scale.reshape(layer.groups, -1)  # K/groups of each group, for all of its C/groups inputs
    return np.repeat(by_group, layer.in_channels // layer.groups, axis=0)[:, :, None, None]


def _reads(nodes: list[Node], outputs) -> Counter:
    """Return how often each map is read, by nodes and as an output."""
    return Counter([name for node in nodes for name in node.inputs] + list(outputs))
