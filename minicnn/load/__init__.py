"""Which question: how do a photo and a trained network's numbers become arrays?

Idea: `load.image` turns a picture into one (1, C, H, W) array of floats, `load.weights` turns a
PyTorch file into a dict of arrays, and `load.to_hwc` turns an image array back for plotting.
Files are treated as untrusted: what a file claims is checked before it is believed, nothing in a
file is ever run, and every refusal says what the file holds and what to do.

Cost: importing this room loads NumPy only; Pillow is imported when an image is read.
Does not do: no downloads, no writing, no formats of weights other than PyTorch's.
Source: the file formats named in each module.  Next room: models, which gives these arrays a network.
"""

from minicnn.load.photo import IMAGENET, image, to_hwc
from minicnn.load.weightfile import WeightsNotice, weights

__all__ = ["image", "IMAGENET", "to_hwc", "weights", "WeightsNotice"]
