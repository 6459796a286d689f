"""Assignment 05: the gradients of conv2d.  The task is in README.md."""

import numpy as np

Pair = tuple[int, int]  # (over the rows, over the columns)


def conv2d_backward(
    grad_output: np.ndarray, x: np.ndarray, weight: np.ndarray, stride: Pair, padding: Pair
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (grad_x, grad_weight, grad_bias), the gradients of Σ grad_output · conv2d(x, weight, bias, stride, padding).

    grad_output: (N, K, P, Q), the shape of conv2d's output   x: (N, C, H, W)   weight: (K, C, kh, kw)
    returns: the shapes of x, of weight, and (K,)
    """
    raise NotImplementedError


if __name__ == "__main__":
    print(f'Check it with:  minicnn assignment check "{__file__}" --assignment 05')
