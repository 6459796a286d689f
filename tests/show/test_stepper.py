"""The widget: what Python answers to the page, and what it is given to begin with."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from nets import branching, crooked, one_node

from minicnn import show
from minicnn.errors import ArgumentError, UnknownNameError, UnsupportedError
from minicnn.probe import explain
from minicnn.show import bundle
from minicnn.show.encoded import jsonable
from minicnn.show.stepper import MODES, answer, begin


@pytest.fixture(scope="module")
def built():
    return crooked()


# answers


def test_a_number_is_explained(built):
    net, found = built
    said, buffers = answer(net, found, {"id": "a-1", "kind": "explain", "node": "deep.conv", "channel": 3, "at": [0, 4]})
    assert said == {"id": "a-1", "value": jsonable(explain(net, found, "deep.conv", 3, (0, 4)).to_dict())}
    assert buffers == []
    json.dumps(said, allow_nan=False)


def test_a_number_without_a_position(built):
    said, _ = answer(*built, {"id": 2, "kind": "explain", "node": "classes", "channel": 1, "at": None})
    assert said["value"]["stored"] == built[1]["classes"].data[0, 1]


def test_a_map_is_sent_as_it_is(built):
    net, found = built
    said, (numbers,) = answer(net, found, {"id": 3, "kind": "map", "node": "pool", "channel": 4})
    stored = found["pool"].data[0, 4]
    assert said == {"id": 3, "value": {"rows": stored.shape[0], "columns": stored.shape[1], "exact": True}}
    np.testing.assert_array_equal(np.frombuffer(numbers, "<f4").reshape(stored.shape), stored)


def test_maps_of_other_dtypes_are_rounded_and_say_so():
    net, found = branching()
    for name in ("left", "pool:indices"):
        said, (numbers,) = answer(net, found, {"id": 4, "kind": "map", "node": name, "channel": 0})
        assert said["value"]["exact"] is False
        np.testing.assert_array_equal(np.frombuffer(numbers, "<f4"), found[name].data[0, 0].astype(np.float32).ravel())


def test_numbers_that_are_not_finite_are_words():
    net, found = one_node(np.array([[[[np.nan, np.inf]]]], np.float32))
    said, _ = answer(net, found, {"id": 5, "kind": "explain", "node": "relu1", "channel": 0, "at": [0, 1]})
    assert said["value"]["stored"] == "Infinity"
    _, (numbers,) = answer(net, found, {"id": 6, "kind": "map", "node": "relu1", "channel": 0})
    np.testing.assert_array_equal(np.frombuffer(numbers, "<f4"), [np.nan, np.inf])


@pytest.mark.parametrize(
    ("question", "error"),
    [
        ({"kind": "explain", "node": "conv9", "channel": 0, "at": [0, 0]}, "explain: there is no map 'conv9' in this trace"),
        ({"kind": "explain", "node": ["pool"], "channel": 0}, "explain: there is no map"),
        ({"kind": "explain", "node": "pool", "channel": 0, "at": [0, 99]}, "columns, but column 99 was asked for"),
        ({"kind": "explain", "node": "pool", "channel": "0", "at": [0, 0]}, "channel must be a whole number"),
        (
            {"kind": "map", "node": "pool", "channel": 5},
            "show.stepper: the map 'pool' has 5 channels, but channel 5 was asked for; use 0 … 4.",
        ),
        ({"kind": "map", "node": "pool", "channel": None}, "show.stepper: channel must be a whole number, but it is None"),
        ({"kind": "map", "node": 3, "channel": 0}, "show.stepper: there is no map 3 in this trace."),
        ({"kind": "run"}, "show.stepper: the page asks 'explain' or 'map', but it asked 'run'."),
        ({}, "but it asked None."),
    ],
)
def test_what_cannot_be_answered_is_told(built, question, error):
    said, buffers = answer(*built, {"id": 7, **question})
    assert said["id"] == 7
    assert error in said["error"]
    assert buffers == []


def test_a_message_that_is_none_is_told(built):
    assert answer(*built, "hello")[0]["id"] is None


# where it begins


def test_it_begins_at_the_largest_number(built):
    net, found = built
    data = found["pool"].data[0]
    c, i, j = map(int, np.unravel_index(data.argmax(), data.shape))
    assert begin(net, found, "pool", None, None, "step") == {"tab": "step", "node": "pool", "channel": c, "at": [i, j]}
    i, j = map(int, np.unravel_index(data[1].argmax(), data[1].shape))
    assert begin(net, found, "pool", 1, None, "maps") == {"tab": "maps", "node": "pool", "channel": 1, "at": [i, j]}
    assert begin(net, found, "pool", None, (2, 3), "step")["channel"] == data[:, 2, 3].argmax()
    assert begin(net, found, "classes", None, None, "step") == {
        "tab": "step",
        "node": "classes",
        "channel": int(found["classes"].data[0].argmax()),
        "at": [],
    }
    assert begin(net, found, None, None, None, "overview") == {"tab": "overview"}


def test_mistakes(built):
    net, found = built
    with pytest.raises(UnknownNameError, match=r"show\.stepper: there is no map 'pol' in this trace\. Did you mean 'pool'\?"):
        show.stepper(net, found, "pol")
    with pytest.raises(ArgumentError, match=r"show\.stepper: the map 'pool' has 5 channels, but channel 9 was asked for"):
        show.stepper(net, found, "pool", 9)
    with pytest.raises(ArgumentError, match=r"show\.stepper: the map 'pool' has the shape .* but at is \(1,\)"):
        show.stepper(net, found, "pool", None, 1)
    with pytest.raises(ArgumentError, match=r"show\.stepper: channel and at are places in a map, so node must be given"):
        show.stepper(net, found, channel=3)
    with pytest.raises(ArgumentError, match=r"show\.stepper: mode must be one of 'step', 'overview'"):
        show.stepper(net, found, mode="play")
    with pytest.raises(ArgumentError, match=r"show\.stepper: the second argument is what trace"):
        show.stepper(net, found["pool"])
    with pytest.raises(ArgumentError, match=r"show\.stepper: the trace must be of this network"):
        show.stepper(one_node()[0], found)


def test_the_extra_names_itself(built, monkeypatch):
    from minicnn.show.stepper import _widget_class

    _widget_class.cache_clear()
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(UnsupportedError, match=r'needs the package anywidget.*pip install "minicnn-engine\[lessons\]"'):
        show.stepper(*built)
    _widget_class.cache_clear()


def test_importing_show_does_not_need_anywidget():
    code = (
        "import sys; sys.modules['anywidget'] = None; from minicnn import show; print('report' in show.__all__, 'traitlets' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("True False\n", "")


# the widget itself


@pytest.fixture
def widget(built):
    pytest.importorskip("anywidget", reason='anywidget is not installed: pip install "minicnn-engine[lessons]"')
    return show.stepper(*built, "pool", 1, (2, 3), photo=np.zeros((22, 31, 3)))


def test_it_carries_the_page_and_where_it_begins(widget, built):
    assert widget.state == {"tab": "step", "node": "pool", "channel": 1, "at": [2, 3]}
    assert [node["name"] for node in widget.payload["nodes"]] == [each.name for each in built[1]]
    assert all(node["explained"] == {} for node in widget.payload["nodes"])
    assert widget.payload["inputs"][0]["picture"].startswith("data:image/png;base64,")
    assert {"payload", "state"} <= set(widget.keys)
    state = widget.get_state()
    assert state["_esm"].endswith("export default { render };\n")
    assert state["_css"] == bundle.style()


def test_it_answers_its_page(widget, monkeypatch):
    sent = []
    monkeypatch.setattr(type(widget), "send", lambda own, content, buffers=None: sent.append((content, buffers)))
    widget._handle_custom_msg({"id": "q-1", "kind": "map", "node": "pool", "channel": 2}, [])
    widget._handle_custom_msg({"id": "q-2", "kind": "map", "node": "pool", "channel": 99}, [])
    assert sent[0][0]["id"] == "q-1"
    assert len(sent[0][1]) == 1
    assert "99 was asked for" in sent[1][0]["error"]


def test_every_mode_is_a_tab_of_the_page():
    tabs = re.search(r"^const TABS = \[(.*?)^\];", bundle.viewer("main.js"), re.MULTILINE | re.DOTALL)[1]
    assert set(MODES) == set(re.findall(r'^  \["(\w+)", "', tabs, re.MULTILINE))


def test_the_page_begins_there():
    assert re.search(r'export function render\(\{ model[^}]*\}\) \{[^}]*state: model\.get\("state"\)', bundle.viewer("main.js"))
