"""Center crop

Keep the middle of every map: rows top … top + h - 1 and columns left … left + w - 1, where top = (H - h) // 2 and left = (W - w) // 2.
Where what is left over is odd, there is one row (column) more below (to the right).

    y[n, c, p, q] = x[n, c, top + p, left + q]
"""

import numpy as np

DOMAIN = {"N": (1, 2), "C": (1, 3), "h": (1, 3), "w": (1, 4), "above_and_below": (0, 4), "beside": (0, 3)}


def arguments(settings, array):
    """Make the arguments of one case: whole numbers from DOMAIN, and arrays by array(*shape)."""
    h, w = settings["h"], settings["w"]
    return {"x": array(settings["N"], settings["C"], h + settings["above_and_below"], w + settings["beside"]), "size": (h, w)}


def center_crop(x, size):
    """Return the middle of every map.

    x : (N, C, H, W)     size : (h, w), at most (H, W)     result : (N, C, h, w), of x's dtype
    """
    h, w = size
    top, left = (x.shape[2] - h) // 2, (x.shape[3] - w) // 2
    return x[:, :, top : top + h, left : left + w]


def from_the_corner(x, size):
    """Your result is what you get when the crop begins at the corner: the middle begins at (H - h) // 2 and (W - w) // 2."""
    return x[:, :, : size[0], : size[1]]


def rounds_up(x, size):
    """Your result is what you get when an odd remainder leaves the larger half above and to the left: // rounds down."""
    top, left = (-(-(n - k) // 2) for n, k in zip(x.shape[2:], size, strict=True))
    return x[:, :, top : top + size[0], left : left + size[1]]


def rows_and_columns_swapped(x, size):
    """Your result is what you get when size is read as (width, height): it is (height, width), as shapes are."""
    return center_crop(x, size[::-1])


def flips_the_rows(x, size):
    """Your result is upside down: rows keep their order in a crop."""
    return np.flip(center_crop(x, size), axis=2)
