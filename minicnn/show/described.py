"""Which question: what does a figure say to a reader who does not see it?

Idea: a figure and its alt text are one value, shown as one HTML image that carries both.  Notebooks ask for _repr_html_ and keep
the text in what they export; a script prints the text.

    show.described(show.growth(description), "Resolution falls from 224 to 7 while channels rise from 3 to 1024.")

Cost: one drawing of the figure, when it is shown.  What it does not do: write the text.
Source: W3C, "An alt Decision Tree" (2024).  Next rooms: style.py, files.py.
"""

import base64
import io
from dataclasses import dataclass
from html import escape

from matplotlib.figure import Figure

from minicnn.errors import ArgumentError

__all__ = ["Described", "described"]

LEAST = 560  # pixels: a narrower page slides the figure sideways, since its words could not be read
PER_INCH = 96  # CSS pixels
ENDINGS = {b"\x89PNG": "png", b"GIF8": "gif", b"\xff\xd8\xff\xe0": "jpeg", b"\xff\xd8\xff\xe1": "jpeg"}


@dataclass(frozen=True, eq=False)
class Described:
    """A picture with its alt text; the last line of a notebook's cell shows it."""

    picture: Figure | bytes
    alt: str

    def __repr__(self):
        return f"[figure: {self.alt}]"

    def _repr_html_(self) -> str:
        data, kind, width = self._image()
        look = f"display:block;width:{width}px;min-width:{min(width, LEAST)}px;max-width:100%;height:auto;background:#fff"
        source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
        return (
            '<div role="group" aria-label="figure" tabindex="0" style="overflow-x:auto;max-width:100%">'
            f'<img alt="{escape(self.alt)}" src="{source}" style="{look}"></div>'
        )

    def _image(self) -> tuple[bytes, str, int]:
        """Return the bytes of a picture, their format, and how many CSS pixels wide it is."""
        if isinstance(self.picture, bytes):
            from PIL import Image

            with Image.open(io.BytesIO(self.picture)) as image:
                return self.picture, ENDINGS[self.picture[:4]], image.width
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        stream = io.BytesIO()
        FigureCanvasAgg(self.picture).print_png(stream)
        return stream.getvalue(), "png", round(float(self.picture.get_figwidth()) * PER_INCH)


def described(figure, alt: str) -> Described:
    """Return a figure together with the text that says what is to be seen in it.

    figure : a matplotlib Figure, or the bytes of a PNG, GIF or JPEG file     alt : one to three sentences
    Raises ArgumentError for what is no figure, or for a missing text.  Source: W3C, "An alt Decision Tree" (2024).

    >>> from minicnn.show.style import picture
    >>> described(picture(2, 1, "title"), "An empty figure, 2 by 1 inches.")
    [figure: An empty figure, 2 by 1 inches.]
    """
    if not isinstance(figure, Figure) and not (isinstance(figure, bytes) and figure[:4] in ENDINGS):
        hint = "; the figure of axes is ax.figure" if hasattr(figure, "get_figure") else ""
        raise ArgumentError(
            f"show.described: figure is a matplotlib Figure, or the bytes of a PNG, GIF or JPEG file, "
            f"but it is a {type(figure).__name__}{hint}; draw one, such as show.map_grid(trace['conv1'])."
        )
    if not isinstance(alt, str) or not alt.strip():
        raise ArgumentError(
            f"show.described: alt says in one to three sentences what is to be seen, but it is {alt!r}; write it for who does not see the figure."
        )
    return Described(figure, " ".join(alt.split()))
