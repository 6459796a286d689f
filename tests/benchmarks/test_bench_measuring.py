"""How things are timed, compared and reported: turns, ceilings, peers, tables, charts."""

import doctest
import importlib
import threading
import time

import numpy as np
import pytest
import turns
from ceiling import SUMS, _loop_of_fmas, bandwidth, peak, roofline
from chart import draw
from layers import Convolution
from memory import allocated, sentence
from peers import COURSE, PEERS, Mismatch, largest_difference, missing, named, ours, problem
from report import means, milliseconds, ratio, show_layers, worst
from workers import numbers

from minicnn.cli.terminal import Terminal
from minicnn.errors import ArgumentError, UnknownNameError


def small(groups=1, stride=(1, 1), padding=((1, 0), (2, 1)), dilation=(1, 1)) -> Convolution:
    """Return a layer that no two axes of are alike."""
    from minicnn import Window

    x, weight = (2, 4, 9, 7), (6, 4 // groups, 3, 2)
    size = Window.of((3, 2), stride, padding, dilation).output_size((9, 7))
    return Convolution("lenet5", "c1", x, weight, stride, padding, dilation, groups, (2, 6, *size), "tiny")


SMALL = [small(), small(groups=2), small(stride=(2, 3)), small(dilation=(2, 1), groups=2, stride=(1, 2))]


@pytest.mark.parametrize("name", ["ceiling", "layers", "memory", "peers", "report", "turns", "workers"])
def test_examples_run(name):
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert failed == 0 < tried


# turns


def test_every_candidate_has_its_turns_and_none_begins_every_round(monkeypatch):
    monkeypatch.setattr(turns, "fall_asleep", lambda: calls.append("asleep"))
    monkeypatch.setattr(turns, "TURN", 0)
    calls = []
    times = turns.alternate({name: lambda name=name: calls.append(name) for name in "abc"}, rounds=3)
    assert {name: len(each) for name, each in times.items()} == {"a": 3, "b": 3, "c": 3}
    assert calls[3::5] == ["asleep"] * 9  # after a warm-up of each; a turn is a wait and 1 + 3 calls
    assert "".join(calls[4::5]) == "abcbcacab"
    assert len(calls) == 3 + 9 * 5


def test_the_next_turn_waits_for_threads_that_spin():
    """A thread that uses the processor for a while, as a peer's do after their work."""
    until = time.perf_counter() + 0.15

    def spin():
        while time.perf_counter() < until:
            pass

    thread = threading.Thread(target=spin)
    thread.start()
    turns.fall_asleep()
    assert time.perf_counter() >= until
    thread.join()
    began = time.perf_counter()
    turns.fall_asleep()
    assert time.perf_counter() - began < 0.1  # nobody spins


def test_a_slow_call_is_a_turn_by_itself(monkeypatch):
    monkeypatch.setattr(turns, "SLOW", 0.001)
    calls = []

    def slow():
        calls.append(None)
        time.sleep(0.002)

    assert turns.alternate({"slow": slow}, rounds=2)["slow"][0] >= 0.002
    assert len(calls) == 3


def test_ratios_are_medians_of_rounds():
    times = {"minicnn": [1.0, 10.0, 1.0], "torch": [2.0, 30.0, 8.0]}
    assert turns.ratios(times, "minicnn") == {"torch": 3.0}  # of 2, 3, 8; the medians' own ratio would be 8
    assert turns.medians(times) == {"minicnn": 1000.0, "torch": 8000.0}


# ceilings


@pytest.mark.parametrize("lanes", [8, 16])
def test_the_loop_does_every_fma(lanes):
    a_times_b = np.full(32, 0.25, np.float32)
    assert _loop_of_fmas(lanes)(10, a_times_b) == sum(range(SUMS)) + SUMS * 10 * 0.25 * 0.25


def test_ceilings_are_numbers_of_this_machine():
    gflops, lanes = peak(1, rounds=20_000)
    assert 0.5 < gflops < 2000
    assert lanes in (8, 16)
    assert 0.1 < bandwidth(1, numbers=1 << 20) < 5000
    assert roofline(100.0, 10.0, 8.0, 2.0) == 40.0


# peers


@pytest.mark.parametrize(("name", "layer"), [(name, layer) for name in COURSE for layer in SMALL if not PEERS[name].why_not(layer)])
def test_what_a_course_writes_is_the_convolution(name, layer):
    if PEERS[name].packages:
        pytest.importorskip(name)
    given = problem(layer)
    (call,) = PEERS[name].calls(given, 1).values()
    first, second = call(), call()
    assert largest_difference({"minicnn": ours(given)(), name: first}, "test")[name] < 1e-5
    assert first is not second
    assert first.dtype == np.float32


def test_what_a_peer_cannot_do_is_said():
    assert PEERS["scipy"].why_not(small(groups=2)) == "scipy.signal.correlate has neither strides nor groups"
    assert PEERS["scipy"].why_not(small()) is None
    large = Convolution("vgg16", "c", (8, 64, 99, 99), (64, 64, 3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1, (8, 64, 99, 99), "3x3")
    assert PEERS["loops"].why_not(large) == "only layers of at most 500,000 products"
    assert PEERS["scipy"].why_not(large) == "only layers of at most 120,000,000 products"


def test_names_of_peers():
    assert named("torch, course,torch", "bench conv") == ["torch", *COURSE]
    assert named("", "bench conv") == []
    with pytest.raises(
        UnknownNameError, match=r"bench conv: --against names peers, but one of them is 'onnx'\. Known: torch, onnxruntime, loops"
    ):
        named("onnx", "bench conv")
    with pytest.raises(UnknownNameError, match=r"one of them is 'course'\. Known: torch\."):
        named("course", "bench train", ("torch",))


def test_a_peer_that_is_not_installed_is_named_with_the_command(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert missing("onnxruntime") == "onnxruntime is left out, since it is not installed: pip install onnxruntime onnx"
    assert missing("loops") is None


def test_a_mismatch_stops():
    own = np.array([1.0, -2.0], np.float32)
    assert largest_difference({"minicnn": own, "torch": own + np.float32(0.0005)}, "test")["torch"] == pytest.approx(2.5e-4, rel=1e-3)
    with pytest.raises(
        Mismatch, match=r"bench: torch and minicnn must answer alike, but differ by 0\.05 of the largest number, more than 0\.001"
    ):
        largest_difference({"minicnn": own, "torch": own + np.float32(0.1)}, "bench")
    with pytest.raises(Mismatch, match="must answer alike"):
        largest_difference({"minicnn": own, "torch": own * np.nan}, "bench")
    with pytest.raises(Mismatch, match=r"torch answers with shape \(1,\), minicnn with \(2,\)"):
        largest_difference({"minicnn": own, "torch": own[:1]}, "bench")


def test_lists_of_numbers():
    assert numbers("1, 8", "--batch", "bench conv", 64, "images") == [1, 8]
    for text in ("0", "65", "", "a", "1,", "-1", "²"):
        with pytest.raises(ArgumentError, match=r"bench conv: --batch takes whole numbers from 1 to 64 \(images\), separated by commas"):
            numbers(text, "--batch", "bench conv", 64, "images")


def test_bytes_that_a_call_holds_at_once():
    def call():
        first = np.ones(1000, np.float64)
        return first + np.ones(1000)  # three arrays of 8 kB

    assert 24_000 <= allocated({"minicnn": call})["minicnn"] < 25_000
    assert sentence({"minicnn": 5_000_000}) == "ours 5.0 MB at the peak"


# reports


def row(name, kind="3x3", batch=1, **ratios_) -> dict:
    own = {"milliseconds": {"minicnn": 1.25}, "algorithm": "im2col", "gflops": 50.0, "of_peak": 0.5, "of_roofline": 0.75, "left_out": {}}
    return {"name": name, "kind": kind, "batch": batch, "ratios": ratios_, "multiply_adds": 10**9, "bytes": 10**7, **own}


ROWS = [
    row("VGG 64→64 k3 @224", torch=2.0, onnxruntime=1.0),
    row("VGG 512→512 k3 @14", torch=8.0, onnxruntime=0.5),
    row("ResNet 256→64 k1 @56", "1x1", torch=0.5, onnxruntime=0.25),
    row("VGG 64→64 k3 @224", batch=8, torch=1.0),
    row("LeNet 6→16 k5 @14", "tiny", 64, torch=3.0),
    row("LeNet 1→6 k5 @28", "course", 1, torch=30.0, loops=1000.0),
]
RUN = {"threads": 1, "peak_gflops": 100.0, "lanes": 16, "copy_gb_per_second": 20.0, "rows": ROWS}
DOCUMENT = {"facts": {"machine": "Linux, a machine", "date": "2026-01-01"}, "runs": [RUN, {**RUN, "threads": 2}], "peers": ["torch"]}


def test_means_and_worst():
    assert means(ROWS[:3], ["torch", "onnxruntime", "loops"]) == pytest.approx({"torch": 2.0, "onnxruntime": 0.5})
    assert [each["name"] for each in worst(ROWS, "onnxruntime", 2)] == ["ResNet 256→64 k1 @56", "VGG 512→512 k3 @14"]
    assert (ratio(0.994), ratio(9.996), ratio(None), milliseconds(99.96)) == ("0.99", "10.0", "", "100")


def test_tables_fit_80_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    show_layers(DOCUMENT, Terminal())
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert "VGG 512→512 k3 @14 im2col    1.25  8.00 0.50" in text
    assert "3x3, batch 8, 2 threads" in text
    lines = [line.split() for line in text.splitlines()]
    assert ["all", "5", "1.89", "0.50", "2"] in lines  # ⁵√(2·8·½·1·3); a course's layer is not among "all"
    assert "ResNet 256→64 k1 @56 (batch 1) 0.25; VGG 512→512 k3 @14 (batch 1) 0.50" in " ".join(text.split())


@pytest.mark.parametrize("document", [DOCUMENT, {**DOCUMENT, "runs": [{**RUN, "rows": [row("VGG 64→64 k3 @224")]}]}], ids=["full", "alone"])
def test_charts_are_written(document, tmp_path):
    written = draw(document, str(tmp_path / "conv.png"))
    assert written == [str(tmp_path / "conv.png"), str(tmp_path / "conv-roofline.png")]
    for path in written:
        with open(path, "rb") as file:
            assert file.read(8) == b"\x89PNG\r\n\x1a\n"
