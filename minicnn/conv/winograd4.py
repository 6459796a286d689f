"""F(4×4, 3×3): winograd.py with tiles of 4×4 outputs, 36 products for 144.

Source: Lavin, Gray (2015), section 4.2.  Next room: fft.py.
"""

from minicnn.conv import winograd

OUTPUTS = 4


def why_not(x_shape, w_shape, window, dtype) -> str | None:
    return winograd.why_not(OUTPUTS, x_shape, w_shape, window, dtype)


def prepare(weight, window, groups: int = 1):
    return winograd.prepare(OUTPUTS, weight, window)


def run(x, prepared, bias=None, activation=None):
    return winograd.run(OUTPUTS, x, prepared, bias, activation)


def bind(x_shape, prepared, bias, activation):
    return winograd.bind(OUTPUTS, x_shape, prepared, bias, activation)


def error_factor(terms: int) -> float:
    return winograd.error_factor(OUTPUTS, terms // 9)


def prepared_bytes(x_shape, w_shape, window, itemsize: int) -> int:
    return winograd.transformed_size(OUTPUTS, w_shape) * itemsize


def workspace_bytes(x_shape, w_shape, window, itemsize: int) -> int:
    return winograd.workspace_bytes(OUTPUTS, x_shape, w_shape, window, itemsize)
