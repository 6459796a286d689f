"""Files that Keras itself wrote, in all its kinds, against Keras' own outputs on the same images.

Bounds: a sum of m products is off by at most m·eps/2 of the sum of their magnitudes on either side, and a layer
hands on what its input was off by, times the magnitudes of its weights.  `bound` runs the network once more on
magnitudes in float64 (|w| for w, |x| for x, subtraction never helping), so that its output is at least the sum
of all magnitudes on the way to each number, and multiplies by (sum of the layers' m + 2 each)·eps.
"""

import copy
import os
import warnings

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn import load, nn
from minicnn.errors import WeightsError

pytest.importorskip("torch", reason="PyTorch, which Keras computes with here, is not installed: pip install torch")
keras = pytest.importorskip("keras", reason="Keras is not installed: pip install keras")
pytest.importorskip("h5py", reason='h5py is not installed: pip install "minicnn-engine[keras]"')
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras and PyTorch about each other
K = keras.layers
EPS = np.finfo(np.float32).eps
KINDS = ("model.keras", "model.h5", "model.weights.h5", "weights-only.h5")
FORMS = pytest.mark.parametrize("form", KINDS)


def filled(model, seed=0, low=-1):
    """Draw every array anew: Keras starts biases at 0 and variances at 1, which would hide what is lost."""
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        if "seed" not in variable.path:
            least = 0.5 if "variance" in variable.path else low
            variable.assign(rng.uniform(least, 1, variable.shape).astype(np.float32))
    return model


def saved(model, folder, form):
    path = folder / form
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras calls .h5 legacy, which is why it is tested
        if form == "weights-only.h5":
            import h5py
            from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

            with h5py.File(path, "w") as file:
                save_weights_to_hdf5_group(file, model)
        elif form == "model.weights.h5":
            model.save_weights(path)
        else:
            model.save(path)
    return path


def magnitudes(net: nn.Network) -> nn.Network:
    """The network with |w| for w and nothing that rectifies: its output bounds all sums of magnitudes."""
    layers = {}
    for node in net:
        layer = node.layer
        if isinstance(layer, nn.BatchNorm2d):  # |x|·s + |mean|·s + |bias|
            scale = abs(layer.weight.astype(np.float64)) / np.sqrt(layer.running_var.astype(np.float64) + layer.eps)
            offset = abs(layer.running_mean) * scale + abs(layer.bias)
            kernel = scale[:, None, None, None]
            layers[node.name] = nn.Conv2d.of(kernel, offset, groups=layer.num_features)
        elif layer.parameters():
            layers[node.name] = layer.with_(**{name: abs(array.astype(np.float64)) for name, array in layer.parameters().items()})
        elif layer.is_activation:
            layers[node.name] = nn.Identity()
        else:
            layers[node.name] = layer
    return net.with_layers(layers)


def terms(net: nn.Network) -> int:
    """How many roundings a number can have met: the products of each layer and two more."""
    counts = [np.prod(array.shape[1:]) for name, array in net.parameters().items() if name.endswith("weight")]
    return int(sum(counts)) + 2 * len(net)


def assert_same(net: nn.Network, model, shape, name, seed=1):
    """Compare on images; the axes of Keras' maps are (N, H, W, C)."""
    x = np.random.default_rng(seed).uniform(0, 1, (3, *shape)).astype(np.float32)
    expected = keras.ops.convert_to_numpy(model(x, training=False))
    first = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    got, bound = net(first), magnitudes(net)(abs(first).astype(np.float64)) * terms(net) * EPS
    got, bound = (y.transpose(0, 2, 3, 1) if y.ndim == 4 else y for y in (got, bound))
    assert got.shape == expected.shape, name
    assert abs(expected).max() > 1e-2
    assert (abs(got - expected) <= bound).all(), (name, (abs(got - expected) / bound).max())
    assert bound.max() < 0.02 * abs(expected).max(), name  # a bound that says something


def quietly(net, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", load.WeightsNotice)
        return load.load_weights(net, path)


@FORMS
def test_a_chain(tmp_path, form):
    model = keras.Sequential(
        [
            *(keras.Input((9, 7, 3)), K.Conv2D(4, (3, 2), strides=(2, 1), padding="valid", activation="relu")),
            *(K.BatchNormalization(), K.DepthwiseConv2D(3, depth_multiplier=2, padding="same"), K.MaxPooling2D(2)),
            *(K.Flatten(), K.Dropout(0.5), K.Dense(6, activation="relu"), K.Dense(5)),
        ]
    )
    net = nn.Sequential(
        *(nn.Conv2d(3, 4, (3, 2), (2, 1)), nn.ReLU(), nn.BatchNorm2d(4, 1e-3, 0.01), nn.Conv2d(4, 8, 3, padding=1, groups=4)),
        *(nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(), nn.Linear(2 * 3 * 8, 6), nn.ReLU(), nn.Linear(6, 5)),
    )
    assert_same(quietly(net, saved(filled(model), tmp_path, form)), model, (9, 7, 3), form)


def branches(scale: bool) -> tuple:
    """One branch halves the map and is walked back by a transposed convolution, the other is separable; they are joined."""
    x = keras.Input((8, 6, 3), name="image")
    stem = K.Conv2D(4, 3, padding="same", use_bias=False, name="stem")(x)
    stem = K.ReLU()(K.BatchNormalization(name="stem_bn", scale=scale)(stem))
    up = K.Conv2DTranspose(2, (2, 3), strides=(1, 2), name="up")(K.Conv2D(5, (1, 3), strides=2, padding="same", name="left")(stem))
    right = K.SeparableConv2D(3, (4, 1), name="right")(K.ZeroPadding2D(((0, 0), (1, 0)))(stem))
    model = keras.Model(x, K.Dense(3, name="fc")(K.Flatten()(K.Concatenate()([up, right]))))

    graph = nn.Graph()
    stem = graph.input("x").then("stem", nn.Conv2d(3, 4, 3, padding=1, bias=False)).then("stem_bn", nn.BatchNorm2d(4, 1e-3, 0.01))
    stem = stem.then("relu", nn.ReLU())
    up = stem.then("left", nn.Conv2d(4, 5, (1, 3), 2, "same")).then("up", nn.ConvTranspose2d(5, 2, (2, 3), (1, 2)))
    right = stem.then("pad", nn.ZeroPad2d((1, 0, 0, 0))).then("right.depthwise", nn.Conv2d(4, 4, (4, 1), groups=4, bias=False))
    joined = graph.join("both", nn.Concat(), up, right.then("right.pointwise", nn.Conv2d(4, 3, 1)))
    return model, graph.network(joined.then("flatten", nn.Flatten()).then("fc", nn.Linear(5 * 7 * 5, 3)))


@FORMS
@pytest.mark.parametrize("scale", [True, False])
def test_branches(tmp_path, form, scale):
    model, net = branches(scale)
    path = saved(filled(model), tmp_path, form)
    if form == "model.weights.h5" and not scale:  # three arrays by number: which of gamma and beta is absent is not told
        with pytest.raises(WeightsError, match=r"left over: stem_bn \(as in the file\).0 (.|\n)*a .keras does"):
            load.load_weights(net, path)
    else:
        assert_same(load.load_weights(net, path), model, (8, 6, 3), form)


def test_nested_models(tmp_path):
    inner = keras.Sequential([keras.Input((7, 5, 4)), K.Conv2D(5, 3), K.PReLU(shared_axes=[1, 2])], name="inner")
    model = keras.Sequential([keras.Input((9, 7, 3)), K.Conv2D(4, 3), inner, K.Conv2D(2, 2), K.Flatten(), K.Dense(4)])
    net = nn.Sequential(
        *(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3), nn.PReLU(5), nn.Conv2d(5, 2, 2), nn.Flatten(), nn.Linear(4 * 2 * 2, 4)),
    )
    for form in ("model.keras", "model.h5", "weights-only.h5"):
        assert_same(load.load_weights(net, saved(filled(model), tmp_path, form)), model, (9, 7, 3), form)
    with pytest.raises(WeightsError, match="are missing"):  # the inner model's place among the outer layers is not in the file
        load.load_weights(net, saved(model, tmp_path, "model.weights.h5"))


def test_a_trained_model_and_its_optimizer(tmp_path):
    """The state of the optimizer lies beside the weights and stays there."""
    model = keras.Sequential([keras.Input((6, 5, 2)), K.Conv2D(3, 2), K.BatchNormalization(), K.Flatten(), K.Dense(2)])
    model.compile(optimizer="adam", loss="mse")
    rng = np.random.default_rng(0)
    model.fit(rng.normal(size=(8, 6, 5, 2)).astype(np.float32), rng.normal(size=(8, 2)).astype(np.float32), verbose=0)
    net = nn.Sequential(nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3, 1e-3, 0.01), nn.Flatten(), nn.Linear(60, 2))
    for form in ("model.keras", "model.h5", "model.weights.h5"):
        assert_same(load.load_weights(net, saved(model, tmp_path, form)), model, (6, 5, 2), form)


def test_every_number_of_the_file_is_loaded(tmp_path):
    model, _ = branches(scale=True)
    path = saved(filled(model), tmp_path, "model.keras")
    got = load.weights(path)
    ours = np.sort(np.concatenate([array.ravel() for array in got.values()]))
    theirs = np.sort(np.concatenate([array.ravel() for array in model.get_weights()]))
    assert_array_equal(ours, theirs, strict=True)


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
@pytest.mark.parametrize("form", ["model.keras", "model.weights.h5"])
def test_other_dtypes(tmp_path, dtype, form):
    model = keras.Sequential([keras.Input((3,)), K.Dense(4, dtype=dtype)])
    path = saved(filled(model), tmp_path, form)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", load.WeightsNotice)
        got = load.weights(path)
    kernel, bias = (np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(variable, "float64"))) for variable in model.variables)
    wide = np.float64 if dtype == "float64" else np.float32
    (name, weight), (_, offset) = got.items()
    assert name.endswith(".weight")
    assert_array_equal(weight, kernel.T.astype(wide), strict=True)
    assert_array_equal(offset, bias.astype(wide), strict=True)


def test_caffe_preprocessing():
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    expected = keras.applications.imagenet_utils.preprocess_input(
        pixels.astype(np.float32)[None], data_format="channels_last", mode="caffe"
    )
    got = load.image(pixels, **{**load.CAFFE, "resize": None, "crop": None})
    assert_array_equal(got, expected.transpose(0, 3, 1, 2), strict=True)


def test_vgg16_of_keras_applications_has_the_names_that_are_matched(tmp_path):
    """Its own architecture at its own widths is 138 million numbers; here the names and order of a narrow copy's layers."""
    config = keras.applications.VGG16(weights=None, input_shape=(32, 32, 3), classes=4).get_config()
    names = [entry["config"]["name"] for entry in config["layers"]]
    assert names[1:4] == ["block1_conv1", "block1_conv2", "block1_pool"]
    for entry in config["layers"]:
        entry.pop("build_config", None)  # it remembers the wide shapes
        for word in ("filters", "units"):
            if word in entry["config"] and entry["config"]["name"] != "predictions":
                entry["config"][word] = max(entry["config"][word] // 64, 3)
        if entry["config"].get("activation") == "softmax":
            entry["config"]["activation"] = "linear"
    entries = copy.deepcopy(config["layers"])
    model = filled(keras.Model.from_config(config), low=0)  # so deep, only sums without cancelling have a bound that says something
    layers, channels = [], 3
    for entry in entries[1:]:
        kind, own = entry["class_name"], entry["config"]
        if kind == "Conv2D":
            layers += [(own["name"], nn.Conv2d(channels, own["filters"], 3, padding=1)), (f"{own['name']}_relu", nn.ReLU())]
            channels = own["filters"]
        elif kind == "MaxPooling2D":
            layers.append((own["name"], nn.MaxPool2d(2)))
        elif kind == "Flatten":
            layers.append((own["name"], nn.Flatten()))
        else:
            layers.append((own["name"], nn.Linear(channels, own["units"])))
            layers += [] if own["name"] == "predictions" else [(f"{own['name']}_relu", nn.ReLU())]
            channels = own["units"]
    for form in KINDS:
        assert_same(load.load_weights(nn.Sequential(*layers), saved(model, tmp_path, form)), model, (32, 32, 3), form)
