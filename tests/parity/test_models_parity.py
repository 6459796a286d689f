"""Every published model against torchvision's: the names and shapes of its arrays, every map, and the published figures.

Maps are compared node by node, in float64.  A node is given the maps that torchvision's modules of the names it reads
have computed, so that no rounding of one layer reaches the next, and a node that reads from the wrong place is found.
Bounds, eps twice the unit of rounding, T the products of one sum (derived as in test_functional_parity.py):

    convolution, linear    (T + 2)·eps·(max|x|·Σ|w| + |b|)        either sum is off by (T + 1)/2·eps of its magnitude
    batch normalization    6·eps·((max|x| + |mean|)·|scale| + |b|)
    mean of T numbers      (T + 2)·eps·max|x|
    bilinear               (3·(rows + columns) + 6)·eps·max|x|    their positions are rounded
    the largest of a window, ReLU, a sum of two, a join           nothing: both round alike or not at all

Maps that are no module's in torchvision (ReLU in place, sums, joins) are worked out here, and hand on the bound of what they read.
Whole networks are held to 1e-9 of the largest number besides: no bound over a hundred layers says more, and a wrong
stride or eps changes a hundred thousand times as much.
"""

import importlib.util
from math import prod

import numpy as np
import pytest

from minicnn import describe, models, nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
if importlib.util.find_spec("torchvision") is None:
    pytest.skip("torchvision is not installed: pip install torchvision", allow_module_level=True)
try:
    import torchvision
except RuntimeError:  # its operators are for another build of PyTorch (CUDA's); it stops at two that it looks up, which no model needs
    OPERATORS = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        OPERATORS.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision

EPS = float(np.finfo(np.float64).eps)
CLASSIFIERS = [
    *("alexnet", "vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn", "squeezenet1_1"),
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "mobilenet_v2"),
]
NARROW = {4096: 8}  # of AlexNet's and VGG's linear layers, whose numbers would fill a gigabyte and say nothing more
COMPARED = (nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.MaxPool2d, nn.AdaptiveAvgPool2d)
T = torch.nn
MODULES = (T.Conv2d, T.Linear, T.BatchNorm2d, T.MaxPool2d, T.AdaptiveAvgPool2d)  # the others work in place, or pass on


def theirs(name: str, **settings):
    """Return torchvision's model, without numbers."""
    with torch.device("meta"):
        if name == "fcn_resnet50":
            own = {"weights": None, "weights_backbone": None, "aux_loss": False, **settings}
            return torchvision.models.segmentation.fcn_resnet50(**own).eval()
        return getattr(torchvision.models, name)(**settings).eval()


def shapes(arrays) -> dict[str, tuple[int, ...]]:
    return {name: tuple(array.shape) for name, array in arrays.items() if not name.endswith("num_batches_tracked")}


@pytest.mark.parametrize("name", [*CLASSIFIERS, "fcn_resnet50"])
def test_the_state_dict_has_the_same_names_and_shapes(name):
    net = models.build(name)
    assert shapes({**net.parameters(), **net.buffers()}) == shapes(theirs(name).state_dict())


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_published_figures(name):
    published = torchvision.models.get_model_weights(name).DEFAULT.meta
    facts = describe(models.build(name), (3, 224, 224))
    assert facts.parameters == published["num_params"]
    assert round(facts.multiply_adds / 1e9, 3) == published["_ops"]


def test_published_figures_of_the_segmentation_head():
    """Theirs are with the head of training: 3×3 from 1024 channels to 256 with its normalization, 1×1 to 21."""
    published = torchvision.models.segmentation.FCN_ResNet50_Weights.DEFAULT.meta
    facts = describe(models.fcn_resnet50(), (3, 520, 520))
    assert facts.parameters + 1024 * 256 * 9 + 2 * 256 + 256 * 21 + 21 == published["num_params"]
    assert round((facts.multiply_adds + 65 * 65 * (1024 * 256 * 9 + 256 * 21)) / 1e9, 3) == published["_ops"]
    assert [name.replace("__", "") for name in published["categories"]] == list(models.VOC_CLASSES)


def narrowed(model, net):
    """Return both with the linear layers of NARROW made narrow."""
    layers = {}
    for name, module in model.named_modules():
        if isinstance(module, T.Linear):
            sizes = [NARROW.get(size, size) for size in (module.in_features, module.out_features)]
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, T.Linear(*sizes, device="meta"))
            layers[name] = nn.Linear(*sizes, rng=nn.SHAPE_ONLY)
    return model, net.with_layers(layers)


def filled(model, seed: int):
    """Return the model with numbers that keep maps near size 1; statistics of 0 and 1 would hide a wrong eps."""
    generator = torch.Generator().manual_seed(seed)
    model = model.to_empty(device="cpu").double()
    for name, array in model.state_dict().items():
        if array.ndim > 1:
            array.normal_(0, (2 / prod(array.shape[1:])) ** 0.5, generator=generator)
        elif name.endswith(("bias", "running_mean")):
            array.uniform_(-0.1, 0.1, generator=generator)
        elif array.is_floating_point():
            array.uniform_(0.5, 1.5, generator=generator)
    return model


def computed(model, x: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the map of every module that is compared, by its name, and the output."""
    maps = {}

    def keep(name):
        return lambda module, inputs, output: maps.update({name: output.clone().numpy()})  # a ReLU behind it works in place

    for name, module in model.named_modules():
        if isinstance(module, MODULES):
            module.register_forward_hook(keep(name))
    with torch.inference_mode():
        output = model(torch.from_numpy(x))
    return maps, (output["out"] if isinstance(output, dict) else output).numpy()


def bound(layer, x: np.ndarray) -> np.ndarray | float:
    """Return how far two ways to compute a layer's map may be apart: a number, or one per output channel."""
    most, kind = np.abs(x).max(), type(layer)
    if kind in (nn.Conv2d, nn.Linear):
        weights = np.abs(layer.weight).reshape(layer.weight.shape[0], -1)
        return (weights.shape[1] + 2) * EPS * (most * weights.sum(axis=1) + (0 if layer.bias is None else np.abs(layer.bias)))
    if kind is nn.BatchNorm2d:
        scale = np.abs(layer.weight) / np.sqrt(layer.running_var + layer.eps)
        return 6 * EPS * ((most + np.abs(layer.running_mean)) * scale + np.abs(layer.bias))
    if kind is nn.AdaptiveAvgPool2d:
        return (prod(x.shape[2:]) + 2) * EPS * most
    return (3 * sum(x.shape[2:]) + 6) * EPS * most if kind is nn.Upsample else 0.0


def assert_every_map_agrees(net, x: np.ndarray, found: dict[str, np.ndarray], output: np.ndarray) -> None:
    maps, errors = {"x": x}, {"x": 0.0}
    for node in net:
        inputs, layer = [maps[name] for name in node.inputs], node.layer
        own = layer(*inputs, accuracy="exact")
        error = max(errors[name] for name in node.inputs)  # of maps that no module has
        spread = np.abs(layer.weight).reshape(layer.weight.shape[0], -1).sum(axis=1) if isinstance(layer, nn.Linear) else 1.0
        allowed = bound(layer, inputs[0]) + error * spread
        other = output if node.name == net.outputs[0] else found.get(node.name)
        if other is None:
            maps[node.name], errors[node.name] = own, float(np.max(allowed))
            continue
        assert own.shape == other.shape, node
        column = np.reshape(allowed, (-1,) + (1,) * (own.ndim - 2))
        assert (np.abs(own - other) <= column).all(), (node, np.abs(own - other).max(), np.max(allowed))
        maps[node.name], errors[node.name] = other, 0.0


CASES = [(name, (1, 3, 64, 96) if name == "alexnet" else (1, 3, 32, 48), {}) for name in CLASSIFIERS]
CASES += [("resnet18", (2, 3, 75, 64), {}), ("squeezenet1_1", (2, 3, 75, 64), {}), ("mobilenet_v2", (2, 3, 75, 64), {})]
CASES += [("fcn_resnet50", (1, 3, 48, 64), {}), ("fcn_resnet50", (1, 3, 37, 28), {"size": (37, 28)})]


@pytest.mark.parametrize(("name", "shape", "settings"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_every_map(name, shape, settings):
    model, net = narrowed(theirs(name), getattr(models, name)(**settings))
    model = filled(model, seed=len(net))
    net = net.with_parameters({key: tensor.numpy() for key, tensor in model.state_dict().items()})
    x = np.random.default_rng(len(net)).standard_normal(shape)
    found, output = computed(model, x)
    compared = {node.name for node in net if isinstance(node.layer, COMPARED)}
    assert set(found) == compared - ({"avgpool"} if name == "mobilenet_v2" else set())  # a function there
    assert_every_map_agrees(net, x, found, output)
    assert np.abs(net(x) - output).max() <= 1e-9 * np.abs(output).max()


@pytest.mark.parametrize("name", ["squeezenet1_1", "mobilenet_v2", "resnet18"])
def test_a_file_of_torchvisions_comes_in_as_it_is(name, tmp_path):
    model = filled(theirs(name), seed=1).float()
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    net = models.build(name, weights=tmp_path / "weights.pth")
    for key, array in {**net.parameters(), **net.buffers()}.items():
        np.testing.assert_array_equal(array, model.state_dict()[key].numpy(), strict=True)


def test_the_head_of_training_is_left_out():
    model = filled(theirs("fcn_resnet50", aux_loss=True), seed=1).float()
    state = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    assert any(name.startswith("aux_classifier.") for name in state)
    net = models.fcn_resnet50(weights=state)
    np.testing.assert_array_equal(net["classifier.4"].weight, state["classifier.4.weight"])
