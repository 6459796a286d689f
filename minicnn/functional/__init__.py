"""Which question: what does each operation of a network compute?

Idea: every operation is a plain function of arrays with PyTorch's name and arguments. It checks what it was
given, computes a new array, and remembers nothing; the arguments are never written into.
`from minicnn import functional as F`, then F.relu(x).
Beside each stands its gradient, F.relu_backward(grad_output, x): the same arguments after what came back.

Cost: importing loads NumPy and nothing heavier.  What it does not do: remember, so that a gradient is given its
operation's arguments again (minicnn/network does that).  conv2d is at home in minicnn/conv.
Source: torch.nn.functional.  Next room: activation.py.
"""

from minicnn.conv.dispatch import conv2d
from minicnn.conv.gradient import conv2d_backward
from minicnn.functional.activation import (
    hardswish,
    hardswish_backward,
    leaky_relu,
    leaky_relu_backward,
    prelu,
    prelu_backward,
    relu,
    relu6,
    relu6_backward,
    relu_backward,
)
from minicnn.functional.adaptive import (
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_backward,
    adaptive_max_pool2d,
    adaptive_max_pool2d_backward,
)
from minicnn.functional.average import avg_pool2d, avg_pool2d_backward
from minicnn.functional.clamp import clamp, clamp_backward, hardsigmoid, hardsigmoid_backward
from minicnn.functional.combine import add, add_backward, concat, concat_backward
from minicnn.functional.dropout import dropout, dropout_backward
from minicnn.functional.fold import fold, fold_backward, unfold, unfold_backward
from minicnn.functional.gelu import gelu, gelu_backward
from minicnn.functional.group_norm import group_norm, group_norm_backward
from minicnn.functional.layer_norm import layer_norm, layer_norm_backward
from minicnn.functional.linear import linear, linear_backward
from minicnn.functional.local_response_norm import local_response_norm, local_response_norm_backward
from minicnn.functional.loss import cross_entropy, cross_entropy_backward, mse_loss, mse_loss_backward
from minicnn.functional.matmul import matmul, matmul_backward
from minicnn.functional.normalization import batch_norm, batch_norm_backward
from minicnn.functional.pooling import max_pool2d, max_pool2d_backward
from minicnn.functional.rearrange import flatten, flatten_backward, pad, pad_backward
from minicnn.functional.resample import resample, resample_backward
from minicnn.functional.resize import interpolate, interpolate_backward
from minicnn.functional.shuffle import pixel_shuffle, pixel_shuffle_backward, pixel_unshuffle, pixel_unshuffle_backward
from minicnn.functional.smooth import (
    elu,
    elu_backward,
    sigmoid,
    sigmoid_backward,
    silu,
    silu_backward,
    softplus,
    softplus_backward,
    tanh,
    tanh_backward,
)
from minicnn.functional.softmax import log_softmax, log_softmax_backward, softmax, softmax_backward
from minicnn.functional.transposed import conv_transpose2d, conv_transpose2d_backward
from minicnn.functional.unpooling import max_unpool2d, max_unpool2d_backward

__all__ = [
    "conv2d",
    "conv2d_backward",
    "relu",
    "relu_backward",
    "relu6",
    "relu6_backward",
    "leaky_relu",
    "leaky_relu_backward",
    "prelu",
    "prelu_backward",
    "hardswish",
    "hardswish_backward",
    "sigmoid",
    "sigmoid_backward",
    "silu",
    "silu_backward",
    "tanh",
    "tanh_backward",
    "elu",
    "elu_backward",
    "softplus",
    "softplus_backward",
    "gelu",
    "gelu_backward",
    "softmax",
    "softmax_backward",
    "log_softmax",
    "log_softmax_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "avg_pool2d",
    "avg_pool2d_backward",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_backward",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_backward",
    "max_unpool2d",
    "max_unpool2d_backward",
    "batch_norm",
    "batch_norm_backward",
    "layer_norm",
    "layer_norm_backward",
    "group_norm",
    "group_norm_backward",
    "dropout",
    "dropout_backward",
    "linear",
    "linear_backward",
    "add",
    "add_backward",
    "concat",
    "concat_backward",
    "flatten",
    "flatten_backward",
    "pad",
    "pad_backward",
    "interpolate",
    "interpolate_backward",
    "unfold",
    "unfold_backward",
    "fold",
    "fold_backward",
    "conv_transpose2d",
    "conv_transpose2d_backward",
    "cross_entropy",
    "cross_entropy_backward",
    "mse_loss",
    "mse_loss_backward",
    "clamp",
    "clamp_backward",
    "hardsigmoid",
    "hardsigmoid_backward",
    "local_response_norm",
    "local_response_norm_backward",
    "matmul",
    "matmul_backward",
    "resample",
    "resample_backward",
    "pixel_shuffle",
    "pixel_shuffle_backward",
    "pixel_unshuffle",
    "pixel_unshuffle_backward",
]
