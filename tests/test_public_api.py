"""The front door: which names are public, and what each of them owes."""

import inspect
import subprocess
import sys

import pytest

import minicnn
from minicnn import functional, grade, load, misconceptions, models, nn, probe, quiz, show, train

PUBLIC = [
    *("ALGORITHMS", "Box", "Description", "FeatureMap", "Graph", "Network", "Node", "ReceptiveField", "Sequential", "Statistics"),
    *(
        "Trace",
        "Window",
        "allowed_error",
        "backward",
        "choose_algorithm",
        "compiling",
        "conv2d",
        "describe",
        "fuse",
        "solve",
        "statistics",
        "to_device",
        "trace",
    ),
    *(
        "cli",
        "errors",
        "functional",
        "grade",
        "load",
        "misconceptions",
        "models",
        "nn",
        "probe",
        "quiz",
        "show",
        "text",
        "train",
        "window",
        "__version__",
    ),
]
NN = [
    *("Conv2d", "ConvAdd", "ConvTranspose2d", "Linear", "BatchNorm2d", "ReLU", "ReLU6", "LeakyReLU", "Sigmoid", "SiLU", "Softmax"),
    *("LayerNorm", "GroupNorm", "Dropout"),
    *("MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d", "AdaptiveMaxPool2d", "MaxUnpool2d", "Upsample"),
    *("ZeroPad2d", "ReflectionPad2d", "ReplicationPad2d", "CircularPad2d", "Flatten", "Add", "Concat", "Identity", "ChannelsLast"),
    *("Unfold", "Fold"),
    *("PReLU", "Hardswish", "Tanh", "ELU", "GELU", "Softplus", "LogSoftmax"),
    *("Clamp", "Hardsigmoid", "Resample", "PixelShuffle", "PixelUnshuffle", "InstanceNorm2d", "LocalResponseNorm"),
    *("Arithmetic", "Elementwise", "Reduce", "MatMul", "Constant", "Cast"),
    *("Reshape", "Squeeze", "Unsqueeze", "Permute", "Slice", "Take", "Pad"),
    *("LAYERS", "SHAPE_ONLY", "Layer", "ShapeOnly", "Graph", "Network", "Node", "Sequential"),
]
FUNCTIONAL = [
    *("conv2d", "relu", "relu6", "leaky_relu", "sigmoid", "silu", "softmax", "max_pool2d", "avg_pool2d"),
    *("adaptive_avg_pool2d", "adaptive_max_pool2d", "batch_norm", "linear", "add", "concat", "flatten", "pad", "interpolate"),
    *("conv_transpose2d", "conv_transpose2d_backward", "conv2d_backward"),
    *("batch_norm_backward", "layer_norm", "layer_norm_backward", "group_norm", "group_norm_backward", "dropout", "dropout_backward"),
    *("relu_backward", "relu6_backward", "leaky_relu_backward", "prelu", "prelu_backward", "hardswish", "hardswish_backward"),
    *("sigmoid_backward", "silu_backward", "tanh", "tanh_backward", "elu", "elu_backward", "gelu", "gelu_backward"),
    *("softplus", "softplus_backward", "softmax_backward", "log_softmax", "log_softmax_backward"),
    *("max_pool2d_backward", "avg_pool2d_backward", "adaptive_avg_pool2d_backward", "adaptive_max_pool2d_backward"),
    *("max_unpool2d", "max_unpool2d_backward"),
    *("linear_backward", "add_backward", "concat_backward", "flatten_backward", "pad_backward", "interpolate_backward"),
    *("unfold", "unfold_backward", "fold", "fold_backward"),
    *("cross_entropy", "cross_entropy_backward", "mse_loss", "mse_loss_backward"),
    *("clamp", "clamp_backward", "hardsigmoid", "hardsigmoid_backward", "local_response_norm", "local_response_norm_backward"),
    *("matmul", "matmul_backward", "resample", "resample_backward"),
    *("pixel_shuffle", "pixel_shuffle_backward", "pixel_unshuffle", "pixel_unshuffle_backward"),
]
LOAD = [
    *("image", "IMAGENET", "to_hwc", "weights", "metadata", "save_weights", "load_weights", "WeightsNotice"),
    *("digits", "Digits", "CAFFE", "compare_weights", "LoadReport"),
    *("onnx", "save_onnx"),
]
SHOW = [
    *("boxes_on_photo", "map_grid", "memory_curve", "growth", "learning_curve", "filters", "stages"),
    *("overlay", "pattern", "patches"),
    *("field_on_photo", "histograms", "memory_timeline", "memory_traffic", "sliding_kernel"),
    *("report", "stepper", "described", "said", "later", "side_by_side"),
    *("save", "free_folder", "Picture"),
]
MODELS = [
    *("MODELS", "build", "input_shape", "imagenet_classes", "VOC_CLASSES"),
    *("lenet5", "alexnet", "vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn"),
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "squeezenet1_1", "mobilenet_v2", "efficientnet_lite0"),
    *("unet", "fcn_resnet50", "yolov5n"),
]
TRAIN = [
    *("SGD", "Adam", "AdamW", "Optimizer", "CosineAnnealingLR", "StepLR", "Shift", "LOSSES", "Step", "step"),
    *("Run", "TrainingNotice", "fit", "evaluate", "save_run", "load_run"),
]
GRADE = [
    *("Account", "Assignment", "Example", "Law", "Part", "Speed", "Task", "Outcome", "Failure", "PartResult", "GradeReport"),
    *("Limits", "Runner", "all_of_them", "check", "find", "grade"),
]
QUIZ = ["Question", "Wrong", "Session", "TOPICS", "Topic", "ask", "bank", "predict", "question", "solve"]
PROBE = [
    *("layout", "Layout", "compare", "Comparison", "tensorboard"),
    *("explain", "Explanation"),
    *("doctor", "Diagnosis", "Finding", "CHECKS", "memory", "Memory"),
    *("saliency", "grad_cam", "occlusion", "deconvnet", "effective_field", "top_patches", "embedding", "neighbours"),
]


def test_names_are_pinned():
    assert sorted(minicnn.__all__) == sorted(PUBLIC)
    assert sorted(nn.__all__) == sorted(NN)
    assert sorted(functional.__all__) == sorted(FUNCTIONAL)
    assert sorted(load.__all__) == sorted(LOAD)
    assert sorted(show.__all__) == sorted(SHOW)
    assert sorted(train.__all__) == sorted(TRAIN)
    assert sorted(probe.__all__) == sorted(PROBE)
    assert sorted(models.__all__) == sorted(MODELS)
    assert sorted(quiz.__all__) == sorted(QUIZ)
    assert sorted(grade.__all__) == sorted(GRADE)
    assert sorted(misconceptions.__all__) == ["MISCONCEPTIONS", "Misconception", "believed"]
    assert dir(minicnn) == sorted(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_name_is_there(name):
    assert getattr(minicnn, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'minicnn' has no attribute 'conv3d'"):
        _ = minicnn.conv3d
    with pytest.raises(AttributeError, match=r"module 'minicnn.models' has no attribute 'vgg99'"):
        _ = models.vgg99


def documented():
    """Every public function, and every public class with the functions that it adds."""
    things = [getattr(minicnn, name) for name in minicnn._HOME] + [getattr(nn, name) for name in nn.LAYERS]
    things += [getattr(functional, name) for name in functional.__all__] + [load.image, load.weights, load.to_hwc]
    things += [load.metadata, load.save_weights, load.load_weights, load.digits, load.Digits, show.learning_curve, show.filters]
    things += [load.compare_weights, load.LoadReport, load.onnx, load.save_onnx]
    things += [getattr(room, name) for room in (train, probe) for name in room.__all__]
    things += [getattr(models, name) for name in models.__all__]
    things += [
        grade.check,
        grade.find,
        grade.grade,
        grade.all_of_them,
        grade.Runner,
        misconceptions.believed,
        quiz.question,
        quiz.ask,
        quiz.predict,
        quiz.bank,
    ]
    return [thing for thing in things if inspect.isfunction(thing) or inspect.isclass(thing)]


@pytest.mark.parametrize("thing", documented(), ids=lambda thing: thing.__name__)
def test_public_docstrings_have_an_example_or_answer_for_themselves(thing):
    text = inspect.getdoc(thing) or ""
    assert len(text.splitlines()[0]) > 20
    assert ">>>" in text, f"{thing.__name__} has no example that runs"
    if inspect.isfunction(thing) and inspect.signature(thing).parameters:
        assert "Raises" in text or "Source" in text, f"{thing.__name__} says neither what it raises nor its source"


@pytest.mark.parametrize("cls", nn.LAYERS.values(), ids=lambda cls: cls.__name__)
def test_every_layer_says_what_it_is(cls):
    assert all(word in cls.__doc__ for word in (">>>", "Raises", "Source"))


def test_version_is_the_distributions():
    from importlib.metadata import version

    assert version("minicnn-engine") == minicnn.__version__


def test_python_m_minicnn():
    done = subprocess.run([sys.executable, "-m", "minicnn", "--version"], capture_output=True, text=True, check=True)
    assert minicnn.__version__ in done.stdout


def test_typed_marker_ships():
    from importlib.resources import files

    assert files("minicnn").joinpath("py.typed").is_file()
    assert files("minicnn.models").joinpath("data/imagenet_classes.txt").is_file()
