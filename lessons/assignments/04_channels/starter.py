"""Assignment 04: channels.  The task is in README.md."""

import numpy as np

Pair = tuple[int, int]  # (over the rows, over the columns)


def conv1x1(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Return, at every pixel, K mixtures of its C channels.

    x: (N, C, H, W)   weight: (K, C)   bias: (K,)   returns: (N, K, H, W)
    """
    raise NotImplementedError


def grouped_conv2d(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> np.ndarray:
    """Return conv2d in which the filters of a group see the channels of that group only.

    x: (N, C, H, W)   weight: (K, C / groups, kh, kw)   bias: (K,); groups divides C and K
    dilation: the distance from one tap of the kernel to the next, (over the rows, over the columns)
    returns: (N, K, P, Q)
    """
    raise NotImplementedError


def global_avg_pool2d(x: np.ndarray) -> np.ndarray:
    """Return the mean of every map.   x: (N, C, H, W)   returns: (N, C)"""
    raise NotImplementedError


if __name__ == "__main__":
    print(f'Check it with:  minicnn assignment check "{__file__}" --assignment 04')
