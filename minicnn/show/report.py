"""Which question: how can a network on a photo be looked at, anywhere, in one file?

Idea: what there is to show (payload.py) is deflated and put into one HTML file beside the script and the style that show it
(bundle.py).  The page names no other file and no host, and its Content-Security-Policy forbids it to ask one: it runs only the script and the style
whose hashes it lists.  What came from outside, names of nodes and of photos, is text, never markup.

Cost: half a second and 4 MB for EfficientNet-Lite0; full=True holds every map of the first image, deflated about as large as the maps are.
What it does not do: compute anything when it is opened.
Source: Content Security Policy Level 3 (W3C); RFC 1950 (zlib), which browsers inflate.  Next rooms: payload.py, bundle.py.
"""

import json
import zlib
from base64 import b64encode
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template

from minicnn import check
from minicnn.errors import ArgumentError
from minicnn.load.whole import places, written
from minicnn.network import Network, Trace
from minicnn.show import bundle
from minicnn.show.payload import payload
from minicnn.text import count

ENDINGS = (".html", ".htm")


def report(net: Network, trace: Trace, path, *, photo=None, title: str | None = None, full: bool = False, overwrite: bool = False) -> Path:
    """Write one HTML file that shows a network on its input, map by map and number by number; return its path.

    Parameters
    ----------
    net, trace : a network and what trace(net, x) returned
    path : the file, .html; written whole or not at all
    photo : the picture of the first input, (rows, columns, 3) in [0, 1] or bytes; without it the array is turned back
    title : what stands on top
    full : hold every map of the first image in float32, and print the file's size, instead of thumbnails and twelve maps
    overwrite : replace a file that is there

    >>> import tempfile
    >>> import numpy as np
    >>> from minicnn import nn, trace
    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = report(net, trace(net, np.ones((1, 3, 8, 9), np.float32)), Path(folder, "report.html"))
    ...     file.name, file.stat().st_size < 400_000
    ('report.html', True)

    Raises ArgumentError for a trace of another network, a file that is there or no .html; ShapeError for a photo of another size;
    UnknownNameError where maps were let go; FileFormatError where nothing can be written.
    """
    what = "show.report"
    check.flag(full, "full", what), check.flag(overwrite, "overwrite", what)
    file = places(path, overwrite, what)  # a name that cannot be written to is told before anything is made
    if file.suffix.lower() not in ENDINGS:
        raise ArgumentError(f"{what}: a report is written as HTML, but the file is called {file.name!r}; call it {file.stem}.html.")
    if title is not None and not isinstance(title, str):
        raise ArgumentError(f"{what}: title is text, but it is a {type(title).__name__}.")
    text = page(payload(net, trace, photo=photo, title=title, full=full, what=what), level=1 if full else 6).encode()
    written(path, lambda stream: stream.write(text), overwrite=overwrite, what=what)
    if full:
        print(f"{Path(path).name}: {count(len(text), 'B')}, every number of {len(trace)} maps")
    return Path(path)


def page(shown: dict, level: int = 6) -> str:
    """Return the page that shows a payload, as text."""
    script, style = bundle.script(), bundle.style()
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; style-src-attr 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return Template(bundle.viewer("report.html")).substitute(
        policy=policy,
        made_by=escape(shown["made_by"]),
        title=escape(shown["title"]),
        held=escape(shown["held"]),
        style=style,
        script=script,
        payload=deflated(shown, level),
    )


def deflated(shown: dict, level: int = 6) -> str:
    """Return plain data as JSON, deflated, in base64.

    >>> from base64 import b64decode
    >>> zlib.decompress(b64decode(deflated({"a": 1})))
    b'{"a":1}'
    """
    text = json.dumps(shown, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    return b64encode(zlib.compress(text.encode("utf-8", "replace"), level)).decode()


def _hash(text: str) -> str:
    """Return what a Content-Security-Policy calls an inline script or style by."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
