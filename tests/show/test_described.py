"""A figure and its alt text."""

import base64
import io
import re

import pytest
from matplotlib.figure import Figure
from PIL import Image

from minicnn import show
from minicnn.errors import ArgumentError
from minicnn.show.animation import animation
from minicnn.show.style import picture


def image_of(html: str) -> tuple[str, Image.Image]:
    kind, data = re.search(r'src="data:image/(\w+);base64,([^"]+)"', html).groups()
    return kind, Image.open(io.BytesIO(base64.b64decode(data)))


def test_the_image_carries_its_text():
    shown = show.described(picture(3, 2, "title"), 'A "map" of 2 < 3\n  cells.')
    html = shown._repr_html_()
    assert 'alt="A &quot;map&quot; of 2 &lt; 3 cells."' in html
    kind, image = image_of(html)
    assert (kind, image.format, image.size) == ("png", "PNG", (360, 240))
    assert "width:288px;min-width:288px;max-width:100%" in html
    assert repr(shown) == '[figure: A "map" of 2 < 3 cells.]'


def test_a_wide_figure_slides_on_a_phone():
    assert "width:864px;min-width:560px" in show.described(Figure(figsize=(9, 3)), "Wide.")._repr_html_()


def test_a_picture_that_moves():
    gif = animation([picture(1, 1, "a"), picture(1, 1, "b")], 0.5)
    kind, image = image_of(show.described(gif, "Two frames.")._repr_html_())
    assert (kind, image.n_frames) == ("gif", 2)


@pytest.mark.parametrize(
    ("figure", "alt", "error"),
    [
        (
            Figure().subplots(),
            "text",
            r"show\.described: figure is a matplotlib Figure, .* but it is a Axes; the figure of axes is ax\.figure; draw one",
        ),
        ("maps.png", "text", r"but it is a str; draw one"),
        (b"RIFF", "text", r"but it is a bytes"),
        (Figure(), "  ", r"show\.described: alt says in one to three sentences .* but it is '  '; write it"),
        (Figure(), None, r"but it is None"),
    ],
)
def test_mistakes(figure, alt, error):
    with pytest.raises(ArgumentError, match=error):
        show.described(figure, alt)
