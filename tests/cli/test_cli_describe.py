"""minicnn describe: the table and the list."""

import json

import pytest

from minicnn import describe, models
from minicnn.cli.table import grouped


@pytest.mark.parametrize("model", models.MODELS)
def test_the_table_is_whole_at_80_columns(run, model):
    result = run("describe", model)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    group = ""
    found = set()
    for line in lines:
        if line and not line.startswith(" ") and " " not in line.strip():
            group = line
        name = line.split()[0] if line.split() else ""
        found.add(f"{group}.{name}" if line.startswith("  ") else name)
    assert {node.name for node in models.build(model)} <= found
    assert "…" not in result.stdout


def test_rows_and_totals(run):
    text = run("describe", "efficientnet_lite0").stdout
    assert "  depthwise.conv   Conv                672×7×7  403/32  16.8 k   823 k   132 kB" in text
    assert "4,652,008 parameters, 385,187,552 multiply-adds" in text
    assert "80.0 MB for all maps, 9.63 MB at the peak of a forward pass, 54.8 MB kept" in " ".join(text.split())
    assert "pool               AdaptiveAvgPool    1280×1×1     all" in text


def test_another_input(run):
    text = run("describe", "efficientnet_lite0", "--input", "3x160x240").stdout
    assert "efficientnet_lite0 on 3×160×240: 143 nodes" in text
    assert "1280×5×8" in text
    assert max(map(len, text.splitlines())) <= 80


def test_prepared_weights_are_counted_where_there_are_any(run, monkeypatch):
    import minicnn.layers.conv

    monkeypatch.setattr(minicnn.layers.conv, "prepared_bytes", lambda *about: 0)
    assert "prepared" not in run("describe", "lenet5").stdout
    monkeypatch.setattr(minicnn.layers.conv, "prepared_bytes", lambda *about: 123_456)
    text = run("describe", "lenet5").stdout
    assert "prepared      370 kB of weights in the form that kernels read, kept from the" in text  # three convolutions
    assert max(map(len, text.splitlines())) <= 80


def test_json_is_the_description(run):
    document = json.loads(run("describe", "lenet5", "--json").stdout)
    facts = describe(models.lenet5(), (1, 32, 32))
    assert document == {"model": "lenet5", "input_shape": [1, 1, 32, 32], **json.loads(json.dumps(facts.to_dict()))}


def test_without_a_model_the_models_are_listed(run):
    text = run("describe").stdout
    assert [line.split()[0] for line in text.splitlines()[1:] if line.startswith("  ")] == list(models.MODELS)
    assert "lenet5                1×32×32       61,706          416,520" in text
    assert "yolov5n             3×640×640    1,872,157    2,234,060,800" in text
    assert text.count("VGG: nothing but 3×3 convolutions") == 1  # said once of all of its networks
    assert max(map(len, text.splitlines())) <= 80
    rows = json.loads(run("describe", "--json").stdout)["models"]
    assert [row["name"] for row in rows] == list(models.MODELS)
    assert rows[0]["parameters"] == 61706


def test_mistakes(mistake):
    assert "models: there is no model 'lenet'. Did you mean 'lenet5'?" in mistake("describe", "lenet")
    assert "node 'c1': Conv2d: weight expects 1 input channels but x has 3" in mistake("describe", "lenet5", "--input", "3x32x32")
    assert "node 'c1': Conv2d: the kernel must fit into the padded input" in mistake("describe", "lenet5", "--input", "1x3x3")
    assert "such as 3x224x224" in mistake("describe", "lenet5", "--input", "32")


def test_a_name_that_does_not_fit_has_a_line_of_its_own():
    rows = [("a_name_that_is_far_too_long_for_this", "Conv", "1×2×3"), ("b.c", "ReLU", "4")]
    lines = grouped(("map", "layer", "shape"), rows, 30)
    assert lines == [
        "map                layer shape",
        "-" * 30,
        "a_name_that_is_far_too_long_for_this",
        "                   Conv  1×2×3",
        "b",
        "  c                ReLU      4",
    ]
