"""The page's own reference convolution, run by Node.js, against the engine's."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn

VIEWER = Path(minicnn.__file__).parent / "show" / "viewer"
NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="Node.js is not installed; it runs the page's JavaScript outside a browser")

ANSWERS = """
import { createInterface } from "node:readline";
import { conv2d, outputSize } from "./reference.js";
for await (const line of createInterface({ input: process.stdin })) {
  const { call, given } = JSON.parse(line);
  console.log(JSON.stringify({ conv2d, outputSize }[call](...given)));
}
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Return a function that calls one of reference.js; one process answers all calls, a line each."""
    folder = tmp_path_factory.mktemp("page")
    shutil.copy(VIEWER / "reference.js", folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "answers.js").write_text(ANSWERS)
    with subprocess.Popen(
        [NODE, "answers.js"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as child:

        def ask(call, *given):
            child.stdin.write(json.dumps({"call": call, "given": given}) + "\n")
            child.stdin.flush()
            return json.loads(child.stdout.readline())

        yield ask
        child.stdin.close()
        assert child.wait(10) == 0


def test_a_convolution_worked_by_hand(page):
    x = [[[1, 2, 3], [4, 5, 6]]]
    w = [[[[1, 10]]]]
    assert page("conv2d", x, w, [100]) == [[[121, 132], [154, 165]]]
    assert page("conv2d", x, w, None, [1, 2], [0, 1], [1, 1]) == [[[10, 32], [40, 65]]]  # 0 | 1, 2 | 3: a window begins in the padding
    assert page("conv2d", x, w, None, [1, 1], [0, 0], [1, 2]) == [[[31], [64]]]


def test_output_sizes_are_the_engines(page):
    rules = [(n, k, s, p, d) for n in (5, 9) for k in (1, 2, 3) for s in (1, 2, 3) for p in (0, 1, 3) for d in (1, 2)]
    for n, kernel, stride, padding, dilation in rules:
        window = minicnn.Window.of((kernel, 1), stride, (padding, 0), dilation)
        assert page("outputSize", n, kernel, stride, padding, dilation) == window.output_size((n, 20))[0]
    assert page("outputSize", 2, 5, 1, 1, 1) == 0  # the kernel does not fit


def pairs(low, high):
    return st.tuples(st.integers(low, high), st.integers(low, high))


@st.composite
def convolutions(draw):
    (channels, filters), kernel = draw(pairs(1, 3)), draw(pairs(1, 4))
    stride, padding, dilation = draw(pairs(1, 3)), draw(pairs(0, 3)), draw(pairs(1, 3))
    spans = [d * (k - 1) + 1 - 2 * p for d, k, p in zip(dilation, kernel, padding, strict=True)]
    size = [max(1, span) + draw(st.integers(0, 4)) for span in spans]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.integers(-9, 10, (channels, *size))
    w = rng.integers(-9, 10, (filters, channels, *kernel))
    b = rng.integers(-9, 10, filters) if draw(st.booleans()) else None
    return x, w, b, stride, padding, dilation


@given(convolutions())
def test_the_page_computes_what_the_engine_computes(page, drawn):
    x, w, b, *steps = drawn
    expected = minicnn.conv2d(
        x[None].astype(np.float64),
        w.astype(np.float64),
        None if b is None else b.astype(np.float64),
        **dict(zip(("stride", "padding", "dilation"), steps, strict=True)),
        algorithm="reference",
    )[0]
    found = page("conv2d", x.tolist(), w.tolist(), None if b is None else b.tolist(), *steps)
    np.testing.assert_array_equal(np.array(found, np.float64), expected)
