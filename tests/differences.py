"""Derivatives by finite differences, with a bound that is derived at each use, never tuned.

The central difference D(h) = (f(x + h·v) - f(x - h·v)) / 2h misses the derivative by c·h² + O(h⁴), so D(2h) - D(h) is three times
the truncation of D(h).  Rounding adds at most what f's own evaluation loses, relative to the size of what it sums.
"""

import numpy as np

STEP = 1e-5


def spread(shape, seed=0, least=-8.0, most=8.0) -> np.ndarray:
    """Return float64 numbers that are all different, and no closer to each other, to 0, 3, 6, -3 or -6 than about the gap of their grid.

    A kink (ReLU at 0, two equal numbers in a pooling window) is then further off than any step.
    """
    size = int(np.prod(shape))
    grid = least + (np.arange(size) + 0.37) * (most - least) / max(size, 1)
    near = np.abs(grid[:, None] - np.array([-6.0, -3.0, 0.0, 3.0, 6.0])).min(axis=1) < 1e-3
    grid[near] += 2.1e-3
    return np.random.default_rng(seed).permutation(grid).reshape(shape)


def assert_is_derivative(function, gradients, arrays, grads_out, *, directions=6, seed=0, terms=2000) -> None:
    """Assert that `gradients` (one per array, None passed over) are those of Σ_k Σ grads_out[k]·function(*arrays)[k].

    `terms` bounds the operations that one output goes through, for the rounding of function's own evaluation.
    """
    rng = np.random.default_rng(seed)

    def values(*moved):
        results = function(*moved)
        results = results if isinstance(results, tuple) else (results,)
        return [(g * y).ravel() for g, y in zip(grads_out, results, strict=False) if g is not None]

    def loss(*moved):
        return sum(float(np.sum(part)) for part in values(*moved))

    size = sum(float(np.abs(part).sum()) for part in values(*arrays))
    for place, gradient in enumerate(gradients):
        if gradient is None:
            continue
        assert gradient.shape == arrays[place].shape
        for _ in range(directions if arrays[place].size else 0):
            v = rng.standard_normal(arrays[place].shape)

            def difference(h, place=place, v=v):
                up, down = (tuple(x + s * h * v if k == place else x for k, x in enumerate(arrays)) for s in (1, -1))
                return (loss(*up) - loss(*down)) / (2 * h)

            near, far = difference(STEP), difference(2 * STEP)
            claimed = float(np.sum(gradient * v))
            rounding = terms * np.finfo(float).eps * (size + 1) / STEP
            assert abs(claimed - near) <= abs(far - near) + rounding, (place, claimed, near, far, rounding)


def assert_adjoint(linear, back, x, g) -> None:
    """Assert ⟨g, linear(x)⟩ = ⟨back(g), x⟩ exactly, for whole numbers in x and g."""
    assert float(np.sum(g * linear(x))) == float(np.sum(back(g) * x))
