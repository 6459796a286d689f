"""What a page is given: facts, pictures in few bytes, tables that lead back to pixels, numbers with their terms."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from nets import bordered, branching, crooked, one_node, shifted

from minicnn import describe, models, nn, trace
from minicnn.errors import ArgumentError, ShapeError, UnknownNameError
from minicnn.network.geometry import grid
from minicnn.network.thumbnail import planes, quantised, shrunk
from minicnn.show import held, units
from minicnn.show.blocks import blocks
from minicnn.show.encoded import decoded
from minicnn.show.payload import payload
from minicnn.show.positions import Sight
from minicnn.show.units import fitting, key


def made(built, **options):
    net, found = built
    return payload(net, found, **options)


def node_of(page, name):
    return next(node for node in page["nodes"] if node["name"] == name)


def values_of(levels):
    """Return the numbers that levels stand for."""
    data = decoded(levels["data"]).astype(np.float64)
    return np.where(data > 252, np.nan, levels["lo"] + (levels["hi"] - levels["lo"]) * data / 252)


@pytest.fixture(scope="module")
def built():
    return crooked()


@pytest.fixture(scope="module")
def page(built):
    return made(built)


# facts


def test_it_is_json(page):
    assert json.loads(json.dumps(page, allow_nan=False)) == page
    assert page["format"] == 1
    assert page["made_by"].startswith("minicnn ")


def test_every_map_in_order_with_what_describe_says(built, page):
    net, found = built
    assert [node["name"] for node in page["nodes"]] == ["x", *(node.name for node in net)]
    facts = describe(net, (3, 22, 31))
    for node, row in zip(page["nodes"], facts, strict=True):
        assert (node["shape"], node["inputs"]) == (list(row.shape), list(row.inputs))
        assert (node["parameters"], node["multiply_adds"], node["bytes"]) == (row.parameters, row.multiply_adds, row.bytes)
        assert node["field"] == {"text": str(row.field), **row.field.to_dict()}
        assert node["what"] == found[row.name].kind
    assert page["nodes"][0] | {"layer": None, "kind": "input", "axes": [], "explained": {}} == page["nodes"][0]
    assert node_of(page, "wide.conv")["layer"] == "Conv2d(3, 5, kernel_size=(5, 3), stride=(2, 1), padding=(2, 1))"


def test_statistics_and_channels(built, page):
    for node, each in zip(page["nodes"], built[1], strict=True):
        s, own = each.statistics, planes(each.data)
        assert [node["statistics"][name] for name in ("mean", "std", "min", "max", "zeros")] == [s.mean, s.std, s.min, s.max, s.zeros]
        flat = own.reshape(len(own), -1)
        np.testing.assert_allclose(decoded(node["channels"]["mean"]), flat.mean(1), rtol=1e-5, atol=1e-7)
        np.testing.assert_array_equal(decoded(node["channels"]["max"]), flat.max(1))
        np.testing.assert_array_equal(decoded(node["channels"]["min"]), flat.min(1))
        np.testing.assert_allclose(decoded(node["channels"]["zeros"]), (flat == 0).mean(1), rtol=1e-6)
        assert sum(node["histogram"]["counts"]) == each.data.size
        assert len(node["histogram"]["edges"]) == len(node["histogram"]["counts"]) + 1


# thumbnails


def test_area_means_by_hand():
    x = np.array([[0.0, 2.0, 4.0], [6.0, 8.0, 10.0], [12.0, 14.0, 16.0]])
    np.testing.assert_array_equal(shrunk(x, (2, 2)), [[4, 6], [10, 12]])  # cells 0…1 and 1…2, as in adaptive pooling
    np.testing.assert_array_equal(shrunk(x, (3, 1)), [[2], [8], [14]])
    np.testing.assert_array_equal(shrunk(np.arange(8.0)[None], (1, 2)), [[1.5, 5.5]])


def test_thumbnails_are_adaptive_pooling():
    from minicnn import functional as F

    x = np.random.default_rng(0).random((1, 2, 61, 90))
    np.testing.assert_allclose(shrunk(x, (19, 28)), F.adaptive_avg_pool2d(x, (19, 28)), rtol=1e-12)


@given(arrays.arrays(st.sampled_from([np.float32, np.float64]), (3, 4), elements=st.floats(width=32)))
def test_levels_stay_within_half_a_step(x):
    levels = quantised(x)
    finite = np.isfinite(x)
    assert [{253: "nan", 254: "inf", 255: "-inf"}[level] for level in levels.data[~finite]] == [str(each) for each in x[~finite]]
    if finite.any():
        back = levels.lo + (levels.hi - levels.lo) * levels.data[finite].astype(np.float64) / 252
        slack = 1e-5 * (abs(levels.lo) + abs(levels.hi))  # float32 has seven digits
        assert (np.abs(back - x[finite]) <= levels.error + slack).all()
        assert (levels.data[finite] <= 252).all()


def test_thumbnails_are_what_they_say(built, page):
    for node, each in zip(page["nodes"], built[1], strict=True):
        small = node["thumbnails"]
        own = planes(each.data)[small["channels"]]
        wanted = shrunk(own, (small["rows"], small["columns"]))
        assert decoded(small["data"]).shape == wanted.shape
        step = (small["hi"] - small["lo"]) / 252
        np.testing.assert_allclose(values_of(small), wanted, rtol=1e-5, atol=0.5 * step + 1e-6)


def test_a_map_that_does_not_fit_keeps_the_channels_that_vary_most():
    x = np.zeros((1, 2048, 56, 56), np.float32)
    x[0, 7::100, ::2] = np.arange(21)[:, None, None] + 1
    page = made(one_node(x))
    small = page["nodes"][0]["thumbnails"]
    assert len(small["channels"]) < 1024
    assert set(range(7, 2048, 100)) <= set(small["channels"])
    assert small["channels"] == sorted(small["channels"])
    assert decoded(small["data"]).nbytes <= held.THUMBNAILS / 2 + 784


def test_the_channels_of_explained_numbers_are_held():
    x = np.random.default_rng(0).random((1, 2048, 56, 56), np.float32)
    x[0, 5] = 2  # the largest number stands in a channel that does not vary at all
    node = made(one_node(x))["nodes"][1]
    assert "5,0,0" in node["explained"]
    assert {int(key.split(",")[0]) for key in node["explained"]} <= set(node["thumbnails"]["channels"])
    assert {5} <= set(node["maps"]["channels"])
    assert len(node["thumbnails"]["channels"]) == held.thumbnail_sizes([(2048, 56, 56)] * 2)[1]


def test_shares_are_fair():
    assert held.fair([50, 50, 1000], 300, 1) == [50, 50, 200]
    assert held.fair([1000, 1000], 100, 80) == [80, 80]  # at least so many, if the whole is exceeded
    assert held.fair([], 10, 1) == []


def test_statistics_that_do_not_fit_are_levels_and_it_is_said(monkeypatch):
    built = branching()
    channels = [len(planes(each.data)) for each in built[1]]
    monkeypatch.setattr(held, "CHANNELS", 16 * min(channels) * len(channels))  # room for the maps with the fewest channels alone
    page = made(built)
    coarse = 0
    for node, each in zip(page["nodes"], built[1], strict=True):
        own, mean = planes(each.data), node["channels"]["mean"]
        means = own.reshape(len(own), -1).mean(1)
        if len(own) == min(channels):
            np.testing.assert_allclose(decoded(mean), means, rtol=1e-5, atol=1e-7)
        else:
            coarse += 1
            assert mean["dtype"] == "u1"
            np.testing.assert_allclose(
                values_of({"lo": mean["lo"], "hi": mean["hi"], "data": mean}), means, atol=0.51 * np.ptp(means) / 252 + 1e-7
            )
    assert 0 < coarse < len(channels)
    assert f"statistics of single channels of {coarse} maps are rounded" in page["held"]
    assert "u1" not in {node["channels"]["mean"]["dtype"] for node in made(built, full=True)["nodes"]}


def test_explanations_that_do_not_fit_are_fewer_and_the_way_down_stays(monkeypatch):
    built = net, _ = branching()
    everything = made(built)
    monkeypatch.setattr(units, "fitting", lambda found: fitting(found, 200))
    page = made(built)
    for node, whole in zip(page["nodes"], everything["nodes"], strict=True):
        kept, all_of_them = list(node["explained"]), list(whole["explained"])
        assert kept == all_of_them[: len(kept)]
        assert bool(kept) == bool(all_of_them)
    assert sum(len(node["explained"]) for node in page["nodes"]) < sum(len(node["explained"]) for node in everything["nodes"])
    unit = next(iter(page["nodes"][-1]["explained"].values()))
    while (term := unit["strongest"])["node"] not in net.inputs:
        unit = node_of(page, term["node"])["explained"][key(term["channel"], term["at"])]


def test_whole_maps_are_those_of_stages_with_positions(page, built):
    whole = [node["name"] for node in page["nodes"] if node["maps"]]
    assert whole == ["wide.relu", "pool", "deep.relu"]
    maps = node_of(page, "wide.relu")["maps"]
    stored = built[1]["wide.relu"].data[0]
    assert decoded(maps["data"]).shape == stored.shape
    np.testing.assert_allclose(values_of(maps), stored, atol=0.51 * (maps["hi"] - maps["lo"]) / 252)


def test_twelve_of_many_stages():
    stages = [{"nodes": [f"n{number}"]} for number in range(40)]
    chosen = held.chosen_maps(stages, {f"n{number}": (1, 2, 3, 4) for number in range(40)}, ())
    assert len(chosen) == 12 == len(set(chosen))
    assert (chosen[0], chosen[-1]) == ("n0", "n39")


def test_full_holds_every_number(built):
    page = made(built, full=True)
    for node, each in zip(page["nodes"], built[1], strict=True):
        np.testing.assert_array_equal(decoded(node["maps"]["data"]), planes(each.data))
    assert "every number of 11 maps" in page["held"]
    assert len(node_of(page, "pool")["explained"]) > 20


def test_the_sentence_states_the_largest_error(page):
    errors = []
    for node in page["nodes"]:
        errors += [(part["hi"] - part["lo"]) / 252 / 2 for part in (node["thumbnails"], node["maps"]) if part]
    worst = max(range(len(errors)), key=errors.__getitem__)
    assert f"at most {errors[worst]:.2g} away" in page["held"]
    assert "33 numbers exactly" not in page["held"]
    units = sum(len(node["explained"]) for node in page["nodes"])
    assert f"and {units} numbers exactly, with every term" in page["held"]


# where an output looks


@pytest.mark.parametrize("built", [crooked(), branching(), shifted(), bordered()], ids=["crooked", "branching", "shifted", "bordered"])
def test_tables_are_first_and_last_of_what_is_seen(built):
    net, found = built
    page = payload(net, found)
    shapes = found.shapes
    for node in net:
        rules = node.layer.axes(*(shapes[name] for name in node.inputs))
        for feeder, pair, tables in zip(node.inputs, rules, node_of(page, node.name)["axes"], strict=True):
            for axis, (rule, table) in enumerate(zip(pair, tables, strict=True)):
                n, out = grid(shapes[feeder])[axis], grid(shapes[node.name])[axis]
                seen = [rule.sees(i, n) for i in range(out)]
                if "all" in table:
                    assert table["all"] == out
                    assert all(each == tuple(range(n)) for each in seen)
                else:
                    assert table == {"lo": [min(each, default=-1) for each in seen], "hi": [max(each, default=-1) for each in seen]}


def test_rows_and_columns_that_see_nothing():
    page = made(bordered())
    rows, columns = node_of(page, "pad1")["axes"][0]
    assert rows == {"lo": [0, 1, 2, -1], "hi": [0, 1, 2, -1]}
    assert columns == {"lo": [-1, 0, 1, 2, 3, -1, -1], "hi": [-1, 0, 1, 2, 3, -1, -1]}


def test_padding_is_how_far_windows_reach_outside(page):
    assert node_of(page, "wide.conv")["padding"] == {"top": 2, "left": 1, "bottom": 1, "right": 1}  # 22 + 4 - 5 is odd: a row is dropped
    assert node_of(page, "pool")["padding"] == {"top": 1, "left": 1, "bottom": 1, "right": 1}
    assert node_of(page, "deep.conv")["padding"] == {"top": 4, "left": 4, "bottom": 4, "right": 4}
    assert [node_of(page, name)["padding"] for name in ("x", "wide.relu", "mean", "classes")] == [None] * 4


@pytest.mark.parametrize("built", [crooked(), branching(), shifted(), bordered()], ids=["crooked", "branching", "shifted", "bordered"])
def test_sight_is_the_exact_walk(built):
    net, found = built
    facts = found.description
    sight = Sight(facts)
    for row in facts:
        rows, columns = grid(row.shape)
        for i, j in [(0, 0), (rows - 1, columns // 2), (rows // 2, columns - 1)]:
            mask = facts.pixels(row.name, i, j, net.inputs[0])
            assert sight.pixels(row.name, i, j) == (facts.box(row.name, i, j, net.inputs[0]), mask.sum())
    assert all(sight.whole.values()) == (net.nodes[-1].name != "more")  # only the cross is no rectangle


# numbers with their terms


def test_the_last_map_explains_its_largest_a_border_and_a_typical_number():
    net = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1, rng=np.random.default_rng(3)))
    data = (found := trace(net, np.random.default_rng(4).standard_normal((1, 2, 7, 9))))["conv1"].data
    keys = list(node_of(payload(net, found), "conv1")["explained"])
    assert keys[0] == ",".join(map(str, np.unravel_index(data[0].argmax(), data.shape[1:])))
    assert keys[1].split(",")[1:] == ["0", "0"]  # where the window reaches outside
    assert keys[2].split(",")[1:] == ["3", "4"]


def test_three_or_four_numbers_of_every_map(built, page):
    _, found = built
    for node in page["nodes"]:
        if node["layer"] is not None and found[node["name"]].data[0].size > 3:
            assert 1 <= len(node["explained"]) <= 4
    assert all(len(key.split(",")) == 1 for key in node_of(page, "classes")["explained"])


def test_every_number_that_is_used_most_is_held_down_to_a_pixel(built, page):
    """So that a page without Python follows its first number all the way."""
    node = next(node for node in reversed(page["nodes"]) if node["explained"])
    step, seen = next(iter(node["explained"].values())), []
    while step["strongest"]["node"] not in [each["name"] for each in page["inputs"]]:
        place = step["strongest"]
        seen.append(place["node"])
        step = node_of(page, place["node"])["explained"][",".join(map(str, (place["channel"], *place["at"])))]
    assert len(seen) > 2


def test_terms_travel_exactly(built, page):
    from minicnn.probe import explain

    net, found = built
    for name in ("wide.conv", "deep.conv", "deep.bn", "classes", "share", "mean"):
        for place, compact in node_of(page, name)["explained"].items():
            channel, *at = map(int, place.split(","))
            own = explain(net, found, name, channel, at)
            part = compact["parts"][0]
            np.testing.assert_array_equal(decoded(part["values"]), own.parts[0].values)
            if part["factors"]:
                np.testing.assert_array_equal(decoded(part["factors"]), own.parts[0].factors)
            assert (compact["sum"], compact["stored"], compact["notes"]) == (own.sum, own.stored, list(own.notes))


def test_a_number_of_too_many_terms_is_left_out():
    net = nn.Sequential(("flatten", nn.Flatten()), ("wide", nn.Linear(40_000, 2)))
    page = payload(net, trace(net, np.ones((1, 1, 200, 200), np.float32)))
    assert node_of(page, "wide")["explained"] == {}
    assert len(node_of(page, "flatten")["explained"]) == 2  # all numbers are alike: the largest is the smallest


# inputs


def png_of(uri):
    import io
    from base64 import b64decode

    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(b64decode(uri.partition(",")[2]))))


def test_the_picture_of_an_input():
    rng = np.random.default_rng(0)
    bytes_ = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    x = (bytes_ / 255).astype(np.float32).transpose(2, 0, 1)[None]
    mean, std = (np.array(n, np.float32)[:, None, None] for n in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    for given_ in (x, (x - mean) / std, bytes_.transpose(2, 0, 1)[None].astype(np.float32)):
        np.testing.assert_array_equal(png_of(made(one_node(given_))["inputs"][0]["picture"]), bytes_)
    stretched = png_of(made(one_node(np.array([[[[-7.0, 3.0], [-2.0, 1.0]]]])))["inputs"][0]["picture"])
    np.testing.assert_array_equal(stretched[:, :, 0], [[0, 255], [128, 204]])


def test_a_photo_that_is_given():
    bytes_ = np.random.default_rng(0).integers(0, 256, (1, 3, 3), dtype=np.uint8)
    for photo in (bytes_, bytes_ / 255):
        np.testing.assert_array_equal(png_of(made(one_node(), photo=photo)["inputs"][0]["picture"]), bytes_)
    with pytest.raises(ShapeError, match=r"photo must be what the network saw, 1×3×3 in \[0, 1\] or bytes.*but it is 1×2×3 of float64"):
        made(one_node(), photo=np.zeros((1, 2, 3)))
    with pytest.raises(ShapeError, match=r"but it is a str; pass load\.to_hwc"):
        made(one_node(), photo="photo.jpg")


def test_an_input_is_held_exactly_while_it_is_small(page, built):
    np.testing.assert_array_equal(decoded(page["inputs"][0]["values"]), built[1]["x"].data)
    assert made(one_node(np.zeros((1, 1, 500, 500), np.float32)))["inputs"][0]["values"] is None


# stages


def test_stages_are_blocks_of_names():
    stages, edges = blocks(describe(models.efficientnet_lite0(), (3, 224, 224)))
    assert [stage["name"] for stage in stages[:4]] == ["x", "stem", "block0", "block1"]
    assert sum(len(stage["nodes"]) for stage in stages) == 144
    assert edges == [[n, n + 1] for n in range(len(stages) - 1)]
    assert [stage["column"] for stage in stages] == list(range(len(stages)))


def test_stages_without_names_end_where_the_resolution_or_the_way_changes():
    names = [stage["name"] for stage in blocks(describe(models.lenet5(), (1, 32, 32)))[0]]
    assert names == ["x", "c1 … relu1", "s2", "c3 … relu3", "s4", "c5 … output"]
    names = [stage["name"] for stage in blocks(describe(models.vgg11(), (3, 224, 224)))[0]]
    assert names[:4] == ["x", "features.0 … features.1", "features.2 … features.4", "features.5 … features.9"]


@pytest.mark.parametrize("name", ["unet", "resnet50", "yolov5n", "squeezenet1_1"])
def test_every_edge_leads_forwards(name):
    net = models.build(name)
    stages, edges = blocks(describe(net, models.input_shape(name)))
    assert sorted(n for stage in stages for n in stage["nodes"]) == sorted([*net.inputs, *(node.name for node in net)])
    assert all(stages[a]["column"] < stages[b]["column"] for a, b in edges)
    assert len({(stage["column"], stage["lane"]) for stage in stages}) == len(stages)


def test_branches_have_lanes():
    page = made(branching())
    by_name = {stage["nodes"][0]: stage for stage in page["stages"]}
    assert by_name["a"]["column"] == by_name["b"]["column"] == 0
    assert by_name["a"]["lane"] != by_name["b"]["lane"]
    assert by_name["sum"]["column"] > by_name["up"]["column"]
    assert by_name["right"]["lane"] == by_name["b"]["lane"]


# odd networks


def test_several_inputs_and_outputs_and_second_results():
    net, found = branching()
    page = payload(net, found)
    assert [node["name"] for node in page["nodes"]] == ["a", "b", "left", "pool", "pool:indices", "up", "right", "sum", "head"]
    assert page["outputs"] == ["head", "pool"]
    assert [each["name"] for each in page["inputs"]] == ["a", "b"]
    indices = node_of(page, "pool:indices")
    assert indices["bytes"] == found["pool:indices"].nbytes
    assert indices["axes"] == node_of(page, "pool")["axes"]
    assert len(indices["explained"]) == 3
    assert "first of 2 images" in page["held"]
    assert page["dtype"] == "float64"


def test_numbers_that_are_not_finite():
    x = np.array([[[[np.nan, np.inf], [-np.inf, 2.0]]]], np.float32)
    page = made(one_node(x))
    json.dumps(page, allow_nan=False)
    node = page["nodes"][0]
    assert (node["statistics"]["nan"], node["statistics"]["inf"], node["statistics"]["max"]) == (1, 2, "NaN")
    assert decoded(node["thumbnails"]["data"]).ravel().tolist() == [253, 254, 255, 0]
    assert node["histogram"]["counts"] == [1] or sum(node["histogram"]["counts"]) == 1
    relu = page["nodes"][1]
    assert "Infinity" in [unit["stored"] for unit in relu["explained"].values()]


@pytest.mark.parametrize(
    "x",
    [
        np.full((1, 1, 2, 2), np.nan),
        np.array([[[[1e308, -1e308]]]]),
        np.array([[[[1.0, np.nextafter(1.0, 2)]]]]),
        np.zeros((3, 7)),
        np.zeros((1, 2, 5)),
        np.zeros((1, 2, 3, 4, 5)),
        np.zeros((1, 2048, 1, 1)),
        np.array([5.0]),
        np.array([[[[1e-45]]]], np.float32),
    ],
    ids=["nan", "huge", "near", "N F", "N C L", "five axes", "2,048 channels", "one axis", "subnormal"],
)
def test_any_array_that_a_network_takes(x):
    page = made(one_node(x))
    json.dumps(page, allow_nan=False)
    assert decoded(page["nodes"][1]["thumbnails"]["data"]).shape == planes(x if x.ndim != 3 else page_array(x)).shape
    assert len(page["nodes"][1]["explained"]) >= 1


def page_array(x):
    return one_node(x)[1]["x"].data  # three axes are one image: a batch of one


# asked from a notebook


def test_a_notebook_is_not_given_what_it_can_ask_for(built):
    page = made(built, ask=True)
    assert all(node["maps"] is None and node["explained"] == {} for node in page["nodes"])
    assert "asked of Python" in page["held"]


# mistakes


def test_mistakes(built):
    net, found = built
    with pytest.raises(ArgumentError, match=r"the second argument is what trace\(net, x\) returned, but it is a ndarray"):
        payload(net, np.zeros((1, 3, 4, 4)))
    with pytest.raises(
        ArgumentError, match=r"the trace must be of this network.*it is of another one \(10 nodes, this one has 1, or other layers\)"
    ):
        payload(one_node()[0], found)
    twin, _ = crooked()
    with pytest.raises(ArgumentError, match="or other layers"):
        payload(twin, found)
    with pytest.raises(ArgumentError, match="the first argument is a network or a layer, but it is a list"):
        payload([], found)
    net, _ = one_node()
    with pytest.raises(ArgumentError, match=r"the batch is empty \(x.shape=\(0, 1, 2, 2\)\); trace one image"):
        payload(net, trace(net, np.zeros((0, 1, 2, 2))))
    pair = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Tanh())
    with pytest.raises(UnknownNameError, match=r"every map is shown, but \d of 4 were let go, such as 'x', since keep='gradient'"):
        payload(pair, trace(pair, np.zeros((1, 1, 2, 2)), keep="gradient"))
