"""Which question: what are the 1000 classes of ImageNet called?"""

import functools
from importlib import resources


@functools.cache
def imagenet_classes() -> tuple[str, ...]:
    """Return the names of the 1000 classes of ILSVRC 2012, in index order.

    >>> imagenet_classes()[0], len(imagenet_classes())
    ('tench, Tinca tinca', 1000)

    Source: Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge" (2015).
    """
    text = resources.files("minicnn.models").joinpath("data/imagenet_classes.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())
