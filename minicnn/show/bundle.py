"""Which question: how do the viewer's modules become one script, without a build tool?

Idea: each file imports by name from files beside it.  Walking the imports from main.js, each file after those that it needs, gives an order
in which their texts can stand below each other: names are unique across the files, so the words `import …` and `export` can go.  What is left runs as a
classic script inside a page, or with `export default { render }` behind it as a notebook's module.

Cost: reading a dozen small files, once.  What it does not do: rename, shorten, understand JavaScript; `import * as`, renaming and
default exports are refused.
Source: the ECMAScript specification, section 16.2; anywidget's documentation of _esm.  Next rooms: report.py, stepper.py.
"""

import functools
import re
from importlib.resources import files

from minicnn.errors import UnsupportedError

FIRST = "main.js"
IMPORT = re.compile(r"^import\s+(?P<what>[^;]*?)\s+from\s+[\"']\./(?P<file>[\w.-]+)[\"'];[^\n]*\n", re.MULTILINE)
EXPORT = re.compile(r"^export\s+(?=(?:async\s+)?(?:function|class|const|let)\b)", re.MULTILINE)
EXPORT_LIST = re.compile(r"^export\s*\{[^}]*\};[^\n]*\n", re.MULTILINE)


def viewer(name: str) -> str:
    """Return the text of one of the viewer's files."""
    return files("minicnn.show").joinpath("viewer", name).read_text(encoding="utf-8")


@functools.cache
def order(first: str = FIRST) -> tuple[str, ...]:
    """Return the viewer's scripts, each after those that it imports.

    >>> order()[-1], order().index("dom.js") < order().index("maps.js")
    ('main.js', True)
    """
    found: dict[str, None] = {}

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in found or name in above:  # files that need each other: functions are there before anything is called
            return
        for each in IMPORT.finditer(viewer(name)):
            visit(each["file"], (*above, name))
        found[name] = None

    visit(first, ())
    return tuple(found)


def plain(text: str, name: str = "") -> str:
    """Return a module's text without `import` and `export`.

    >>> plain('import { el } from "./dom.js";\\nexport function maps() {}\\n')
    'function maps() {}\\n'
    """
    for each in IMPORT.finditer(text):
        if not re.fullmatch(r"\{[\w\s,$]*\}", each["what"]) or re.search(r"\bas\b", each["what"]):
            raise UnsupportedError(
                f"bundle: names keep their names when files are joined, but {name} has `import {each['what']}`; import {{ name }}."
            )
    text = EXPORT_LIST.sub("", EXPORT.sub("", IMPORT.sub("", text)))
    if left := re.search(r"^(import|export)\b.*", text, re.MULTILINE):
        raise UnsupportedError(
            f"bundle: a file imports from files beside it and exports functions and constants, but {name} has `{left[0]}`."
        )
    return text


@functools.cache
def joined() -> str:
    """Return the viewer as one text, without imports and exports, that may stand inside an HTML script.

    >>> "function mount(" in joined(), "</script" in joined()
    (True, False)
    """
    return embeddable("\n".join(f"// {name}\n{plain(viewer(name), name)}" for name in order()))


def embeddable(text: str) -> str:
    """Return a script that no part of ends the HTML element that it stands in: in a JavaScript string both spellings mean the same.

    >>> embeddable('"</script><!--"')
    '"<\\\\/script><\\\\!--"'
    """
    return re.sub(r"</(?=script)", r"<\\/", text, flags=re.IGNORECASE).replace("<!--", "<\\!--")


def script() -> str:
    """Return the classic script of a report: it shows what the page holds."""
    return f'(() => {{\n"use strict";\n{joined()}\nboot();\n}})();\n'


def module() -> str:
    """Return the ES module of a notebook's widget."""
    return f"{joined()}\nexport default {{ render }};\n"


def style() -> str:
    """Return the viewer's style sheets as one, viewer.css first: it names the colours that the others use.

    >>> style().startswith(viewer("viewer.css"))
    True
    """
    names = sorted(path.name for path in files("minicnn.show").joinpath("viewer").iterdir() if path.name.endswith(".css"))
    return "\n".join(map(viewer, sorted(names, key=lambda name: name != "viewer.css")))
