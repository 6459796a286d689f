"""probe.tensorboard: the event file, read back by TensorBoard itself, holds the maps' statistics, histograms and pictures."""

import io
import logging
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from minicnn import nn, probe, trace
from minicnn.errors import ArgumentError, UnsupportedError
from minicnn.probe.tensorboard import channel_grid

pytest.importorskip("tensorboardX")


@pytest.fixture(scope="module")
def found():
    net = nn.Sequential(nn.Conv2d(1, 3, 3, rng=np.random.default_rng(0)), nn.ReLU(), nn.MaxPool2d(2, return_indices=True), nn.Flatten())
    return trace(net, np.random.default_rng(1).standard_normal((2, 1, 12, 9), np.float32))


def events(path):
    """Return what TensorBoard reads of a file."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    logging.getLogger("tensorboard").setLevel(logging.ERROR)
    read = accumulator.EventAccumulator(str(path), size_guidance={"scalars": 0, "histograms": 0, "images": 0})
    return read.Reload()


def test_scalars_are_the_statistics(found, tmp_path):
    read = events(probe.tensorboard(found, tmp_path, step=3))
    names = ["x", "conv1", "relu1", "pool1", "flatten1"]
    assert sorted(read.Tags()["scalars"]) == sorted(f"{what}/{name}" for what in ("mean", "std", "zeros") for name in names)
    for name in names:
        for what in ("mean", "std", "zeros"):
            (event,) = read.Scalars(f"{what}/{name}")
            assert (event.step, event.value) == (3, np.float32(getattr(found[name].statistics, what)))


def test_histograms_count_every_number(found, tmp_path):
    read = events(probe.tensorboard(found, tmp_path))
    for name in ("conv1", "relu1"):
        (event,) = read.Histograms(f"map/{name}")
        seen, data = event.histogram_value, found[name].data.astype(np.float64)
        assert (seen.num, seen.min, seen.max) == (data.size, data.min(), data.max())
        assert seen.sum == pytest.approx(data.sum(), rel=1e-12, abs=1e-9)
        assert seen.sum_squares == pytest.approx(np.square(data).sum(), rel=1e-12)
        counts, edges = np.histogram(data, 64)
        assert_array_equal(seen.bucket, counts)
        assert_array_equal(seen.bucket_limit, edges[1:])


def test_pictures_are_the_channels_of_the_first_image(found, tmp_path):
    read = events(probe.tensorboard(found, tmp_path))
    assert sorted(read.Tags()["images"]) == [f"channels/{name}" for name in ("conv1", "pool1", "relu1", "x")]
    (event,) = read.Images("channels/conv1")
    with Image.open(io.BytesIO(event.encoded_image_string)) as picture:
        assert_array_equal(np.asarray(picture)[..., 0], channel_grid(found["conv1"].data[0]))


def test_a_grid_by_hand():
    maps = np.arange(3, dtype=np.float32).repeat(16 * 20).reshape(3, 16, 20)
    grid = channel_grid(maps)
    assert grid.shape == (33, 41)
    assert [grid[0, 0], grid[15, 40], grid[17, 0], grid[16, 0], grid[0, 20], grid[20, 30]] == [0, 128, 255, 96, 96, 96]


def test_grids_of_odd_maps():
    assert channel_grid(np.zeros((100, 2, 3), np.float32)).shape == (8 * 17 - 1, 8 * 25 - 1)  # 64 of them, eight times as large
    assert channel_grid(np.full((1, 16, 16), 7.0)).max() == 0
    odd = channel_grid(np.array([[[np.nan, 0.0], [1.0, np.inf]]]))
    assert odd[0, 0] == 0
    assert odd[-1, -1] == 255


@pytest.mark.parametrize("value", [0.0, 1e30, -5.0, 1e-40, np.nan, np.inf])
def test_maps_of_one_number(value, tmp_path):
    x = np.full((1, 2, 3, 4), value, np.float32)
    read = events(probe.tensorboard(trace(nn.Identity(), x), tmp_path))
    assert ("map/x" in read.Tags()["histograms"]) == bool(np.isfinite(value))
    if np.isfinite(value):
        assert sum(read.Histograms("map/x")[0].histogram_value.bucket) == 24
    assert "channels/x" in read.Tags()["images"]


def test_no_file_of_anyone_is_touched(found, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    paths = [probe.tensorboard(found, tmp_path, step=step) for step in range(3)]  # within a second
    assert len(set(paths)) == 3
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(["mine.txt", *(path.name for path in paths)])
    assert [events(path).Scalars("mean/x")[0].step for path in paths] == [0, 1, 2]
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_folders_are_made_and_progress_told(found, tmp_path):
    told = []
    path = probe.tensorboard(found, str(tmp_path / "a" / "b"), progress=lambda done, total: told.append((done, total)))
    assert path.parent == tmp_path / "a" / "b"
    assert told == [(n, 5) for n in range(1, 6)]


def test_what_is_refused(found, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match=r"^tensorboard: the first argument is what trace\(net, x\) returned, but it is a Network"):
        probe.tensorboard(found.net, tmp_path)
    with pytest.raises(ArgumentError, match=r"^tensorboard: logdir is a folder, but '.*file' is a file; name another"):
        probe.tensorboard(found, tmp_path / "file")
    with pytest.raises(ArgumentError, match=r"^tensorboard: logdir is a str or a pathlib.Path, but it is a int"):
        probe.tensorboard(found, 3)
    with pytest.raises(ArgumentError, match=r"^tensorboard: step must be at least 0, but it is -1"):
        probe.tensorboard(found, tmp_path, step=-1)
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(UnsupportedError, match=r'not installed: pip install "minicnn-engine\[tensorboard\]"'):
        probe.tensorboard(found, tmp_path / "new")
    assert not (tmp_path / "new").exists()
