"""The answers to the quiz's questions, found from their texts alone, by counting: no formula of the package is used.

Windows are laid down one after the other, arrays are made and asked for their bytes, pixels are marked and followed through the layers.
"""

import re
from itertools import count, product

import numpy as np

SETTING = re.compile(r"kernel ([\d×]+),? (?:and )?stride ([\d×]+)(?:,? (?:and )?padding ([\d×]+))?(?:, dilation ([\d×]+))?")


def found(question):
    """Return the answer to a question, from its text."""
    return BY_TOPIC[question.topic](question.text)


def numbers(pattern: str, text: str) -> tuple[int, ...]:
    """Return the numbers of a pattern's groups; 3×5 is two of them."""
    hit = re.search(pattern, text)
    assert hit, f"the text does not say {pattern!r}: {text}"
    return tuple(int(number) for group in hit.groups() for number in re.findall(r"\d+", group))


def axis_settings(text: str) -> list[list[tuple[int, int, int, int]]]:
    """Return, for each setting in the text, (kernel, stride, padding, dilation) for rows and for columns."""
    both = []
    for groups in SETTING.findall(text):
        pairs = [tuple(map(int, (group or default).split("×"))) for group, default in zip(groups, "1101", strict=True)]
        both.append([tuple(pair[axis % len(pair)] for pair in pairs) for axis in (0, 1)])
    assert both, text
    return both


def windows(n: int, kernel: int, stride: int, before: int = 0, dilation: int = 1, after: int | None = None) -> list[list[int]]:
    """Lay windows down from the first padded cell on, as long as the last tap is on the padded row; return the cells under each."""
    end, first, laid = n + (before if after is None else after), -before, []
    while first + dilation * (kernel - 1) < end:
        laid.append([first + tap * dilation for tap in range(kernel)])
        first += stride
    return laid


def laid(n: int, setting) -> list[list[int]]:
    return windows(n, *setting)


def through(n: int, stack) -> list[int]:
    """Mark every cell with a bit of its own and follow the marks: which cells arrive at each output, as bits."""
    marks = [1 << cell for cell in range(n)]
    for setting in stack:
        row = []
        for window in laid(len(marks), setting):
            arrived = 0
            for cell in window:
                if 0 <= cell < len(marks):
                    arrived |= marks[cell]
            row.append(arrived)
        marks = row
    return marks


def ends(bits: int) -> tuple[int, int]:
    """Return the first and the last cell that is marked."""
    return (bits & -bits).bit_length() - 1, bits.bit_length() - 1


def field(stack) -> tuple[int, int, int]:
    """Return size, stride and start of what is seen away from the borders, on a row that is long enough."""
    for n in (100 * 2**power for power in count()):
        marks = through(n, stack)
        at = len(marks) // 2
        if len(marks) < 4 or not (marks[at] and marks[at + 1]):
            continue
        (first, last), (following, final) = ends(marks[at]), ends(marks[at + 1])
        if first > 0 and final < n - 1 and last - first == final - following:
            stride = following - first
            return last - first + 1, stride, first - at * stride


def output_shape(text):
    if "row of" in text:
        (n,) = numbers(r"row of (\d+)", text)
        return len(laid(n, axis_settings(text)[0][0]))
    sizes = list(numbers(r"map of (\d+)×(\d+)", text))
    for setting in axis_settings(text):
        sizes = [len(laid(n, one)) for n, one in zip(sizes, setting, strict=True)]
    return tuple(sizes)


def padding_for_size(text):
    (n,) = numbers(r"row of (\d+)", text)
    kernel, stride, _, dilation = axis_settings(text)[0][0]
    if "smallest" in text:
        (wanted,) = numbers(r"with which (\d+)", text)
        return next(p for p in count() if len(windows(n, kernel, stride, p, dilation)) == wanted)
    if "(before, after)" in text:
        sides = ((total // 2, total - total // 2) for total in count())
        return next(each for each in sides if len(windows(n, kernel, stride, each[0], dilation, each[1])) == n)
    return next(p for p in count() if len(windows(n, kernel, stride, p, dilation)) == n)


def weights(filters: int, channels: int, rows: int, columns: int, bias: bool = True) -> int:
    """Count the weights one by one, in an array of them, and the biases."""
    return np.ones((filters, channels, rows, columns), np.uint8).sum(dtype=int) + len(range(filters)) * bias


def parameters(text):
    if "Two convolutions" in text:
        (first, second) = re.findall(r"(\d+) → (\d+) channels with kernel (\d+)×(\d+) and (no|a) bias", text)
        return sum(weights(int(k), int(c), int(r), int(s), bias == "a") for c, k, r, s, bias in (first, second))
    channels, rows, columns = numbers(r"(\d+) input channels?.* kernel (\d+)×(\d+)", text)
    if "How many filters" in text:
        (total,) = numbers(r"has (\d+) parameters", text)
        return next(filters for filters in count() if weights(filters, channels, rows, columns) == total)
    (filters,) = numbers(r"(\d+) filters", text)
    return weights(filters, channels, rows, columns)


def multiply_adds(text):
    channels, *sizes = numbers(r"map of (\d+)×(\d+)×(\d+)", text)
    (filters,) = numbers(r"(\d+) filters", text)
    rows, columns = (laid(n, one) for n, one in zip(sizes, axis_settings(text)[0], strict=True))
    taps = sum(len(row) * len(column) for row in rows for column in columns)  # of one channel and one filter
    pairs = len(list(product(range(filters), range(channels))))
    if "depthwise" in text:
        return taps * channels + len(rows) * len(columns) * pairs
    return taps * pairs


def number_of_bytes(text):
    if "array of shape" in text:
        shape, dtype = numbers(r"shape ([\d×]+)", text), re.search(r"in (\w+)\?", text)[1]
        return np.zeros(shape, dtype).nbytes
    n, channels, *sizes = numbers(r"batch of ([\d×]+)", text)
    (filters,) = numbers(r"(\d+) filters", text)
    rows, columns = (laid(size, axis_settings(text)[0][0]) for size in sizes)
    if "im2col" in text:
        numbers_of_a_row = channels * len(rows[0]) * len(columns[0])
        return np.zeros((n, len(rows), len(columns), numbers_of_a_row), np.float32).nbytes
    return np.zeros((n, filters, len(rows), len(columns)), np.float32).nbytes


def field_of_stack(text):
    size, stride, start = field([both[0] for both in axis_settings(text)])
    return (size, stride, start) if "start" in text else size


def pixel_box(text):
    stack = [both[0] for both in axis_settings(text)]
    if "The row has" in text:
        (n,), (i,) = numbers(r"row has (\d+)", text), numbers(r"output (\d+)", text)
        return ends(through(n, stack)[i])
    sizes, at = numbers(r"map has (\d+)×(\d+)", text), numbers(r"output \((\d+), (\d+)\)", text)
    (top, bottom), (left, right) = (ends(through(n, stack)[i]) for n, i in zip(sizes, at, strict=True))
    return top, left, bottom, right


def which_inputs(text):
    sizes, at = numbers(r"map of (\d+)×(\d+)", text), numbers(r"output \((\d+), (\d+)\)", text)
    rows, columns = (laid(n, one)[i] for n, one, i in zip(sizes, axis_settings(text)[0], at, strict=True))
    return frozenset((r, c) for r in range(sizes[0]) for c in range(sizes[1]) if r in rows and c in columns)


def which_outputs(text):
    sizes, (row, column) = numbers(r"map of (\d+)×(\d+)", text), numbers(r"cell \((\d+), (\d+)\)", text)
    rows, columns = (laid(n, one) for n, one in zip(sizes, axis_settings(text)[0], strict=True))
    both = frozenset((p, q) for p, over in enumerate(rows) for q, across in enumerate(columns) if row in over and column in across)
    return len(both) if "How many" in text else both


def transposed(text):
    (n,), (kernel, stride, padding, dilation) = numbers(r"row of (\d+)", text), axis_settings(text)[0][0]
    writers = {}
    for cell in range(n):
        for tap in range(kernel):
            writers.setdefault(cell * stride + tap * dilation, []).append(cell)
    if "output_padding" in text:
        (extra,) = numbers(r"output_padding (\d+)", text)
    else:
        extra = 0
    kept = range(max(writers) + 1 + extra)[padding : len(range(max(writers) + 1 + extra)) - padding]
    if "write into output" in text:
        (i,) = numbers(r"write into output (\d+)", text)
        return min(writers[kept[i]]), max(writers[kept[i]])
    return len(kept)


def groups(text):
    channels, filters, number = numbers(r"(\d+) input channels, (\d+) filters.* (\d+) groups", text)
    dealt = np.array_split(np.arange(channels), number)
    group_of = np.concatenate([[g] * len(each) for g, each in enumerate(np.array_split(np.arange(filters), number))])
    if "that filter" in text:
        (k,) = numbers(r"that filter (\d+)", text)
        return int(dealt[group_of[k]][0]), int(dealt[group_of[k]][-1])
    rows, columns = numbers(r"kernel (\d+)×(\d+)", text)
    weight = np.stack([np.ones((len(dealt[group]), rows, columns), int) for group in group_of])
    return weight.shape if "Which shape" in text else int(weight.sum()) + len(group_of)


def layout_and_strides(text):
    if "At which place" in text:
        n, c, h, w = numbers(r"batch of ([\d×]+)", text)
        image, channel, row, column = numbers(r"image (\d+), channel (\d+), row (\d+), column (\d+)", text)
        place = np.arange(n * c * h * w)
        if "NCHW" in text:
            return int(place.reshape(n, c, h, w)[image, channel, row, column])
        return int(place.reshape(n, h, w, c)[image, row, column, channel])
    shape, dtype = numbers(r"np\.zeros\(\(([\d, ]+)\)", text), re.search(r"np\.(float\d+)", text)[1]
    x = np.zeros(shape, dtype)
    view = re.search(r"y = (x\S*(?: \S+)*?)\. What", text)
    return (eval(view[1], {"x": x}) if view else x).strides


def same_with_stride(text):
    (n,), (kernel, stride, _, dilation) = numbers(r"row of (\d+)", text), axis_settings(text)[0][0]
    out = len(range(0, n, stride))  # a window for every stride that is begun
    sides = ((total // 2, total - total // 2) for total in count())
    before, after = next(each for each in sides if len(windows(n, kernel, stride, each[0], dilation, each[1])) >= out)
    if "out, before, after" in text:
        return out, before, after
    return (before, after) if "before, after" in text else out


def wrong_line(text):
    shape, wrong = numbers(r"input: ([\d×]+)", text), []
    for name, what in re.findall(r"(line \d+): (.*)", text):
        said = tuple(map(int, what.rpartition(": ")[2].split("×")))
        channels = numbers(r"(\d+) filters", what)[0] if "convolution" in what else shape[0]
        if said != (channels, *(len(laid(n, one)) for n, one in zip(shape[1:], axis_settings(what)[0], strict=True))):
            wrong.append(name)
        shape = said
    assert len(wrong) == 1, text
    return wrong[0]


def bounds(text) -> tuple[list[int], list[int], list[int]]:
    """Return the kernels, strides and paddings to choose from."""
    kernels = [int(k) for k in re.findall(r"\d+", re.search(r"kernel is ([\d, or]+), its", text)[1])]
    (low, high), (least, most) = numbers(r"stride (\d+) to (\d+)", text), numbers(r"padding (\d+) to (\d+)", text)
    return kernels, list(range(low, high + 1)), list(range(least, most + 1))


def all_settings(text):
    n, out = numbers(r"row of (\d+) cells to (\d+)", text)
    settings = frozenset(each for each in product(*bounds(text)) if len(windows(n, *each)) == out)
    return settings if "(kernel, stride, padding)" in text else frozenset(each[1:] for each in settings)


def field_and_size(text):
    so_far = (*numbers(r"sees (\d+) pixels of a row, and neighbouring units begin (\d+) pixel", text), 0, 1)
    (wanted,) = numbers(r"(\d+) pixels or more", text)
    if "How many more layers" in text:
        one = axis_settings(text)[0][0]
        return next(layers for layers in count() if field([so_far] + [one] * layers)[0] >= wanted)
    n, out = numbers(r"has (\d+) cells in a row. One more convolution is to take them to (\d+)", text)
    fits = (each for each in product(*bounds(text)) if len(windows(n, *each)) == out)
    return frozenset(each for each in fits if field([so_far, (*each[:2], 0, 1)])[0] >= wanted)


BY_TOPIC = {
    each.__name__: each
    for each in (
        output_shape,
        padding_for_size,
        parameters,
        multiply_adds,
        field_of_stack,
        pixel_box,
        which_inputs,
        which_outputs,
        transposed,
        groups,
        layout_and_strides,
        same_with_stride,
        wrong_line,
        all_settings,
        field_and_size,
    )
} | {"bytes": number_of_bytes}
