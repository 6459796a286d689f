"""Which question: of the pixels that a number sees, which does it look at, on the photo?

Idea: two answers side by side, as in photo.py.  Left, the theoretical field: every pixel the number is computed from.  Right, the effective
field, those whose gradient counts: its pixels are tinted, the stronger the more they weigh, and its box is drawn.  Deeper numbers see
much more than they look at, which is the paper's finding.

Cost: two images; the answers are probe.effective_field's.
What it does not do: average over photos, as the paper does.
Source: Luo, Li, Urtasun, Zemel, "Understanding the Effective Receptive Field in Deep CNNs" (2016), figures 1-4.
Next room: attribution.py, whose overlay shows every weight of one number.
"""

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D

from minicnn.errors import ArgumentError, ShapeError
from minicnn.probe.effective_field import EffectiveField
from minicnn.show.photo import outlines_on
from minicnn.show.style import COLOURS, DASHES, INK, NORMAL, SMALL, Picture, axes, picture
from minicnn.text import times

WHAT = "show.field_on_photo"
DASHED = (0, (5, 3))


def field_on_photo(image: np.ndarray, found, *, title: str = "What numbers see, and what they look at", ax=None) -> Picture:
    """Return a photo with the theoretical fields (left) and the effective ones (right) of some numbers.

    `image` is the photo, (H, W, 3) in [0, 1] (see load.to_hwc); `found` is what probe.effective_field returned, or a list of up to 7.  With
    `ax`, both boxes of each number are drawn there, the theoretical dashed, and ax is returned.

    >>> from minicnn import nn, probe, trace
    >>> ones = nn.Conv2d.of(np.ones((1, 1, 3, 3)))
    >>> net = nn.Sequential(ones, ones)
    >>> found = probe.effective_field(net, trace(net, np.ones((1, 1, 8, 9))), "conv2", (1, 2))
    >>> figure = field_on_photo(np.zeros((8, 9, 3)), found)
    >>> figure.legends[0].get_texts()[0].get_text()
    '1  (1, 2) of conv2 sees 25 pixels within 5×5, looks at 25 of them (100 %) within 5×5'

    Raises ShapeError where a field is not that of the photo, ArgumentError for none or more than can be told apart.
    Source: Luo et al. (2016).
    """
    fields = [found] if isinstance(found, EffectiveField) else list(found)
    _check(image, fields)
    lines = [f"{place + 1}  {_sentence(field)}" for place, field in enumerate(fields)]
    theoretical, effective = ([getattr(field, name) for field in fields] for name in ("theoretical_box", "box"))
    if ax is not None:
        outlines_on(ax, _tinted(image, fields), [*theoretical, *effective], _looks(len(fields)))
        ax.set_title(title, fontsize=NORMAL, color=INK, loc="left")
        ax.legend(_handles(len(fields)), lines, fontsize=SMALL, loc="upper center", bbox_to_anchor=(0.5, -0.08), frameon=False)
        return ax
    side, foot = 4.3, 0.19 * len(fields) + 0.55  # inches
    below = f"Numbers at their place on the {times(image.shape[:2])} photo; effective are pixels above 1 - 95.45 % of the largest weight."
    figure = picture(10, foot + side + 1.0, title, below)
    left, right = (axes(figure, x, foot, side, side) for x in (0.55, 5.5))
    looks = [(COLOURS[place], DASHES[place], str(place + 1)) for place in range(len(fields))]
    outlines_on(left, image, theoretical, looks)
    outlines_on(right, _tinted(image, fields), effective, looks)
    left.set_title("theoretical: the pixels it is computed from", fontsize=NORMAL, color=INK, loc="left")
    right.set_title("effective: the pixels whose gradient counts, tinted", fontsize=NORMAL, color=INK, loc="left")
    wide, high = figure.get_size_inches()
    place = {"loc": "lower left", "bbox_to_anchor": (0.4 / wide, 0.02 / high)}
    look = {"frameon": False, "fontsize": SMALL, "handlelength": 4.5, "labelspacing": 0.35, "borderpad": 0.2}
    figure.legend(_handles(len(fields)), lines, **place, **look)
    return figure


def _looks(count: int) -> list[tuple]:
    """Return colour, dashes and number of theoretical boxes, then of effective ones."""
    return [(COLOURS[at], dash, str(at + 1)) for dash in (DASHED, "-") for at in range(count)]


def _handles(count: int) -> list[Line2D]:
    return [Line2D([], [], color=COLOURS[at], linestyle=DASHES[at], linewidth=2) for at in range(count)]


def _check(image, fields: list) -> None:
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3:
        received = f"shape {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ShapeError(f"{WHAT}: a photo is (H, W, 3) in [0, 1], but it is {received}; pass load.to_hwc(x, mean, std).")
    if not 1 <= len(fields) <= len(COLOURS):
        raise ArgumentError(f"{WHAT}: 1 to {len(COLOURS)} fields can be told apart, but {len(fields)} were given.")
    for field in fields:
        if not isinstance(field, EffectiveField):
            raise ArgumentError(f"{WHAT}: a field is what probe.effective_field returned, but it is a {type(field).__name__}.")
        if field.weight.shape != image.shape[:2]:
            raise ShapeError(
                f"{WHAT}: the field of {field.node!r} must be that of this photo, {times(image.shape[:2])}, but it is {times(field.weight.shape)}."
            )


def _tinted(image: np.ndarray, fields: list[EffectiveField]) -> np.ndarray:
    """Return the photo in grey with effective pixels in their number's colour, later ones above."""
    colours = np.repeat((0.35 + 0.65 * image @ np.array([0.299, 0.587, 0.114]))[..., None], 3, axis=2)
    for place in sorted(range(len(fields)), key=lambda at: -fields[at].pixels):  # small ones above
        field = fields[place]
        strength = np.where(field.mask, 0.25 + 0.6 * np.sqrt(field.weight / (field.weight.max() or 1.0)), 0.0)[..., None]
        colours = (1 - strength) * colours + strength * np.array(to_rgb(COLOURS[place]))
    return colours.clip(0, 1)


def _sentence(field: EffectiveField) -> str:
    head = f"{field.at} of {field.node} sees "
    if field.theoretical_box is None:
        return head + "padding only"
    text = f"{head}{int(field.theoretical.sum()):,} pixels within {times(field.theoretical_box.size)}, looks at "
    return text + ("none" if field.box is None else f"{field.pixels:,} of them ({100 * field.share:.0f} %) within {times(field.box.size)}")
