"""The viewer's files as one script: nothing of the module syntax left, no name twice, valid JavaScript."""

import re
import shutil
import subprocess
from collections import Counter

import pytest

from minicnn.errors import UnsupportedError
from minicnn.show import bundle

DECLARED = re.compile(r"^(?:export\s+)?(?:async\s+)?(?:function\*?|class|const|let|var)\s+([\w$]+)", re.MULTILINE)
EXPORTED = re.compile(r"^export\s+(?:async\s+)?(?:function\*?|class|const|let)\s+([\w$]+)", re.MULTILINE)


def test_every_file_is_joined_after_those_it_needs():
    names = bundle.order()
    assert names[-1] == "main.js"
    assert {"dom.js", "colour.js", "fields.js", "source.js", "step.js", "reference.js"} <= set(names)
    assert len(set(names)) == len(names)


def test_no_module_syntax_is_left():
    text = bundle.joined()
    assert not re.search(r"^\s*(import|export)\b", text, re.MULTILINE)
    assert "</script" not in text
    assert "<!--" not in text
    assert bundle.module().count("export default { render };") == 1


def test_no_name_is_declared_twice():
    owners = {}
    for name in bundle.order():
        for declared in DECLARED.findall(bundle.viewer(name)):
            owners.setdefault(declared, []).append(name)
    assert {declared: files for declared, files in owners.items() if len(files) > 1} == {}


def test_every_imported_name_is_exported():
    exported = {name: set(EXPORTED.findall(bundle.viewer(name))) for name in bundle.order()}
    for name in bundle.order():
        for each in bundle.IMPORT.finditer(bundle.viewer(name)):
            wanted = {word.strip() for word in each["what"].strip("{} ").split(",") if word.strip()}
            assert wanted <= exported[each["file"]], f"{name} imports {wanted - exported[each['file']]} from {each['file']}"


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed; it reads the page's JavaScript outside a browser")
def test_the_script_and_the_module_are_valid(tmp_path):
    for name, text in (("script.js", bundle.script()), ("module.mjs", bundle.module())):
        (tmp_path / name).write_text(text, encoding="utf-8")
        done = subprocess.run(["node", "--check", name], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_imports_and_exports_go():
    text = 'import {\n  el,\n  svg,\n} from "./dom.js"; // both\nexport const A = 1;\nexport async function f() {}\nexport { A };\nconst exported = 2;\n'
    assert bundle.plain(text) == "const A = 1;\nasync function f() {}\nconst exported = 2;\n"


@pytest.mark.parametrize("line", ["import * as dom from './dom.js';", "import dom from './dom.js';", "import { el as e } from './dom.js';"])
def test_names_keep_their_names(line):
    with pytest.raises(UnsupportedError, match=r"bundle: names keep their names when files are joined, but maps.js has `import"):
        bundle.plain(line + "\n", "maps.js")


@pytest.mark.parametrize("line", ['import "./dom.js";', "export default f;", "export * from './dom.js';"])
def test_what_is_left_is_refused(line):
    with pytest.raises(UnsupportedError, match=r"exports functions and constants, but maps.js has `(import|export)"):
        bundle.plain(line + "\n", "maps.js")


def test_no_string_ends_the_script():
    assert bundle.embeddable("'</script>' + '</SCRIPT>' + '<!--' + '</p>'") == r"'<\/script>' + '<\/SCRIPT>' + '<\!--' + '</p>'"


def test_the_style_asks_for_nothing():
    assert not re.search(r"url\(|@import", bundle.style())
    assert Counter(bundle.style())["{"] == Counter(bundle.style())["}"]
