"""Which question: which rung of the ladder takes a convolution?

    choose_rung(x_shape, w_shape)      a pure function of shapes

Idea: the last two rungs are for shapes of their own; of the others register_tiled is the fastest where a group has filters enough to fill a tile's
rows.  Where it has few, most of a tile would be computed for nothing, and a thread for every output does no such work.

Cost: whole numbers.  What it does not do: look at numbers (weights that are not finite leave a rung for coalesced.py) or at the device.
When it loses: the bound of filters is by arithmetic, and not fitted to a device yet: a tile of 32 rows with 8 of them used does a quarter of
its work for something, and reads a tenth as often as coalesced.py.
Source: the way of choose_algorithm in conv/dispatch.py.  Next room: on_device.py.
"""

FEW_FILTERS = 8  # of a group


def choose_rung(x_shape, w_shape) -> str:
    """Return the name of the rung that conv2d(algorithm="auto") takes for arrays on a device.

    x_shape : (N, C, H, W); w_shape : (K, C/groups, kernel rows, kernel columns)

    >>> choose_rung((8, 64, 56, 56), (64, 64, 3, 3)), choose_rung((8, 64, 56, 56), (256, 64, 1, 1))
    ('cuda_register_tiled', 'cuda_pointwise')
    >>> choose_rung((8, 32, 56, 56), (32, 1, 3, 3)), choose_rung((8, 64, 56, 56), (3, 64, 3, 3))
    ('cuda_depthwise', 'cuda_coalesced')
    """
    (K, channels, R, S), groups = w_shape, x_shape[1] // w_shape[1]
    if channels == 1 and groups > 1:
        return "cuda_depthwise"
    if K // groups < FEW_FILTERS:
        return "cuda_coalesced"
    return "cuda_pointwise" if (R, S) == (1, 1) else "cuda_register_tiled"
