"""What a notebook shows of a map, a trace and a network: small, escaped, and true."""

import base64
import io
import re
import subprocess
import sys

import numpy as np
import pytest
from nets import branching, crooked, one_node
from PIL import Image

from minicnn import models, nn, trace
from minicnn.network.notebook import MOST_BYTES, short
from minicnn.network.thumbnail import COLOURS, palette, picture
from minicnn.text import Markup, html_table, png

BAD = '<img src=x onerror="alert(1)">&'


def images(text):
    found = re.findall(r'<img src="data:image/png;base64,([^"]*)"', text)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(each))).convert("RGB")) for each in found]


def cells(text):
    """Return the cells of a table, row by row."""
    rows = re.findall(r"<tr>(.*?)</tr>", text)
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in rows]


@pytest.fixture(scope="module")
def lite():
    net = models.efficientnet_lite0(rng=np.random.default_rng(0))
    return trace(net, np.random.default_rng(1).standard_normal((1, 3, 224, 224), np.float32))


def test_a_trace_of_143_nodes_is_small_and_whole(lite):
    text = lite._repr_html_()
    assert len(text.encode()) < 50_000
    rows = cells(text)
    assert [row[0] for row in rows[1:]] == [each.name for each in lite]
    s = lite["stem.bn"].statistics
    assert rows[3][:7] == ["stem.bn", "pre-activation", "1×32×112×112", *(f"{value:.3g}" for value in (s.mean, s.std, s.min, s.max))]
    assert len(images(text)) == 8
    assert "144 maps, 80.0 MB" in text


def test_every_map_and_network_is_small(lite):
    for each in lite:
        assert len(each._repr_html_().encode()) < 50_000
    assert len(lite.net._repr_html_().encode()) < 50_000


def test_a_map_has_its_statistics_and_its_channels():
    _, found = crooked()
    text = found["wide.relu"]._repr_html_()
    assert cells(text)[1][:3] == ["wide.relu", "activation", "1×5×11×31"]
    assert "all 5; one colour scale" in text
    (image,) = images(text)
    assert image.shape == (10, 28 * 5 + 4, 3)  # 31 columns at 28, 11 rows at 10
    x = np.zeros((1, 100, 4, 5), np.float32)
    x[0, 60:] = np.random.default_rng(0).random((40, 4, 5)) - 0.5
    text = one_node(x)[1]["x"]._repr_html_()
    assert "the 24 of 100 that vary most" in text
    assert "white is 0" in text
    assert images(text)[0].shape == (9, 12 * 6 - 1, 3)


def test_colours():
    rectified = np.array([[[0.0, 6.0, np.nan]]])
    colours = np.frombuffer(palette(False), np.uint8).reshape(-1, 3)
    (low, high, odd), *_ = np.asarray(Image.open(io.BytesIO(picture(rectified, 1, signed=False))).convert("RGB"))
    assert (low.tolist(), high.tolist(), odd.tolist()) == ([68, 1, 84], [253, 231, 37], [255, 0, 255])
    assert len(colours) == COLOURS + 2
    signed = np.asarray(Image.open(io.BytesIO(picture(np.array([[[-2.0, 0.0, 2.0]]]), 1, signed=True))).convert("RGB"))[0]
    assert signed[0, 2] > signed[0, 0]  # blue below zero
    assert signed[1].min() > 230  # white at zero
    assert signed[2, 0] > signed[2, 2]  # red above


def test_a_network_shows_its_nodes_and_first_filters():
    net = models.lenet5(weights="pretrained")
    text = net._repr_html_()
    assert [row[0] for row in cells(text)[1:]] == [node.name for node in net]
    assert cells(text)[1] == ["c1", "Conv2d(1, 6, kernel_size=5)", "x", "156"]
    assert "12 nodes, 61,706 parameters" in text
    assert images(text)[0].shape == (5, 6 * 6 - 1, 3)
    shared = nn.ReLU()
    conv = nn.Conv2d(2, 2, 1)
    twice = nn.Sequential(("a", conv), ("b", shared), ("c", conv), ("d", shared))
    assert [row[3] for row in cells(twice._repr_html_())[1:]] == ["6", "", "", ""]
    assert images(models.build("vgg11")._repr_html_()) == []  # shapes only: there is nothing to see


def test_filters_of_three_channels_are_in_colour():
    weight = np.zeros((2, 3, 2, 2), np.float32)
    weight[0, 0], weight[1, 2] = 1, -1  # red; less blue
    (image,) = images(nn.Sequential(nn.Conv2d.of(weight))._repr_html_())
    assert image[0, 0].tolist() == [255, 127, 127]
    assert image[0, 3].tolist() == [127, 127, 0]


def test_names_are_escaped():
    net = nn.Sequential((BAD, nn.Conv2d(1, 2, 3)))
    found = trace(net, np.ones((1, 1, 5, 6), np.float32))
    for text in (net._repr_html_(), found._repr_html_(), found[BAD]._repr_html_()):
        assert "onerror=&quot;" in text
        assert "<img src=x" not in text


def test_long_tables_are_cut_in_the_middle_and_say_so():
    net = nn.Sequential(*[(f"{'&' * 60}{number}", nn.ReLU()) for number in range(700)])
    found = trace(net, np.ones((1, 1, 5, 6), np.float32))
    for text in (net._repr_html_(), found._repr_html_()):
        assert len(text.encode()) < MOST_BYTES
        assert re.search(r"… \d+ more …", text)
        assert f"…{'&amp;' * 20}" in text
        assert "699" in text
    assert short("a" * 100, 11) == "aaaaa…aaaaa"


def test_odd_maps():
    net, found = branching()
    for each in (*found, *one_node(np.full((1, 2, 3, 4), np.nan))[1], *one_node(np.zeros((0, 1, 2, 2)))[1], *one_node(np.zeros((2, 7)))[1]):
        assert each._repr_html_().startswith("<style>div.minicnn-shown ")
    assert "pool:indices" in found._repr_html_()
    assert "b, sum" not in net._repr_html_()


def test_no_picture_library_is_loaded():
    code = (
        "import sys, numpy as np; from minicnn import nn, trace; net = nn.Sequential(nn.Conv2d(1, 2, 3)); "
        "t = trace(net, np.ones((1, 1, 5, 6), np.float32)); net._repr_html_(); t._repr_html_(); t['conv1']._repr_html_(); "
        "print(*[m for m in ('matplotlib', 'PIL') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


# the bits in text.py


def test_a_png_is_a_png():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 5, 3), dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png(pixels.tobytes(), 5, 3)))), pixels)
    places = np.array([[0, 1, 2], [2, 1, 0]], np.uint8)
    read = Image.open(io.BytesIO(png(places.tobytes(), 3, 2, bytes([9, 8, 7, 6, 5, 4, 3, 2, 1])))).convert("RGB")
    np.testing.assert_array_equal(np.asarray(read)[0], [[9, 8, 7], [6, 5, 4], [3, 2, 1]])


def test_tables_escape_all_but_markup():
    text = html_table(("<a>", "n"), [("<b>", 3), (Markup("<i>x</i>"), "")], align="lr")
    assert cells(text) == [["&lt;a&gt;", "n"], ["&lt;b&gt;", "3"], ["<i>x</i>", ""]]
    assert '<td align="right">3</td>' in text
