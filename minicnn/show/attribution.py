"""Which question: how does an answer about a photo look on the photo?

Idea: the photo beside the answer, so that both can be read.  `overlay` lays numbers over the photo in grey: the larger,
the stronger their colour and the less of the photo shines through; numbers of both signs get red and blue, with nothing at zero.
`pattern` shows what an activation goes back to, enlarged beside the same part of the photo, and `patches` what a channel likes.

Cost: two or three images.
What it does not do: compute; or say more than the answer does: maps that are made larger stay coarse.
Source: Selvaraju et al. (2017) and Zeiler & Fergus (2014), whose figures these follow; Borland & Taylor, "Rainbow Color Map (Still)
Considered Harmful" (2007), for the colours.
Next room: files.py.
"""

from math import ceil, sqrt
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.patches import Rectangle

from minicnn import check
from minicnn.errors import ArgumentError, ShapeError
from minicnn.field import Box
from minicnn.show.style import COLOURS, DASHES, INK, NORMAL, QUIET, SIGNED, SMALL, Picture, axes, finite_range, picture
from minicnn.text import times

SIDE, LEFT, BETWEEN, FOOT, HEAD, WORDS = 4.1, 0.5, 0.42, 0.35, 0.74, 0.22  # inches; WORDS stand above a panel
RISING = "plasma"
STEPS = 256


class Mark(NamedTuple):
    """An outline on the photo, and what it says below."""

    box: Box
    text: str


def overlay(
    image: np.ndarray,
    heat: np.ndarray,
    *,
    title: str,
    below: str = "",
    label: str = "",
    top: float | None = None,
    marks=(),
    view: Box | None = None,
    ax=None,
) -> Picture:
    """Return a photo beside itself with numbers laid over it, and a scale of their colours.

    image: (H, W, 3) in [0, 1] (see load.to_hwc); heat: (H, W), NaN where there is none; `top` is the largest |number| that is told
    apart, its own where None; `marks` are (box, words) to outline; `view` is a part of the photo to enlarge under the numbers.  With `ax`, the photo with the numbers is drawn
    there, its scale beside it, and ax is returned.

    >>> figure = overlay(np.zeros((4, 6, 3)), np.arange(24.0).reshape(4, 6), title="Heat", label="value", marks=[(Box(0, 1, 2, 3), "here")])
    >>> [text.get_text() for text in figure.texts], figure.axes[2].get_ylabel()
    (['Heat', ' '], 'value')

    Raises ShapeError where heat has another size than the photo.
    """
    what = "show.overlay"
    size = _photo(image, what).shape[:2]
    heat = check.float_array(heat, "heat", what)
    if heat.shape != size:
        raise ShapeError(f"{what}: heat must have a number for each pixel of the photo, {times(size)}, but it is {times(heat.shape)}.")
    marks = [Mark(*mark) for mark in marks]
    least, most = finite_range(heat)
    most = top or max(abs(least), abs(most)) or 1.0
    norm, colours = Normalize(-most if least < 0 else 0.0, most, clip=True), palette(least < 0)
    if ax is not None:
        return _overlay_on(ax, image, colours(norm(np.ma.masked_invalid(heat))), marks, view, ScalarMappable(norm, colours), title, label)
    high, foot = SIDE * size[0] / size[1], FOOT + 0.22 * len(marks)
    figure = picture(LEFT + 2 * SIDE + BETWEEN + 1.0, HEAD + high + foot, title, below or " ")
    photo = _panel(figure, LEFT, foot, high, image)
    _numbered(photo, size)
    both = _panel(figure, LEFT + SIDE + BETWEEN, foot, high, _grey(image))
    both.imshow(colours(norm(np.ma.masked_invalid(heat))), extent=_extent(size), interpolation="nearest", zorder=2)
    _limited(both, view)
    _scale(figure, LEFT + 2 * SIDE + BETWEEN + 0.12, foot, high, ScalarMappable(norm, colours), label)
    for number, mark in enumerate(marks):
        for ax in (photo, both):
            _outline(ax, mark.box, number, clip=ax is both and view is not None)
        _key(figure, number, mark.text, foot)
    return figure


def _overlay_on(ax, image, layer: np.ndarray, marks: list[Mark], view: Box | None, mappable: ScalarMappable, title: str, label: str):
    """Draw the photo in grey, the numbers' colours over it, outlines with a legend, and the scale beside."""
    size = image.shape[:2]
    ax.imshow(_grey(image), extent=_extent(size), interpolation="nearest", zorder=1)
    ax.imshow(layer, extent=_extent(size), interpolation="nearest", zorder=2)
    _limited(ax, view)
    ax.set_title(title, fontsize=NORMAL, color=INK, loc="left")
    ax.figure.colorbar(mappable, ax=ax, label=label)
    for number, mark in enumerate(marks):
        _outline(ax, mark.box, number, clip=view is not None)
        ax.plot([], [], color=COLOURS[number], linestyle=DASHES[number], linewidth=2, label=mark.text)
    if marks:
        ax.legend(fontsize=SMALL, loc="upper center", bbox_to_anchor=(0.5, -0.03), frameon=False)
    return ax


def palette(signed: bool) -> ListedColormap:
    """Return colours that are the more transparent the smaller a number is: one hue's lightness, or red and blue around nothing.

    >>> [round(float(palette(signed)(place)[3]), 1) for signed in (False, True) for place in (0.0, 0.5, 1.0)]
    [0.0, 0.5, 0.8, 0.8, 0.1, 0.8]
    """
    places = np.linspace(0, 1, STEPS)
    colours = matplotlib.colormaps[SIGNED if signed else RISING](places)
    strength = np.abs(2 * places - 1) if signed else places
    colours[:, 3] = 0.85 * np.sqrt(strength) if signed else 0.85 * strength**0.7
    return ListedColormap(colours, "overlay").with_extremes(bad=(0, 0, 0, 0))


def pattern(image: np.ndarray, found, *, title: str, below: str = "") -> Picture:
    """Return what an activation goes back to (probe.deconvnet) beside the part of the photo that it sees.

    Grey is 0; each colour channel goes up and down from there, by the largest |number| of all.

    >>> from minicnn import nn, probe, trace
    >>> net = nn.Sequential(nn.Conv2d.of(np.ones((1, 3, 2, 2))))
    >>> figure = pattern(np.zeros((4, 6, 3)), probe.deconvnet(net, trace(net, np.ones((1, 3, 4, 6))), "conv1", 0), title="Pattern")
    >>> [panel.get_title(loc="left") for panel in figure.axes]
    ['the photo', 'what it sees, 2×2 px', 'what it goes back to']

    Raises ShapeError where the picture has another size than the photo.
    """
    what = "show.pattern"
    size = _photo(image, what).shape[:2]
    if found.picture.shape[1:] != size or found.picture.shape[0] not in (1, 3):
        raise ShapeError(f"{what}: the pattern must be that of this photo, {times(size)}, but it is {times(found.picture.shape)}.")
    box = found.box or Box(0, 0, size[0] - 1, size[1] - 1)
    part = slice(box.top, box.bottom + 1), slice(box.left, box.right + 1)
    most = max(map(abs, finite_range(found.picture))) or 1.0
    colours = np.clip(0.5 + 0.5 * found.picture.transpose(1, 2, 0) / most, 0, 1)
    colours = np.repeat(colours, 3 // colours.shape[2], axis=2)
    wide = SIDE * 0.82
    high = wide * max(size[0] / size[1], box.size[0] / box.size[1])
    figure = picture(LEFT + 3 * (wide + BETWEEN), HEAD + WORDS + high + FOOT, title, below or " ")
    views = ((image, "the photo"), (image[part], f"what it sees, {times(box.size)} px"), (colours[part], "what it goes back to"))
    for place, (view, words) in enumerate(views):
        ax = _panel(figure, LEFT + place * (wide + BETWEEN), FOOT, high, view, wide)
        ax.set_title(words, fontsize=NORMAL, color=INK, loc="left")
        if place:
            ax.set_xticks([])
            ax.set_yticks([])
        else:
            _numbered(ax, size)
            _outline(ax, box, 0)
    return figure


def patches(images: list[np.ndarray], found, *, title: str, below: str = "", names: list[str] | None = None) -> Picture:
    """Return the cut-outs of probe.top_patches, strongest first, enlarged to one size; `images` are all the photos, (H, W, 3) each.

    >>> from minicnn import nn, probe
    >>> found = probe.top_patches(nn.Sequential(nn.MaxPool2d(2)), np.arange(48.0).reshape(2, 1, 4, 6), "pool1", 0)
    >>> figure = patches([np.zeros((4, 6, 3))] * 2, found, title="Channel 0", names=["a.png", "b.png"])
    >>> figure.axes[0].get_title(loc="left")
    '47  b.png'

    Raises ArgumentError where a photo is missing.
    """
    what = "show.patches"
    if len(images) != found.images or names is not None and len(names) != found.images:
        raise ArgumentError(f"{what}: images (and names) are those that were asked, {found.images}, but {len(images)} came.")
    names = names or ["" if len(images) == 1 else f"image {number}" for number in range(len(images))]
    across = max(3, min(ceil(sqrt(len(found))), 6))
    down, side, gap = ceil(len(found) / across), 1.9, 0.35
    figure = picture(LEFT + across * (side + 0.15), HEAD + down * (side + gap), title, below or " ")
    for number, patch in enumerate(found):
        left, bottom = 0.25 + (number % across) * (side + 0.15), 0.12 + (down - 1 - number // across) * (side + gap)
        ax = axes(figure, left, bottom, side, side)
        ax.set_xticks([])
        ax.set_yticks([])
        name = names[patch.image] or f"at place {patch.at}"
        ax.set_title(f"{patch.value:.3g}  {name if len(name) <= 22 else '…' + name[-21:]}", fontsize=SMALL, color=INK, loc="left", pad=3)
        if patch.box is None:
            ax.text(0.5, 0.5, "padding only", fontsize=SMALL, color=QUIET, ha="center", transform=ax.transAxes)
            continue
        box, photo = patch.box, _photo(images[patch.image], what)
        ax.imshow(photo[box.top : box.bottom + 1, box.left : box.right + 1], interpolation="nearest", aspect="equal")
    return figure


def _photo(image, what: str) -> np.ndarray:
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3:
        received = f"shape {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ShapeError(f"{what}: a photo is (H, W, 3) in [0, 1], but it is {received}; pass load.to_hwc(x, mean, std).")
    return image


def _panel(figure: Picture, left: float, bottom: float, high: float, image: np.ndarray, wide: float = SIDE):
    ax = axes(figure, left, bottom, wide, high)
    ax.imshow(image, extent=_extent(image.shape[:2]), interpolation="nearest", zorder=1)
    ax.set_anchor("N")
    return ax


def _extent(size) -> tuple[float, float, float, float]:
    return -0.5, size[1] - 0.5, size[0] - 0.5, -0.5  # pixel (i, j) covers i ± ½, j ± ½


def _numbered(ax, size) -> None:
    ax.set_xticks([0, size[1] - 1])
    ax.set_yticks([0, size[0] - 1])


def _limited(ax, view: Box | None) -> None:
    """Show a part of the photo only, in the same square or less, its first and last rows and columns named; all of it, unnamed, where None."""
    if view is None:
        ax.set_xticks([])
        ax.set_yticks([])
        return
    ax.set_xlim(view.left - 0.5, view.right + 0.5)
    ax.set_ylim(view.bottom + 0.5, view.top - 0.5)
    ax.set_xticks([view.left, view.right])
    ax.set_yticks([view.top, view.bottom])


def _grey(image: np.ndarray) -> np.ndarray:
    """Return the photo without colours, and paler, so that colours laid over it are its only ones."""
    grey = image @ np.array([0.299, 0.587, 0.114])
    return np.repeat((0.3 + 0.7 * grey)[..., None], 3, axis=2).clip(0, 1)


def _outline(ax, box: Box, number: int, clip: bool = False) -> None:
    rows, columns = box.size
    place = {"xy": (box.left - 0.5, box.top - 0.5), "width": columns, "height": rows, "fill": False, "clip_on": clip}
    ax.add_patch(Rectangle(**place, edgecolor="white", linewidth=3.0, alpha=0.8, zorder=4))
    ax.add_patch(Rectangle(**place, edgecolor=COLOURS[number], linewidth=1.7, linestyle=DASHES[number], zorder=5))


def _key(figure: Picture, number: int, text: str, foot: float) -> None:
    """Write what an outline is, with a piece of it in front."""
    ax = axes(figure, LEFT, foot - 0.42 - 0.22 * number, 6, 0.2)
    ax.set_axis_off()
    ax.set_xlim(0, 6)
    ax.set_ylim(0, 1)
    ax.plot([0, 0.45], [0.5, 0.5], color=COLOURS[number], linestyle=DASHES[number], linewidth=2)
    ax.text(0.55, 0.5, text, fontsize=SMALL, color=INK, va="center")


def _scale(figure: Picture, left: float, bottom: float, high: float, mappable, label: str) -> None:
    ax = axes(figure, left, bottom, 0.16, high)
    bar = figure.colorbar(mappable, cax=ax)
    bar.outline.set_edgecolor("#b0b0b0")
    bar.set_label(label, fontsize=NORMAL, color=QUIET)
    ax.tick_params(labelsize=SMALL, colors=QUIET, length=3)
