"""load.onnx: hand-made models, names, batches, one spatial axis, folded shapes, and every refusal."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicnn import describe, load, nn, trace
from minicnn.errors import ArgumentError, DTypeError, FileFormatError, MinicnnError, ShapeError, UnsupportedError

onnx = pytest.importorskip("onnx", reason="the files are made with the package onnx: pip install 'minicnn-engine[onnx]'")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

RNG = np.random.default_rng(11)
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def tensor(name: str, array) -> TensorProto:
    return numpy_helper.from_array(np.asarray(array), name)


def model(nodes, inputs: dict, outputs=("y",), weights=None, opset: int = 17, **settings):
    """Return a model; inputs are {name: shape}, weights {name: array}."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs],
        [tensor(name, array) for name, array in (weights or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8, **settings)


@pytest.fixture
def saved(tmp_path):
    """Write a model and return its path."""

    def write(*arguments, **settings) -> Path:
        file = tmp_path / "model.onnx"
        file.write_bytes(model(*arguments, **settings).SerializeToString())
        return file

    return write


W = RNG.standard_normal((4, 3, 2, 3)).astype(np.float32)
B = RNG.standard_normal(4).astype(np.float32)
X = RNG.standard_normal((2, 3, 7, 9)).astype(np.float32)


def conv_model(saved, batch=1, **attributes):
    node = helper.make_node("Conv", ["x", "stem.weight", "stem.bias"], ["y"], **attributes)
    return saved([node], {"x": (batch, 3, 7, 9)}, weights={"stem.weight": W, "stem.bias": B})


class TestWhatComesOut:
    def test_a_convolution_is_ours_with_its_name(self, saved):
        net = load.onnx(conv_model(saved, strides=[2, 1], pads=[1, 0, 0, 2], dilations=[1, 2]))
        assert [node.name for node in net] == ["stem"]
        assert list(net.parameters()) == ["stem.weight", "stem.bias"]
        ours = nn.Conv2d.of(W, B, (2, 1), ((1, 0), (0, 2)), (1, 2))
        np.testing.assert_array_equal(net(X, accuracy="exact"), ours(X, accuracy="exact"))

    def test_it_can_be_described_traced_and_asked(self, saved):
        net = load.onnx(conv_model(saved))
        assert dict(net.input_shapes) == {"x": (1, 3, 7, 9)}
        assert describe(net).field("stem").size == (2, 3)
        assert trace(net, X)["stem"].shape == (2, 4, 6, 7)
        assert net.box("stem", 0, 0, (3, 7, 9)).right == 2
        assert net(X[0]).shape == (4, 6, 7)  # one image

    @pytest.mark.parametrize(("auto", "before", "after"), [("SAME_UPPER", 0, 1), ("SAME_LOWER", 1, 0), ("VALID", 0, 0)])
    def test_auto_pad(self, saved, auto, before, after):
        net = load.onnx(conv_model(saved, auto_pad=auto))
        columns = (0, 0) if auto == "VALID" else (1, 1)
        assert net["stem"].window.padding == ((before, after), columns)

    def test_one_spatial_axis_goes_through_a_unit_axis(self, saved):
        weight = W[:, :, 0]
        nodes = [
            helper.make_node("Conv", ["x", "w"], ["c"], name="c1", pads=[1, 0]),
            helper.make_node("MaxPool", ["c"], ["y"], kernel_shape=[2]),
        ]
        net = load.onnx(saved(nodes, {"x": (2, 3, 9)}, weights={"w": weight}))
        x = X[:, :, 0]
        wanted = nn.MaxPool2d((1, 2), 1)(nn.Conv2d.of(weight[:, :, None], None, 1, ((0, 0), (1, 0)))(x[:, :, None]))[:, :, 0]
        np.testing.assert_allclose(net(x), wanted, rtol=1e-6)
        assert net(x[:1]).shape == (1, *wanted.shape[1:])  # three axes are not one image here

    def test_arithmetic_of_shapes_is_gone_and_any_batch_goes(self, saved):
        """What PyTorch writes for x.view(x.size(0), -1): Shape, Gather, Unsqueeze, Concat, Reshape."""
        nodes = [
            helper.make_node("Relu", ["x"], ["r"]),
            helper.make_node("Shape", ["r"], ["s"]),
            helper.make_node("Gather", ["s", "zero"], ["n"], axis=0),
            helper.make_node("Unsqueeze", ["n", "axes"], ["n1"]),
            helper.make_node("Concat", ["n1", "rest"], ["target"], axis=0),
            helper.make_node("Reshape", ["r", "target"], ["f"]),
            helper.make_node("Gemm", ["f", "fc.weight", "fc.bias"], ["y"], transB=1),
        ]
        weights = {
            "zero": np.int64(0),
            "axes": np.array([0]),
            "rest": np.array([-1]),
            "fc.weight": RNG.random((5, 12), np.float32),
            "fc.bias": np.zeros(5, np.float32),
        }
        net = load.onnx(saved(nodes, {"x": ("batch", 3, 2, 2)}, weights=weights))
        assert [type(node.layer).__name__ for node in net] == ["ReLU", "Flatten", "Linear"]
        assert net(np.ones((7, 3, 2, 2), np.float32)).shape == (7, 5)

    def test_open_lengths_are_asked_for(self, saved):
        node = [helper.make_node("GlobalAveragePool", ["x"], ["y"])]
        file = saved(node, {"x": ("n", 3, "h", "w")})
        with pytest.raises(ArgumentError, match=r"leaves lengths of its input 'x' open, \(1, 3, \?, \?\); give input_shape, such as"):
            load.onnx(file)
        for shape in ((1, 3, 5, 7), (3, 5, 7), {"x": (2, 3, 5, 7)}):
            assert load.onnx(file, input_shape=shape)(np.ones((3, 3, 4, 6), np.float32)).shape == (3, 3, 1, 1)
        with pytest.raises(ArgumentError, match=r"has the shape \(\?, 3, \?, \?\), but input_shape is \(1, 4, 5, 7\)"):
            load.onnx(file, input_shape=(4, 5, 7))

    def test_what_is_fixed_becomes_part_of_the_network(self, saved):
        file = saved([helper.make_node("Mul", ["x", "scale"], ["y"])], {"x": (1, 3, 4, 5), "scale": (3, 1, 1)})
        scale = np.array([1, 2, 3], np.float32).reshape(3, 1, 1)
        x = X[:1, :, :4, :5]
        net = load.onnx(file, fixed={"scale": scale})
        np.testing.assert_array_equal(net(x), x * scale)
        np.testing.assert_array_equal(load.onnx(file)(x, scale), x * scale)
        with pytest.raises(ArgumentError, match=r"has no input 'scales' to fix\. Did you mean 'scale'"):
            load.onnx(file, fixed={"scales": scale})
        with pytest.raises(DTypeError, match=r"takes arrays in `fixed`, but that of 'scale' is a list; write np.array"):
            load.onnx(file, fixed={"scale": [1.0]})

    def test_several_outputs_and_one_that_is_the_input(self, saved):
        nodes = [
            helper.make_node("Relu", ["x"], ["a"]),
            helper.make_node("Identity", ["x"], ["b"]),
            helper.make_node("Shape", ["x"], ["c"]),
        ]
        net = load.onnx(saved(nodes, {"x": (1, 2, 3, 4)}, outputs=("a", "b", "c")))
        a, b, c = net(-np.ones((1, 2, 3, 4), np.float32))
        assert (a == 0).all()
        assert (b == -1).all()
        np.testing.assert_array_equal(c, [1, 2, 3, 4])

    def test_names_that_ours_may_not_have(self, saved):
        nodes = [helper.make_node("Relu", ["a:0"], ["b:0"]), helper.make_node("Relu", ["b:0"], ["b_0"], name="b:0")]
        net = load.onnx(saved(nodes, {"a:0": (1, 2, 3, 4)}, outputs=("b_0",)))
        assert net.inputs == ("a_0",)
        assert len({node.name for node in net}) == 2

    def test_an_input_that_is_turned_at_once_is_channels_first_here(self, saved):
        """What TensorFlow's exporter writes: (N, H, W, C), turned before the first convolution."""
        nodes = [helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]), helper.make_node("Conv", ["t", "w"], ["y"])]
        net = load.onnx(saved(nodes, {"x": (1, 7, 9, 3)}, weights={"w": W}))
        assert [type(node.layer).__name__ for node in net] == ["Conv2d"]
        assert dict(net.input_shapes) == {"x": (1, 3, 7, 9)}
        np.testing.assert_array_equal(net(X, accuracy="exact"), nn.Conv2d.of(W)(X, accuracy="exact"))
        both = [*nodes, helper.make_node("Relu", ["x"], ["z"])]  # somebody reads it as it came
        assert load.onnx(saved(both, {"x": (1, 7, 9, 3)}, outputs=("y", "z"), weights={"w": W})).input_shapes["x"] == (1, 7, 9, 3)

    def test_channels_that_are_shuffled_keep_their_positions(self, saved):
        nodes = [
            helper.make_node("Reshape", ["x", "apart"], ["a"]),
            helper.make_node("Transpose", ["a"], ["b"], perm=[0, 2, 1, 3, 4]),
            helper.make_node("Reshape", ["b", "together"], ["y"]),
        ]
        weights = {"apart": np.array([2, 2, 3, 4, 5]), "together": np.array([2, 6, 4, 5])}
        net = load.onnx(saved(nodes, {"x": (2, 6, 4, 5)}, weights=weights))
        x = np.arange(240, dtype=np.float32).reshape(2, 6, 4, 5)
        np.testing.assert_array_equal(net(x)[0, :, 0, 0], x[0, [0, 3, 1, 4, 2, 5], 0, 0])
        np.testing.assert_array_equal(net(x), x.reshape(2, 2, 3, 4, 5).transpose(0, 2, 1, 3, 4).reshape(x.shape))
        assert describe(net).field(net.outputs[0]).size == (1, 1)

    def test_nodes_that_no_output_needs_are_left_out(self, saved):
        nodes = [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Sigmoid", ["x"], ["z"])]
        assert len(load.onnx(saved(nodes, {"x": (1, 2, 3, 4)}))) == 1

    @pytest.mark.parametrize("opset", [7, 9, 10, 11, 13, 18, 21])
    def test_settings_that_moved_from_attributes_to_inputs(self, saved, opset):
        weights: dict = {}

        def setting(kind, since, names, values, **fixed):
            """One node whose settings are inputs since an opset."""
            if opset >= since:
                weights.update(
                    {
                        f"{kind}.{name}": np.array(v, np.float32 if isinstance(v, float) else np.int64)
                        for name, v in zip(names, values, strict=True)
                    }
                )
                return {"inputs": [f"{kind}.{name}" for name in names], **fixed}
            return {"inputs": [], **dict(zip(names, values, strict=True)), **fixed}

        def node(kind, source, out, found):
            inputs = found.pop("inputs")
            return helper.make_node(kind, [source, *inputs], [out], **found)

        nodes = [
            node("Clip", "x", "a", setting("Clip", 11, ["min", "max"], [-0.5, 0.5])),
            node("Slice", "a", "b", setting("Slice", 10, ["starts", "ends", "axes"], [[1], [6], [2]])),
            node("Pad", "b", "c", setting("Pad", 11, ["pads"], [[0, 0, 1, 0, 0, 0, 0, 2]])),
            node("Unsqueeze", "c", "d", setting("Unsqueeze", 13, ["axes"], [[0]])),
            node("Squeeze", "d", "e", setting("Squeeze", 13, ["axes"], [[0]])),
            node("ReduceMean", "e", "f", setting("ReduceMean", 18, ["axes"], [[1]], keepdims=1)),
            node("ReduceSum", "f", "y", setting("ReduceSum", 13, ["axes"], [[3]], keepdims=0)),
        ]
        net = load.onnx(saved(nodes, {"x": (2, 3, 7, 9)}, weights=weights, opset=opset))
        clipped = np.pad(np.clip(X, -0.5, 0.5)[:, :, 1:6], [(0, 0), (0, 0), (1, 0), (0, 2)])
        np.testing.assert_allclose(net(X), clipped.mean(1, keepdims=True).sum(3), rtol=1e-5, atol=1e-6)

    def test_reading_a_hundred_megabytes(self, tmp_path):
        weights = {f"w{n}": np.full((1600, 1600), 1 / 1600, np.float32) for n in range(10)}  # 102 MB
        nodes = [helper.make_node("MatMul", [f"h{n}" if n else "x", f"w{n}"], [f"h{n + 1}"]) for n in range(10)]
        file = tmp_path / "large.onnx"
        file.write_bytes(model(nodes, {"x": (1, 1600)}, outputs=("h10",), weights=weights).SerializeToString())
        load.onnx(conv_model(lambda *a, **k: _written(tmp_path, *a, **k)))  # imports are not what is measured
        began = time.perf_counter()
        net = load.onnx(file)
        took = time.perf_counter() - began
        assert len(net.parameters()) == 10
        assert took < 2 * float(os.environ.get("MINICNN_BENCHMARK_SLACK", 1)), f"{took:.2f} s"


def _written(folder, *arguments, **settings) -> Path:
    file = folder / "small.onnx"
    file.write_bytes(model(*arguments, **settings).SerializeToString())
    return file


class TestExternalData:
    def beside(self, tmp_path, location: str, **entries):
        """Write a model whose weight says that it lies at `location`."""
        made = model([helper.make_node("Conv", ["x", "w"], ["y"])], {"x": (1, 3, 7, 9)}, weights={"w": W})
        weight = made.graph.initializer[0]
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
        for key, value in {"location": location, **entries}.items():
            weight.external_data.add(key=key, value=str(value))
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        (home / "model.onnx").write_bytes(made.SerializeToString())
        return home / "model.onnx"

    def test_it_is_read_from_beside_the_model(self, tmp_path):
        file = self.beside(tmp_path, "sub/weights.bin", offset=64, length=W.nbytes)
        (file.parent / "sub").mkdir()
        (file.parent / "sub" / "weights.bin").write_bytes(b"\0" * 64 + W.tobytes())
        np.testing.assert_array_equal(load.onnx(file)["y"].weight, W)

    @pytest.mark.parametrize("location", ["../secret.bin", "sub/../../secret.bin", "{absolute}", "link.bin", "linked/secret.bin", ".", ""])
    def test_nothing_outside_the_folder_is_read(self, tmp_path, location):
        secret = tmp_path / "secret.bin"
        secret.write_bytes(W.tobytes())
        file = self.beside(tmp_path, location.format(absolute=secret))
        (file.parent / "link.bin").symlink_to(secret)
        (file.parent / "linked").symlink_to(tmp_path, target_is_directory=True)
        with pytest.raises(FileFormatError, match="is not inside the model's folder; nothing outside it is read"):
            load.onnx(file)

    @pytest.mark.parametrize(
        ("entries", "match"),
        [
            ({}, "there is no such file beside the model; copy it there too"),
            ({"location": "short.bin"}, r"wants 288 bytes for tensor 'w' from byte 0 of 'short.bin' \(it says 288\), which has 10"),
            ({"location": "whole.bin", "offset": -4}, "from byte -4"),
            ({"location": "whole.bin", "length": 2**40}, "it says 1,099,511,627,776"),
            ({"location": "whole.bin", "offset": "many"}, "an offset or a length that is no whole number"),
        ],
    )
    def test_what_it_claims_is_checked(self, tmp_path, entries, match):
        file = self.beside(tmp_path, **{"location": "missing.bin", **entries})
        (file.parent / "short.bin").write_bytes(b"0123456789")
        (file.parent / "whole.bin").write_bytes(W.tobytes())
        with pytest.raises(FileFormatError, match=match):
            load.onnx(file)


class TestRefusals:
    def test_an_operator_that_is_not_read_is_named_with_those_that_are(self, saved):
        file = saved([helper.make_node("Einsum", ["x"], ["y"], name="attention", equation="ij->ji")], {"x": (2, 3)})
        with pytest.raises(
            UnsupportedError,
            match=r"model\.onnx holds the operator Einsum in node 'attention', which is not read. Operators that are: Abs, Add, .*Unsqueeze",
        ):
            load.onnx(file)

    def test_a_circle(self, saved):
        nodes = [helper.make_node("Relu", ["b"], ["a"]), helper.make_node("Relu", ["a"], ["b"])]
        with pytest.raises(FileFormatError, match="its input 'b' is computed later, so nodes are not in order or go in a circle"):
            load.onnx(saved(nodes, {"x": (2, 3)}, outputs=("a",)))

    @pytest.mark.parametrize(
        ("nodes", "match"),
        [
            ([("Relu", ["z"], ["y"])], "its input 'z' is not there"),
            ([("Relu", ["x"], ["x"])], "computes 'x' twice"),
            ([("Relu", ["x"], ["z"])], "names the output 'y', which no node computes"),
            ([("Relu", [], ["y"])], "has no input 1, which Relu needs"),
        ],
    )
    def test_graphs_that_do_not_hold_together(self, saved, nodes, match):
        with pytest.raises(FileFormatError, match=match):
            load.onnx(saved([helper.make_node(*node) for node in nodes], {"x": (1, 2, 3, 4)}))

    @pytest.mark.parametrize(
        ("kind", "inputs", "attributes", "error", "match"),
        [
            ("Conv", ["x", "w"], {"group": 2}, ShapeError, r"node 'n' \(Conv\): "),
            ("Conv", ["x", "x"], {}, UnsupportedError, r"its weight, 'x', must be known when the file is loaded.*fixed=\{'x': array\}"),
            ("Conv", ["x", "w"], {"strides": 2}, FileFormatError, "its attribute 'strides' must be a tuple, but it is 2"),
            ("Conv", ["x", "w"], {"strides": [0, 1]}, FileFormatError, "stride"),
            ("Conv", ["x", "w"], {"pads": [1, 1, 1]}, UnsupportedError, r"its pads are \(1, 1, 1\), and windows"),
            ("MaxPool", ["x"], {}, FileFormatError, "has no attribute 'kernel_shape', which MaxPool needs"),
            ("MaxPool", ["x"], {"kernel_shape": [50, 50]}, ShapeError, "spans 50"),
            ("Reshape", ["x", "huge"], {}, ShapeError, "Reshape"),
            (
                "Expand",
                ["x", "huge"],
                {},
                FileFormatError,
                r"makes arrays of .* bytes out of numbers that it works out, and at most 1,073,741,824 are trusted",
            ),
            (
                "Resize",
                ["x", "", "", "sizes"],
                {"mode": "cubic"},
                UnsupportedError,
                "it resizes by mode 'cubic'; 'nearest' and 'linear' are computed here",
            ),
            ("Equal", ["x", "w"], {}, UnsupportedError, "Equal is read where all that goes into it is known"),
            ("Cast", ["x"], {"to": 10}, UnsupportedError, "it casts a map to float16"),
            (
                "BatchNormalization",
                ["x", "c", "c", "c", "c"],
                {"training_mode": 1},
                UnsupportedError,
                r"export the network for inference: model.eval\(\)",
            ),
            ("Transpose", ["x"], {"perm": [0, 1, 2, 9]}, MinicnnError, "Permute"),
        ],
    )
    def test_operators_that_cannot_be(self, saved, kind, inputs, attributes, error, match):
        weights = {"w": W, "huge": np.array([1 << 21, 3, 7, 9]), "sizes": np.array([1, 3, 8, 8]), "c": np.ones(3, np.float32)}
        node = helper.make_node(kind, inputs, ["y"], name="n", **attributes)
        with pytest.raises(error, match=match):
            load.onnx(saved([node], {"x": (1, 3, 7, 9)}, weights=weights))

    def test_a_turned_input_beside_a_node_without_any(self, saved):
        nodes = [helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]), helper.make_node("Transpose", [], ["y"])]
        with pytest.raises(FileFormatError, match=r"node 2 \(Transpose\): has no input 1"):
            load.onnx(saved(nodes, {"x": (1, 7, 9, 3)}))
        twice = [helper.make_node("Transpose", ["x"], ["y"], perm=[0, 3, 1, 2])] * 2
        with pytest.raises(FileFormatError, match="computes 'y' twice"):
            load.onnx(saved(twice, {"x": (1, 7, 9, 3)}))

    def test_inputs_whose_names_would_be_one(self, saved):
        node = helper.make_node("Add", ["a:0", "a_0"], ["y"])
        with pytest.raises(UnsupportedError, match=r"names are one when ':' is written '_' \('a:0', 'a_0'\); rename one of them"):
            load.onnx(saved([node], {"a:0": (2, 3), "a_0": (2, 3)}))

    def test_other_files(self, tmp_path):
        file = tmp_path / "model.onnx"
        for content, match in (
            (b"\x89PNG\r\n\x1a\n" + b"0" * 50, "is a PNG image, not an ONNX file"),
            (b"\x08\x07\x12\xff\xff\xff\xff\x7f", "is no ONNX file, or one that is cut short"),
            (b"\x08\x07", "is no ONNX file, or one without a graph"),
        ):
            file.write_bytes(content)
            with pytest.raises(FileFormatError, match=match):
                load.onnx(file)
        with pytest.raises(FileFormatError, match=r"no file 'other\.onnx'"):
            load.onnx(tmp_path / "other.onnx")

    def test_old_opsets_and_functions(self, saved):
        with pytest.raises(UnsupportedError, match=r"uses opset 5, and 6 and newer are read; convert it with onnx.version_converter"):
            load.onnx(saved([helper.make_node("Relu", ["x"], ["y"])], {"x": (2, 3)}, opset=5))
        own = helper.make_function("own", "F", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])], [helper.make_opsetid("", 17)])
        with pytest.raises(UnsupportedError, match=r"defines functions of its own \(F\); export it with them written out"):
            load.onnx(saved([helper.make_node("Relu", ["x"], ["y"])], {"x": (2, 3)}, functions=[own]))
        with pytest.raises(UnsupportedError, match=r"holds the operator com\.microsoft\.FusedConv"):
            load.onnx(saved([helper.make_node("FusedConv", ["x"], ["y"], domain="com.microsoft")], {"x": (2, 3)}))

    def test_weights_that_are_not_all_there(self, tmp_path):
        made = model([helper.make_node("Conv", ["x", "w"], ["y"])], {"x": (1, 3, 7, 9)}, weights={"w": W})
        for change, match in (
            (lambda t: t.dims.append(2), r"of shape \(4, 3, 2, 3, 2\), 576 bytes, but 288 are there"),
            (lambda t: setattr(t, "raw_data", b"123"), "288 bytes, but 3 are there"),
            (lambda t: t.dims.__setitem__(0, -4), "claims tensor 'w' to have the shape"),
            (lambda t: setattr(t, "data_type", 8), "ONNX's data type 8, which is not read"),
            (lambda t: t.ClearField("raw_data"), "to have 72 numbers, but 0 are listed"),
        ):
            copy = onnx.ModelProto()
            copy.CopyFrom(made)
            change(copy.graph.initializer[0])
            file = tmp_path / "model.onnx"
            file.write_bytes(copy.SerializeToString())
            with pytest.raises(FileFormatError, match=match):
                load.onnx(file)


@given(
    kind=st.sampled_from(["float32", "float64", "float16", "bfloat16", "int64", "int32", "int8", "uint8", "bool"]),
    raw=st.booleans(),
    seed=st.integers(0, 99),
)
def test_every_kind_of_tensor(kind, raw, seed):
    """Raw bytes and listed numbers give the same array; halves become float32."""
    from minicnn.load.onnxfile.tensors import array_of

    values = np.random.default_rng(seed).integers(-3, 4, (2, 3))
    values = np.abs(values) if kind in ("uint8", "bool") else values
    data_type = TensorProto.DataType.Value({"float32": "FLOAT", "float64": "DOUBLE"}.get(kind, kind.upper()))
    if kind == "bfloat16":
        made = helper.make_tensor("t", data_type, (2, 3), values.astype(np.float32).reshape(-1))
    else:
        array = values.astype(kind)
        made = helper.make_tensor("t", data_type, (2, 3), array.tobytes() if raw else array.reshape(-1), raw=raw)
    wanted = values.astype({"float16": "float32", "bfloat16": "float32"}.get(kind, kind))
    found = array_of(made, None)
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)
