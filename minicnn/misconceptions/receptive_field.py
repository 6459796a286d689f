"""Which question: what do people believe about what a number deep in a stack sees?

Right: from the first layer to the last, with `step` the input pixels between neighbours of the map so far,
start -= padding·step, size += dilation·(kernel - 1)·step, and only then step *= stride.

Cost: none.  Source: Araujo, Norris, Sim, Computing Receptive Fields of Convolutional Neural Networks (2019).  Next room: conv2d.py.
"""

from minicnn.misconceptions.misconception import believed


def walk(layers, grow=lambda k, s, p, d: d * (k - 1), shift=lambda k, s, p, d: p):
    """Return (size, stride, start), with what a layer adds to size and takes from start, in cells of its own input."""
    size, step, start = 1, 1, 0
    for layer in layers:
        size, start, step = size + grow(*layer) * step, start - shift(*layer) * step, step * layer[1]
    return size, step, start


@believed(
    "You multiply by a layer's stride before you add its kernel: its taps lie on its input, which its own stride has not thinned.",
    lesson="05",
)
def own_stride_too_early(layers):
    return walk(layers, lambda k, s, p, d: d * (k - 1) * s, lambda k, s, p, d: p * s)


@believed(
    "You add up the kernels and forget the strides: a tap of a deep layer is as many pixels wide as all strides before it, multiplied.",
    lesson="05",
)
def strides_do_not_widen(layers):
    size = 1 + sum(d * (k - 1) for k, s, p, d in layers)
    return size, *walk(layers)[1:]


@believed("You add the strides up: every stride thins the map that it is given, so they multiply.", lesson="05")
def strides_added(layers):
    size, _, start = walk(layers)
    return size, 1 + sum(s - 1 for k, s, p, d in layers), start


@believed("You forget the dilation: a layer adds dilation·(kernel - 1) cells of its input.", lesson="05")
def dilation_forgotten(layers):
    return walk(layers, lambda k, s, p, d: k - 1)


@believed("You take the dilated kernel to span dilation·kernel cells: it has kernel - 1 gaps, so dilation·(kernel - 1) + 1.", lesson="05")
def gap_after_the_last_tap(layers):
    return walk(layers, lambda k, s, p, d: d * k - 1)


@believed(
    "You add the whole kernel at every layer: one of its taps was counted already, so a layer adds dilation·(kernel - 1) cells.",
    lesson="05",
)
def whole_kernel_added(layers):
    return walk(layers, lambda k, s, p, d: d * (k - 1) + 1)


@believed("You multiply the kernels: two layers of 3 see 3 + 2 = 5 pixels, since their windows overlap.", lesson="05")
def kernels_multiplied(layers):
    size = 1
    for k, _, _, d in layers:
        size *= d * (k - 1) + 1
    return size, *walk(layers)[1:]


@believed("You let the padding widen the field: padding moves where a window begins, not how many cells it spans.", lesson="05")
def padding_widens(layers):
    return walk(layers, lambda k, s, p, d: d * (k - 1) + 2 * p)


@believed(
    "You take the padding off in pixels of the input: a padding cell of a deep layer is as wide as all strides before it, multiplied.",
    lesson="05",
)
def padding_in_pixels(layers):
    size, step, _ = walk(layers)
    return size, step, -sum(p for k, s, p, d in layers)


@believed("You forget the padding: output 0 begins in it, so start is 0 or less.", lesson="05")
def padding_forgotten(layers):
    return walk(layers, shift=lambda k, s, p, d: 0)


@believed("You count start the other way: the padding lies before pixel 0, so start goes down.", lesson="05")
def start_above_zero(layers):
    size, step, start = walk(layers)
    return size, step, -start


@believed("You return where the field of output 0 has its centre: start is the first pixel that it sees.", lesson="05")
def centre_for_start(layers):
    size, step, start = walk(layers)
    return size, step, start + (size - 1) // 2


@believed(
    "You walk from the last layer to the first with the rule for the other way: a layer's cells are as wide as the strides before it.",
    lesson="05",
)
def layers_backwards(layers):
    return walk(layers[::-1])


@believed("You return what the last layer sees of its own input: its cells are made by the layers before it, which see more.", lesson="05")
def last_layer_only(layers):
    return walk(layers[-1:])
