"""The picture of what rungs touch: drawn from launches that are written down by hand, so that no device is needed."""

import numpy as np
import pytest

from minicnn.conv.cuda.accesses import FIELDS, Accesses, Array, Launch, linear
from minicnn.errors import ArgumentError
from minicnn.show.memory_traffic import _arrays, _request, memory_traffic

ARRAYS = (Array("x", False, 4), Array("weight", False, 4), Array("y", False, 4), Array("shared, line 7", True, 4))
THREADS = np.arange(32)


def launch(*accesses) -> Launch:
    """Return one warp's accesses: (array, write, each thread's offset in bytes, bytes), each a line of its own."""
    rows = [
        (t, array, write, place, 0, int(at), size) for place, (array, write, ats, size) in enumerate(accesses) for t, at in enumerate(ats)
    ]
    return Launch("kernel", (1, 1, 1), (32, 1, 1), ARRAYS, np.array(rows, FIELDS))


def rung(name: str, found: Launch) -> Accesses:
    return Accesses(name, np.zeros((1, 32, 1, 1), np.float32), 32 * 9, (found,))


SCATTERED = rung("cuda_naive", launch((0, False, 0 * THREADS, 4), (1, False, 36 * THREADS, 4), (2, True, 1024 * THREADS, 4)))
VECTORS = rung(
    "cuda_tiled", launch((0, False, 16 * THREADS, 16), (3, True, 4 * THREADS, 4), (3, False, 0 * THREADS, 4), (2, True, 4 * THREADS, 4))
)


def texts(figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


def test_totals_by_hand():
    assert SCATTERED.per_output("global_reads") == 2
    assert SCATTERED.sectors == 1 + 32 + 32
    assert SCATTERED.sectors_per_request == 65 / 3
    assert (SCATTERED.bytes_asked, SCATTERED.bytes_moved) == (32 * 12, 65 * 32)
    assert SCATTERED.intensity_moved == 2 * 288 / (65 * 32)
    assert (VECTORS.per_output("global_reads"), VECTORS.total("global_reads", "instructions")) == (4, 32)
    assert VECTORS.sectors == 16 + 4  # 512 bytes, 128 bytes
    assert VECTORS.per_output("shared_reads") == VECTORS.per_output("shared_writes") == 1
    assert linear((1, 2, 3), (4, 5, 6)) == 1 + 4 * (2 + 5 * 3)


def test_every_number_is_on_the_picture():
    figure = memory_traffic({"naive": SCATTERED, "tiled": VECTORS})
    numbers, sectors, *warps = figure.axes
    assert [text.get_text() for text in numbers.texts] == ["2", "1", "none", "none", "4", "1", "1", "1"]
    assert [label.get_text() for label in numbers.get_yticklabels()] == ["naive", "tiled"]
    assert [text.get_text() for text in sectors.texts][1:] == ["21.7", "10.0"]
    assert [text.get_text() for text in numbers.get_legend().get_texts()] == [
        "global reads",
        "global writes",
        "shared reads",
        "shared writes",
    ]
    assert [ax.get_title(loc="left") for ax in warps] == [
        "naive reads x: 1 sector, 12% used",
        "naive reads weight: 32 sectors, 12% used",
        "naive writes y: 32 sectors, 12% used",
        "tiled reads x: 16 sectors, 100% used",
        "tiled writes y: 4 sectors, 100% used",
    ]
    assert "y has 32 numbers; 576 operations, the same for every rung" in texts(figure)
    assert figure.png()[:4] == b"\x89PNG"


def test_each_thread_has_its_dot():
    """A vector of 16 bytes is half a sector wide; thread 5 begins at byte 80, in the third sector."""
    ax = memory_traffic({"tiled": VECTORS}).axes[2]
    bars = ax.containers[0]
    assert len(bars) == 32
    assert (bars[5].get_x(), bars[5].get_width()) == (2.5, 0.5)
    assert bars[5].get_y() + bars[5].get_height() / 2 == 5


def test_gaps_between_far_sectors_are_left_out_and_said():
    axes = memory_traffic({"naive": SCATTERED}).axes[2:]
    assert [ax.get_xlabel() for ax in axes] == ["address (bytes)", "address (bytes)", "address (bytes, gaps left out)"]
    assert axes[2].get_xlim() == (0, 32)


def test_the_warps_drawn_are_those_of_the_first_three_rungs():
    figure = memory_traffic({"cuda_register_tiled": VECTORS, "cuda_tiled": VECTORS, "cuda_naive": SCATTERED})
    titles = [ax.get_title(loc="left").split()[0] for ax in figure.axes[2:]]
    assert titles == ["cuda_naive"] * 3 + ["cuda_tiled"] * 2
    assert len(memory_traffic({str(k): SCATTERED for k in range(5)}).axes) == 2 + 3 * 3


def test_the_request_of_most_threads():
    """The second line has all 32 threads, the first only 3 of them."""
    found = launch((1, False, 8 * THREADS[:3], 4), (1, False, 4 * THREADS, 4), (2, True, 4 * THREADS, 4))
    assert _arrays(found) == [(1, False), (2, True)]
    lanes, offsets, size = _request(found, 1, False)
    assert (lanes.tolist(), offsets.tolist(), size) == (THREADS.tolist(), (4 * THREADS).tolist(), 4)


def test_nothing_counted_is_refused():
    with pytest.raises(
        ArgumentError, match=r"show\.memory_traffic: each rung comes with what conv\.cuda\.counting\.count returned, but 'a' has a int\."
    ):
        memory_traffic({"a": 3})
    with pytest.raises(ArgumentError, match=r"show\.memory_traffic: at least one rung must have been counted, but there is none; use"):
        memory_traffic({})
