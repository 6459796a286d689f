"""The layers: immutable values that hold their arrays, with PyTorch's names and constructor arguments where PyTorch has them.

base.py says what a layer is; every other file is a family.  Users reach them as `from minicnn import nn`.
"""

from minicnn.layers.activation import ELU, GELU, Hardswish, LeakyReLU, LogSoftmax, ReLU, ReLU6, Sigmoid, SiLU, Softmax, Softplus, Tanh
from minicnn.layers.arithmetic import Arithmetic
from minicnn.layers.base import SHAPE_ONLY, Layer, ShapeOnly
from minicnn.layers.clamp import Clamp, Hardsigmoid
from minicnn.layers.combine import Add, Concat, Flatten, Identity
from minicnn.layers.constant import Cast, Constant
from minicnn.layers.conv import Conv2d
from minicnn.layers.conv_add import ConvAdd
from minicnn.layers.conv_transpose import ConvTranspose2d
from minicnn.layers.dropout import Dropout
from minicnn.layers.elementwise import Elementwise
from minicnn.layers.fold import Fold, Unfold
from minicnn.layers.layer_norm import GroupNorm, InstanceNorm2d, LayerNorm
from minicnn.layers.linear import Linear
from minicnn.layers.local_response_norm import LocalResponseNorm
from minicnn.layers.matmul import MatMul
from minicnn.layers.memory_format import ChannelsLast
from minicnn.layers.norm import BatchNorm2d
from minicnn.layers.padding import CircularPad2d, Pad, ReflectionPad2d, ReplicationPad2d, ZeroPad2d
from minicnn.layers.pick import Slice, Take
from minicnn.layers.pooling import AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, MaxPool2d
from minicnn.layers.prelu import PReLU
from minicnn.layers.reduce import Reduce
from minicnn.layers.resize import Resample, Upsample
from minicnn.layers.shape import Permute, Reshape, Squeeze, Unsqueeze
from minicnn.layers.shuffle import PixelShuffle, PixelUnshuffle
from minicnn.layers.unpooling import MaxUnpool2d

LAYERS = {
    layer.__name__: layer
    for layer in (
        *(Conv2d, ConvAdd, ConvTranspose2d, Linear, BatchNorm2d),
        *(LayerNorm, GroupNorm, InstanceNorm2d, LocalResponseNorm, Dropout),
        *(ReLU, ReLU6, LeakyReLU, PReLU, Hardswish, Sigmoid, SiLU, Tanh, ELU, GELU, Softplus, Softmax, LogSoftmax),
        *(MaxPool2d, AvgPool2d, AdaptiveAvgPool2d, AdaptiveMaxPool2d, MaxUnpool2d, Upsample),
        *(ZeroPad2d, ReflectionPad2d, ReplicationPad2d, CircularPad2d),
        *(Unfold, Fold),
        *(Flatten, Add, Concat, Identity, ChannelsLast),
        *(Clamp, Hardsigmoid, Resample, PixelShuffle, PixelUnshuffle),
        *(Arithmetic, Elementwise, Reduce, MatMul, Constant, Cast),
        *(Reshape, Squeeze, Unsqueeze, Permute, Slice, Take, Pad),
    )
}  # a new layer is one class and one name here; the tests find it

__all__ = [*LAYERS, "LAYERS", "SHAPE_ONLY", "Layer", "ShapeOnly"]
