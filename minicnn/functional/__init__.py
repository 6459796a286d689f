"""Which question: what does each operation of a network compute?

Idea: every operation is a plain function of arrays with PyTorch's name and arguments. It checks what it was
given, computes a new array, and remembers nothing; the arguments are never written into.
`from minicnn import functional as F`, then F.relu(x).

Cost: importing loads NumPy and nothing heavier.  What it does not do: gradients.  conv2d is at home in minicnn/conv.
Source: torch.nn.functional.  Next room: activation.py.
"""

from minicnn.conv.dispatch import conv2d
from minicnn.functional.activation import leaky_relu, relu, relu6, sigmoid, silu, softmax
from minicnn.functional.adaptive import adaptive_avg_pool2d, adaptive_max_pool2d
from minicnn.functional.combine import add, concat
from minicnn.functional.linear import linear
from minicnn.functional.normalization import batch_norm
from minicnn.functional.pooling import avg_pool2d, max_pool2d
from minicnn.functional.rearrange import flatten, pad
from minicnn.functional.resize import interpolate
from minicnn.functional.transposed import conv_transpose2d

__all__ = [
    "conv2d",
    "relu",
    "relu6",
    "leaky_relu",
    "sigmoid",
    "silu",
    "softmax",
    "max_pool2d",
    "avg_pool2d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
    "batch_norm",
    "linear",
    "add",
    "concat",
    "flatten",
    "pad",
    "interpolate",
    "conv_transpose2d",
]
