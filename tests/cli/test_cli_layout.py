"""minicnn layout: how a map lies in memory."""

import json

import numpy as np

from minicnn import probe


def test_the_answer_is_the_api_s_in_80_columns(run):
    result = run("layout", "3x4x5")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{probe.layout(np.zeros((1, 3, 4, 5), np.float32))}\n"
    for words in (("layout", "2x64x224x224"), ("layout", "1000x1000", "--format", "nchw"), ("layout", "3x224x224", "--format", "nhwc")):
        assert max(map(len, run(*words).stdout.splitlines())) <= 80


def test_channels_side_by_side(run):
    text = run("layout", "2x3x4x5", "--format", "nhwc").stdout
    assert "channels_last, NHWC: the channels of a pixel" in text
    assert "   3  0,0,0,1  0,1,0,1  0,2,0,1\n" in text


def test_json(run):
    document = json.loads(run("layout", "3x4x5", "--format", "nhwc", "--json").stdout)
    assert document["steps"] == [60, 1, 15, 3]
    assert document["strides"] == [240, 4, 60, 12]
    assert document["memory"][1][0] == {"address": 3, "indices": ["0,0,0,1"]}
    assert document["copied_bytes"] == 240


def test_mistakes(run, mistake):
    assert "SHAPE: a shape has two to four whole numbers, but it is 'big'" in mistake("layout", "big")
    assert "SHAPE: 9999x9999x9999 has 999,700,029,999 numbers, and a drawing" in mistake("layout", "9999x9999x9999")
    assert "--format nhwc: a map has channels, rows and columns" in mistake("layout", "3x4", "--format", "nhwc")
    assert run("layout", "3x4x5", "--format", "chwn").exit_code == 2
