"""Which question: how do figures become a picture that moves?

Idea: all frames share one palette, taken from the middle one, so that a pixel that stands still is the same number in every frame, which
a GIF leaves out.

Cost: one drawing of each figure, and a table of 16 MB while colours are looked up.
What it does not do: photos, which have more colours than a palette.
Source: GIF89a specification (CompuServe, 1990); Pillow's documentation of saving GIFs.  Next room: files.py.
"""

import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from minicnn.show.files import SIGNATURE
from minicnn.show.style import Picture

SHADES = 64  # colours
HOLD = 3  # times as long as others, the last frame


def animation(frames: list[Picture], seconds: float) -> bytes:
    """Return frames as a GIF that begins again; all share one palette, so that what stands still takes no room.

    >>> from minicnn.show.style import picture
    >>> animation([picture(1, 1, "a"), picture(1, 1, "b")], 0.5)[:6]
    b'GIF89a'
    """
    from PIL import Image

    pixels = []
    for figure in frames:
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        pixels.append(np.asarray(canvas.buffer_rgba())[..., :3].copy())
    middle = Image.fromarray(pixels[len(pixels) // 2]).quantize(SHADES, dither=Image.Dither.NONE)
    palette = np.array(middle.getpalette(), np.int64).reshape(-1, 3)
    images = [Image.fromarray(places) for places in _nearest(pixels, palette)]
    for image in images:
        image.putpalette(palette.astype(np.uint8).tobytes())
    milliseconds = round(1000 * seconds)
    durations = [milliseconds] * (len(images) - 1) + [HOLD * milliseconds]
    options = {"duration": durations if len(images) > 1 else milliseconds, "loop": 0, "optimize": True, "comment": SIGNATURE.encode()}
    stream = io.BytesIO()
    images[0].save(stream, "GIF", save_all=True, append_images=images[1:], **options)
    return stream.getvalue()


def _nearest(images: list[np.ndarray], palette: np.ndarray) -> list[np.ndarray]:
    """Return for each pixel the place of the palette's nearest colour; Pillow's own search is coarser, and turns white grey.

    >>> _nearest([np.array([[[255, 255, 255], [9, 0, 0]]], np.uint8)], np.array([[0, 0, 0], [255, 255, 255]]))[0].tolist()
    [[1, 0]]
    """
    packed = [image[..., 0].astype(np.uint32) << 16 | image[..., 1].astype(np.uint32) << 8 | image[..., 2] for image in images]
    table = np.zeros(1 << 24, np.uint8)  # by colour: whether it occurs, then where its nearest stands
    for each in packed:
        table[each] = 1
    found = np.flatnonzero(table)
    parts = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1)
    table[found] = ((parts[:, None] - palette) ** 2).sum(axis=2).argmin(axis=1)
    return [table[each] for each in packed]
