"""Which question: how can every number of a network be stepped through in a notebook?

Idea: the viewer of report.py as a widget (anywidget: Jupyter, Colab, VS Code, marimo).  The page gets what fits at once; whole maps and the
terms of any number it asks Python for, under a number of its own, and `answer` says what probe.explain says.

Cost: half a second for EfficientNet-Lite0, and some milliseconds for each number.  What it does not do: run the network again; work
without a kernel, as in a notebook that is only looked at: there report.py is the page to hand on.
Source: anywidget's documentation; Jupyter's custom messages.  Next rooms: payload.py, viewer/source.js.
"""

import contextlib
import functools

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, MinicnnError, UnknownNameError, UnsupportedError, nearest
from minicnn.network import Network, Trace
from minicnn.network.thumbnail import planes
from minicnn.probe import explain
from minicnn.show import bundle
from minicnn.show.encoded import jsonable
from minicnn.show.payload import checked, payload

MODES = ("step", "overview", "maps", "tryit", "predict")
WHAT = "show.stepper"


def stepper(net: Network, trace: Trace, node: str | None = None, channel: int | None = None, at=None, mode: str = "step", *, photo=None):
    """Return a widget that shows a network on its input and steps through any number of it; the last line of a cell shows it.

    pip install "minicnn-engine[lessons]" beside the notebook's kernel brings what it needs; a JupyterLab that is installed elsewhere than
    its kernel needs anywidget there too.  In marimo the bare widget and mo.ui.anywidget(…) of it are shown alike.  The viewer asks no other host.

    Parameters
    ----------
    net, trace : a network and what trace(net, x) returned
    node, channel, at : the number to begin with; what is left out is that of the largest number
    mode : 'step', 'overview', 'maps', 'tryit' or 'predict', the tab to begin with
    photo : the picture of the first input, (rows, columns, 3) in [0, 1] or bytes

    >>> from minicnn import nn, trace
    >>> net = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1))
    >>> stepper(net, trace(net, np.ones((1, 1, 4, 5), np.float32)), "conv1", mode="steps")
    Traceback (most recent call last):
    minicnn.errors.ArgumentError: show.stepper: mode must be one of 'step', 'overview', 'maps', 'tryit', 'predict', but it is 'steps'.

    Raises ArgumentError for a trace of another network or a place outside the map, UnknownNameError for a node that is not there,
    UnsupportedError where anywidget is not installed.  Source: anywidget's documentation.
    """
    net = checked(net, trace, WHAT)
    state = begin(net, trace, node, channel, at, check.one_of(mode, "mode", WHAT, MODES))
    shown = payload(net, trace, photo=photo, ask=True)
    widget = _widget_class()(payload=shown, state=state)
    widget.on_msg(lambda own, content, buffers: own.send(*answer(net, trace, content)))
    return widget


def begin(net: Network, trace: Trace, node, channel, at, mode: str) -> dict:
    """Return where the page begins: the tab, and the number that was asked for or the largest one of what was left open.

    >>> from minicnn import nn, trace
    >>> net = nn.Sequential(nn.ReLU())
    >>> begin(net, trace(net, np.array([[[[1.0, 3.0]], [[2.0, 0.0]]]])), "relu1", None, None, "step")
    {'tab': 'step', 'node': 'relu1', 'channel': 0, 'at': [0, 1]}
    """
    if node is None:
        if channel is not None or at is not None:
            raise ArgumentError(f"{WHAT}: channel and at are places in a map, so node must be given, but it is None; name a node.")
        return {"tab": mode}
    if not isinstance(node, str) or node not in trace:
        raise UnknownNameError(f"{WHAT}: there is no map {node!r} in this trace.{nearest(str(node), trace.maps)}")
    data = trace[node].data
    channel, at = _largest(data, channel, at)
    with _in_our_name():
        found = explain(net, trace, node, channel, at)
    return {"tab": mode, "node": node, "channel": found.channel, "at": list(found.at)}


def _largest(data: np.ndarray, channel, at):
    """Return channel and place with what was left open filled in: those of the largest number of the first image."""
    if (channel is not None and at is not None) or not data.size:
        return channel or 0, at
    own = data[0] if data.ndim > 1 else data.reshape(-1)
    numbers = np.where(np.isnan(own), -np.inf, own) if own.dtype.kind == "f" else own
    if channel is None and at is not None:
        place = tuple(at) if isinstance(at, tuple | list) else (at,)
        inside = len(place) == own.ndim - 1 and all(
            isinstance(n, int) and 0 <= n < size for n, size in zip(place, own.shape[1:], strict=True)
        )
        return (int(numbers[(slice(None), *place)].argmax()) if inside else 0), at
    if channel is None:
        found = np.unravel_index(numbers.argmax(), own.shape)
        return int(found[0]), tuple(map(int, found[1:]))
    known = isinstance(channel, int | np.integer) and 0 <= channel < len(own)
    return channel, tuple(map(int, np.unravel_index(numbers[channel if known else 0].argmax(), own.shape[1:])))


def answer(net: Network, trace: Trace, question) -> tuple[dict, list[bytes]]:
    """Return the answer to one of the page's questions: plain data and, for a map, its numbers as float32.

    {"id", "kind": "explain", "node", "channel", "at"} is answered by probe.explain's to_dict(), {"id", "kind": "map", "node",
    "channel"} by a channel of a map; what cannot be answered by {"id", "error"}.

    >>> from minicnn import nn, trace
    >>> net = nn.Sequential(nn.ReLU())
    >>> t = trace(net, np.array([[[[-1.0, 3.0]]]]))
    >>> answer(net, t, {"id": 1, "kind": "map", "node": "relu1", "channel": 0})[0]
    {'id': 1, 'value': {'rows': 1, 'columns': 2, 'exact': False}}
    >>> answer(net, t, {"id": 2, "kind": "explain", "node": "relu1", "channel": 0, "at": [0, 1]})[0]["value"]["stored"]
    3.0
    """
    question = question if isinstance(question, dict) else {}
    kind, name, channel, at = (question.get(word) for word in ("kind", "node", "channel", "at"))
    try:
        if kind == "explain":
            value, buffers = jsonable(explain(net, trace, name, channel, at).to_dict()), []
        elif kind == "map":
            value, buffers = _map(trace, name, channel)
        else:
            raise ArgumentError(f"{WHAT}: the page asks 'explain' or 'map', but it asked {kind!r}.")
    except MinicnnError as error:
        return {"id": question.get("id"), "error": str(error)}, []
    return {"id": question.get("id"), "value": value}, buffers


def _map(trace: Trace, name, channel) -> tuple[dict, list[bytes]]:
    if not isinstance(name, str) or name not in trace:
        raise UnknownNameError(f"{WHAT}: there is no map {name!r} in this trace.{nearest(str(name), trace.maps)}")
    own = planes(trace[name].data)
    channel = check.integer(channel, "channel", WHAT, 0)
    if channel >= len(own):
        raise ArgumentError(
            f"{WHAT}: the map {name!r} has {len(own)} channels, but channel {channel} was asked for; use 0 … {len(own) - 1}."
        )
    with np.errstate(all="ignore"):
        numbers = np.ascontiguousarray(own[channel], "<f4")
    exact = trace[name].data.dtype == np.float32
    return {"rows": numbers.shape[0], "columns": numbers.shape[1], "exact": exact}, [numbers.tobytes()]


@contextlib.contextmanager
def _in_our_name():
    """Tell what explain refuses in this function's name."""
    try:
        yield
    except MinicnnError as error:
        raise type(error)(str(error).replace("explain:", f"{WHAT}:", 1)) from None


@functools.cache
def _widget_class():
    """Return the widget's class; anywidget is imported when the first one is made."""
    try:
        import anywidget
        import traitlets
    except ImportError:
        raise UnsupportedError(
            f'{WHAT}: a widget needs the package anywidget, which is not installed: pip install "minicnn-engine[lessons]". '
            "show.report(net, trace, path) writes the same page as a file without it."
        ) from None

    class Stepper(anywidget.AnyWidget):
        """The viewer in a notebook: `payload` is what it shows, `state` where it begins."""

        _esm = bundle.module()
        _css = bundle.style()
        payload = traitlets.Dict().tag(sync=True)
        state = traitlets.Dict().tag(sync=True)

    return Stepper
