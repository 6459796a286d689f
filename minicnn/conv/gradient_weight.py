"""By the weight, a convolution's gradient is a sum over all images and positions.

    grad_w[k,c,i,j] = Σ_n Σ_(p,q)  grad[n,k,p,q] · x[n,c, p·stride_h + i·dil_h - top, q·stride_w + j·dil_w - left]

Idea: 3×3 kernels go through Winograd's points where accuracy is "fast" (winograd_gradient.py); else eight filters by eight taps in registers (gradient_kernel.py) where there are few taps; elsewhere a matrix
product of grad with the windows laid out as rows, some images at a time.  The gradient by the bias is the same
sum without x, and comes along.
Cost: the multiply-adds of the forward pass.  What it does not do: multiply padding zeros by what is not finite
(0·∞ is NaN where the law skips the tap): then taps are summed one by one.
Source: Goodfellow, Bengio, Courville (2016), section 9.5.  Next room: gradient.py, whose half this is.
"""

import numpy as np

from minicnn.conv.algorithm import plain
from minicnn.conv.layout import padded, starts_of, taps_of, windows_of_batch
from minicnn.window import Window

MANY_CHANNELS = 16  # fewer would not repay the transforms of winograd_gradient.py,
MANY_TILES = 40  # and fewer tiles not its sums at 36 points for each filter,
FEW_TILES, MANY_PAIRS = 16, 1 << 16  # except where pairs of channels and filters are so many that rows of taps are slower still
FEW_TAPS = 400  # above it, BLAS reuses what it loads more often than registers do
PIECE = 512  # positions that gradient_kernel.py takes at a time
ROWS_AT_ONCE = 1 << 20  # numbers of windows that are laid out as rows at a time: about the second-level cache


def weight_and_bias_gradients(grad, x, window: Window, weight_shape, accuracy: str = "exact") -> tuple[np.ndarray, np.ndarray]:
    """Return the gradients by the weight and by the bias, which are sums over the same positions."""
    window = window.resolve(x.shape[2:])
    if grad.shape[0] == 0:
        return np.zeros(weight_shape, grad.dtype), np.zeros(weight_shape[0], grad.dtype)
    taps = weight_shape[1] * weight_shape[2] * weight_shape[3]
    if accuracy == "fast" and through_points(x.shape, weight_shape, window, grad.shape[2:], grad.dtype):
        from minicnn.conv.winograd_gradient import weight_gradient

        by_weight, by_bias = weight_gradient(grad, x, window, weight_shape), grad.sum(axis=(0, 2, 3))
    elif grad.dtype == np.float32 and taps <= FEW_TAPS:
        by_weight, by_bias = _in_registers(grad, x, window, weight_shape)
    else:
        by_weight, by_bias = _by_rows(grad, x, window, weight_shape), grad.sum(axis=(0, 2, 3))
    if window.padded(x.shape[2:]) and not np.isfinite(by_bias).all():  # 0·∞ is NaN: the padding must be skipped, not multiplied
        by_weight = _tap_by_tap(grad, x, window, weight_shape)
    return by_weight, by_bias


def through_points(x_shape, weight_shape, window: Window, out_size, dtype) -> bool:
    """Whether winograd_gradient.py takes this: 3×3, stride and dilation 1, one group, float32, many channels, filters and tiles."""
    tiles = x_shape[0] * -(-out_size[0] // 4) * -(-out_size[1] // 4)
    small = window.kernel == (3, 3) and window.stride == (1, 1) and window.dilation == (1, 1) and x_shape[1] == weight_shape[1]
    enough = tiles >= (FEW_TILES if weight_shape[0] * weight_shape[1] >= MANY_PAIRS else MANY_TILES)
    return dtype == np.float32 and small and min(weight_shape[:2]) >= MANY_CHANNELS and enough


def _in_registers(grad, x, window: Window, weight_shape) -> tuple[np.ndarray, np.ndarray]:
    (N, K, P, Q), channels = grad.shape, weight_shape[1]
    wide = padded(x, window)
    area, G = wide.shape[2] * wide.shape[3], x.shape[1] // channels
    starts, taps = starts_of(window, (P, Q), wide.shape[3]), taps_of(channels, window, wide.shape[2:]).reshape(-1)
    numbers, image, positions = wide.reshape(-1), wide.shape[1] * area, P * Q
    if positions < 8:  # those of all images in one row, since those of one do not fill a vector
        starts = np.add.outer(np.arange(N) * image, starts[:positions]).reshape(-1)
        grad, image, positions = grad.swapaxes(0, 1), 0, N * positions
    by_weight, by_bias = products_over_rows(grad, numbers, starts, taps, image, channels * area, G, K, positions)
    return by_weight.reshape(weight_shape), by_bias


def products_over_rows(grad, numbers, starts, taps, image: int, group: int, groups: int, filters: int, positions: int):
    """Return Σ over all positions of grad (…, filters, positions) times the numbers at start + tap, (filters, taps), and Σ of grad."""
    from minicnn.conv.gradient_kernel import sum_over_positions
    from minicnn.conv.jit.threads import WORTH_WAKING

    T, eights = taps.size, -(-(filters // groups) // 8)
    taps = np.append(taps, np.full(-T % 8, taps[0]))  # the last eight are filled up; what comes of it is thrown away
    count = min(16, grad.size // (filters * positions) * -(-positions // PIECE))
    parts, sums = np.zeros((count, groups, eights, taps.size, 8), grad.dtype), np.zeros((count, groups, eights * 8), grad.dtype)
    arrays = plain(numbers), plain(np.ascontiguousarray(grad).reshape(-1)), parts.reshape(-1), sums.reshape(-1)
    kernel = sum_over_positions.alone if grad.size * T < WORTH_WAKING else sum_over_positions
    kernel(*arrays, count, plain(starts), plain(taps), image, group, filters // groups, positions)
    total = parts[0] if count == 1 else parts.sum(axis=0)  # parts in their order
    rows = total[:, :, :T].swapaxes(2, 3).reshape(groups, eights * 8, T)[:, : filters // groups]  # one row per filter
    return np.ascontiguousarray(rows).reshape(filters, T), sums.sum(axis=0)[:, : filters // groups].reshape(filters)


def _by_rows(grad, x, window: Window, weight_shape) -> np.ndarray:
    """Σ over chunks of images of grad (K, windows) times windows as rows (windows, taps)."""
    (N, K, P, Q), (_, channels, R, S) = grad.shape, weight_shape
    G, T = x.shape[1] // channels, channels * R * S
    total = np.zeros((G, K // G, T), grad.dtype)
    wide = padded(x, window)
    chunk = max(1, ROWS_AT_ONCE // (x.shape[1] * R * S * P * Q))
    for n in range(0, N, chunk):
        windows = windows_of_batch(wide[n : n + chunk], window, (P, Q))
        images = len(windows)
        rows = windows.reshape(images, G, channels, P, Q, R, S).transpose(1, 0, 3, 4, 2, 5, 6).reshape(G, images * P * Q, T)
        filters = grad[n : n + chunk].reshape(images, G, K // G, P * Q).transpose(1, 2, 0, 3).reshape(G, K // G, images * P * Q)
        total += np.matmul(filters, rows)
    return total.reshape(weight_shape)


def _tap_by_tap(grad, x, window: Window, weight_shape) -> np.ndarray:
    """One small product per kernel position, over the outputs that find it inside the input."""
    (N, K, P, Q), (_, channels, R, S) = grad.shape, weight_shape
    G, (H, W) = x.shape[1] // channels, x.shape[2:]
    rows, columns = window.axes((H, W))
    total = np.zeros((G, K // G, channels, R, S), grad.dtype)
    for i, j in np.ndindex(R, S):
        (p, h), (q, w) = rows.tap(i, H, P), columns.tap(j, W, Q)
        outputs = grad[:, :, p, q].reshape(N, G, K // G, -1)
        inputs = x[:, :, h, w].reshape(N, G, channels, -1)
        total[:, :, :, i, j] = np.matmul(outputs, inputs.swapaxes(2, 3)).sum(axis=0)
    return total.reshape(weight_shape)


def weight_gradient_bytes(x_shape, weight_shape, window: Window, out_size, itemsize: int) -> int:
    """Return about what is held: x with its padding, and the parts or the rows."""
    (N, C), (K, channels, R, S), positions = x_shape[:2], weight_shape, out_size[0] * out_size[1]
    taps, G = channels * R * S, C // channels
    rows, columns = (n + sum(side) for n, side in zip(x_shape[2:], window.padding, strict=True))
    wide = N * C * rows * columns * itemsize if window.padded(x_shape[2:]) else 0
    if itemsize == 4 and taps <= FEW_TAPS:
        small = positions < 8  # then grad is copied, all images in one row
        parts = min(16, -(-N * positions // PIECE) if small else N * -(-positions // PIECE))
        return wide + (parts + 2) * G * -(-K // (8 * G)) * 8 * (taps + 7) * itemsize + (N * K * positions * itemsize if small else 0)
    chunk = min(N, max(1, ROWS_AT_ONCE // (C * R * S * positions)))
    return wide + chunk * (C * R * S + K) * positions * itemsize
