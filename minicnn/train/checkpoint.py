"""Which question: how is a run written down, so that it goes on to the same bits?

Idea: one file of named arrays (safetensors or npz): the network's under "net.", the optimizer's under
"optimizer."; what is no array (history, step, the generator's state) is JSON in the file's metadata.
Nothing in it is code.
Cost: the bytes of the parameters times one (SGD: two, Adam: three).
Next room: load/, which writes and reads such files.
"""

import json
from collections.abc import Mapping

from minicnn import load
from minicnn.errors import FileFormatError, WeightsError
from minicnn.network import Network
from minicnn.network.graph import as_network
from minicnn.train.fit import Run

FORMAT = "minicnn run 1"


def save_run(run: Run, path, *, overwrite: bool = False) -> None:
    """Write a run to a .safetensors or .npz file, whole or not at all.

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
    arrays = {f"net.{name}": array for name, array in {**run.net.parameters(), **run.net.buffers()}.items()}
    plain, kinds = {}, []
    for name, value in run.state.items():
        if isinstance(value, Mapping):
            kinds.append(name)
            arrays |= {f"optimizer.{name}.{key}": array for key, array in value.items()}
        else:
            plain[name] = value
    told = {"format": FORMAT, "optimizer": plain, "kinds": kinds, "rng": run.rng_state, "history": list(run.history)}
    if overwrite:
        _only_a_run(path)
    load.save_weights(arrays, path, metadata={"run": json.dumps(told)}, overwrite=overwrite)


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
            _, kind, key = name.split(".", 2)
            array.flags.writeable = False
            state[kind][key] = array
    return Run(net, state, told["rng"], tuple(told["history"]))


def _told(path) -> dict:
    text = load.metadata(path).get("run")
    try:
        told = json.loads(text or "")
    except ValueError:
        told = None
    if not isinstance(told, dict) or told.get("format") != FORMAT or not {"optimizer", "kinds", "rng", "history"} <= set(told):
        raise FileFormatError(
            f"load_run: {path} holds no run of this version ({FORMAT!r}); train.save_run writes them. "
            "For weights alone use load.load_weights(net, path)."
        )
    return told


def _only_a_run(path) -> None:
    """Raise where a file is there that save_run did not write."""
    from pathlib import Path

    if Path(path).exists():
        _told(path)
