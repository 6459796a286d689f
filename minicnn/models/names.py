"""Which question: what are the nodes of a published network called?

Idea: a node that holds numbers has the name of torchvision's module, so that net.parameters() and net.buffers() have
the names of its state dict, and a file of weights comes in as it is:

    features.0.weight      layer1.0.conv1.weight      layer1.0.downsample.1.running_mean      classifier.6.bias

Activations, pooling, sums and the like stand beside them: under torchvision's number where it has one (features.1),
else under a word (layer1.0.relu1, layer1.0.add, avgpool, flatten).
Source: torchvision.models.  Next rooms: weights.py, and the papers.
"""

from collections.abc import Sequence

from minicnn import nn


def numbered(layers: Sequence[nn.Layer]) -> nn.Network:
    """Return layers one after the other under the names 0, 1, 2, …, as PyTorch's Sequential has them.

    >>> net = nn.Sequential(("features", numbered([nn.ReLU(), nn.MaxPool2d(2)])), ("flatten", nn.Flatten()))
    >>> [node.name for node in net]
    ['features.0', 'features.1', 'flatten']
    """
    return nn.Sequential({str(number): layer for number, layer in enumerate(layers)})
