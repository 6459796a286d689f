"""What fits a network and what does not: compare_weights, LoadReport, and load_weights with strict=False."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn import load, nn
from minicnn.errors import ArgumentError, DTypeError, FileFormatError, WeightsError


def net(rng=None) -> nn.Network:
    return nn.Sequential(nn.Conv2d(3, 4, (2, 3), rng=rng), nn.BatchNorm2d(4, rng=rng), nn.Flatten(), nn.Linear(8, 5, rng=rng))


def weights() -> dict[str, np.ndarray]:
    """conv1 whole, bn1 without its statistics, linear1 of another size, and a stranger."""
    return {
        "conv1.weight": np.full((4, 3, 2, 3), 2, np.float32),
        "conv1.bias": np.full(4, 3, np.float32),
        "bn1.weight": np.full(4, 5, np.float32),
        "linear1.weight": np.zeros((6, 8), np.float32),
        "linear1.bias": np.full(5, 7, np.float32),
        "head.weight": np.zeros((1, 2), np.float32),
        "bn1.num_batches_tracked": np.array(3),
    }


REPORT = """\
the mapping fits 4 of the network's 8 arrays: 1 missing, 1 left over, 1 of another shape
  another shape  linear1.weight    (6, 8)  the network wants (5, 8)
  missing        bn1.bias          (4,)
  left over      head.weight       (1, 2)
  kept           bn1.running_mean  (4,)
  kept           bn1.running_var   (4,)"""


def test_the_report():
    given = weights()
    report = load.compare_weights(net(), given)
    assert str(report) == REPORT
    assert max(map(len, str(report).splitlines()[1:])) <= 80
    assert list(report.loaded) == ["conv1.weight", "conv1.bias", "bn1.weight", "linear1.bias"]
    assert report.missing == {"bn1.bias": (4,)}
    assert report.left_over == {"head.weight": (1, 2)}
    assert report.other_shape == {"linear1.weight": ((6, 8), (5, 8))}
    assert report.empty == ()
    assert not report.fits
    assert list(given) == list(weights())
    with pytest.raises(AttributeError):
        report.missing = {}


def test_what_fits_is_loaded_and_the_rest_said_once():
    before = net()
    kept = {name: array.copy() for name, array in before.parameters().items()}
    with pytest.warns(load.WeightsNotice) as caught:
        after = load.load_weights(before, weights(), strict=False)
    assert [str(notice.message) for notice in caught] == [f"load.load_weights: {REPORT}"]
    assert caught[0].filename == __file__
    assert_array_equal(after["conv1"].weight, weights()["conv1.weight"])
    assert_array_equal(after["bn1"].weight, weights()["bn1.weight"])
    assert_array_equal(after["bn1"].bias, before["bn1"].bias)
    assert_array_equal(after["linear1"].bias, weights()["linear1.bias"])
    assert_array_equal(after["linear1"].weight, before["linear1"].weight)
    for name, array in before.parameters().items():
        assert_array_equal(array, kept[name])


def test_weights_that_fit_are_no_news():
    given = {**net().parameters(), **net().buffers()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = load.load_weights(net(), given, strict=False)
    for name, array in {**found.parameters(), **found.buffers()}.items():
        assert_array_equal(array, given[name])
    assert load.compare_weights(net(), given).fits
    assert (
        str(load.compare_weights(net(), given))
        == "the mapping fits 8 of the network's 8 arrays: 0 missing, 0 left over, 0 of another shape"
    )


def test_a_shape_only_network_stays_so_where_nothing_came():
    report = load.compare_weights(net(nn.SHAPE_ONLY), weights())
    assert report.missing == {"bn1.bias": (4,), "bn1.running_mean": (4,), "bn1.running_var": (4,)}
    assert report.empty == ("bn1.bias", "bn1.running_mean", "bn1.running_var", "linear1.weight")
    assert "missing        bn1.bias          (4,)    still without numbers" in str(report)
    assert "(6, 8)  the network wants (5, 8); still without numbers" in str(report)
    with pytest.warns(load.WeightsNotice, match="still without numbers"):
        after = load.load_weights(net(nn.SHAPE_ONLY), weights(), strict=False)
    assert not after["conv1"].is_shape_only
    assert after["linear1"].is_shape_only
    assert_array_equal(after["linear1"].bias, weights()["linear1.bias"])
    with pytest.raises(WeightsError, match="shape-only"):
        after(np.zeros((1, 3, 3, 3), np.float32))


def test_a_shared_layer_stays_shared():
    conv = nn.Conv2d(2, 2, 1, bias=False)
    shared = nn.Network([("a", conv, ["x"]), ("b", conv, ["a"])])
    with pytest.warns(load.WeightsNotice, match="1 left over"):
        found = load.load_weights(shared, {"a.weight": np.ones((2, 2, 1, 1), np.float32), "b.weight": np.zeros(1)}, strict=False)
    assert found["a"] is found["b"]
    assert_array_equal(found["b"].weight, 1)


def test_strict_is_the_rule():
    with pytest.raises(WeightsError, match="1 have another shape, 1 are missing and 1 are left over"):
        load.load_weights(net(), weights())
    with pytest.raises(ArgumentError, match=r"load.load_weights: strict is True or False, but it is 1"):
        load.load_weights(net(), weights(), strict=1)


def test_arrays_that_no_layer_takes():
    given = net().parameters() | {"conv1.bias": np.array(["a"] * 4)}
    for strict in (True, False):
        with pytest.raises(DTypeError, match=r"load.load_weights: the mapping: "):
            load.load_weights(net(), given, strict=strict)


def test_files_and_other_things(tmp_path):
    path = load.save_weights(weights(), tmp_path / "w.npz")
    assert str(load.compare_weights(net(), path)) == REPORT.replace("the mapping", "w.npz")
    with pytest.warns(load.WeightsNotice, match=r"^load.load_weights: w.npz fits 4 of the network's 8 arrays"):
        load.load_weights(net(), path, strict=False)
    with pytest.raises(FileFormatError, match=r"load.compare_weights: no file 'v.npz' in the folder .*; did you mean 'w.npz'"):
        load.compare_weights(net(), tmp_path / "v.npz")
    with pytest.raises(ArgumentError, match=r"load.compare_weights: net is a network, but it is a str"):
        load.compare_weights("w.npz", net())
    with pytest.raises(ArgumentError, match=r"load.compare_weights: weights is a path or a mapping"):
        load.compare_weights(net(), 3)


def test_a_long_report_is_cut():
    report = load.compare_weights(nn.Sequential(nn.ReLU()), {f"w{n}": np.zeros(n) for n in range(50)})
    assert len(str(report).splitlines()) == 32
    assert str(report).endswith("  … and 20 more")


@pytest.mark.parametrize("form", ["net.safetensors", "net.npz"])
def test_partly_loaded_networks_are_saved_whole(tmp_path, form):
    with pytest.warns(load.WeightsNotice):
        found = load.load_weights(net(), weights(), strict=False)
    again = load.load_weights(net(), load.save_weights(found, tmp_path / form))
    for name, array in {**found.parameters(), **found.buffers()}.items():
        assert_array_equal({**again.parameters(), **again.buffers()}[name], array, strict=True)
