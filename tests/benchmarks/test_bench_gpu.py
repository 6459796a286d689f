"""The GPU's benchmark without a GPU: what is computed from times, and, in the simulator, the whole way with a clock that is made up."""

import doctest
import importlib
import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gpu_chart import draw, example, ladder
from gpu_report import is_wide, show, targets
from gpu_timing import Spread, alternate, rotation_count, spread, turn_of
from layers import Convolution

from minicnn import Window, nn
from minicnn.cli.terminal import Terminal, jsonable
from minicnn.conv.cuda.device import SIMULATOR, simulated, why_none
from minicnn.conv.cuda.kernel import CAPABILITIES

needs_simulator = pytest.mark.skipif(not simulated(), reason=f"runs in the simulator: {SIMULATOR} python -m pytest tests/benchmarks")
needs_toolkit = pytest.mark.skipif(
    simulated() or importlib.util.find_spec("numba_cuda") is None,
    reason="PTX is compiled by numba-cuda: pip install 'minicnn-engine[cuda]'",
)
SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"


class Clock:
    """A device's clock that is made up: every call takes 10 ms."""

    each = 0.010

    def __init__(self):
        self.asked = []

    def seconds(self, call, first, calls, ahead):
        self.asked.append((first, calls, ahead))
        for number in range(first, first + calls):
            call(number)
        return self.each * calls

    def wait(self):
        pass


@pytest.mark.parametrize("name", ["gpu_timing", "gpu_report", "gpu_chart"])
def test_examples_of_the_gpu_s_scripts_run(name):
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert failed == 0 < tried


def test_copies_exceed_twice_the_cache():
    for nbytes in (1, 7, 50, 99, 100, 101, 1000):
        count = rotation_count(nbytes, 50)
        assert count * nbytes > 100 >= (count - 1) * nbytes
    assert rotation_count(0, 50) == 101


def test_medians_and_quartiles():
    assert spread([4.0, 1.0, 2.0, 3.0, 5.0]) == Spread(2.0, 3.0, 4.0)
    assert spread([2.0]) == Spread(2.0, 2.0, 2.0)
    assert spread([1.0, 2.0]).median == 1.5


def test_rounds_alternate_and_go_through_the_copies():
    clock, calls = Clock(), []
    clock.each = 0.002  # three calls make a turn of 5 ms
    times = alternate({name: lambda number, name=name: calls.append((name, number)) for name in "ab"}, 3, clock)
    assert times == {"a": pytest.approx([2.0] * 3), "b": pytest.approx([2.0] * 3)}
    assert [name for name, _ in calls[-18::3]] == ["a", "b", "b", "a", "a", "b"]
    assert [number for name, number in calls[-18:] if name == "a"] == list(range(9))
    assert all(ahead > 0 for _, _, ahead in clock.asked[-6:])
    alternate({"a": lambda number: None}, 1, clock, host_too=True)
    assert clock.asked[-1][2] == 0.0


def test_a_slow_call_is_a_turn_that_waits_for_nobody():
    clock = Clock()
    clock.each = 0.2
    assert turn_of(lambda number: None, clock) == (1, 0.0)


# tables, targets, pictures: from a document with made up numbers


def layer(name: str, batch=8, channels=128, network="vgg16", kind="3x3", best=0.5, **times) -> dict:
    """Return a row; times are medians in ms by candidate."""
    milliseconds = {key: {"low": 0.9 * value, "median": value, "high": 1.1 * value} for key, value in times.items()}
    own = {key: value for key, value in times.items() if key.startswith("cuda")}
    first = min(own, key=own.get)
    return {
        "name": name, "network": network, "batch": batch, "kind": kind, "x_shape": (batch, channels, 8, 8), "weight_shape": (channels, channels, 3, 3),
        "multiply_adds": 10**9, "bytes": 10**7, "milliseconds": milliseconds, "gflops": {key: 2000 / value for key, value in times.items()}, "best": first,
        "of_peak": best, "of_roofline": best, "over_cudnn": times["cudnn"] / own[first] if "cudnn" in times else None, "failed": {}, "left_out": {},
    }  # fmt: skip


FAST = {"cuda_naive": 10.0, "cuda_coalesced": 4.0, "cuda_tiled": 2.0, "cuda_register_tiled": 0.5, "cudnn": 0.4, "cudnn_tf32": 0.1}
DOCUMENT = {
    "facts": {"device": "A Device", "machine": "Linux", "date": "2026-01-01"},
    "ceiling": {"peak_gflops": 8000.0, "copy_gb_per_second": 1000.0},
    "left_out": {"torch": "not here"},
    "layers": [
        layer("VGG 256→256 k3 @56", **FAST),
        layer("ResNet 1024→2048 k1 s2 @14", 64, 1024, "resnet50", "1x1-strided", 0.32, **FAST, cuda_pointwise=0.25),
        layer("VGG 3→64 k3 @224", 8, 3, best=0.01, cuda_naive=8.0, cuda_register_tiled=1.0),
        layer("MBv2 96→96 k3 s2 dw @112", 8, 96, "mobilenet_v2", "depthwise", 0.001, cuda_naive=1.0, cuda_depthwise=0.01, cudnn=9.0),
    ],
    "operations": [
        {"name": "relu", "batch": 64, "milliseconds": {"minicnn": {"low": 1, "median": 1.0, "high": 1}}, "gb_per_second": 800.0, "of_copy": 0.8},
        {"name": "add", "batch": 64, "milliseconds": {"minicnn": {"low": 1, "median": 1.0, "high": 1}}, "gb_per_second": 200.0, "of_copy": 0.2},
        {"name": "pool", "batch": 64, "failed": "ValueError: no"},
    ],
    "network": {"name": "resnet50", "batch": 64, "milliseconds": {"minicnn": {"low": 20, "median": 21.0, "high": 22}}, "over_torch": 1.25,
                "images_per_second": 3047.0},
}  # fmt: skip


def test_targets_are_geometric_means_with_a_verdict():
    climb, share, best, moved, network = targets(DOCUMENT)
    assert climb["reached"] == pytest.approx((20 * 20 * 8) ** (1 / 3))  # the depthwise layer is of no target
    assert (climb["holds"], climb["aim_holds"], climb["lowest"], climb["count"]) == ("yes", "no", pytest.approx(8), 3)
    assert share["reached"] == pytest.approx((0.5 * 0.32) ** 0.5)
    assert (share["holds"], share["lowest"]) == ("no", 0.32)  # 40%; three channels do not count
    assert best["reached"] == pytest.approx((0.8 * 1.6) ** 0.5)
    assert (best["holds"], best["aim_holds"]) == ("yes", "yes")
    assert (moved["reached"], moved["holds"], moved["lowest"]) == (pytest.approx(0.4), "no", 0.2)
    assert (network["reached"], network["aim_holds"]) == (1.25, "yes")


def test_what_was_not_measured_is_unmeasured():
    rows = targets({**DOCUMENT, "layers": [], "operations": [], "network": None})
    assert {(row["reached"], row["holds"], row["aim_holds"], row["count"]) for row in rows} == {(None, "unmeasured", "unmeasured", 0)}
    other = {**DOCUMENT["network"], "batch": 8}
    assert targets({**DOCUMENT, "network": other})[4]["holds"] == "unmeasured"  # the target is about 64 images


def test_a_layer_of_three_channels_is_not_wide():
    assert [is_wide(row) for row in DOCUMENT["layers"]] == [True, True, False, False]


@pytest.mark.parametrize(
    "document", [DOCUMENT, {**DOCUMENT, "layers": DOCUMENT["layers"][:1], "operations": [], "network": None}], ids=["full", "one"]
)
def test_the_report_fits_80_columns(document, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    show({**document, "targets": targets(document)}, Terminal())
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80, max(text.splitlines(), key=len)
    assert "…" not in text  # nothing is cut off
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "VGG 256→256 k3 @56 10.0 4.00 2.00 0.500 0.400 0.100 0.80 50" in lines
    assert len(document["layers"]) == 1 or any(
        line.startswith("speed, register_tiled / naive 14.7 8.0 3 8.0 yes 20.0 no") for line in lines
    )
    json.dumps(jsonable(document), allow_nan=False)


def test_an_empty_report_is_said_too(capsys):
    empty = {**DOCUMENT, "layers": [], "operations": [], "network": None}
    show(empty, Terminal())
    assert capsys.readouterr().out.count("unmeasured") == 5


def test_the_ladder_has_a_dot_a_rung(tmp_path):
    figure = ladder(DOCUMENT)
    (ax,) = figure.axes
    words = [text.get_text() for text in ax.texts]
    assert "register_tiled  4,000 (50%)" in words
    assert "cuDNN, fp32  5,000 (62%)" in words
    assert example(DOCUMENT["layers"])["name"] == "VGG 256→256 k3 @56"
    low, high = ax.get_ylim()
    assert low < 200 < 20_000 < high  # naive and TF32 are inside
    assert draw(DOCUMENT, str(tmp_path / "gpu.png")) == str(tmp_path / "gpu.png")
    assert (tmp_path / "gpu.png").read_bytes()[:4] == b"\x89PNG"
    assert ladder({**DOCUMENT, "layers": []}).png()[:4] == b"\x89PNG"


# without a GPU


@pytest.mark.skipif(why_none() is None and not simulated(), reason="there is a GPU")
def test_without_a_gpu_it_says_what_is_missing_in_one_sentence():
    done = subprocess.run([sys.executable, str(SCRIPT), "--quick"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("error: ") == 1
    assert "Traceback" not in done.stderr
    assert "bench conv --device cuda: kernels are timed on a GPU, but " in " ".join(done.stderr.split())


def test_nvidia_smi_s_answer_is_read_and_its_absence_borne(monkeypatch):
    import gpu_machine

    line = type("Done", (), {"stdout": "560.35, 1980, 700.00\n"})()
    monkeypatch.setattr("subprocess.run", lambda *words, **settings: line)
    assert gpu_machine._from_smi() == {"driver": "560.35", "most MHz": "1980", "power": "700.00"}

    def absent(*words, **settings):
        raise FileNotFoundError

    monkeypatch.setattr("subprocess.run", absent)
    assert gpu_machine._from_smi() == {}


def test_the_l2_cache_of_a_device_that_does_not_say():
    import gpu_machine

    assert gpu_machine.l2_bytes(type("Device", (), {"L2_CACHE_SIZE": 50 << 20})()) == 50 << 20
    assert gpu_machine.l2_bytes(object()) == gpu_machine.L2_BYTES


def test_the_layers_are_those_of_the_targets_and_two_depthwise():
    from gpu_layers import DEPTHWISE, layers_of

    found = layers_of([8, 64])
    assert {layer.batch for layer in found} == {8, 64}
    assert {layer.network for layer in found} == {"vgg16", "resnet50", "mobilenet_v2", "efficientnet_lite0"}
    assert {layer.name for layer in found if layer.network not in ("vgg16", "resnet50")} == set(DEPTHWISE)
    assert len(found) == 2 * (9 + 23 + 2)
    assert [layer.name for layer in layers_of([8], ["MBv2 3->32"])] == ["MBv2 3→32 k3 s2 @224"]


# the whole way, in the simulator


def small(**settings) -> Convolution:
    """Return a layer that no two axes of are alike."""
    own = {"stride": (2, 1), "padding": ((1, 0), (2, 1)), "dilation": (1, 1), "groups": 1} | settings
    weight = (6, 4 // own["groups"], 3, 2)
    size = Window.of((3, 2), own["stride"], own["padding"], own["dilation"]).output_size((9, 7))
    return Convolution("vgg16", "c1", (2, 4, 9, 7), weight, **own, output_shape=(2, 6, *size), kind="3x3")


def settings_of(**changes):
    from gpu import Settings

    tiny = {
        "layers": [small()],
        "rounds": 2,
        "torch": False,
        "operations": None,
        "network": None,
        "l2_bytes": 1 << 10,
        "copied": 1 << 8,
        "peak_rounds": 1,
        "side": 4,
    }
    return Settings(**(tiny | changes))


def measured(settings, monkeypatch, rungs=("cuda_naive", "cuda_coalesced")):
    """Measure in the simulator, these rungs only: it needs seconds for a block of the others."""
    import gpu
    import gpu_kernels
    import gpu_layers

    monkeypatch.setattr(gpu_layers, "LADDER", {name: gpu_layers.LADDER[name] for name in rungs})
    monkeypatch.setattr(gpu_kernels, "THREADS", 8)
    monkeypatch.setattr(gpu_kernels, "STEPS", 1)
    monkeypatch.setattr(gpu_kernels, "PERIOD", 101)
    gpu_kernels._sink.cache_clear()
    told, kept = [], []
    document = {"facts": DOCUMENT["facts"], "left_out": {}}
    try:
        gpu.measure(settings, document, Clock(), told.append, lambda each: kept.append(len(each["layers"])))
    finally:
        gpu_kernels._sink.cache_clear()
    return document, told, kept


@needs_simulator
def test_the_whole_way_with_a_clock_that_is_made_up(monkeypatch, capsys):
    rungs = ("cuda_naive", "cuda_coalesced", "cuda_pointwise")
    layers = [small(), replace(small(groups=2), network="resnet50")]
    document, told, kept = measured(settings_of(layers=layers), monkeypatch, rungs)
    assert document["left_out"] == {}
    assert [row["failed"] for row in document["layers"]] == [{}, {}]
    first, second = document["layers"]
    assert set(first["milliseconds"]) == set(rungs[:2])
    assert set(first["left_out"]) == {"cuda_pointwise"}
    assert first["milliseconds"]["cuda_naive"] == {"low": pytest.approx(10), "median": pytest.approx(10), "high": pytest.approx(10)}
    assert first["copies"] == 2 * 1024 // (4 * (2 * 4 * 9 * 7 + int(np.prod(first["output_shape"])))) + 1
    assert all(0 <= value <= 1 for value in first["differences"].values())
    assert second["groups"] == 2
    assert kept[-1] == 2
    assert "batch 2: VGG 4→6 k3 s2 @9 (1 of 2)" in told
    show(document, Terminal())
    assert "unmeasured" in capsys.readouterr().out


@needs_simulator
def test_one_call_prints_one_report_and_writes_its_files(monkeypatch, capsys, tmp_path):
    import gpu
    import gpu_layers
    import gpu_timing

    monkeypatch.setattr(gpu, "_require", lambda: None)
    monkeypatch.setattr(gpu, "surroundings", lambda: DOCUMENT["facts"])
    monkeypatch.setattr(gpu, "size", lambda: {"l2_bytes": 1 << 10, "multiprocessors": 1, "copied": 1 << 8, "peak_rounds": 1})
    monkeypatch.setattr(gpu_layers, "layers_of", lambda *asked: [small()])
    monkeypatch.setattr(gpu_layers, "LADDER", {"cuda_coalesced": ""})
    monkeypatch.setattr(gpu_timing, "Events", Clock)
    monkeypatch.setattr("gpu_kernels.THREADS", 8)
    monkeypatch.setattr("gpu_kernels.STEPS", 1)
    monkeypatch.setattr("gpu_kernels.PERIOD", 101)
    files = [str(tmp_path / name) for name in ("a.json", "a.png")]
    words = ["gpu.py", "--only", "c1", "--against", "", "--rounds", "1", "--json", files[0], "--chart", files[1]]
    monkeypatch.setattr("sys.argv", words)
    gpu.main()
    out, err = capsys.readouterr()
    assert "batch 2: VGG 4→6 k3 s2 @9 (1 of 1)" in err
    assert "VGG 4→6 k3 s2 @9" in out
    document = json.loads((tmp_path / "a.json").read_text())
    assert [row["name"] for row in document["layers"]] == ["VGG 4→6 k3 s2 @9"]
    assert len(document["targets"]) == 5
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"


@needs_simulator
def test_the_peer_s_calls_with_pytorch_on_the_cpu(monkeypatch):
    """The code that calls PyTorch, with its tensors on the CPU: that it computes the same, evenly padded or not."""
    pytest.importorskip("torch")
    import gpu_layers
    from gpu_network import network_row

    monkeypatch.setattr(gpu_layers, "PLACE", "cpu")
    monkeypatch.setattr("gpu_network.CHANNELS", 8)
    even = small(padding=((1, 1), (2, 2)))
    document, _, _ = measured(settings_of(layers=[small(), even], torch=True, operations=1), monkeypatch, ["cuda_coalesced"])
    assert document["left_out"] == {}
    assert [row["failed"] for row in document["layers"]] == [{}, {}]
    assert all({"cudnn", "cudnn_tf32"} <= set(row["milliseconds"]) for row in document["layers"])
    assert document["layers"][0]["over_cudnn"] == pytest.approx(1)
    assert not any("failed" in row for row in document["operations"]), document["operations"]
    assert {tuple(row["milliseconds"]) for row in document["operations"]} == {("minicnn", "torch")}
    rng = np.random.default_rng(0)
    net = nn.Sequential(nn.Conv2d.of(rng.standard_normal((3, 2, 3, 3), np.float32)), nn.ReLU())
    row = network_row("tiny", 2, True, 1, Clock(), net=net, shape=(2, 5, 4))
    assert row["over_torch"] == pytest.approx(1)
    assert set(row["differences"]) == {"cudnn", "cudnn_tf32"}


@needs_toolkit
@pytest.mark.parametrize("capability", CAPABILITIES)
def test_the_bench_s_kernels_compile(capability):
    import gpu_kernels

    for each in (gpu_kernels.multiply_add, gpu_kernels.copy_fours, gpu_kernels.repeat):
        assert ".f64" not in each.ptx(capability)
    assert gpu_kernels.multiply_add.ptx(capability).count("fma.rn.f32") == gpu_kernels.SUMS * gpu_kernels.STEPS  # unrolled
    assert "ld.global.v4" in gpu_kernels.copy_fours.ptx(capability)


@needs_simulator
def test_a_rung_that_errs_is_named_and_not_timed(monkeypatch):
    from minicnn.conv.cuda import coalesced, naive

    right = naive.launch

    def wrong(x, prepared, bias, kind, cap, y):
        right(x, prepared, bias, kind, cap, y)
        y._ary[-1, -1, -1, -1] += 1

    monkeypatch.setattr(coalesced, "launch", wrong)
    monkeypatch.setattr(naive, "launch", lambda *arguments: None)  # writes nothing
    document, _, _ = measured(settings_of(), monkeypatch)
    (row,) = document["layers"]
    assert "times as far off as it may" in row["failed"]["cuda_coalesced"]
    assert "failed: ValueError: answers nan times" in row["failed"]["cuda_naive"]
    assert not {"cuda_naive", "cuda_coalesced"} & set(row["milliseconds"])


@needs_simulator
def test_a_rung_that_writes_nothing_does_not_pass_with_the_answer_of_the_one_before(monkeypatch):
    from minicnn.conv.cuda import naive

    monkeypatch.setattr(naive, "launch", lambda *arguments: None)
    document, _, _ = measured(settings_of(rounds=1), monkeypatch, ("cuda_coalesced", "cuda_naive"))
    (row,) = document["layers"]
    assert set(row["failed"]) == {"cuda_naive"}
    assert set(row["milliseconds"]) == {"cuda_coalesced"}


@needs_simulator
def test_a_layer_that_fails_does_not_end_the_rest(monkeypatch):
    import gpu_layers

    given = gpu_layers.given

    def fails(layer, *rest):
        if layer.groups == 2:
            raise MemoryError("too large")
        return given(layer, *rest)

    monkeypatch.setattr(gpu_layers, "given", fails)
    document, _, _ = measured(settings_of(layers=[small(groups=2), small()]), monkeypatch)
    assert len(document["layers"]) == 1
    assert document["left_out"] == {"VGG 4→6 k3 s2 dw @9, batch 2": "MemoryError: too large"}


@needs_simulator
def test_operations_and_a_network_on_the_simulator(monkeypatch):
    from gpu_network import network_row

    monkeypatch.setattr("gpu_network.CHANNELS", 8)
    document, _, _ = measured(settings_of(layers=[], operations=1, rounds=1), monkeypatch)
    assert not any("failed" in row for row in document["operations"]), document["operations"]
    relu = document["operations"][0]
    assert (relu["name"], relu["bytes_moved"]) == ("relu, 8×4×4", 2 * 4 * 8 * 16)
    assert relu["gb_per_second"] == pytest.approx(2 * 4 * 8 * 16 / 10 / 1e6)
    rng = np.random.default_rng(0)
    net = nn.Sequential(nn.Conv2d.of(rng.standard_normal((3, 2, 3, 3), np.float32)), nn.ReLU())
    row = network_row("tiny", 2, False, 1, Clock(), net=net, shape=(2, 5, 4))
    assert (row["name"], row["batch"], row["over_torch"]) == ("tiny", 2, None)
    assert row["images_per_second"] == pytest.approx(200)


@needs_simulator
def test_the_fill_repeats_a_block_from_any_place():
    from gpu_kernels import fill

    from minicnn.conv.cuda.device import downloaded, empty, uploaded

    x = empty((3, 5))
    fill(x, uploaded(np.arange(7, dtype=np.float32)), 9)
    np.testing.assert_array_equal(downloaded(x).reshape(-1), (9 + np.arange(15)) % 7)
