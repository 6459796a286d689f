"""Which question: which parts of many photos make one channel answer most?

Idea: run the network as far as the map, remember the strongest places, and cut out what they see, box by box.  The
cut-outs say more of a channel than one map does: what they have in common is what it looks for.

Cost: one forward pass per photo, as far as the node; boxes once for each of the k that stay.
What it does not do: say what the channel does with weak answers, which are most; k patches are the tip.
Source: Girshick et al., "Rich Feature Hierarchies" (2014), section 3.1; Zeiler & Fergus (2014), figure 2.
Next room: deconvnet.py, for which pixels of a patch made it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, ShapeError, UnknownNameError, nearest
from minicnn.field import Box
from minicnn.network.graph import as_network
from minicnn.network.trace import locked
from minicnn.probe import asked
from minicnn.text import table, times

WHAT = "top_patches"
AT_A_TIME = 16


@dataclass(frozen=True, eq=False)
class Patch:
    """One strong activation: image number, place in the map, value, what it sees (None: padding only) and those pixels (C, h, w)."""

    image: int
    at: tuple[int, int]
    value: float
    box: Box | None
    pixels: np.ndarray


@dataclass(frozen=True, eq=False)
class TopPatches:
    """The strongest activations of one channel, strongest first; iterate, index, print."""

    node: str
    channel: int
    images: int  # how many were looked at
    patches: tuple[Patch, ...]

    def __len__(self) -> int:
        return len(self.patches)

    def __iter__(self) -> Iterator[Patch]:
        return iter(self.patches)

    def __getitem__(self, place) -> Patch:
        return self.patches[place]

    def __repr__(self) -> str:
        rows = []
        for patch in self.patches:
            box = patch.box
            seen = ("padding only", "") if box is None else (f"{box.top}…{box.bottom}", f"{box.left}…{box.right}")
            rows.append((str(patch.image), f"{patch.at[0]}, {patch.at[1]}", f"{patch.value:.4g}", *seen))
        head = f"TopPatches of {self.node!r}, channel {self.channel}: the {len(self)} strongest among {self.images} images"
        return f"{head}\n{table(('image', 'place', 'value', 'rows', 'columns'), rows, align='rrrrr')}"


def top_patches(
    net, images: np.ndarray | Iterable[np.ndarray], node: str, channel: int, k: int = 9, *, per_image: int | None = 1
) -> TopPatches:
    """Return the k strongest activations of one channel over many images, cut out by their boxes.

    images: (N, C, H, W), or anything that hands out (C, H, W) or (n, C, H, W), of any sizes; `per_image` is how many places
    one image may have, None for any number.  Boxes are exact and end where the image ends; equals go in the order of reading.

    >>> from minicnn import nn
    >>> net = nn.Sequential(nn.Conv2d.of(np.ones((1, 1, 1, 2)), padding=(0, 1)))
    >>> images = np.array([[[[0.0, 1.0, 5.0]]], [[[3.0, 4.0, 0.0]]]])
    >>> found = top_patches(net, images, "conv1", 0)
    >>> found
    TopPatches of 'conv1', channel 0: the 2 strongest among 2 images
    image  place  value  rows  columns
    ----------------------------------
        1   0, 1      7   0…0      0…1
        0   0, 2      6   0…0      1…2
    >>> found[0].pixels
    array([[[3., 4.]]])

    Raises ArgumentError, ShapeError, DTypeError, UnknownNameError.  Source: Girshick et al. (2014), section 3.1.
    """
    net = as_network(net, WHAT)
    photo, k = asked.one_input(net, WHAT), check.integer(k, "k", WHAT, 1)
    most = k if per_image is None else min(check.integer(per_image, "per_image", WHAT, 1), k)
    if node not in net and node not in net.inputs:
        raise UnknownNameError(f"{WHAT}: there is no map {node!r}.{nearest(str(node), [photo, *(each.name for each in net.nodes)])}")
    front, best, count = asked.leading_to(net, node), [], 0
    for batch in batches(images, WHAT):
        maps = front(batch, accuracy="exact")
        if maps.ndim != 4:
            raise ShapeError(
                f"{WHAT}: a place needs a map with rows and columns, but {node!r} is {times(maps.shape)}; name an earlier node."
            )
        channel = asked.channel_of(maps.shape, channel, node, WHAT)
        for image, plane in zip(batch, maps[:, channel], strict=True):
            kept = image.copy()  # its giver may fill the array anew
            best += [(-value, count, at, kept) for value, at in strongest(plane, most)]
            count += 1
        best = sorted(best, key=lambda each: each[:3])[:k]
    if not count:
        raise ArgumentError(f"{WHAT}: at least one image is needed, but none came.")
    return TopPatches(node, channel, count, tuple(_cut(front, node, photo, *each) for each in best))


def batches(images, what: str) -> Iterator[np.ndarray]:
    """Hand out images some at a time, (n, C, H, W): slices of an array, or one after the other what an iterable holds."""
    if isinstance(images, np.ndarray):
        whole, _ = check.image_batch(images, what, "images")
        yield from (whole[start : start + AT_A_TIME] for start in range(0, len(whole), AT_A_TIME))
        return
    if isinstance(images, str | bytes) or not isinstance(images, Iterable):
        raise ArgumentError(f"{what}: images are an array (N, C, H, W), or hand out such arrays, but they are a {type(images).__name__}.")
    for number, image in enumerate(images):
        yield check.image_batch(image, what, f"images[{number}]")[0]


def strongest(plane: np.ndarray, count: int) -> list[tuple[float, tuple[int, int]]]:
    """Return the largest numbers of a plane and their places, the first of equals first; NaN is never among them.

    >>> strongest(np.array([[1.0, 4.0], [4.0, np.nan]]), 2)
    [(4.0, (0, 1)), (4.0, (1, 0))]
    """
    flat = np.where(np.isnan(plane), -np.inf, plane).reshape(-1)
    order = np.argsort(-flat, kind="stable")[:count] if count > 1 else [int(np.argmax(flat))]
    return [(float(flat[place]), (int(place) // plane.shape[1], int(place) % plane.shape[1])) for place in order]


def _cut(front, node: str, photo: str, negative: float, image: int, at: tuple[int, int], pixels: np.ndarray) -> Patch:
    box = front.box(node, *at, pixels.shape, photo)
    part = pixels[:, :0, :0] if box is None else pixels[:, box.top : box.bottom + 1, box.left : box.right + 1]
    return Patch(image, at, -negative, box, locked(part.copy()))
