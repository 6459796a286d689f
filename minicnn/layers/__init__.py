"""The layers: immutable values that hold their arrays, with PyTorch's names and constructor arguments.

base.py says what a layer is; every other file is a family.  Users reach them as `from minicnn import nn`.
"""

from minicnn.layers.activation import LeakyReLU, ReLU, ReLU6, Sigmoid, SiLU, Softmax
from minicnn.layers.base import SHAPE_ONLY, Layer, ShapeOnly
from minicnn.layers.combine import Add, Concat, Flatten, Identity
from minicnn.layers.conv import Conv2d, ConvTranspose2d
from minicnn.layers.linear import Linear
from minicnn.layers.norm import BatchNorm2d
from minicnn.layers.padding import CircularPad2d, ReflectionPad2d, ReplicationPad2d, ZeroPad2d
from minicnn.layers.pooling import AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, MaxPool2d
from minicnn.layers.resize import Upsample

LAYERS = {
    layer.__name__: layer
    for layer in (
        *(Conv2d, ConvTranspose2d, Linear, BatchNorm2d),
        *(ReLU, ReLU6, LeakyReLU, Sigmoid, SiLU, Softmax),
        *(MaxPool2d, AvgPool2d, AdaptiveAvgPool2d, AdaptiveMaxPool2d, Upsample),
        *(ZeroPad2d, ReflectionPad2d, ReplicationPad2d, CircularPad2d),
        *(Flatten, Add, Concat, Identity),
    )
}  # a new layer is one class and one name here; the tests find it

__all__ = [*LAYERS, "LAYERS", "SHAPE_ONLY", "Layer", "ShapeOnly"]
