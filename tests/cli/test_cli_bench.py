"""minicnn bench: the door to the scripts of benchmarks/."""

import json
import shlex

import pytest

from minicnn.cli.bench import _spelled
from minicnn.conv.cuda.device import simulated, why_none

COMMANDS = ("conv", "net", "train", "import")


def test_bench_lists_its_commands(run):
    text = run("bench", "--help").stdout
    assert all(command in text for command in COMMANDS)
    assert "bench" in run("--help").stdout
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_the_example_in_each_help_is_what_the_script_takes(run, command, monkeypatch):
    text = run("bench", command, "--help").stdout
    assert max(map(len, text.splitlines())) <= 80
    example = " ".join(text[text.index("Example:") :].split()).removeprefix("Example: minicnn ")
    asked = []
    monkeypatch.setattr("subprocess.run", lambda words: asked.append(words) or type("Done", (), {"returncode": 0})())
    assert run(*shlex.split(example)).exit_code == 0
    assert asked
    assert all(words[1].endswith(".py") for words in asked)


def test_options_are_handed_on_as_typed(run, monkeypatch):
    asked = []
    monkeypatch.setattr("subprocess.run", lambda words: asked.append(words[2:]) or type("Done", (), {"returncode": 0})())
    run(
        "bench",
        "conv",
        "--class",
        "3x3,stem",
        "--only",
        "VGG",
        "--only",
        "@14",
        "--threads",
        "1",
        "--quick",
        "--keep-memory",
        "--json",
        "a b.json",
    )
    options = [
        "--against=torch,onnxruntime",
        "--threads=1",
        "--class=3x3,stem",
        "--only=VGG",
        "--only=@14",
        "--quick",
        "--keep-memory",
        "--json=a b.json",
    ]
    assert asked == [options]
    assert _spelled("--rounds", 3) == ["--rounds=3"]


def test_a_gpu_has_a_script_of_its_own(run, mistake, monkeypatch):
    asked = []
    monkeypatch.setattr("subprocess.run", lambda words: asked.append(words[1:]) or type("Done", (), {"returncode": 0})())
    run("bench", "conv", "--device", "cuda", "--against", "torch", "--quick", "--batch", "8", "--json", "gpu.json", "--chart", "gpu.png")
    run("bench", "conv", "--device", "cuda")
    (script, *options), (again, *defaults) = asked
    assert script == again
    assert script.endswith("benchmarks/gpu.py")
    assert options == ["--against=torch", "--batch=8", "--quick", "--json=gpu.json", "--chart=gpu.png"]
    assert defaults == ["--against=torch"]
    assert "--device is where it runs, cpu or cuda, but it is 'cude'. Did you mean 'cuda'" in mistake("bench", "conv", "--device", "cude")
    for words in (("--threads", "1"), ("--class", "3x3"), ("--keep-memory",)):
        message = mistake("bench", "conv", "--device", "cuda", *words)
        assert f"bench conv: {words[0]} is about the CPU's benchmark, but --device cuda is asked for" in message
    assert len(asked) == 2


def test_the_script_s_exit_code_is_ours(run, monkeypatch):
    monkeypatch.setattr("subprocess.run", lambda words: type("Done", (), {"returncode": 130})())
    assert run("bench", "net").exit_code == 130


def test_outside_a_checkout_it_says_so(mistake, monkeypatch, tmp_path):
    monkeypatch.setattr("minicnn.cli.bench.__file__", str(tmp_path / "minicnn" / "cli" / "bench.py"))
    message = mistake("bench", "conv", "--quick")
    assert "bench: the benchmarks are scripts of the repository, which an installed package does not hold" in message
    assert "get the sources, and there: pip install -e . and minicnn bench conv --quick" in message


@pytest.mark.skipif(why_none() is None and not simulated(), reason="there is a GPU")
def test_a_gpu_s_benchmark_without_a_gpu_says_what_is_missing(spawn):
    done = spawn("bench", "conv", "--device", "cuda", "--quick")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("error: ") == 1
    assert "Traceback" not in done.stderr
    assert "bench conv --device cuda: kernels are timed on a GPU, but " in " ".join(done.stderr.split())
    done = spawn("bench", "conv", "--device", "cuda", "--against", "onnxruntime")
    assert "one of them is 'onnxruntime'. Known: torch." in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("conv", "--against", "torhc"), "bench conv: --against names peers, but one of them is 'torhc'. Did you mean 'torch'?"),
        (("conv", "--class", "3x", "--against", ""), "--class names classes of layers, but one of them is '3x'. Did you mean '3x3'?"),
        (("conv", "--only", "zebra", "--against", ""), "but none of 175 is named like 'zebra'; names read like 'VGG 64→64 k3 @224'"),
        (("conv", "--device", "gpu"), "bench conv: --device is where it runs, cpu or cuda, but it is 'gpu'."),
        (("conv", "--threads", "999"), "--threads takes whole numbers from 1 to"),
        (("conv", "--json", "no/such/x.json"), "--json names a file in a folder that exists, but 'no/such' does not; make it first."),
        (("net", "--only", "alexnet", "--against", ""), "none is named like 'alexnet'; there are vgg16, resnet50, efficientnet_lite0"),
        (("net", "--against", "tensorflow"), "one of them is 'tensorflow'. Known: torch, onnxruntime."),
        (("train", "--only", "Lite0"), "bench train: at least one layer must be left to measure, but none of 89 is of class 3x3"),
    ],
)
def test_mistakes_are_one_message(spawn, words, message):
    done = spawn("bench", *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("error: ") == 1
    assert "Traceback" not in done.stderr
    assert message in " ".join(done.stderr.split())


def test_one_tiny_layer_from_end_to_end(spawn, tmp_path):
    files = {name: str(tmp_path / name) for name in ("a.json", "a.png")}
    options = ("--only", "LeNet 16->120", "--threads", "1", "--rounds", "1", "--against", "im2col-dot")
    done = spawn("bench", "conv", "--quick", *options, "--json", files["a.json"], "--chart", files["a.png"])
    assert done.returncode == 0, done.stderr
    assert "tiny, batch 64, 1 thread" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80 + max(map(len, files.values()))  # a path is not broken
    document = json.loads((tmp_path / "a.json").read_text())
    assert set(document) == {"facts", "rounds", "keep_memory", "peers", "left_out", "runs"}
    (run,) = document["runs"]
    assert run["threads"] == 1
    assert run["peak_gflops"] > 0 < run["copy_gb_per_second"]
    (row,) = run["rows"]
    assert (row["name"], row["kind"], row["batch"], row["multiply_adds"]) == ("LeNet 16→120 k5 @5", "tiny", 64, 64 * 120 * 400)
    assert set(row["milliseconds"]) == {"minicnn", "im2col-dot"}
    assert row["ratios"]["im2col-dot"] > 0
    assert row["differences"]["im2col-dot"] < 1e-4
    assert row["gflops"] == pytest.approx(2 * row["multiply_adds"] / row["milliseconds"]["minicnn"] / 1e6)
    assert 0 < row["of_peak"] <= row["of_roofline"]
    assert all((tmp_path / name).read_bytes()[:4] == b"\x89PNG" for name in ("a.png", "a-roofline.png"))


def test_a_network_and_an_operation_alone(spawn, tmp_path):
    for words, name in ((("--only", "lenet"), "LeNet-5"), (("--operations", "--only", "concat"), "concat, 2 of 128×28×28")):
        path = tmp_path / "net.json"
        done = spawn("bench", "net", *words, "--against", "", "--threads", "1", "--rounds", "1", "--json", str(path))
        assert done.returncode == 0, done.stderr
        (row,) = json.loads(path.read_text())["runs"][0]["rows"]
        assert row["name"] == name
        assert row["milliseconds"]["minicnn"] > 0
        assert row["ratios"] == {}
