"""Which question: how does a trace look?

Idea: functions from data to a figure.  Each takes a trace, a map, a description or a history, and returns a
matplotlib Figure of its own; nothing is shown, no global state is touched.  In a notebook the
figure is the cell's last line; elsewhere `save(figure, "maps.png")` writes it.

    boxes_on_photo(trace, photo)    what one number of each stage looks at
    map_grid(trace["conv1"])        the channels of one map
    memory_curve(description)       what is held in memory along the way
    growth(description)             resolution, channels and field along the depth
    learning_curve(history)         loss and accuracy over the epochs of a training
    filters(weight, before=…)       the first layer's filters, before and after
    overlay(photo, heat)            numbers of a question (probe) laid over the photo
    pattern(photo, deconvnet)       what an activation goes back to
    patches(photos, top_patches)    what makes a channel answer most
    field_on_photo(photo, found)    what numbers see and what they look at (probe.effective_field)
    histograms(trace)               how the numbers of each map are distributed
    memory_timeline(description)    what a training step holds, forward and backward
    memory_traffic(counts)          what each kernel for a GPU reads and writes, and how a warp lies on memory
    sliding_kernel(x, weight, …)    a kernel that slides over a small input, as a GIF or a page
    described(figure, "…")          a figure with its alt text, for a notebook
    said(…), later(…)               lines of a cell, at once or when the reader has predicted; side_by_side(…)

Functions that draw one picture take `ax`, matplotlib axes of yours, and then return it.

and pages, written by Python once and drawn by the browser (viewer/):

    report(net, trace, "report.html")   one file: every map, every cell's pixels, numbers step by step
    stepper(net, trace)                 the same in a notebook, where Python answers for any number

Cost: importing this room loads matplotlib.  What it does not do: compute; it only reads.
Source: named in each file.  Next room: cli, whose tour draws all of them.
"""

from minicnn.show.attribution import overlay, patches, pattern
from minicnn.show.depth import growth, memory_curve
from minicnn.show.described import described
from minicnn.show.effective import field_on_photo
from minicnn.show.files import free_folder, save
from minicnn.show.filters import filters
from minicnn.show.histograms import histograms
from minicnn.show.learning import learning_curve
from minicnn.show.maps import map_grid
from minicnn.show.memory import memory_timeline
from minicnn.show.memory_traffic import memory_traffic
from minicnn.show.photo import boxes_on_photo, stages
from minicnn.show.report import report
from minicnn.show.said import later, said, side_by_side
from minicnn.show.sliding import sliding_kernel
from minicnn.show.stepper import stepper
from minicnn.show.style import Picture

__all__ = [
    "boxes_on_photo",
    "map_grid",
    "memory_curve",
    "growth",
    "learning_curve",
    "filters",
    "overlay",
    "pattern",
    "patches",
    "field_on_photo",
    "histograms",
    "memory_timeline",
    "memory_traffic",
    "sliding_kernel",
    "described",
    "said",
    "later",
    "side_by_side",
    "stages",
    "report",
    "stepper",
    "save",
    "free_folder",
    "Picture",
]
