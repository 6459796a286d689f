"""Which question: how do numbers come into a model that was built from shapes?"""

import os
from collections.abc import Callable, Mapping

from minicnn.errors import WeightsError
from minicnn.network import Network


def numbers_from(
    net: Network, weights, model: str, *, find: Callable[[], str] | None = None, rename: Callable[[dict], dict] = dict
) -> Network:
    """Return the network with the given weights: None, a mapping of arrays, a path, or 'pretrained'.

    `find` returns the path of the pretrained file; `rename` turns the file's names into the network's.  The layers of a
    Keras file are matched by load.load_weights.
    """
    if weights is None:
        return net
    if isinstance(weights, str) and weights == "pretrained":
        if find is None:
            raise WeightsError(f"{model}: there are no pretrained weights for it; pass a path, a mapping of arrays, or rng=.")
        weights = find()
    if isinstance(weights, str | os.PathLike):
        from minicnn import load
        from minicnn.load.weightfile import is_keras

        if is_keras(weights, "load.weights"):  # whose layers go by names of their own, and whose axes are turned
            return load.load_weights(net, weights)
        weights = load.weights(weights)
    if not isinstance(weights, Mapping):
        raise WeightsError(f"{model}: weights is 'pretrained', a path or a mapping of arrays, but it is a {type(weights).__name__}.")
    return net.with_parameters(rename(weights))
