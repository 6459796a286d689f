"""Which question: how do a trace's maps come into TensorBoard?

Idea: one event file for one call, beside whatever the folder holds, under a name that nobody else has.  Of every map

    mean/NAME, std/NAME, zeros/NAME     scalars, so that runs and steps lie over each other as curves
    map/NAME                            a histogram of its numbers
    channels/NAME                       a picture: the channels of the first image in a grid, the darkest number of the map black,
                                        the brightest white

Cost: three passes over every map; tensorboardX is imported when asked for.
When it loses: a map of one bright spot is black elsewhere, since all its channels share one scale, as they do in the network.
What it does not do: winning indices, gradients, graphs of networks (describe and save_onnx say more of those).
Source: tensorboardX's documentation; Zeiler & Fergus (2014), figure 4, for grids of maps.  Next room: show/maps.py, the same on paper.
"""

import os
from collections.abc import Callable
from math import ceil, isqrt
from pathlib import Path

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, UnsupportedError
from minicnn.network import FeatureMap, Trace

WHAT = "tensorboard"
BINS = 64
CHANNELS = 64  # of a picture
SMALLEST = 16  # pixels that a channel is drawn with, at least
Progress = Callable[[int, int], object]


def tensorboard(trace: Trace, logdir, *, step: int = 0, progress: Progress | None = None) -> Path:
    """Write every map of a trace for TensorBoard: statistics, a histogram and a picture of channels; return the file.

    mean, std and zeros are those of trace[name].statistics.  A histogram has 64 equal bins from the smallest to the largest finite
    number.  A picture is (x - min) / (max - min) over the map's first image, up to 64 channels; maps of one position have none.
    logdir: a folder, made where it is missing; a new file is put into it and no other is touched.  step: where on the axis of
    steps, 0 or more.  progress(maps done, maps in all) is called after each map.  Look at it with: tensorboard --logdir FOLDER.

    >>> import tempfile
    >>> from minicnn import nn, trace
    >>> found = trace(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()), np.ones((1, 1, 5, 6), np.float32))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tensorboard(found, folder).name.startswith("events.out.tfevents.")
    True

    Raises ArgumentError, and UnsupportedError where the extra `tensorboard` is missing; OSError where the system refuses.
    Source: tensorboardX's SummaryWriter.
    """
    if not isinstance(trace, Trace):
        raise ArgumentError(f"{WHAT}: the first argument is what trace(net, x) returned, but it is a {type(trace).__name__}.")
    folder, step = _folder(logdir), check.integer(step, "step", WHAT, 0)
    suffix = f".minicnn.{os.urandom(4).hex()}"  # two calls in one second are two files
    writer = _writer(folder, suffix)
    maps = [each for each in trace if ":" not in each.name]  # indices are no brightness
    try:
        for done, each in enumerate(maps, 1):
            _write(writer, each, step)
            if progress is not None:
                progress(done, len(maps))
    finally:
        writer.close()
    return next(folder.glob(f"events.out.tfevents.*{suffix}"))


def _folder(logdir) -> Path:
    if not isinstance(logdir, str | os.PathLike):
        raise ArgumentError(f"{WHAT}: logdir is a str or a pathlib.Path, but it is a {type(logdir).__name__}.")
    folder = Path(logdir)
    if folder.exists() and not folder.is_dir():
        raise ArgumentError(f"{WHAT}: logdir is a folder, but {str(folder)!r} is a file; name another.")
    return folder


def _writer(folder: Path, suffix: str):
    """Return a writer of a new event file, whose name ends so."""
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        raise UnsupportedError(
            f'{WHAT}: writing for TensorBoard needs the package tensorboardX, which is not installed: pip install "minicnn-engine[tensorboard]".'
        ) from None
    folder.mkdir(parents=True, exist_ok=True)
    return SummaryWriter(logdir=str(folder), filename_suffix=suffix)


def _write(writer, each: FeatureMap, step: int) -> None:
    """Write what is told of one map."""
    if not each.data.size:
        return
    seen = each.statistics
    for name in ("mean", "std", "zeros"):
        writer.add_scalar(f"{name}/{each.name}", getattr(seen, name), step)
    finite = each.data[np.isfinite(each.data)].astype(np.float64)
    if finite.size:
        counts, edges = np.histogram(finite, BINS, range=_range(finite))
        sums = {"num": finite.size, "sum": float(finite.sum()), "sum_squares": float(np.square(finite).sum())}
        ends = {"min": float(finite.min()), "max": float(finite.max())}
        writer.add_histogram_raw(
            f"map/{each.name}", **ends, **sums, bucket_limits=edges[1:].tolist(), bucket_counts=counts.tolist(), global_step=step
        )
    if each.data.ndim == 4 and each.data.shape[2:] != (1, 1):
        writer.add_image(f"channels/{each.name}", channel_grid(each.data[0]), step, dataformats="HW")


def _range(finite: np.ndarray) -> tuple[float, float]:
    """Return from where to where the bins go; an equal map, or nearly so, has room on both sides."""
    low, high = float(finite.min()), float(finite.max())
    size = max(abs(low), abs(high))
    return (low, high) if high - low > size / 2**40 else (low - max(0.5, size / 2**10), high + max(0.5, size / 2**10))


def channel_grid(maps: np.ndarray) -> np.ndarray:
    """Return channels (C, H, W) side by side as bytes: a square of up to 64, small ones enlarged, a grey line between them.

    >>> channel_grid(np.array([[[0.0, 1.0]], [[2.0, np.nan]]])).shape
    (16, 65)
    """
    channels, rows, columns = min(len(maps), CHANNELS), *maps.shape[1:]
    shown = np.nan_to_num(maps[:channels].astype(np.float64), nan=0.0, posinf=np.finfo(np.float32).max, neginf=np.finfo(np.float32).min)
    low, high = shown.min(), shown.max()
    grey = ((shown - low) / ((high - low) or 1) * 255).round().astype(np.uint8)
    times = max(ceil(SMALLEST / min(rows, columns)), 1)
    grey = grey.repeat(times, axis=1).repeat(times, axis=2)
    across = isqrt(channels - 1) + 1
    down = ceil(channels / across)
    height, width = grey.shape[1] + 1, grey.shape[2] + 1
    grid = np.full((down * height - 1, across * width - 1), 96, np.uint8)
    for place, channel in enumerate(grey):
        top, left = place // across * height, place % across * width
        grid[top : top + height - 1, left : left + width - 1] = channel
    return grid
