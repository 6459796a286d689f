"""What every layer owes: immutability, the lock, shapes that agree with data, dtypes, teaching errors."""

import copy
import pickle

import numpy as np
import pytest
from samples import Winners, cases, samples

from minicnn import nn
from minicnn.errors import ArgumentError, DTypeError, MinicnnError, ShapeError, UnknownNameError, UnsupportedError, WeightsError
from minicnn.layers.base import Layer

every_layer = pytest.mark.parametrize(("layer", "shapes"), [pytest.param(layer, shapes, id=name) for name, layer, shapes in cases()])


def inputs_of(shapes, dtype=np.float32, batch=None):
    rng = np.random.default_rng(0)
    return [
        shape.drawn(batch=batch)
        if isinstance(shape, Winners)
        else rng.standard_normal((shape[0] if batch is None else batch, *shape[1:])).astype(dtype)
        for shape in shapes
    ]


def as_tuple(result):
    return result if isinstance(result, tuple) else (result,)


def test_every_layer_has_a_sample():
    assert set(samples()) == set(nn.LAYERS)


@every_layer
def test_shape_from_integers_is_the_shape_of_the_data(layer, shapes):
    promised = layer.output_shape(*shapes)
    promised = promised if len(layer.results) > 1 else (promised,)
    for batch in (2, 0):
        results = as_tuple(layer(*inputs_of(shapes, batch=batch)))
        assert len(results) == len(layer.results)
        for result, shape in zip(results, promised, strict=True):
            fixed = isinstance(layer, nn.Constant)  # the only one that looks at no batch
            assert result.shape == (shape if fixed else (batch, *shape[1:]))


@every_layer
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_follows_x_and_inputs_stay_as_they_are(layer, shapes, dtype):
    inputs = inputs_of(shapes, dtype)
    kept = [x.copy() for x in inputs]
    for x in inputs:
        x.flags.writeable = False
    assert as_tuple(layer(*inputs))[0].dtype == (layer.dtype if isinstance(layer, nn.Cast) else dtype)
    for x, before in zip(inputs, kept, strict=True):
        np.testing.assert_array_equal(x, before)


@every_layer
def test_axes_are_the_sizes(layer, shapes):
    """One pair of one-axis rules per input, and they give the output's size."""
    pairs = layer.axes(*shapes)
    assert len(pairs) == len(shapes)
    shape = layer.output_shape(*shapes)
    shape = shape[0] if len(layer.results) > 1 else shape
    if len(shape) == 4:
        for rules, in_shape in zip(pairs, shapes, strict=True):
            grid = in_shape[2:] if len(in_shape) == 4 else (1, 1)  # columns have no positions
            assert tuple(rule.out_size(n) for rule, n in zip(rules, grid, strict=True)) == tuple(shape[2:])


@every_layer
def test_immutable_and_rebuilt_by_its_fields(layer, shapes):
    with pytest.raises(AttributeError, match=r"is immutable; make another with layer.with_\(weight=…\)"):
        layer.weight = 1
    with pytest.raises(AttributeError, match="is immutable"):
        del layer.kind
    for twin in (layer.with_(), copy.copy(layer), copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert twin is not layer
        assert repr(twin) == repr(layer)
        for name, array in {**twin.parameters(), **twin.buffers()}.items():
            assert not array.flags.writeable
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0
            np.testing.assert_array_equal(array, getattr(layer, name))
        for ours, theirs in zip(as_tuple(twin(*inputs_of(shapes))), as_tuple(layer(*inputs_of(shapes))), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@every_layer
def test_repr_is_how_it_is_built(layer, shapes):
    rebuilt = eval(f"nn.{layer!r}", {"nn": nn})
    plain = {name: value for name, value in layer.fields().items() if not isinstance(value, np.ndarray)}
    assert {name: rebuilt.fields()[name] for name in plain} == plain


@every_layer
def test_what_a_gradient_keeps_is_named(layer, shapes):
    assert set(layer.keeps) <= {"input", "output"}
    assert layer.saved_bytes(*shapes) >= 0
    assert layer.multiply_adds(*shapes) >= 0


@every_layer
def test_wrong_number_of_inputs(layer, shapes):
    with pytest.raises(ArgumentError, match=r"takes (at least one input|1 input|2 inputs), but received 0"):
        layer()


KEEPS = {  # which maps a gradient needs, and bytes beside them: indices of 8 bytes, two statistics a channel
    "input": ("Conv2d", "ConvAdd", "ConvTranspose2d", "Linear", "BatchNorm2d", "LayerNorm", "GroupNorm", "SiLU", "PReLU", "Hardswish", "ELU", "GELU", "Softplus", "LeakyReLU",
              "Clamp", "InstanceNorm2d", "LocalResponseNorm", "Arithmetic", "Elementwise", "Reduce", "MatMul"),
    "output": ("ReLU", "ReLU6", "LeakyReLU", "Sigmoid", "Softmax", "Tanh", "LogSoftmax", "Hardsigmoid", "Elementwise"),
    "": ("MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d", "AdaptiveMaxPool2d", "MaxUnpool2d", "Upsample", "ZeroPad2d", "ReflectionPad2d", "ReplicationPad2d",
         "Dropout", "CircularPad2d", "Flatten", "Add", "Concat", "Identity", "ChannelsLast", "Unfold", "Fold",
         "Resample", "PixelShuffle", "PixelUnshuffle", "Arithmetic", "Elementwise", "Reduce", "Constant", "Cast",
         "Reshape", "Squeeze", "Unsqueeze", "Permute", "Slice", "Take", "Pad"),
}  # fmt: skip


@every_layer
def test_what_a_gradient_keeps(layer, shapes):
    name = type(layer).__name__
    assert name in KEEPS["".join(layer.keeps)]
    extra = 0
    if name in ("MaxPool2d", "AdaptiveMaxPool2d"):
        extra = 8 * as_tuple(layer(*inputs_of(shapes)))[0].size
    elif name == "MaxUnpool2d":
        extra = 8 * np.prod(shapes[1])
    elif name in ("BatchNorm2d", "LayerNorm", "GroupNorm", "InstanceNorm2d", "Dropout"):
        _, saved, _ = layer.forward_saving(*inputs_of(shapes), accuracy="exact", training=True, rng=np.random.default_rng(0))
        extra = sum(array.nbytes for array in as_tuple(saved))
    assert layer.saved_bytes(*shapes, itemsize=4) == extra


@pytest.mark.parametrize(("layer", "shapes"), [pytest.param(layer, shapes, id=name) for name, layer, shapes in cases() if layer.activation])
def test_an_activation_at_the_store_is_the_activation_behind(layer, shapes):
    plain, behind = layer.with_(activation=None), {"relu": nn.ReLU(), "relu6": nn.ReLU6(), "silu": nn.SiLU()}[layer.activation]
    inputs = inputs_of(shapes)
    inputs[0][0, 0, 1] = np.nan  # a row of them
    wanted = behind(plain(*inputs))
    assert np.isnan(wanted).any()
    if layer.activation == "silu":
        # y / (1 + exp(-y)) beside y·σ(y): on either side exp is off by 4 eps at most, three roundings by half an eps
        np.testing.assert_allclose(layer(*inputs), wanted, rtol=11 * np.finfo(np.float32).eps)
    else:
        np.testing.assert_array_equal(layer(*inputs), wanted)
    assert (layer.fields().keys(), plain.activation) == (plain.fields().keys(), None)
    assert f"activation={layer.activation!r}" in repr(layer)
    assert "activation" not in repr(plain)


@pytest.mark.parametrize(("layer", "shapes"), [pytest.param(layer, shapes, id=name) for name, layer, shapes in cases() if layer.activation])
def test_an_activation_at_the_store_has_no_gradient(layer, shapes):
    with pytest.raises(
        UnsupportedError,
        match=rf"{type(layer).__name__}: a gradient needs the map in front of an activation, but .*activation='{layer.activation}'\) applies its own "
        r"as the output is stored .*train and walk back through the network that was fused, and fuse it afterwards",
    ):
        layer.backward((layer(*inputs_of(shapes)),), None)


def test_unknown_field():
    with pytest.raises(ArgumentError, match=r"Conv2d.with_: there is no field 'strides'; fields: weight, bias, stride"):
        nn.Conv2d(1, 1, 1).with_(strides=2)


def test_with_changes_one_thing():
    conv = nn.Conv2d(3, 4, 3, padding=1)
    strided = conv.with_(stride=2)
    assert repr(strided) == "Conv2d(3, 4, kernel_size=3, stride=2, padding=1)"
    np.testing.assert_array_equal(strided.weight, conv.weight)
    assert repr(conv) == "Conv2d(3, 4, kernel_size=3, padding=1)"


def test_pytorchs_inplace_is_taken_and_changes_nothing():
    x = np.array([-1.0, 2.0])
    for layer in (nn.ReLU(inplace=True), nn.ReLU6(True), nn.SiLU(inplace=True), nn.LeakyReLU(0.1, True)):
        layer(x)
        np.testing.assert_array_equal(x, [-1.0, 2.0])


def test_the_lock_cannot_be_undone():
    conv = nn.Conv2d(1, 1, 2)
    with pytest.raises(ValueError, match="cannot set WRITEABLE"):
        conv.weight.flags.writeable = True


def test_the_givers_array_stays_his():
    weight = np.ones((2, 3, 1, 1), np.float32)
    conv = nn.Conv2d.of(weight)
    weight[...] = 5
    assert weight.flags.writeable
    assert conv.weight.max() == 1


# Numbers and where they come from.


def test_first_weights_repeat_with_the_seed():
    first, again, other = (nn.Conv2d(3, 4, 3, rng=np.random.default_rng(seed)).weight for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_the_package_generator_starts_from_a_fixed_seed():
    import subprocess
    import sys

    code = "from minicnn import nn; print(nn.Conv2d(1, 1, 2).weight.tobytes().hex())"
    first, again = (subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in "ab")
    assert first == again != ""


def test_shape_only_layers_describe_and_say_what_to_pass():
    conv = nn.Conv2d(512, 512, 3, rng=nn.SHAPE_ONLY)
    assert conv.is_shape_only
    assert conv.weight.shape == (512, 512, 3, 3)
    assert conv.weight.nbytes == 512 * 512 * 9 * 4
    assert conv.output_shape((1, 512, 9, 7)) == (1, 512, 7, 5)
    with pytest.raises(
        WeightsError, match=r"is shape-only: .* weight is \(512, 512, 3, 3\) but holds no numbers. Build the model with weights=… or rng="
    ):
        conv(np.zeros((1, 512, 9, 7), np.float32))
    assert pickle.loads(pickle.dumps(conv)).is_shape_only
    for layer in (nn.BatchNorm2d(4, rng=nn.SHAPE_ONLY), nn.Linear(4, 2, rng=nn.SHAPE_ONLY), nn.ConvTranspose2d(4, 2, 3, rng=nn.SHAPE_ONLY)):
        with pytest.raises(WeightsError, match="is shape-only"):
            layer(np.zeros((1, 4, 4, 4), np.float32))


def test_float32_weights_follow_a_float64_input_and_never_the_other_way():
    x = np.random.default_rng(0).standard_normal((2, 3, 6, 5))
    conv = nn.Conv2d(3, 4, 2)
    wide = nn.Conv2d(3, 4, 2, dtype=np.float64)
    np.testing.assert_array_equal(conv(x), nn.Conv2d.of(conv.weight.astype(float), conv.bias.astype(float))(x))
    with pytest.raises(
        DTypeError,
        match=r"weight is float64 and x is float32.*x.astype\(np.float64\), or layer.with_\(weight=layer.weight.astype\(np.float32\)\)",
    ):
        wide(x.astype(np.float32))


def test_prepared_weights_do_not_outlive_the_layer():
    import gc

    from minicnn.conv.dispatch import _prepared

    gc.collect()
    before = len(_prepared)
    conv = nn.Conv2d(3, 4, 3)
    x = np.ones((1, 3, 5, 5), np.float32)
    conv(x)
    conv(x.astype(float))
    assert len(_prepared) == before + 1
    assert len(_prepared[conv]) == 2  # one per dtype
    assert b"Prepared" not in pickle.dumps(conv)
    del conv
    gc.collect()
    assert len(_prepared) == before


# Errors at the front door.


@pytest.mark.parametrize(
    ("error", "match", "build"),
    [
        (ArgumentError, r"groups must divide in_channels and out_channels, but in_channels 4 / groups 3 leaves 1; use in_channels=6", lambda: nn.Conv2d(4, 6, 3, groups=3)),
        (ArgumentError, r"ConvTranspose2d: in_channels must be at least 1, but it is 0", lambda: nn.ConvTranspose2d(0, 5, 3)),
        (ArgumentError, r"out_channels 5 / groups 2 leaves 1; use out_channels=6", lambda: nn.ConvTranspose2d(4, 5, 3, groups=2)),
        (ArgumentError, r"running_mean must be an array of one number per channel, but it is None", lambda: nn.BatchNorm2d.of(None, np.ones(3))),
        (DTypeError, r"all arrays must have one dtype", lambda: nn.BatchNorm2d.of(np.ones(3), np.ones(3, np.float32))),
        (ArgumentError, r"out_channels 5 / groups 2 leaves 1; use out_channels=6", lambda: nn.Conv2d(4, 5, 3, groups=2)),
        (ArgumentError, r"in_channels must be at least 1, but it is 0", lambda: nn.Conv2d(0, 5, 3)),
        (ArgumentError, r"kernel_size must be at least 1", lambda: nn.Conv2d(3, 5, 0)),
        (ArgumentError, r"stride must be at least 1", lambda: nn.Conv2d(3, 5, 3, stride=0)),
        (ArgumentError, r"padding must be at least 0, but it is -1", lambda: nn.Conv2d(3, 5, 3, padding=-1)),
        (ArgumentError, r"rng must be a NumPy generator, such as np.random.default_rng\(0\), or nn.SHAPE_ONLY, but it is 42", lambda: nn.Conv2d(3, 5, 3, rng=42)),
        (DTypeError, r"dtype must be np.float32 or np.float64, but it is <class 'numpy.float16'>", lambda: nn.Conv2d(3, 5, 3, dtype=np.float16)),
        (DTypeError, r"dtype must be np.float32 or np.float64, but it is 'nonsense'", lambda: nn.Linear(3, 5, dtype="nonsense")),
        (ShapeError, r"weight must be \(K, C/groups, kernel rows, kernel columns\)", lambda: nn.Conv2d.of(np.ones((3, 3)))),
        (ShapeError, r"bias holds one number per output channel", lambda: nn.Conv2d.of(np.ones((4, 3, 2, 2)), np.ones(3))),
        (DTypeError, r"all arrays must have one dtype", lambda: nn.Conv2d.of(np.ones((4, 3, 2, 2)), np.ones(4, np.float32))),
        (ArgumentError, r"padding='same' has no meaning where maps grow", lambda: nn.ConvTranspose2d(1, 1, 3, padding="same")),
        (ShapeError, r"weight must be \(out_features, in_features\)", lambda: nn.Linear.of(np.ones(3))),
        (ShapeError, r"bias must be \(4,\) for weight.shape=\(4, 3\), but bias.shape=\(3,\)", lambda: nn.Linear.of(np.ones((4, 3)), np.ones(3))),
        (ShapeError, r"running_var must hold one number per channel, as running_mean.shape=\(4,\) does, but running_var.shape=\(3,\)", lambda: nn.BatchNorm2d.of(np.ones(4), np.ones(3))),
        (ArgumentError, r"eps must not be negative, but it is -1", lambda: nn.BatchNorm2d(4, eps=-1)),
        (ArgumentError, r"padding must be at most half the kernel", lambda: nn.MaxPool2d(2, padding=2)),
        (ArgumentError, r"divisor_override must be at least 1, but it is 0", lambda: nn.AvgPool2d(2, divisor_override=0)),
        (ArgumentError, r"MaxUnpool2d: stride must be at least 1, but it is 0", lambda: nn.MaxUnpool2d(2, 0)),
        (ArgumentError, r"MaxUnpool2d: padding='same' has no meaning where maps grow", lambda: nn.MaxUnpool2d(2, padding="same")),
        (ArgumentError, r"output_size must be at least 1", lambda: nn.AdaptiveAvgPool2d(0)),
        (ArgumentError, r"output_size is one number or \(rows, columns\)", lambda: nn.AdaptiveAvgPool2d((1, 2, 3))),
        (ArgumentError, r"give size or scale_factor, one of them", lambda: nn.Upsample()),
        (ArgumentError, r"mode must be one of 'nearest', 'bilinear', but it is 'bicubic'", lambda: nn.Upsample(2, mode="bicubic")),
        (ArgumentError, r"align_corners is for mode='bilinear'", lambda: nn.Upsample(2, align_corners=True)),
        (ArgumentError, r"scale_factor is a positive number below 1,000,000 or a pair, but it is \(-1.0, -1.0\)", lambda: nn.Upsample(scale_factor=-1)),
        (ArgumentError, r"padding is one number or \(left, right, top, bottom\), but it is \(1, 2\)", lambda: nn.ZeroPad2d((1, 2))),
        (ArgumentError, r"negative_slope must be a real number, but it is 'x'", lambda: nn.LeakyReLU("x")),
        (ArgumentError, r"dim must be a whole number, but it is 1.5", lambda: nn.Softmax(1.5)),
        (ArgumentError, r"dim must be a whole number, but it is 'a'", lambda: nn.Softmax("a")),
        (ArgumentError, r"bias is True or False, but it is an array of shape \(8,\); give arrays through nn.Conv2d.of", lambda: nn.Conv2d(3, 8, 3, bias=np.zeros(8))),
        (ArgumentError, r"bias is True or False, but it is 'no'", lambda: nn.Linear(3, 8, bias="no")),
        (ArgumentError, r"inplace is True or False, but it is an array of shape \(2,\); data goes into the layer.* nn.ReLU\(\)\(x\)", lambda: nn.ReLU(np.ones(2))),
        (UnknownNameError, r"algorithm must be 'auto' or a name of the gallery, but it is 'im2cool'. Did you mean 'im2col'\?", lambda: nn.Conv2d(3, 8, 3, algorithm="im2cool")),
        (ArgumentError, r"divisor_override must be a whole number, but it is 'a'", lambda: nn.AvgPool2d(2, divisor_override="a")),
        (ArgumentError, r"output_padding must be smaller than the stride or the dilation", lambda: nn.ConvTranspose2d(3, 2, 3, output_padding=1)),
        (ShapeError, r"bias holds one number per output channel, 2·1 = 2", lambda: nn.ConvTranspose2d.of(np.ones((3, 2, 3, 3)), np.ones(5))),
        (ArgumentError, r"start_dim must be a whole number, but it is 'a'", lambda: nn.Flatten("a")),
        (ArgumentError, r"eps must be a real number, but it is 'x'", lambda: nn.BatchNorm2d(3, "x")),
        (ArgumentError, r"scale_factor is a positive number below", lambda: nn.Upsample(scale_factor=float("inf"))),
        (ArgumentError, r"Conv2d: activation must be one of 'relu', 'relu6', 'silu', but it is 'gelu'", lambda: nn.Conv2d(3, 8, 3, activation="gelu")),
        (ArgumentError, r"Conv2d: activation must be one of .* but it is ReLU\(\)", lambda: nn.Conv2d.of(np.ones((1, 1, 1, 1)), activation=nn.ReLU())),
        (ArgumentError, r"Add: activation must be one of 'relu', but it is 'silu'", lambda: nn.Add(activation="silu")),
        (ShapeError, r"Concat: dim 4 does not fit maps of 4 axes, shape \(2, 4, 9, 7\); use -4 … 3", lambda: nn.Concat(4).output_shape((2, 4, 9, 7))),
    ],
)  # fmt: skip
def test_constructor_errors(error, match, build):
    with pytest.raises(error, match=match):
        build()


@pytest.mark.parametrize(
    ("error", "match", "layer", "shapes"),
    [
        (ShapeError, r"expects 3 input channels but x has 8 .*looks like NHWC", nn.Conv2d(3, 4, 3), [(1, 8, 9, 3)]),
        (ShapeError, r"expects 3 input channels", nn.ConvTranspose2d(3, 4, 3), [(1, 8, 9, 3)]),
        (ShapeError, r"last axis of x must hold in_features = 60 numbers, but x.shape=\(2, 3, 4, 5\). Flatten first: 3 × 4 × 5 = 60", nn.Linear(60, 4), [(2, 3, 4, 5)]),
        (ShapeError, r"running_mean expects 3 input channels but x has 8", nn.BatchNorm2d(3), [(1, 8, 9, 3)]),
        (ShapeError, r"x must be \(N, C, H, W\), but x.shape=\(3, 9, 7\) has 3 axes; one image is x\[None\]", nn.BatchNorm2d(3), [(3, 9, 7)]),
        (ShapeError, r"kernel must fit into the padded input, but over the columns .* spans 5", nn.MaxPool2d(5), [(1, 3, 9, 4)]),
        (ShapeError, r"all inputs must have one shape, but they have \(1, 2, 3, 4\), \(1, 2, 3, 5\)", nn.Add(), [(1, 2, 3, 4), (1, 2, 3, 5)]),
        (ShapeError, r"numbers and their places, of one shape, but they have \(1, 2, 3, 4\) and \(1, 2, 3, 5\)", nn.MaxUnpool2d(2), [(1, 2, 3, 4), Winners((1, 2, 3, 5), 48)]),
        (ShapeError, r"something must come out, but of the rows \(1 - 1\)·2 - 1 - 1 \+ 1·\(2 - 1\) \+ 0 \+ 1 = 0", nn.MaxUnpool2d(2, padding=1), [(1, 2, 1, 4), Winners((1, 2, 1, 4), 8)]),
        (ShapeError, r"inputs may differ in channels only", nn.Concat(), [(1, 2, 3, 4), (1, 2, 3, 5)]),
        (ShapeError, r"start_dim 3 to end_dim 1 does not fit", nn.Flatten(3, 1), [(1, 2, 3, 4)]),
        (ShapeError, r"something must come out, but floor\(3 · 0.2\) × floor\(9 · 0.2\) = 0 × 1", nn.Upsample(scale_factor=0.2), [(1, 2, 3, 9)]),
        (ShapeError, r"dim 3 is not an axis of x.shape=\(2, 5\); use -2 … 1", nn.Softmax(3), [(2, 5)]),
        (ShapeError, r"in_features = 10 numbers, but x.shape=\(1, 2112\). Use Linear\(2112, 2\)", nn.Linear(10, 2), [(1, 2112)]),
        (UnsupportedError, r"(?s)'pointwise' does not apply here", nn.Conv2d(3, 4, 3, algorithm="pointwise"), [(1, 3, 9, 7)]),
        (ShapeError, r"must be \(N, C, H, W\), but x.shape=\(3, 3, 5\) has 3 axes", nn.BatchNorm2d(3), [(3, 3, 5)]),
        (ShapeError, r"has 2 axes. A single grey image", nn.MaxPool2d(2), [(9, 7)]),
    ],
)  # fmt: skip
def test_shape_errors_come_from_integers_alone(error, match, layer, shapes):
    with pytest.raises(error, match=match):
        layer.output_shape(*shapes)
    with pytest.raises(MinicnnError):  # and running refuses what describing refuses
        layer(*inputs_of(shapes))


def test_base_class_has_no_value_of_its_own():
    assert all(cls.forward is not Layer.forward for cls in nn.LAYERS.values())


@pytest.mark.parametrize("other", [(2, 4, 1, 1), (2, 3, 5, 6), (2, 4, 5, 7)])
def test_what_is_added_at_the_store_has_the_shape_of_the_output(other):
    layer, x = nn.ConvAdd(3, 4, 1), np.ones((2, 3, 5, 6), np.float32)
    for call in (lambda: layer(x, np.ones(other, np.float32)), lambda: layer.output_shape(x.shape, other)):
        with pytest.raises(ShapeError, match=r"ConvAdd: the other map must have the shape of the convolution's output, \(2, 4, 5, 6\)"):
            call()
