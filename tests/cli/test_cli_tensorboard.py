"""minicnn tensorboard: the maps of a photo in an event file."""

import json

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("tensorboardX")


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    Image.fromarray(np.random.default_rng(2).integers(0, 256, (40, 56, 3), dtype=np.uint8)).save(path)
    return str(path)


def test_a_file_in_the_folder(run, picture, tmp_path):
    folder = tmp_path / "runs"
    result = run("tensorboard", "lenet5", "--image", picture, "--logdir", str(folder))
    assert (result.exit_code, result.stderr) == (0, "")
    (path,) = folder.iterdir()
    text = "".join(result.stdout.split())
    assert f"{path}({path.stat().st_size:,}bytes)" in text
    assert f"tensorboard--logdir{folder}" in text


def test_json_and_step(run, picture, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    words = ("tensorboard", "lenet5", "--weights", "random", "--image", picture, "--logdir", str(tmp_path), "--step", "4", "--json")
    document = json.loads(run(*words).stdout)
    assert (document["model"], document["weights"], document["photo"], document["step"]) == ("lenet5", "random", "photo.png", 4)
    read = accumulator.EventAccumulator(document["file"]).Reload()
    assert read.Scalars("mean/relu3")[0].step == 4


def test_mistakes(run, mistake, picture, tmp_path):
    (tmp_path / "file").write_text("")
    assert "tensorboard: logdir is a folder, but" in mistake(
        "tensorboard", "lenet5", "--image", picture, "--logdir", str(tmp_path / "file")
    )
    assert "but neither was given" in mistake("tensorboard", "--image", picture)
    assert run("tensorboard", "lenet5", "--step", "-1").exit_code == 2
