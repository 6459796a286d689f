"""minicnn train: real digits, the bits of a seed, what is kept, what is refused; and the weights that ship."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from minicnn import load, models, show, train
from minicnn.show.files import is_ours

FEW = ("train", "lenet", "--data", "digits", "--epochs", "2", "--no-pictures")


def test_at_least_97_percent_of_the_digits_it_never_learned_from(run, tmp_path):
    """The whole of it, with the defaults; it is to take at most 60 s on two cores (and takes about ten)."""
    out = tmp_path / "lenet"
    result = run("train", "lenet", "--data", "digits", "--out", str(out))
    assert result.exit_code == 0, result.stderr
    assert max(map(len, result.stdout.splitlines())) <= 80
    run_ = train.load_run(out / "run.safetensors", models.lenet5(padding=2))
    assert run_.history[-1]["held_out_accuracy"] >= 0.97
    if "PYTEST_XDIST_WORKER" not in os.environ:  # two test processes in each other's way say nothing of time
        assert sum(row["seconds"] for row in run_.history) <= 60
    assert sorted(path.name for path in out.iterdir()) == ["filters.png", "learning-curve.png", "run.safetensors", "weights.safetensors"]
    assert is_ours(out / "filters.png")
    net, digits = models.lenet5(weights=out / "weights.safetensors", padding=2), load.digits()
    right = int((net(digits.held_out_images).argmax(axis=1) == digits.held_out_labels).sum())
    assert f"held out      {right / 1000:.1%}: {right} of 1,000 digits" in result.stdout
    assert right / 1000 == run_.history[-1]["held_out_accuracy"]
    assert "lenet5 on digits: 61,706 parameters, 4,000 images to learn from" in result.stdout


@pytest.mark.filterwarnings("default::minicnn.train.fit.TrainingNotice")
def test_the_same_seed_gives_the_same_bits_and_a_resumed_run_too(run, tmp_path, monkeypatch):
    one, two, parts = (tmp_path / name for name in ("one", "two", "parts"))
    assert run(*FEW, "--pictures", "--seed", "2", "--out", str(one)).exit_code == 0
    assert run(*FEW, "--seed", "2", "--out", str(two)).exit_code == 0
    weights = [load.weights(folder / "weights.safetensors") for folder in (one, two)]
    fit = train.fit

    def interrupted(*args, **options):  # Ctrl-C in the second epoch
        loss, calls = train.LOSSES["cross_entropy"], []

        def once(output, target):
            calls.append(1)
            if len(calls) > 90:  # 63 steps, 16 held out batches, and into the second epoch
                raise KeyboardInterrupt
            return loss(output, target)

        return fit(*args, **{**options, "loss": once})

    monkeypatch.setattr(train, "fit", interrupted)
    stopped = run(*FEW, "--seed", "2", "--out", str(parts))
    assert stopped.exit_code == 130
    told = " ".join(stopped.stderr.split())
    assert "fit: interrupted; the run holds 1 finished epochs of 2." in told
    assert f"To go on: minicnn train lenet5 --resume --out {parts}" in told.replace("- ", "-")
    monkeypatch.undo()
    assert train.load_run(parts / "run.safetensors", models.lenet5(padding=2)).epoch == 1
    refused = run("train", "--resume", "--lr", "0.5", "--out", str(parts))
    assert refused.exit_code == 1
    assert "a resumed run goes on as it was begun, to the same bits, with --lr 0.003, but --lr is 0.5" in " ".join(refused.stderr.split())
    resumed = run("train", "--resume", "--out", str(parts), "--json")  # its settings are in the run
    assert (parts / "filters.png").read_bytes() == (one / "filters.png").read_bytes()  # before and after, of its own seed
    assert resumed.exit_code == 0, resumed.stderr
    assert len(json.loads(resumed.stdout)["history"]) == 2
    weights.append(load.weights(parts / "weights.safetensors"))
    again = run("train", "--resume", "--out", str(parts))
    assert "holds a finished run: 2 of 2 epochs" in " ".join(again.stdout.split())
    assert json.loads(run("train", "--resume", "--json", "--out", str(parts)).stdout)["history"][1]["epoch"] == 2
    for other in weights[1:]:
        for name, array in weights[0].items():
            np.testing.assert_array_equal(array, other[name])
    assert run(*FEW, "--seed", "1", "--out", str(tmp_path / "other")).exit_code == 0
    other = load.weights(tmp_path / "other" / "weights.safetensors")
    assert not np.array_equal(other["c1.weight"], weights[0]["c1.weight"])


def test_nothing_is_overwritten(run, mistake, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a path that is longer than a line cannot be wrapped
    Path("mine.txt").write_text("mine")
    assert "nothing is overwritten, and" in mistake(*FEW, "--out", ".")
    assert Path("mine.txt").read_text() == "mine"
    assert "is a file; name another one with --out" in mistake(*FEW, "--out", "mine.txt")
    assert "there is no run.safetensors in" in mistake(*FEW, "--resume", "--out", ".")


def test_mistakes(mistake, tmp_path):
    out = ("--out", str(tmp_path / "out"))
    assert "models: there is no model 'lenet6'. Did you mean 'lenet5'?" in mistake("train", "lenet6", *out)
    assert "train: efficientnet_lite0 does not take digits of 1×28×28" in mistake("train", "efficientnet_lite0", *out)
    assert "--data names a data set, and there is one, 'digits'" in mistake("train", "lenet5", "--data", "cifar", *out)
    assert "CosineAnnealingLR: lr must be" in mistake("train", "lenet5", "--lr", "-1", *out)
    assert "a data set fills at least one batch" in mistake("train", "lenet5", "--batch-size", "9999", *out)
    assert not (tmp_path / "out" / "weights.safetensors").exists()


def test_a_learning_rate_that_is_too_large_is_told(run, tmp_path):
    result = run("train", "lenet5", "--lr", "1e30", "--epochs", "1", "--out", str(tmp_path / "out"))
    assert result.exit_code == 1
    message = " ".join(result.stderr.split())
    assert "fit: a loss must be a finite number" in message
    assert "born in" in message
    assert "smaller lr" in message


def test_the_weights_that_ship_need_no_extra():
    net = models.lenet5(weights="pretrained", padding=2)
    path = models.lenet5.__globals__["_shipped"]()
    assert load.metadata(path)["minicnn"].startswith("lenet5, 60 epochs of 4,000 MNIST digits")
    from pathlib import Path

    assert Path(path).stat().st_size < 300_000
    digits = load.digits()
    assert train.evaluate(net, (digits.held_out_images, digits.held_out_labels))["accuracy"] >= 0.98
    # 32×32 as the paper has it: the same weights, the border in the image
    wide = np.pad(digits.held_out_images[:50], ((0, 0), (0, 0), (2, 2), (2, 2)))
    np.testing.assert_allclose(models.lenet5(weights="pretrained")(wide), net(digits.held_out_images[:50]), rtol=0, atol=1e-4)


def test_the_figures_of_a_run(tmp_path):
    """The learning curve and the filters are figures of the API too."""
    digits = load.digits()
    first = models.lenet5(rng=np.random.default_rng(0), padding=2)
    few = digits.images[::40], digits.labels[::40]
    run = train.fit(first, few, optimizer=train.Adam(), epochs=2, batch_size=25, held_out=few, progress=False)
    show.save(show.learning_curve(list(run.history)), tmp_path / "curve.png")
    show.save(show.filters(run.net["c1"].weight, before=first["c1"].weight), tmp_path / "filters.png")
    assert all((tmp_path / name).stat().st_size > 5000 for name in ("curve.png", "filters.png"))


@pytest.mark.parametrize("words", [("train", "--help")])
def test_help_has_an_example(run, words):
    text = run(*words).stdout
    assert "Example: minicnn train lenet5 --data digits" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80
