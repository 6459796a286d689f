"""Which question: how does a network learn from examples?

Idea: training is a composition of functions. A loss says how wrong the outputs are, backward says how that changes
with every parameter, and an optimizer returns better parameters; nothing here changes a network in place.

Cost: importing loads NumPy and nothing heavier.  Source: the papers named in each file.
Next room: optimizer.py, then schedule.py.
"""

from minicnn.train.augment import Shift
from minicnn.train.checkpoint import load_run, save_run
from minicnn.train.evaluate import evaluate
from minicnn.train.fit import Run, TrainingNotice, fit
from minicnn.train.optimizer import SGD, Adam, AdamW, Optimizer
from minicnn.train.schedule import CosineAnnealingLR, StepLR
from minicnn.train.step import LOSSES, Step, step

__all__ = [
    "LOSSES",
    "SGD",
    "Adam",
    "AdamW",
    "CosineAnnealingLR",
    "Optimizer",
    "Run",
    "Shift",
    "Step",
    "StepLR",
    "TrainingNotice",
    "evaluate",
    "fit",
    "load_run",
    "save_run",
    "step",
]
