"""Assignment 03: ReLU and pooling.  The task is in README.md."""

import numpy as np

Pair = tuple[int, int]  # (over the rows, over the columns)


def relu(x: np.ndarray) -> np.ndarray:
    """Return x where it is positive, else 0.   x, and what is returned: (N, C, H, W)"""
    raise NotImplementedError


def relu_backward(grad_output: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the gradient by x, given the gradient by relu(x); at x = 0 it is 0.   All three: (N, C, H, W)"""
    raise NotImplementedError


def max_pool2d(x: np.ndarray, kernel: Pair, stride: Pair, padding: Pair) -> np.ndarray:
    """Return the largest cell of every window.  Cells of the padding do not exist.

    x: (N, C, H, W)   padding: at most kernel // 2   returns: (N, C, P, Q)
    """
    raise NotImplementedError


def avg_pool2d(x: np.ndarray, kernel: Pair, stride: Pair, padding: Pair) -> np.ndarray:
    """Return the mean of the cells of every window.  Cells of the padding do not exist: they are not counted.

    x: (N, C, H, W)   padding: at most kernel // 2   returns: (N, C, P, Q)
    """
    raise NotImplementedError


if __name__ == "__main__":
    print(f'Check it with:  minicnn assignment check "{__file__}" --assignment 03')
