"""Which question: what do people believe about the size that comes out?

Right: floor((in_size + 2·padding - dilation·(kernel - 1) - 1) / stride) + 1: the steps that fit behind the first window, and that window.

Cost: none.  Source: Dumoulin & Visin (2016), relationships 1-6 and 14.  Next room: same_padding.py.
"""

from minicnn.misconceptions.misconception import believed


def room(in_size, kernel, padding, dilation):
    """Return how many cells lie behind the first window: where it can still go."""
    return in_size + 2 * padding - dilation * (kernel - 1) - 1


@believed(
    "You round up where the stride does not divide: a last window that would reach over the edge is left out, so round down.", lesson="02"
)
def ceil_for_floor(in_size, kernel, stride, padding, dilation):
    return -(-room(in_size, kernel, padding, dilation) // stride) + 1


@believed("You round to the nearest whole number: a window fits or it does not, so the division rounds down.", lesson="02")
def rounded_to_the_nearest(in_size, kernel, stride, padding, dilation):
    return round(room(in_size, kernel, padding, dilation) / stride) + 1


@believed("You divide by / and return a float: half a window does not exist, so divide by //, which gives a whole number.", lesson="02")
def not_rounded_at_all(in_size, kernel, stride, padding, dilation):
    return room(in_size, kernel, padding, dilation) / stride + 1


@believed("You leave out the + 1: the first window is there before any step is taken.", lesson="02")
def first_window_not_counted(in_size, kernel, stride, padding, dilation):
    return room(in_size, kernel, padding, dilation) // stride


@believed("You add the 1 before you divide: it stands for the first window, which takes no step, so it is added afterwards.", lesson="02")
def one_added_before_dividing(in_size, kernel, stride, padding, dilation):
    return (room(in_size, kernel, padding, dilation) + 1) // stride


@believed("You count the padding once: it lies on both sides, so it adds 2·padding cells.", lesson="02")
def padding_on_one_side(in_size, kernel, stride, padding, dilation):
    return room(in_size - padding, kernel, padding, dilation) // stride + 1


@believed("You forget the padding: the windows slide over in_size + 2·padding cells.", lesson="02")
def padding_forgotten(in_size, kernel, stride, padding, dilation):
    return room(in_size, kernel, 0, dilation) // stride + 1


@believed("You forget the stride: windows start every `stride` cells, so the room for steps is divided by it.", lesson="02")
def stride_forgotten(in_size, kernel, stride, padding, dilation):
    return room(in_size, kernel, padding, dilation) + 1


@believed("You forget the dilation: the taps are `dilation` cells apart, so a kernel spans dilation·(kernel - 1) + 1 cells.", lesson="02")
def dilation_forgotten(in_size, kernel, stride, padding, dilation):
    return room(in_size, kernel, padding, 1) // stride + 1


@believed("You take the dilated kernel to span dilation·kernel cells: it has kernel - 1 gaps, so dilation·(kernel - 1) + 1.", lesson="02")
def gap_after_the_last_tap(in_size, kernel, stride, padding, dilation):
    return (in_size + 2 * padding - dilation * kernel) // stride + 1


@believed("You use the dilation as a second stride: it moves the taps of one window apart, not the windows.", lesson="02")
def dilation_as_stride(in_size, kernel, stride, padding, dilation):
    return room(in_size, kernel, padding, 1) // (stride * dilation) + 1


@believed(
    "You assume 'same' padding, ceil(in_size / stride): how much is padded is given, and the kernel takes the rest away.", lesson="02"
)
def always_same(in_size, kernel, stride, padding, dilation):
    return -(-in_size // stride)
