"""Sizes, paddings and receptive fields wrong, as they are handed in."""

import math

from holding import holds


@holds("output_size", "ceil for floor")
def rounds_up(in_size, kernel, stride, padding, dilation):
    span = dilation * (kernel - 1) + 1
    return math.ceil((in_size + 2 * padding - span) / stride) + 1


@holds("output_size", "first window not counted")
def counts_steps(in_size, kernel, stride, padding, dilation):
    count, end = 0, dilation * (kernel - 1) + stride
    while end < in_size + 2 * padding:
        count, end = count + 1, end + stride
    return count


@holds("output_size", "stride forgotten")
def counts_every_place(in_size, kernel, stride, padding, dilation):
    count = 0
    for start in range(-padding, in_size + padding):
        if start + dilation * (kernel - 1) < in_size + padding:
            count += 1
    return count


@holds("same_padding", "odd cell before")
def more_before(kernel, dilation):
    before = after = 0
    for cell in range(dilation * (kernel - 1)):
        if cell % 2 == 0:
            before += 1
        else:
            after += 1
    return before, after


@holds("same_padding", "half the kernel")
def kernel_by_two(kernel, dilation):
    half = math.floor(kernel / 2)
    return half, half


@holds("receptive_field", "own stride too early")
def stride_first(layers):
    size, step, start = 1, 1, 0
    for k, s, p, d in layers:
        step *= s
        size += d * (k - 1) * step
        start -= p * step
    return size, step, start


@holds("receptive_field", "strides do not widen")
def adds_kernels(layers):
    size, step, start = 1, 1, 0
    for k, s, p, d in layers:
        size += d * (k - 1)
        start -= p * step
        step *= s
    return size, step, start
