"""The layers: immutable values that hold their arrays, with PyTorch's names and constructor arguments.

base.py says what a layer is; every other file is a family.  Users reach them as `from minicnn import nn`.
"""

from minicnn.layers.activation import ELU, GELU, Hardswish, LeakyReLU, LogSoftmax, ReLU, ReLU6, Sigmoid, SiLU, Softmax, Softplus, Tanh
from minicnn.layers.base import SHAPE_ONLY, Layer, ShapeOnly
from minicnn.layers.combine import Add, Concat, Flatten, Identity
from minicnn.layers.conv import Conv2d
from minicnn.layers.conv_add import ConvAdd
from minicnn.layers.conv_transpose import ConvTranspose2d
from minicnn.layers.dropout import Dropout
from minicnn.layers.fold import Fold, Unfold
from minicnn.layers.layer_norm import GroupNorm, LayerNorm
from minicnn.layers.linear import Linear
from minicnn.layers.memory_format import ChannelsLast
from minicnn.layers.norm import BatchNorm2d
from minicnn.layers.padding import CircularPad2d, ReflectionPad2d, ReplicationPad2d, ZeroPad2d
from minicnn.layers.pooling import AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, MaxPool2d
from minicnn.layers.prelu import PReLU
from minicnn.layers.resize import Upsample
from minicnn.layers.unpooling import MaxUnpool2d

LAYERS = {
    layer.__name__: layer
    for layer in (
        *(Conv2d, ConvAdd, ConvTranspose2d, Linear, BatchNorm2d),
        *(LayerNorm, GroupNorm, Dropout),
        *(ReLU, ReLU6, LeakyReLU, PReLU, Hardswish, Sigmoid, SiLU, Tanh, ELU, GELU, Softplus, Softmax, LogSoftmax),
        *(MaxPool2d, AvgPool2d, AdaptiveAvgPool2d, AdaptiveMaxPool2d, MaxUnpool2d, Upsample),
        *(ZeroPad2d, ReflectionPad2d, ReplicationPad2d, CircularPad2d),
        *(Unfold, Fold),
        *(Flatten, Add, Concat, Identity, ChannelsLast),
    )
}  # a new layer is one class and one name here; the tests find it

__all__ = [*LAYERS, "LAYERS", "SHAPE_ONLY", "Layer", "ShapeOnly"]
