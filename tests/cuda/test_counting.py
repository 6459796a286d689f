"""What kernels touch, thread by thread: against counts by hand."""

import numpy as np
import pytest
from numba import cuda, float32

from minicnn import conv2d
from minicnn.conv.cuda.counting import Accesses, count, counting
from minicnn.conv.cuda.device import SIMULATOR, downloaded, simulated, uploaded
from minicnn.conv.cuda.kernel import Kernel
from minicnn.conv.cuda.words import load1, load4, store4
from minicnn.conv.gallery import LADDER
from minicnn.errors import MinicnnError, UnknownNameError, UnsupportedError

needs_simulator = pytest.mark.skipif(
    not simulated(), reason=f"accesses are counted in the simulator: {SIMULATOR} python -m pytest tests/cuda"
)


def numbers(*shape) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def doubled(x, y):
    """A kernel: four numbers by one load and one store, a fifth by itself."""
    t = cuda.grid(1)
    a, b, c, d = load4(x, 4 * t)
    store4(y, 4 * t, a, b, c, d + load1(x, t))


def turned(x, y):
    """A kernel: a block's 2×4 numbers, transposed through shared memory."""
    tile = cuda.shared.array((2, 5), float32)
    i, j = cuda.threadIdx.y, cuda.threadIdx.x
    first = cuda.blockIdx.x * 8
    tile[i, j] = x[first + 4 * i + j]
    cuda.syncthreads()
    y[first + 2 * j + i] = tile[i, j]


def apart(x, y):
    """A kernel whose first half of a warp skips a load."""
    t = cuda.grid(1)
    total = float32(0)
    if t >= 16:
        total += load1(x, t)
    y[t] = total + load1(x, 64 + 2 * t)


def launched(kernel: Kernel, blocks, threads, *arguments):
    """Return the one launch of a kernel of these tests."""
    with counting() as launches:
        kernel(blocks, threads, *arguments)
    (found,) = launches
    return found


@needs_simulator
def test_naive_by_hand():
    """6 outputs under 2×2: each thread reads 4 numbers of x, 4 of the weight and the bias, and writes 1."""
    found = count("cuda_naive", numbers(1, 1, 3, 4), numbers(1, 1, 2, 2))
    (launch,) = found.launches
    assert (launch.kernel, launch.blocks, launch.threads) == ("slide", (1, 1, 1), (256, 1, 1))
    reads = launch.per_thread("global_reads")
    assert reads.shape == (1, 256)
    np.testing.assert_array_equal(reads[0], [9] * 6 + [0] * 250)
    np.testing.assert_array_equal(launch.per_thread("global_writes")[0], [1] * 6 + [0] * 250)
    assert launch.of_thread((0, 0, 0), (5, 0, 0)) == {"global_reads": 9, "global_writes": 1, "shared_reads": 0, "shared_writes": 0}
    assert launch.of_thread(0, 6) == dict.fromkeys(("global_reads", "global_writes", "shared_reads", "shared_writes"), 0)
    assert found.multiply_adds == 24
    assert found.bytes_asked == 4 * 6 * 10
    # x: taps (0, ·) of outputs at 0..2 and 4..6 lie in the first 8 numbers, taps (1, ·) at 4..6 and 8..10 in two sectors; 4 weights; bias; y
    assert len(launch.requests) == 4 + 4 + 1 + 1
    assert found.sectors == 1 + 1 + 2 + 2 + 4 + 1 + 1
    assert found.intensity_asked == 48 / 240
    assert found.intensity_moved == 48 / (32 * 12)
    assert str(found).startswith(
        "cuda_naive, per output: global reads 9, global writes 1, shared reads 0, shared writes 0; 1.2 sectors a request"
    )


@needs_simulator
def test_the_padding_is_read_by_nobody():
    """3×3 under padding 1 on 3×4: each of the two rows at the border lacks 3 taps of an output, each of the two columns too."""
    found = count("cuda_naive", numbers(1, 1, 3, 4), numbers(1, 1, 3, 3), numbers(1), padding=1)
    rows, columns = np.array([2, 3, 2]), np.array([2, 3, 3, 2])
    inside = np.outer(rows, columns).reshape(-1)
    np.testing.assert_array_equal(found.launches[0].per_thread("global_reads")[0, :12], 2 * inside + 1)
    assert found.total("global_reads") == 2 * inside.sum() + 12


@needs_simulator
def test_naive_scatters_over_filters():
    """32 filters at one position: their 9 weights lie 36 bytes apart, so a warp's load needs 32 sectors or a few less; x is a broadcast."""
    (launch,) = count("cuda_naive", numbers(1, 1, 4, 5), numbers(32, 1, 3, 3)).launches
    requests = launch.requests
    names = np.array([array.name for array in launch.arrays])[requests.array.astype(int)]
    assert set(requests.sectors[names == "x"]) == {1}
    assert set(requests.sectors[names == "weight"]) == {32}
    assert set(requests.sectors[names == "bias"]) == {4}
    assert requests.sectors[names == "y"].min() == 24  # 24 bytes apart: three of four begin a sector of their own


@needs_simulator
def test_coalesced_moves_less_for_the_same_reads():
    x, weight, bias = numbers(2, 3, 7, 9), numbers(8, 3, 3, 2), numbers(8)
    settings = {"stride": (2, 1), "padding": ((1, 0), (2, 1)), "dilation": (1, 2)}
    naive, coalesced = (count(f"cuda_{rung}", x, weight, bias, **settings) for rung in ("naive", "coalesced"))
    assert coalesced.total("global_reads") == naive.total("global_reads")
    assert coalesced.bytes_asked == naive.bytes_asked
    assert coalesced.bytes_moved < naive.bytes_moved
    assert coalesced.intensity_moved > naive.intensity_moved
    for found in (naive, coalesced):
        law = conv2d(x, weight, bias, **settings, algorithm="reference")
        np.testing.assert_allclose(found.y, law, atol=1e-5)
        assert found.per_output("global_writes") == 1


@needs_simulator
@pytest.mark.skipif("cuda_tiled" not in LADDER, reason="the rung is not there")
def test_tiled_reads_shared_memory_in_place_of_global():
    """A tile of 16×16 outputs reads each number once for 16 of them."""
    x, weight = numbers(1, 16, 4, 8), numbers(32, 16, 1, 1)
    naive, tiled = (count(f"cuda_{rung}", x, weight) for rung in ("naive", "tiled"))
    assert naive.per_output("global_reads") == 2 * 16 + 1
    assert tiled.total("shared_reads") >= 2 * 16 * tiled.y.size / 4  # at the least, where vectors of four are read
    assert naive.total("shared_reads") == 0 < tiled.total("shared_writes")
    (launch,) = tiled.launches
    tile = [number for number, array in enumerate(launch.arrays) if array.name in ("x", "weight")]
    assert (
        np.isin(launch.log["array"], tile).sum() == 2 * 16 / 16 * tiled.y.size
    )  # 2·T/16 an output; the rest are the table of taps and the bias
    assert naive.total("global_reads") / tiled.total("global_reads") > 4
    assert tiled.intensity_asked > 4 * naive.intensity_asked
    np.testing.assert_allclose(tiled.y, naive.y, atol=1e-5)


@needs_simulator
def test_a_vector_is_one_instruction_of_16_bytes():
    launch = launched(Kernel(doubled, "f4[::1], f4[::1]"), 1, 32, uploaded(numbers(128)), uploaded(numbers(128)))
    assert launch.of_thread(0, 3) == {"global_reads": 5, "global_writes": 4, "shared_reads": 0, "shared_writes": 0}
    assert set(launch.per_thread("global_reads", "instructions")[0]) == {2}
    assert set(launch.per_thread("global_writes", "bytes")[0]) == {16}
    assert sorted(launch.requests.sectors) == [4, 16, 16]  # 128 bytes by 32 numbers, 512 by 32 vectors
    with_y = [launch.arrays[number].name for number in launch.requests.array[launch.requests.write.astype(bool)]]
    assert with_y == ["y"]


@needs_simulator
def test_a_request_is_told_by_the_line_of_its_kernel():
    """16 threads read 64 bytes; on the next line 32 threads read every second of 64 numbers.  Mixed up it would be 6 sectors and 4."""
    launch = launched(Kernel(apart, "f4[::1], f4[::1]"), 1, 32, uploaded(numbers(128)), uploaded(numbers(32)))
    reads = launch.requests[~launch.requests.write.astype(bool)]
    assert sorted(zip(reads.lanes.tolist(), reads.sectors.tolist(), strict=True)) == [(16, 2), (32, 8)]


@needs_simulator
def test_shared_memory_in_two_axes_and_threads_in_two():
    x, y = numbers(16), uploaded(numbers(16))
    launch = launched(Kernel(turned, "f4[::1], f4[::1]"), 2, (4, 2), uploaded(x), y)
    np.testing.assert_array_equal(downloaded(y).reshape(2, 4, 2), x.reshape(2, 2, 4).transpose(0, 2, 1))
    assert launch.per_thread("shared_writes").tolist() == [[1] * 8] * 2 == launch.per_thread("shared_reads").tolist()
    assert launch.of_thread((1, 0, 0), (3, 1, 0)) == dict.fromkeys(("global_reads", "global_writes", "shared_reads", "shared_writes"), 1)
    written = launch.log[launch.log["write"] & (launch.log["array"] == 2)]
    assert written["offset"][:8].tolist() == [4 * (5 * i + j) for i in range(2) for j in range(4)]  # rows of the tile are 5 long
    assert launch.requests.warp.tolist() == [0, 0, 1, 1]


@needs_simulator
def test_everything_is_as_before_whatever_happens(monkeypatch):
    from numba.cuda.simulator import kernel, kernelapi

    def held():
        return kernel.FakeCUDAKernel.__call__, kernelapi.FakeCUDAShared.array, kernel.FakeWithinKernelCUDAArray

    before = held()
    count("cuda_naive", numbers(1, 1, 2, 2), numbers(1, 1, 1, 1))
    assert held() == before
    monkeypatch.setattr("minicnn.conv.cuda.naive.finished", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        count("cuda_naive", numbers(1, 1, 2, 2), numbers(1, 1, 1, 1))
    assert held() == before


@needs_simulator
def test_mistakes():
    x, weight = numbers(1, 2, 3, 4), numbers(1, 2, 2, 2)
    with pytest.raises(
        UnknownNameError, match=r"count: algorithm is a rung of the ladder, but it is 'cuda_naiv'\. Did you mean 'cuda_naive'"
    ):
        count("cuda_naiv", x, weight)
    with pytest.raises(MinicnnError, match="float32"):
        count("cuda_naive", x.astype(float), weight.astype(float))
    with pytest.raises(MinicnnError, match="count: "):
        count("cuda_naive", x[:, :1], weight)


def test_outside_the_simulator_it_says_so(monkeypatch):
    monkeypatch.setattr("minicnn.conv.cuda.counting.simulated", lambda: False)
    with pytest.raises(UnsupportedError, match=r"count: .*NUMBA_ENABLE_CUDASIM=1 is not set; set it before Python starts"):
        count("cuda_naive", numbers(1, 1, 2, 2), numbers(1, 1, 1, 1))


@needs_simulator
def test_arguments_are_left_alone():
    x, weight, bias = numbers(1, 2, 3, 4), numbers(3, 2, 2, 2), numbers(3)
    kept = [each.copy() for each in (x, weight, bias)]
    assert isinstance(count("cuda_naive", x, weight, bias), Accesses)
    for each, copy in zip((x, weight, bias), kept, strict=True):
        np.testing.assert_array_equal(each, copy)
