"""Which question: what do people believe about the padding that keeps a size?

Right: dilation·(kernel - 1) cells in all, half of them before, and the odd one after.

Cost: none.  Source: TensorFlow's documentation of SAME padding; torch.nn.Conv2d with padding='same'.  Next room: receptive_field.py.
"""

from minicnn.misconceptions.misconception import believed


def halves(total):
    """Return total cells as (before, after), the odd one after."""
    return total // 2, total - total // 2


@believed("You put the odd cell before: TensorFlow and PyTorch put it after.", lesson="02")
def odd_cell_before(kernel, dilation):
    return halves(dilation * (kernel - 1))[::-1]


@believed("You pad kernel // 2 on both sides: that is right for odd kernels without dilation only.", lesson="02")
def half_the_kernel(kernel, dilation):
    return kernel // 2, kernel // 2


@believed("You pad dilation·(kernel // 2) on both sides: for an even kernel that is more than dilation·(kernel - 1) in all.", lesson="02")
def half_the_kernel_dilated(kernel, dilation):
    return dilation * (kernel // 2), dilation * (kernel // 2)


@believed("You drop the odd cell: where dilation·(kernel - 1) is odd, one side needs a cell more, or the output is one short.", lesson="02")
def odd_cell_dropped(kernel, dilation):
    return (dilation * (kernel - 1) // 2,) * 2


@believed("You forget the dilation: a dilated kernel spans dilation·(kernel - 1) + 1 cells, and takes one less away.", lesson="02")
def dilation_forgotten(kernel, dilation):
    return halves(kernel - 1)


@believed(
    "You take the dilated kernel to span dilation·kernel cells: it has kernel - 1 gaps, so it takes dilation·(kernel - 1) away.",
    lesson="02",
)
def gap_after_the_last_tap(kernel, dilation):
    return halves(dilation * kernel - 1)


@believed("You pad by the kernel's whole span: what a window takes away is its span less 1, dilation·(kernel - 1).", lesson="02")
def whole_span(kernel, dilation):
    return halves(dilation * (kernel - 1) + 1)


@believed("You pad dilation·(kernel - 1) on each side: that is what is needed in all, to be shared between the sides.", lesson="02")
def all_of_it_on_both_sides(kernel, dilation):
    return (dilation * (kernel - 1),) * 2


@believed("You put all the padding after: the size is kept, but every output moves away from the input that it stands over.", lesson="02")
def all_of_it_after(kernel, dilation):
    return 0, dilation * (kernel - 1)


@believed("You halve with /, which gives floats: cells are whole, so halve with // and give the rest to the other side.", lesson="02")
def half_cells(kernel, dilation):
    return (dilation * (kernel - 1) / 2,) * 2


@believed("You return one number: the two sides may differ, so the answer is (before, after).", lesson="02")
def one_number(kernel, dilation):
    return dilation * (kernel - 1) // 2
