"""Questions about a network and its feature maps: each is one function, with a printed answer and the data behind it.

Idea: what a forward pass left behind (a Trace) holds every number; a question reads it, walks it back, or
runs the network again on changed inputs.  Nothing here changes a network or remembers one.  Answers are frozen
values: print them, or take their fields.

Cost: importing this room loads NumPy only; what each question costs is said in its file.
"""

from minicnn.probe.compare import Comparison, compare
from minicnn.probe.deconvnet import deconvnet
from minicnn.probe.doctor import CHECKS, Diagnosis, doctor
from minicnn.probe.effective_field import effective_field
from minicnn.probe.embedding import embedding, neighbours
from minicnn.probe.explaining import explain
from minicnn.probe.explanation import Explanation
from minicnn.probe.finding import Finding
from minicnn.probe.grad_cam import grad_cam
from minicnn.probe.layout import Layout, layout
from minicnn.probe.memory import Memory, memory
from minicnn.probe.occlusion import occlusion
from minicnn.probe.saliency import saliency
from minicnn.probe.tensorboard import tensorboard
from minicnn.probe.top_patches import top_patches

__all__ = [
    "explain",
    "Explanation",
    "doctor",
    "Diagnosis",
    "Finding",
    "CHECKS",
    "memory",
    "Memory",
    "saliency",
    "grad_cam",
    "occlusion",
    "deconvnet",
    "effective_field",
    "top_patches",
    "embedding",
    "neighbours",
    "layout",
    "Layout",
    "compare",
    "Comparison",
    "tensorboard",
]
