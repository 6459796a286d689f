"""The jit decorator: its disk cache, its threads, its forks, and what a kernel may read."""

import functools
import os
import pickle
import subprocess
import sys
import types
from pathlib import Path

import memory_kernels
import numba
import numpy as np
import pytest
from uncompiled import name_of, recorded, replay
from wide_shapes import FAST, computed, made

import minicnn
from minicnn import functional as F
from minicnn.conv import gradient_kernel, winograd_gradient
from minicnn.conv.gallery import ALGORITHMS, load_algorithm
from minicnn.conv.jit import KERNELS, cache, machine
from minicnn.conv.jit.machine import LANES
from minicnn.conv.layout import in_lanes, starts_of, taps_of
from minicnn.conv.memory_format import channels_last, flat
from minicnn.functional import pooling_kernel, statistics_kernel
from minicnn.functional.adaptive import bind_means
from minicnn.window import Window

PACKAGE = Path(minicnn.__file__).parent
for _name in ALGORITHMS:
    load_algorithm(_name)
KERNELS = [kernel for kernel in KERNELS if kernel.py_func.__module__.startswith("minicnn.")]  # not those of other tests

WORK = """
import os
import numpy as np
from minicnn import conv2d
rng = np.random.default_rng(0)
rows = 33 if os.environ.get("NUMBA_DISABLE_JIT") == "1" else 333  # so many that all threads are woken
x, w = rng.integers(-9, 10, (2, 4, rows, 29)).astype(np.float32), rng.integers(-9, 10, (4, 1, 3, 5)).astype(np.float32)
law = conv2d(x, w, groups=4, padding=1, algorithm="reference")
def right(names=("depthwise", "direct")):
    for name in names:
        if not np.array_equal(conv2d(x, w, groups=4, padding=1, algorithm=name), law):
            return False
    return True
"""


def run(code, **environment):
    env = {**os.environ, "PYTHONPATH": str(PACKAGE.parent), **environment}
    return subprocess.run([sys.executable, "-P", "-W", "always", "-c", WORK + code], capture_output=True, text=True, env=env, timeout=240)


def test_kernels_are_found():
    names = {kernel.__name__ for kernel in KERNELS}
    assert {"equation", "all_blocks", "slide_planes", "inside", "channel_sums", "sum_over_positions"} <= names
    assert gradient_kernel.sum_over_positions in KERNELS
    assert pooling_kernel.largest_at in KERNELS


@pytest.mark.parametrize("kernel", KERNELS, ids=name_of)
def test_no_kernel_reads_a_global_that_can_change(kernel):
    """Numba freezes globals when it compiles, and its disk cache does not notice when they change.

    LANES, ROWS, COLUMNS and the like are whole numbers of the processor, which is in the key of that cache: test_tile.py mixes two.
    """
    function = kernel.py_func
    for name in function.__code__.co_names:
        if name not in function.__globals__:
            continue  # an attribute, or a builtin
        value = function.__globals__[name]
        fixed = isinstance(value, types.ModuleType | types.FunctionType | type) or value in KERNELS or value is numba.prange
        fixed = fixed or (
            name in ("LANES", "ROWS", "COLUMNS", "HEIGHT", "LINE", "AHEAD") and type(value) is int and value == getattr(machine, name)
        )
        assert fixed, f"{function.__name__} reads {name} = {value!r}"
    assert function.__closure__ is None


def test_kernels_live_only_in_the_rooms_that_the_stamp_covers():
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0]
        if room not in cache.KERNEL_ROOMS:
            text = path.read_text(encoding="utf-8")
            assert "import jit" not in text, path
            assert "import numba" not in text, path


def test_stamp_covers_every_kernel_source(tmp_path, monkeypatch):
    (tmp_path / "conv").mkdir()
    (tmp_path / "conv" / "a.py").write_text("1")
    monkeypatch.setattr(cache, "PACKAGE", tmp_path)
    stamps = []
    for text in ("1", "2", "2"):
        (tmp_path / "conv" / "a.py").write_text(text)
        cache.kernel_stamp.cache_clear()
        stamps.append(cache.kernel_stamp())
    cache.kernel_stamp.cache_clear()
    assert stamps[0] != stamps[1] == stamps[2]


def make_kernel(tmp_path, text):
    """Write a module with one kernel, and return the kernel."""
    path = tmp_path / "kernel_source.py"
    path.write_text(f"def kernel(n):\n    return {text}\n")
    namespace = {"__name__": "kernel_source", "__file__": str(path)}
    exec(compile(path.read_text(), str(path), "exec"), namespace)
    dispatcher = numba.njit(namespace["kernel"])
    cache.attach_cache(dispatcher, "serial")
    return dispatcher


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="the JIT is off")
def test_cache_hits_and_goes_stale_with_the_stamp(tmp_path, monkeypatch):
    first = make_kernel(tmp_path, "n + 1")
    assert first(1) == 2
    again = make_kernel(tmp_path, "n + 1")
    assert again(1) == 2
    assert sum(again.stats.cache_hits.values()) == 1
    monkeypatch.setattr(cache, "kernel_stamp", lambda: "another")
    cache._cache_class.cache_clear()
    stale = make_kernel(tmp_path, "n + 1")
    assert stale(1) == 2
    assert sum(stale.stats.cache_hits.values()) == 0
    cache._cache_class.cache_clear()


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="the JIT is off")
def test_a_damaged_cache_file_is_a_miss(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    make_kernel(tmp_path, "n + 1")(1)
    files = [*tmp_path.rglob("*.nbc"), *tmp_path.rglob("*.nbi")]
    assert len(files) == 2
    for damaged in (b"", b"junk", pickle.dumps("x")):
        for path in files:
            path.write_bytes(damaged)
        assert make_kernel(tmp_path, "n + 1")(1) == 2


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="the JIT is off")
def test_serial_and_parallel_twins_do_not_share_a_cache_entry(tmp_path):
    make_kernel(tmp_path, "n + 1")(1)
    twin = numba.njit(make_kernel(tmp_path, "n + 1").py_func)
    cache.attach_cache(twin, "parallel")
    assert twin(1) == 2
    assert sum(twin.stats.cache_hits.values()) == 0


def test_without_a_cache_folder_there_is_one_notice_and_the_right_answer(tmp_path):
    """A copy of the package whose cache folders are all files: root may write anywhere else."""
    import shutil

    copy = tmp_path / "minicnn"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("conv", "conv/jit", "functional"):
        (copy / folder / "__pycache__").write_text("in the way")
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    places = dict.fromkeys(("XDG_CACHE_HOME", "HOME", "NUMBA_CACHE_DIR", "LOCALAPPDATA"), str(blocked))
    done = run("print(right(['direct']))", **{**places, "PYTHONPATH": str(tmp_path)})
    assert done.stdout.strip() == "True", done.stderr
    assert done.stderr.count("compiled kernels are not kept on disk") == 1
    assert "set NUMBA_CACHE_DIR to a folder that can be written" in done.stderr


@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_python_threads_may_call_at_once(layer):
    """The workqueue layer aborts a process in which two threads enter parallel regions at once."""
    if sys.platform == "darwin" and layer == "omp":
        pytest.skip("Numba's wheels for macOS bring no OpenMP layer")
    code = """
import numba
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    print(all(pool.map(lambda _: right(), range(64))), numba.threading_layer())
"""
    done = run(code, NUMBA_THREADING_LAYER=layer, NUMBA_NUM_THREADS="2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", layer]


FORKS = {
    "after our kernels": """
import numba
from minicnn.conv.jit.threads import _regions
assert right()
assert _regions.entered or numba.config.DISABLE_JIT
""",
    "after the user's kernels": """
import numba
@numba.njit(parallel=True)
def theirs(n):
    total = 0
    for i in numba.prange(n):
        total += i
    return total
theirs(1000)
""",
    "while a thread computes": """
import threading
from minicnn import nn
layer, stop = nn.Conv2d(4, 4, 3, groups=4), threading.Event()
def compute():
    while not stop.is_set():
        nn.Conv2d(4, 4, 3, groups=4)(x)
        layer(x)
threading.Thread(target=compute, daemon=True).start()
assert right()
""",
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("before", FORKS)
@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_a_forked_child_computes_too(layer, before):
    """GNU OpenMP ends a child that enters a parallel region after its parent did; a lock may be held by a thread that is not there."""
    if sys.platform == "darwin":
        pytest.skip("macOS: a forked child of a threaded process is not supported by the system")
    code = (
        FORKS[before]
        + """
import os, signal, warnings
warnings.simplefilter("ignore")
child = os.fork()
if child == 0:
    signal.alarm(60)
    os._exit(0 if right() else 1)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(status, right())
"""
    )
    done = run(code, NUMBA_THREADING_LAYER=layer, NUMBA_NUM_THREADS="2")
    assert done.stdout.split() == ["0", "True"], done.stderr


def test_openmps_threads_are_asked_to_sleep_soon_and_the_environment_is_put_back():
    code = """
import os, numba
seen = []
launch = numba.set_num_threads
numba.set_num_threads = lambda n: (seen.append([os.environ.get(k) for k in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")]), launch(n))
right()
right()
print(seen, os.environ.get("OMP_WAIT_POLICY"), os.environ.get("GOMP_SPINCOUNT"))
"""
    if not numba.config.DISABLE_JIT:
        assert run(code, OMP_WAIT_POLICY="active").stdout.strip() == "[['active', None]] active None"
        assert run(code, GOMP_SPINCOUNT="9").stdout.strip() == "[[None, '9']] None 9"
        clean = {name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
        done = subprocess.run(
            [sys.executable, "-P", "-c", WORK + code], capture_output=True, text=True, env={**clean, "PYTHONPATH": str(PACKAGE.parent)}
        )
        assert done.stdout.strip() == "[['passive', '30000']] None None", done.stderr


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="the JIT is off")
def test_only_sums_may_be_reordered():
    for kernel in KERNELS:
        for dispatcher in (kernel,) if hasattr(kernel, "targetoptions") else (kernel._parallel, kernel._serial):
            allowed = {"reassoc"} if kernel.__name__ in ("sums", "sum_of") else set()
            assert set(dispatcher.targetoptions["fastmath"]) == allowed, kernel.__name__


# So large that all threads are woken (products ≥ jit.threads.WORTH_WAKING, in one image too), and ragged against every tile.
LARGE = {
    "direct": [((1, 5, 61, 67), (9, 5, 5, 3)), ((3, 4, 41, 37), (6, 2, 7, 5))],
    "gemm": [((1, 45, 19, 23), (50, 45, 3, 3)), ((2, 66, 13, 11), (38, 33, 3, 2)), ((1, 300, 5, 7), (33, 300, 3, 3))],
    "channels_last": [((1, 45, 19, 23), (50, 45, 3, 3)), ((2, 66, 13, 11), (38, 33, 3, 2)), ((1, 300, 7, 7), (90, 300, 1, 1))],
    "pointwise": [((1, 90, 19, 23), (50, 90, 1, 1)), ((2, 300, 7, 6), (130, 150, 1, 1))],
    "depthwise": [((1, 45, 61, 67), (45, 1, 3, 3)), ((3, 35, 40, 33), (35, 1, 5, 5)), ((2, 50, 53, 41), (50, 1, 2, 3))],
    "winograd2": [((1, 45, 21, 23), (50, 45, 3, 3)), ((3, 33, 9, 11), (150, 33, 3, 3))],
    "winograd4": [((1, 45, 21, 23), (50, 45, 3, 3)), ((3, 33, 9, 11), (150, 33, 3, 3))],
}


def test_large_is_large_enough_that_all_threads_are_woken():
    from minicnn.conv.cost import multiply_adds
    from minicnn.conv.jit.threads import WORTH_WAKING

    assert set(LARGE) == set(FAST)
    for shapes in LARGE.values():
        for x, w in shapes:
            assert multiply_adds(x, w, Window.of(w[2:], padding=1)) > WORTH_WAKING, (x, w)


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="without the JIT there is one thread")
def test_bits_do_not_change_with_the_thread_count():
    code = f"""
import hashlib
for name, shapes in {LARGE}.items():
    digest = hashlib.sha256()
    for x_shape, w_shape in shapes:
        x, w, b = (rng.standard_normal(shape, np.float32) for shape in (x_shape, w_shape, w_shape[:1]))
        for _ in range(3):  # a race may be won by chance
            y = conv2d(x, w, b, padding=1, groups=x_shape[1] // w_shape[1], algorithm=name)
            digest.update(y.tobytes())
    print(name, digest.hexdigest())
"""
    found = [run(code, NUMBA_NUM_THREADS=threads) for threads in ("1", "2", "3")]
    for done in found:
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.splitlines()) == len(LARGE)
        assert done.stdout == found[0].stdout


def _sample_calls() -> dict:
    """Return for every kernel a function that calls it (compiled or not) and returns what it gives."""
    rng = np.random.default_rng(0)
    x, w = rng.integers(-5, 6, (2, 4, 5, 6)).astype(np.float32), rng.integers(-5, 6, (4, 1, 3, 2)).astype(np.float32)
    bias, maps = np.ones(4, np.float32), x.reshape(2, 4, 30)

    def fills(shape, *before, after=()):
        def call(kernel):
            y = np.zeros(shape, np.float32 if len(shape) == 4 else np.float64)
            kernel(*before, y, *after)
            return y

        return call

    # six filters of two channels in two groups, so that three lanes of eight are at work; windows of 3×2, stride (2, 1), on 5×6
    window = Window.of((3, 2), (2, 1))
    starts, taps = starts_of(window, (2, 5), 6), taps_of(2, window, (5, 6)).reshape(-1)
    grad = rng.integers(-5, 6, 2 * 6 * 10).astype(np.float32)
    padded_taps = np.pad(taps, (0, 4))

    def turns(kernel):
        turned, sums = np.zeros(80, np.float32), np.zeros(16, np.float32)
        kernel(grad, 30, 10, 3, 10, turned, sums, 8)
        return np.concatenate([turned, sums])

    def eight_taps(kernel):
        part = np.ones(128, np.float32)
        kernel(x.reshape(-1), 60, starts, 2, 8, padded_taps, 8, in_lanes(grad[:80].reshape(8, 10), 1, 8), part, 64)
        return part

    def sums_over_positions(kernel):
        parts, sums = np.zeros(2 * 2 * 16 * 8, np.float32), np.zeros(2 * 2 * 8, np.float32)
        kernel(x.reshape(-1), grad, parts, sums, 2, starts, padded_taps, 120, 60, 3, 10)
        return np.concatenate([parts, sums])

    def one_part(kernel):
        parts, sums = np.zeros(2 * 2 * 16 * 8, np.float32), np.zeros(2 * 2 * 8, np.float32)
        kernel(2, x.reshape(-1), grad, parts, sums, 2, starts, padded_taps, 120, 60, 3, 10)
        return np.concatenate([parts, sums])

    def laid_in(kernel):
        wide = np.full((8, 9, 10), np.nan, np.float32)
        kernel(x.reshape(8, 5, 6), wide, 1, 3)
        return wide

    def derivative(kernel):
        found = np.zeros(x.shape), np.zeros(w.shape), np.zeros(4)
        kernel(np.arange(96, dtype=np.float32).reshape(2, 4, 4, 3), x, w, *found, (2, 2), (1, 1), (2, 0))
        return np.concatenate([array.reshape(-1) for array in found])

    planes = np.maximum(x, 0).reshape(8, 5, 6)  # many ties; pooled by 3×2 with stride (2, 1), dilation (1, 2), padding (1, 0)
    pooling = (3, 2, 2, 1, 1, 2, 1, 0)
    places = rng.integers(0, 30, (8, 7))
    seven = np.arange(56, dtype=np.float32).reshape(8, 7)

    def pools(kernel):
        y = np.zeros((8, 3, 4), np.float32)
        kernel(planes, y, *pooling)
        return y

    def pools_and_points(kernel):
        y, found = np.zeros((8, 3, 4), np.float32), np.zeros((8, 3, 4), np.int64)
        kernel(planes, y, found, *pooling)
        return np.stack([y, found])

    def pools_in_fours(kernel):
        y, found = np.zeros((8, 2, 3), np.float32), np.zeros((8, 2, 3), np.int64)
        kernel(planes, y, found)
        return np.stack([y, found])

    def follows(values, size):
        def call(kernel):
            y = np.ones((8, size), np.float32)
            kernel(values, places, y)
            return y

        return call

    loops = fills((2, 4, 4, 3), x, w, bias, after=(2, 2, 1, 1, 2, 0))
    reach = [(tap, stride, n, out) for tap in range(-3, 4) for stride in (1, 2) for n in (1, 4) for out in (1, 5)]
    return {
        **memory_kernels.sample_calls(),
        "equation": fills((2, 4, 4, 3), x, w, bias, after=((2, 2), (1, 1), (2, 0))),
        "equation_backward": derivative,
        "turn": turns,
        "eight_taps": eight_taps,
        "one_part": one_part,
        "sum_over_positions": sums_over_positions,
        "lay_in": laid_in,
        "slide_planes": loops,
        "larger": lambda kernel: [kernel(a, b) for a in (1.0, np.nan) for b in (0.5, 2.0, np.nan)],
        "largest": pools,
        "largest_at": pools_and_points,
        "largest_of_four": pools_in_fours,
        "add_at": follows(seven, 30),
        "put_at": follows(seven, 30),
        "last_put": follows(maps.reshape(8, 30), 7),
        "inside": lambda kernel: [kernel(*tap) for tap in reach],
        "channel_sums": fills((4, 4), maps, maps.view(np.int32), 31, 2**31 - 1, after=(np.zeros((4, 2), np.int64),)),
        "sums": lambda kernel: kernel(maps[0, 0], 1.0),
        "extremes": lambda kernel: kernel(maps[0, 0].view(np.int32), 31, 2**31 - 1),
    }


def _fast_convolutions():
    """One small convolution after the other, by each way that the fast kernels have; whole numbers that stay whole under F(4, 3) too."""
    cases = {
        "direct": [made((2, 4, 5, 6), (6, 2, 3, 2), stride=(2, 1)), made((1, 3, 4, 5), (25, 3, 3, 2), padding=1), made((2, 3, 2, 3), (25, 3, 1, 2))],
        "gemm": [made((2, 6, 5, 7), (10, 3, 3, 2), padding=1, stride=(1, 2)), made((1, 3, 6, 30), (9, 3, 2, 3)), made((1, 290, 2, 5), (3, 290, 1, 2))],
        "channels_last": [
            made((2, 4, 5, 6), (6, 2, 3, 2), stride=(2, 1)),
            *(made((1, 3, 4, 5), (filters, 3, 3, 2), padding=((1, 0), (0, 2))) for filters in (LANES, 2 * LANES, 2 * LANES + 3)),
            made((3, 5, 1, 7), (LANES + 1, 5, 1, 1)),
        ],
        "pointwise": [made((1, 3, 8, 9), (9, 3, 1, 1))],
        "depthwise": [
            *(made((1, 11, 7, 9), (11, 1, side, side), padding=1, stride=stride) for side in (3, 5) for stride in (1, 2)),
            made((1, 9, 6, 7), (9, 1, 2, 3), dilation=2),
            made((1, 9, 6, 7), (18, 1, 3, 3), padding=((4, 0), (3, 1))),
        ],
        "winograd2": [made((2, 3, 6, 7), (9, 3, 3, 3), padding=1), made((1, 9, 4, 9), (3, 9, 3, 3))],
        "winograd4": [made((2, 3, 6, 7), (9, 3, 3, 3), padding=1), made((1, 9, 4, 9), (3, 9, 3, 3))],
    }  # fmt: skip
    assert set(cases) == set(FAST)
    for name, some in cases.items():
        for case in some:
            case.weight[...] *= 576 if name == "winograd4" else 1  # 24², the denominator of the transformed weight
            for activation in (None, "relu6"):
                computed(name, case, activation)
    for filters in (2 * LANES, 2 * LANES + 3):
        case, other = made((2, 5, 3, 7), (filters, 5, 1, 1)), made((2, filters, 3, 7), (1, filters, 1, 1)).x
        prepared, y = load_algorithm("channels_last").prepare(case.weight, Window.of(1)), np.empty(other.size, np.float32)
        fill = load_algorithm("channels_last").bind(case.x.shape, prepared, case.bias, "relu", adds=True)
        fill(flat(channels_last(case.x)), flat(channels_last(other)), y)
    for channels in (LANES + 3, 3):
        maps = channels_last(made((2, channels, 5, LANES + 3), (1, channels, 1, 1)).x)
        F.max_pool2d(maps, (2, 3), (1, 2), padding=(0, 1), dilation=(2, 1))
        bind_means(maps.shape)(flat(maps), np.empty(2 * channels, np.float32))
    x, grad = made((2, 9, 6, 7), (9, 9, 3, 3)).x, made((2, 5, 6, 7), (5, 5, 3, 3)).x
    winograd_gradient.weight_gradient(grad, x, Window.of(3, padding=1), (5, 9, 3, 3))


WITH_FRACTIONS = {
    "give_4",
    "gather_4",
    "bring_panel",
    "some_panels",
    "bring_filters",
    "take_channel",
    "take_channels",
}  # the matrix G of F(4, 3) has 1/24


@functools.cache
def _recorded():
    """Return {module.kernel: calls that these kernels make of one another}."""
    return recorded(_fast_convolutions)


def test_every_kernel_of_the_fast_convolutions_was_met():
    rooms = ("direct", "gemm", "channels_last", "memory_format", "pixels", "strips", "depthwise_kernel", "phases_kernel", "winograd")
    missed = [name_of(kernel) for kernel in KERNELS if name_of(kernel).startswith(rooms) and name_of(kernel) not in _recorded()]
    assert missed == ["depthwise_kernel.slide_planes"]  # for float64: among the sample calls


@pytest.mark.parametrize("kernel", KERNELS, ids=name_of)
def test_every_kernel_runs_uncompiled(kernel):
    """py_func is the same source: it gives the same numbers (small integers, so in any order), and a student can step through it."""
    name = name_of(kernel)
    if kernel.__name__ in ("summed", "ended"):
        return  # they take and return a tile, which no array holds as it stands: they are part of the two kernels that call them
    if name in _recorded():
        for call in _recorded()[name]:
            for compiled, plain in zip(replay(kernel, call, compiled=True), replay(kernel, call, compiled=False), strict=True):
                if kernel.__name__ in WITH_FRACTIONS:  # sixteen roundings at the most, of sums of numbers that are no larger than these
                    largest = max(np.abs(part).max() for part in (*call.arguments, plain) if isinstance(part, np.ndarray))
                    np.testing.assert_allclose(compiled, plain, rtol=0, atol=16 * np.finfo(np.float32).eps * largest)
                else:
                    np.testing.assert_array_equal(compiled, plain)
    else:
        assert sum(other.__name__ == kernel.__name__ for other in KERNELS if name_of(other) not in _recorded()) == 1, "two of one name"
        call = _sample_calls()[kernel.__name__]
        np.testing.assert_array_equal(call(kernel), call(kernel.py_func))


def test_compiling_tells_of_each_compilation():
    code = """
from minicnn import compiling
names = []
with compiling(names.append):
    right(["direct"])
print(names)
"""
    import tempfile

    with tempfile.TemporaryDirectory() as empty:
        cold = run(code, NUMBA_CACHE_DIR=empty)
    assert statistics_kernel.channel_sums.__name__ not in cold.stdout
    if not numba.config.DISABLE_JIT:
        assert "'some_blocks'" in cold.stdout, cold.stderr
