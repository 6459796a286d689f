"""Which question: how is a run written down, so that it goes on to the same bits?

Idea: one file of named arrays (safetensors or npz): the network's under "net.", the optimizer's under
"optimizer."; what is no array (history, step, the generator's state) is JSON in the file's metadata.
Nothing in it is code.
Cost: the bytes of the parameters times one (SGD: two, Adam: three).
Next room: load/, which writes and reads such files.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from minicnn import load
from minicnn.errors import ArgumentError, FileFormatError, WeightsError
from minicnn.network import Network
from minicnn.network.graph import as_network
from minicnn.train.fit import Run

FORMAT = "minicnn run 1"


def save_run(run: Run, path, *, about: Mapping[str, str] | None = None, overwrite: bool = False) -> None:
    """Write a run to a .safetensors or .npz file, whole or not at all; `about` are texts of your own, for load.metadata.

    With overwrite=True a run that was saved there before is replaced; another file never is.

    Raises ArgumentError, FileFormatError.  Source: the safetensors format.

    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from minicnn import nn, train
    >>> run = train.fit(nn.Linear(1, 2), (np.zeros((2, 1), np.float32), np.array([0, 1])), optimizer=train.SGD(lr=0.1), epochs=1,
    ...                 batch_size=1, progress=False)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_run(run, pathlib.Path(folder, "run.npz"))
    ...     load_run(pathlib.Path(folder, "run.npz"), nn.Linear(1, 2)).epoch
    1
    """
    if not isinstance(run, Run):
        raise ArgumentError(
            f"save_run: the first argument is a Run, as train.fit returns it, and the second a path, but the first is a {type(run).__name__}; "
            "load.save_weights(net, path) writes the weights of a network."
        )
    arrays = {f"net.{name}": array for name, array in {**run.net.parameters(), **run.net.buffers()}.items()}
    plain, kinds = {}, []
    for name, value in run.state.items():
        if isinstance(value, Mapping):
            kinds.append(name)
            arrays |= {f"optimizer.{name}.{key}": array for key, array in value.items()}
        else:
            plain[name] = value
    told = {"format": FORMAT, "kind": run.optimizer, "optimizer": plain, "kinds": kinds, "rng": run.rng_state, "history": list(run.history)}
    if overwrite:
        _only_a_run(path)
    load.save_weights(arrays, path, metadata={**(about or {}), "run": json.dumps(told, default=_plain)}, overwrite=overwrite)


def load_run(path, net: Network) -> Run:
    """Return the run that a file holds, for the network that it was of (its weights may be any).

    Raises FileFormatError for a file that is no run, WeightsError for that of another network.
    Source: save_run.

    >>> from minicnn import nn
    >>> try:
    ...     load_run("no.npz", nn.Linear(1, 2))
    ... except FileFormatError as error:
    ...     print("no file" in str(error))
    True
    """
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError(f"load_run: the path comes first, then the network, but the first argument is a {type(path).__name__}.")
    net = as_network(net, "load_run")
    told, arrays = _told(path), load.weights(path)
    own = {name.removeprefix("net."): array for name, array in arrays.items() if name.startswith("net.")}
    try:
        net = net.with_parameters(own)
    except WeightsError as error:
        raise WeightsError(f"load_run: {path} is a run of another network. {error}") from None
    state = {**told["optimizer"], **{kind: {} for kind in told["kinds"]}}
    for name, array in arrays.items():
        if name.startswith("optimizer."):
            _, kind, key = (*name.split(".", 2), "")[:3]
            if kind not in told["kinds"]:
                raise FileFormatError(f"load_run: {path} is damaged: it holds {name!r}, and says of no such state; take an earlier copy.")
            array.flags.writeable = False
            state[kind][key] = array
    return Run(net, told["kind"], state, told["rng"], tuple(told["history"]))


def _plain(value):
    """Return the array in a generator's state as plain data for JSON."""
    if isinstance(value, np.ndarray):
        return {"dtype": value.dtype.str, "numbers": value.tolist()}
    return value.item()


def _array(value: dict):
    """Return the array that `_plain` wrote, or the dict as it is."""
    return np.array(value["numbers"], value["dtype"]) if value.keys() == {"dtype", "numbers"} else value


TYPES = {"kind": str, "optimizer": dict, "kinds": list, "rng": dict, "history": list}


def _told(path) -> dict:
    text = load.metadata(path).get("run")
    try:
        told = json.loads(text or "", object_hook=_array)
    except (ValueError, TypeError):
        told = None
    sound = isinstance(told, dict) and told.get("format") == FORMAT
    if not sound or not all(isinstance(told.get(name), kind) for name, kind in TYPES.items()):
        raise FileFormatError(
            f"load_run: {path} holds no run of this version ({FORMAT!r}), or a damaged one; train.save_run writes them. "
            "For weights alone use load.load_weights(net, path)."
        )
    return told


def _only_a_run(path) -> None:
    """Raise where a file is there that save_run did not write."""
    if Path(path).exists():
        try:
            _told(path)
        except FileFormatError:
            raise FileFormatError(
                f"save_run: only a run that was saved before is replaced, and {path} is none; save under another name."
            ) from None
