"""minicnn shape: the arithmetic of a row of layers, and how a text becomes layers."""

import json
import re
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicnn import describe, nn
from minicnn.cli.calls import read_layers
from minicnn.cli.inputs import parse_shape
from minicnn.cli.shape import steps_of
from minicnn.errors import ArgumentError

STEM = "Conv2d(3, 64, 7, stride=2, padding=3) BatchNorm2d(64) ReLU MaxPool2d(3, 2, 1)"
LENET = """nn.Sequential(
    nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(6, 16, kernel_size=(5, 5)), nn.ReLU(), nn.MaxPool2d(2, stride=2),
    nn.Conv2d(16, 120, 5), nn.ReLU(), nn.Flatten(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)
)"""


def test_the_stem_of_a_resnet_by_hand(run):
    text = run("shape", STEM, "--input", "3x224x224").stdout
    for line in (
        "floor((224 + 3 + 3 - 1·(7 - 1) - 1) / 2) + 1 = 112",
        "size 1 + (7 - 1)·1 = 7, stride 1·2 = 2, start 0 + 1·(-3) = -3",
        "64·3·7·7 + 64 = 9,472",
        "64·112·112 outputs × 3·7·7 each = 118,013,952",
        "64 + 64 = 128, and 128 measured numbers that are not learned",
        "floor((112 + 1 + 1 - 1·(3 - 1) - 1) / 2) + 1 = 56",
        "size 7 + (3 - 1)·2 = 11, stride 2·2 = 4, start -3 + 2·(-1) = -5",
        "3×224×224 → 64×56×56",
        "9,600 parameters, 118,013,952 multiply-adds",
    ):
        assert line in text
    assert max(map(len, text.splitlines())) <= 80


def test_rows_and_columns_are_told_apart(run):
    text = run("shape", "Conv2d(3, 4, (5, 3), stride=(2, 1), groups=1)", "--input", "2x3x32x40").stdout
    assert "rows       floor((32 + 0 + 0 - 1·(5 - 1) - 1) / 2) + 1 = 14" in text
    assert "columns    floor((40 + 0 + 0 - 1·(3 - 1) - 1) / 1) + 1 = 38" in text
    assert "rows: size 1 + (5 - 1)·1 = 5, stride 1·2 = 2" in text
    assert "columns: size 1 + (3 - 1)·1 = 3, stride 1·1 = 1" in text
    assert "2·4·14·38 outputs × 3·5·3 each = 191,520" in text


def test_a_pasted_model_gives_the_published_numbers(run):
    document = json.loads(run("shape", LENET, "--input", "1x32x32", "--json").stdout)
    assert document["total"] == {
        "output_shape": [1, 10],
        "field": {"size": None, "stride": None, "start": None, "aligned": True, "reason": "sees everything: flatten"},
        "parameters": 61706,
        "multiply_adds": 416520,
    }
    assert document["layers"][6]["field"] == {"size": [32, 32], "stride": [4, 4], "start": [0, 0], "aligned": True, "reason": ""}
    assert document["layers"][8]["size"] == {"features": "120·1·1 = 120"}
    assert [step["output_shape"][1:] for step in document["layers"]][:3] == [[6, 28, 28], [6, 28, 28], [6, 14, 14]]


ONE_OF_EACH = {
    "Conv2d": "(5, 4, 3)",
    "ConvTranspose2d": "(5, 4, 3, 2, 1, 1)",
    "Linear": "(9, 4)",
    "BatchNorm2d": "(5)",
    "LayerNorm": "((5, 7, 9))",
    "GroupNorm": "(5, 5)",
    "MaxPool2d": "(2, return_indices=True)",
    "AvgPool2d": "(3, ceil_mode=True)",
    "AdaptiveAvgPool2d": "((3, None))",
    "AdaptiveMaxPool2d": "(2)",
    "Upsample": "(scale_factor=2, mode='bilinear')",
    "ZeroPad2d": "((1, 2, 0, 3))",
    "ReflectionPad2d": "(1)",
    "ReplicationPad2d": "(1)",
    "CircularPad2d": "(1)",
    "Softmax": "(dim=-3)",
    "LeakyReLU": "(0.2)",
    "Flatten": "(1)",
    "Unfold": "((3, 2), stride=2)",
    "Fold": "((7, 9), 3)",
    "InstanceNorm2d": "(5)",
    "LocalResponseNorm": "(3)",
    "Resample": "((4, 6), 'linear', 'align_corners')",
    "PixelShuffle": "(1)",
    "PixelUnshuffle": "(1)",
    "Elementwise": "('sqrt')",
    "Reduce": "('mean', (1,))",
    "Constant": "(2.5)",
    "Cast": "('float64')",
    "Reshape": "((0, 5, 9, 7))",
    "Unsqueeze": "(0)",
    "Slice": "((1,), (6,), (2,))",
    "Take": "((0, 2, 2), 1)",
    "Pad": "(((0, 0), (0, 1), (1, 1), (0, 2)))",
}
BEFORE = {"Fold": "Unfold(3) "}  # columns come from somewhere


@pytest.mark.parametrize("name", [name for name, layer in nn.LAYERS.items() if layer.inputs == 1])
def test_every_layer_is_shown_as_the_network_sees_it(run, name):
    text = BEFORE.get(name, "") + name + ONE_OF_EACH.get(name, "")
    document = json.loads(run("shape", text, "--input", "2x5x7x9", "--json").stdout)
    *before, layer = read_layers(text)
    facts = describe(nn.Sequential(*before, ("layer", layer)), (2, 5, 7, 9))["layer"]
    step = document["layers"][-1]
    assert tuple(step["output_shape"]) == facts.shape
    assert (step["parameters"], step["multiply_adds"]) == (facts.parameters, facts.multiply_adds)
    assert tuple(step["field"]["size"] or ()) == tuple(map(float, facts.field.size or ()))
    printed = run("shape", text, "--input", "2x5x7x9")
    assert printed.exit_code == 0
    assert {"Unfold": "12 windows of 5·3·2 = 30 numbers", "Fold": "7×9, chosen by output_size"}.get(name, "") in printed.stdout
    assert max(map(len, printed.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    "text", ["Constant(2.5) ReLU", "Constant(2.5) Unsqueeze(0)", "Reduce('sum', keepdims=False) ReLU", "Reshape((60)) ReLU"]
)
def test_arrays_of_few_axes(run, text):
    done = run("shape", text, "--input", "3x4x5")
    assert done.exit_code == 0
    assert "Traceback" not in done.stderr


def value_of(arithmetic: str) -> int:
    """Compute what an arithmetic line claims, from the part before its last '='."""
    left, _, right = arithmetic.rpartition(" = ")
    numbers = left.replace("·", "*").replace("×", "*").replace(" outputs", "").replace(" inputs", "").replace(" each", "")
    found = eval(numbers, {"floor": lambda x: int(x // 1)})
    assert found == int(right.replace(",", "")), arithmetic
    return found


@given(
    channels=st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 2)),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=st.integers(1, 2),
    bias=st.booleans(),
)
def test_every_line_of_arithmetic_is_true(channels, kernel, stride, padding, dilation, bias):
    c, k, groups = channels
    text = f"Conv2d({c * groups}, {k * groups}, {kernel}, {stride}, {padding}, {dilation}, {groups}, bias={bias}) AvgPool2d(2, 3)"
    (conv, pool), field = steps_of(read_layers(text), (2, c * groups, 17, 23))
    for step in (conv, pool):
        sizes = [value_of(line) for line in (step.size.get("rows") or step.size["size"], step.size.get("columns") or step.size["size"])]
        assert sizes == list(step.output_shape[2:])
    assert value_of(conv.parameters_arithmetic) == conv.parameters == k * groups * c * prod(kernel) + k * groups * bias
    assert value_of(conv.multiply_adds_arithmetic) == conv.multiply_adds
    for step in (conv, pool):
        lines = step.field_arithmetic
        for axis, name in enumerate(("rows", "columns")):
            claims = re.findall(r"(\w+) ([^,]+ = -?\d+)", lines.get(name) or lines["both"])
            values = {word: value_of(claim) for word, claim in claims}
            if "as it came in" not in (lines.get(name) or lines["both"]):
                assert values == {word: step.field[word][axis] for word in ("size", "stride", "start")}
    facts = describe(nn.Sequential(*read_layers(text)), (2, c * groups, 17, 23))
    assert field == facts.field("pool1")


# reading


@pytest.mark.parametrize("between", [" ", ", ", " -> ", " → ", "\n", "; ", " | ", " => "])
def test_layers_may_be_separated_in_many_ways(between):
    layers = read_layers(between.join(["Conv2d(3,8,3)", "ReLU", "torch.nn.MaxPool2d( 2 )", "nn.ReLU()"]))
    assert [repr(layer) for layer in layers] == ["Conv2d(3, 8, kernel_size=3)", "ReLU()", "MaxPool2d(kernel_size=2, stride=2)", "ReLU()"]


def test_arrays_are_shapes_only():
    (layer,) = read_layers("Conv2d(1000, 1000, 999)")
    assert layer.is_shape_only


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Conv2s(3, 4, 3)", "shape: there is no layer 'Conv2s'. Did you mean 'Conv2d'?"),
        ("Add", "Add joins several inputs, and a row of layers hands on one; build a nn.Graph"),
        ("Concat(1)", "Concat joins several inputs"),
        ("Conv2d(3, 4)", "Conv2d(3, 4): missing a required argument: 'kernel_size'; write Conv2d(in_channels, out_channels, kernel_size,"),
        ("Conv2d(3, 4, 3, strde=2)", "got an unexpected keyword argument 'strde'; write Conv2d(in_channels"),
        ("Conv2d(3, 4, 3, rng=0)", "got an unexpected keyword argument 'rng'"),
        ("Identity(3)", "too many positional arguments; Identity takes no arguments: write Identity."),
        ("Conv2d(3, 4, 3, stride=0)", "Conv2d: stride must be at least 1, but it is 0"),
        ("LeakyReLU('x')", "LeakyReLU: negative_slope must be a real number, but it is 'x'; pass a float."),
        ("Conv2d(3, 4, 3) Conv2d(8, 4, 3)", "layer 2, Conv2d(8, 4, kernel_size=3): Conv2d: weight expects 8 input channels but x has 4"),
        ("MaxPool2d(500)", "layer 1, MaxPool2d(kernel_size=500, stride=500): MaxPool2d: the kernel must fit into the padded input"),
        ("Conv2d(3, 4, 3) Linear(5, 2)", "layer 2, Linear(5, 2): Linear: the last axis of x must hold in_features = 5 numbers"),
        ("", "at least one layer is needed, but the text names none; write"),
        ("ReLU " * 5000, "at most 20,000 letters are read, but the text has 25,000"),
    ],
)
def test_mistakes_are_told_in_one_message(mistake, text, message):
    assert message in mistake("shape", text)


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("ReLU Conv2d(3, 64, 7", "this bracket is never closed; add ')'", "("),
        ("Conv2d(3, 4, (3, 3]) ReLU", "')' is expected here, but there is ']'", "]"),
        ("Conv2d(3, 4, 3, padding='same)", "this bracket is never closed", "("),
        ("Conv2d(3, n, 3)", "arguments are plain values (3, (1, 2), 'same', True), but this is n", "n, 3"),
        ("Conv2d(3,\n 'ä', 2 ** 3)", "but this is 2 ** 3", "2 **"),
        ("Conv2d(*[3, 4, 3])", "but this is *[3, 4, 3]", "*"),
        ("Conv2d(**{'a': 3})", "write each argument out; ** is not read", "C"),
        ("Conv2d(3 4)", "this is not a call as Python writes them (invalid syntax. Perhaps you forgot a comma?)", "3 4"),
        ("Conv2d(3, 4, 3) 7 ReLU", "here the name of a layer is expected, but there is '7'", "7"),
        ("Conv2d(3, 4, 3).of", "here the name of a layer is expected, but there is '.'", "."),
        ("ReLU Conv2d(3, 99999999, 3)", "numbers go up to 1,000,000", "C"),
        ("Upsample(scale_factor=1e999)", "numbers go up to 1,000,000", "U"),
        ("ReLU((((((((((((((((((((((((1", "brackets are nested more than 20 deep", "((((1"),
        ("ReLU " * 60 + "Conv2d(3, m, 3)", "but this is m", "m, 3"),
    ],
)
def test_a_caret_stands_under_the_place(text, message, place):
    with pytest.raises(ArgumentError) as error:
        read_layers(text)
    head, line, caret = str(error.value).split("\n")
    assert message in head
    assert line[caret.index("^") :].startswith(place)
    assert len(line) <= 80


@pytest.mark.parametrize("text", ["ReLU(__import__('os').abort())", "Conv2d((lambda: 3)(), 1, 1)", "ReLU([x for x in ()])", "ReLU(f'{1}')"])
def test_nothing_is_ever_evaluated(text):
    with pytest.raises(ArgumentError, match="arguments are plain values"):
        read_layers(text)


@given(st.text(alphabet="ReLUConv2d()[]{},.'\" =→\n0*-\\#:äß\0", max_size=40))
def test_any_text_is_layers_or_one_of_our_errors(text):
    from minicnn.errors import MinicnnError

    try:
        layers = read_layers(text)
    except MinicnnError:
        return
    assert all(isinstance(layer, nn.Layer) for layer in layers)


# --input


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("3x224x200", (3, 224, 200)),
        ("3 224 200", (3, 224, 200)),
        ("1x3x224x200", (1, 3, 224, 200)),
        ("3×224×200", (3, 224, 200)),
        ("(3, 224, 200)", (3, 224, 200)),
        ("5x400", (5, 400)),
    ],
)
def test_shapes_that_are_understood(text, shape):
    assert parse_shape(text) == shape


@pytest.mark.parametrize("text", ["3x", "abc", "", "3x-1x4", "3.5x2x2", "1x2x3x4x5", "3x1e3x2", "3x９x٣"])
def test_shapes_that_are_not(mistake, text):
    assert "write channels, rows and columns, such as 3x224x224." in mistake("shape", "ReLU", "--input", text)


def test_lengths_have_limits(mistake):
    assert "every length is from 1 to 1,000,000, but it is '3x0x4'" in mistake("shape", "ReLU", "--input", "3x0x4")
    assert "every length is from 1 to 1,000,000" in mistake("shape", "ReLU", "--input", "3x2000000x4")


def test_a_terminal_that_knows_ascii_only(spawn):
    done = spawn("shape", STEM.replace(" ReLU", " → ReLU"), PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "64*112*112 outputs x 3*7*7 each = 118,013,952" in done.stdout
    assert "3x224x224 -> 64x112x112" in done.stdout
