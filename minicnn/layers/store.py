"""Which question: what does an activation at the store change for the layer that applies it?

Idea: Conv2d and Add may bend their output while it is still in registers, which spares the activation's own pass
over memory.  The map in front of the activation is then never there: trace shows the one behind it, and
a gradient, which asks for the one in front, is refused.

Cost: none.  When it loses: in training.  What it does not do: decide where; network/fuse.py does.
Source: none; the layer's fields say what is applied.  Next room: network/fuse.py.
"""

from minicnn import check
from minicnn.errors import UnsupportedError
from minicnn.layers.base import Layer


def checked_activation(activation, known: tuple[str, ...], what: str) -> str | None:
    """Return the name of an activation that a layer applies to its output, or None."""
    return None if activation is None else check.one_of(activation, "activation", what, known)


def with_activation(layer: Layer, activation: str) -> Layer:
    """Return the same layer, around the same locked arrays, with an activation at its store."""
    bent = layer.with_arrays({})
    bent._set(activation=activation)
    return bent


def refuse_gradient(layer: Layer) -> None:
    """Raise where a layer applies an activation: what its gradient would need was never there."""
    if layer.activation is not None:
        raise UnsupportedError(
            f"{type(layer).__name__}: a gradient needs the map in front of an activation, but {layer!r} applies its own as the output is "
            "stored and has only what is behind it; train and walk back through the network that was fused, and fuse it afterwards."
        )
