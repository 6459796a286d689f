"""Assignment 06: conv2d, at least ten times as fast as loops.  The task is in README.md."""

import numpy as np


def conv2d(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: tuple[int, int], padding: tuple[int, int]) -> np.ndarray:
    """Return the sum of products of every window of x with every filter, and the filter's bias.

    x: (N, C, H, W)   weight: (K, C, kh, kw)   bias: (K,)
    stride, padding: (over the rows, over the columns); the padding is zeros, as many before as after
    returns: (N, K, P, Q)
    """
    raise NotImplementedError


if __name__ == "__main__":
    print(f'Check it with:  minicnn assignment check "{__file__}" --assignment 06')
