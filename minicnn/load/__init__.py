"""Which question: how do photos, trained weights and digits become arrays, and weights a file again?

Idea: `load.image` turns a picture into one (1, C, H, W) array of floats, and `load.to_hwc` turns it
back for plotting; `load.weights` turns a weights file into a dict of arrays, `load.save_weights`
writes one, and `load.load_weights` puts one into a network (`load.compare_weights` says beforehand what
fits); `load.digits` hands out MNIST's digits.
Files are treated as untrusted: what a file claims is checked before it is believed, nothing in a
file is ever run, and every refusal says what the file holds and what to do.

Cost: importing this room loads NumPy only; Pillow is imported when an image is read, safetensors
when such a file is; HDF5 files (Keras') are read by another process.
Does not do: no downloads; GGUF is named and refused; PyTorch's and Keras' files are read, not written.
Source: the file formats named in each module.  Next room: models, which gives these arrays a network.
"""

from minicnn.load.digits import Digits, digits
from minicnn.load.into import compare_weights, load_weights
from minicnn.load.onnx_out import save_onnx
from minicnn.load.onnxfile import onnx
from minicnn.load.photo import CAFFE, IMAGENET, image, to_hwc
from minicnn.load.report import LoadReport
from minicnn.load.save import save_weights
from minicnn.load.weightfile import WeightsNotice, metadata, weights

__all__ = [
    "image",
    "IMAGENET",
    "CAFFE",
    "to_hwc",
    "weights",
    "metadata",
    "save_weights",
    "load_weights",
    "compare_weights",
    "LoadReport",
    "onnx",
    "save_onnx",
    "WeightsNotice",
    "digits",
    "Digits",
]
