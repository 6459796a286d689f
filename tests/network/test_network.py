"""Networks, the builder, traces and hooks."""

import copy
import pickle

import numpy as np
import pytest

from minicnn import Graph, Network, Sequential, describe, fuse, nn, statistics, trace
from minicnn.errors import ArgumentError, DTypeError, ShapeError, UnknownNameError, WeightsError

RNG = np.random.default_rng(3)


def branched() -> Network:
    """Two branches, one layer in two nodes, a port, two outputs."""
    g = Graph()
    x = g.input("x")
    stem = x.then("stem", nn.Conv2d(2, 4, 3, padding=1, rng=RNG)).then("relu", nn.ReLU())
    pool = stem.then("pool", nn.MaxPool2d(2, return_indices=True))
    shared = nn.Conv2d(4, 4, 3, padding=1, rng=RNG)
    first = pool.then("first", shared)
    second = first.then("second", shared)
    return g.network(g.join("add", nn.Add(), second, pool), pool.result("indices"))


X = RNG.standard_normal((3, 2, 7, 9)).astype(np.float32)


def test_forward_is_the_layers_in_order():
    net = branched()
    stem, shared = net["stem"], net["first"]
    pooled, indices = net["pool"](np.maximum(stem(X), 0))
    expected = shared(shared(pooled)) + pooled
    out, places = net(X)
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(places, indices)


def test_shared_layer_is_one_object_and_counted_once():
    net = branched()
    assert net["first"] is net["second"]
    assert list(net.parameters()) == ["stem.weight", "stem.bias", "first.weight", "first.bias"]
    facts = describe(net, (2, 7, 9))
    assert facts["first"].parameters == 4 * 4 * 9 + 4
    assert facts["second"].parameters == 0
    assert facts["second"].multiply_adds == facts["first"].multiply_adds == 4 * 3 * 4 * 36
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert twin["first"] is twin["second"]
        assert not twin["first"].weight.flags.writeable
        np.testing.assert_array_equal(twin(X)[0], net(X)[0])


def test_several_inputs_and_an_input_that_is_an_output():
    net = Network([("sum", nn.Add(), ["a", "b"]), ("cat", nn.Concat(), ["a", "sum"])], inputs=["a", "b"], outputs=["cat", "a"])
    a, b = np.ones((1, 2, 3, 4)), np.full((1, 2, 3, 4), 5.0)
    cat, same = net(a, b)
    np.testing.assert_array_equal(cat, np.concatenate([a, a + b], 1))
    np.testing.assert_array_equal(same, a)
    facts = describe(net, {"a": (2, 3, 4), "b": (2, 3, 4)})
    assert facts["cat"].shape == (1, 4, 3, 4)
    assert facts.box("cat", 1, 2, input="b").size == (1, 1)
    with pytest.raises(ArgumentError, match=r"has 2 inputs; say which with input="):
        facts.box("cat", 1, 2)
    with pytest.raises(ArgumentError, match=r"several inputs; give a shape for each"):
        describe(net, (2, 3, 4))
    with pytest.raises(ArgumentError, match=r"the inputs are \('a', 'b'\), but shapes were given for \('a',\)"):
        describe(net, {"a": (2, 3, 4)})


def test_network_without_nodes_is_the_identity():
    np.testing.assert_array_equal(Network([])(X), X)


def test_single_image_is_a_batch_of_one():
    net = branched()
    for one, batch in zip(net(X[0]), net(X[:1]), strict=True):
        np.testing.assert_array_equal(one, batch[0])
    assert trace(net, X[0])["stem"].shape == (1, 4, 7, 9)


def test_empty_batch():
    assert [out.shape for out in branched()(X[:0])] == [(0, 4, 3, 4)] * 2
    t = trace(branched(), X[:0])
    assert t["add"].shape == (0, 4, 3, 4)
    assert np.isnan(t["add"].mean())


def test_forward_lets_maps_go_after_their_last_use():
    import tracemalloc

    net = Sequential(*[nn.Conv2d(8, 8, 1, rng=RNG) for _ in range(12)])
    x = np.ones((1, 8, 128, 128), np.float32)
    net(x)
    tracemalloc.start()
    net(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3.5 * x.nbytes  # 13 maps exist in all
    assert describe(net, x.shape).peak_bytes == 2 * x.nbytes


def test_sequential_names_and_pairs():
    net = Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 2))
    assert [node.name for node in net] == ["conv1", "relu1", "conv2", "pool1", "flatten1", "linear1"]
    assert net[0] is net["conv1"]
    assert len(net) == 6
    assert [n.name for n in Sequential({"a": nn.ReLU(), "b": nn.ReLU()})] == ["a", "b"]
    with pytest.raises(ArgumentError, match=r"give layers, or \(name, layer\) pairs, but received 3"):
        Sequential(3)
    with pytest.raises(ArgumentError, match=r"node 'r' must hold a layer, .*write nn.ReLU\(\) with brackets"):
        Sequential(("r", nn.ReLU))


def test_networks_in_a_network():
    inner = Sequential(nn.Conv2d(2, 3, 1, rng=RNG), nn.ReLU())
    net = Sequential(inner, nn.ReLU(), ("head", inner.with_layers({"conv1": nn.Conv2d(3, 2, 1, rng=RNG)})), inner)
    assert [n.name for n in net] == ["seq1.conv1", "seq1.relu1", "relu1", "head.conv1", "head.relu1", "seq2.conv1", "seq2.relu1"]
    assert net["seq1.conv1"] is net["seq2.conv1"]
    assert net(X).shape == (3, 3, 7, 9)
    mixed = Sequential(nn.ReLU(), ("relu2", nn.ReLU()), nn.ReLU())
    assert [n.name for n in mixed] == ["relu1", "relu2", "relu3"]


def test_names_are_found_by_in():
    net = branched()
    facts, t = describe(net, (2, 7, 9)), trace(net, X)
    assert all("stem" in thing and "steam" not in thing for thing in (net, facts, t))
    assert "pool:indices" in t
    assert facts["pool:indices"].name == "pool"
    assert facts.box("pool:indices", 1, 1) == facts.box("pool", 1, 1)


def test_a_layer_is_a_network_of_one_node():
    assert describe(nn.Conv2d(2, 3, 3), (2, 7, 9))["conv1"].shape == (1, 3, 5, 7)
    assert trace(nn.ReLU(), X)["relu1"].kind == "activation"


def test_features_without_positions():
    mlp = Sequential(nn.Linear(10, 5, rng=RNG), nn.ReLU())
    for shape in ((10,), (3, 10), (0, 10), (2, 3, 4, 5, 10)):
        t = trace(mlp, np.ones(shape, np.float32))
        assert t["relu1"].shape == (*shape[:-1], 5)
        assert "FeatureMap 'linear1'" in repr(t["linear1"])
        assert t["linear1"].field.size == (1, 1)


def test_outputs_are_never_views_of_the_inputs():
    for net in (Sequential(nn.Flatten()), Sequential(nn.Identity()), Network([])):
        x = X.copy()
        y = net(x)
        y += 1
        np.testing.assert_array_equal(x, X)


def test_a_trace_stays_as_it_was():
    x = X.copy()
    t = trace(Sequential(nn.Identity(), nn.Flatten()), x)
    x[...] = 0
    for name in ("x", "identity1", "flatten1"):
        np.testing.assert_array_equal(t[name].data.reshape(X.shape), X)
        with pytest.raises(ValueError, match="cannot set WRITEABLE"):
            t[name].data.flags.writeable = True


def test_a_map_of_a_trace_may_be_an_input():
    t = trace(branched(), X)
    again = trace(Sequential(nn.ReLU()), t["first"])
    np.testing.assert_array_equal(again["relu1"].data, np.maximum(t["first"].data, 0))


def test_traces_pickle():
    t = trace(branched(), X)
    again = pickle.loads(pickle.dumps(t))
    np.testing.assert_array_equal(again["add"].data, t["add"].data)
    assert again["add"].box(1, 1) == t["add"].box(1, 1)


def test_numpy_asks_a_map_as_it_asks_an_array():
    m = trace(branched(), X)["stem"]
    assert np.mean(m) == m.mean() == m.statistics.mean
    assert (np.max(m), np.min(m)) == (m.max(), m.min()) == (m.data.max(), m.data.min())
    np.testing.assert_array_equal(np.std(m, axis=(2, 3)), m.data.std(axis=(2, 3)))
    np.testing.assert_array_equal(m.mean(axis=1), m.data.mean(axis=1))
    assert (len(m), m.ndim, m.dtype) == (3, 4, np.float32)


def test_pytorchs_counter_is_passed_over():
    net = Sequential(nn.BatchNorm2d(2))
    arrays = {**net.parameters(), **net.buffers(), "bn1.num_batches_tracked": np.array(7)}
    assert net.with_parameters(arrays)(X).shape == X.shape


@pytest.mark.parametrize("first", [0, 1, 2])
def test_statistics_of_infinities_do_not_depend_on_their_order(first):
    x = np.roll(np.array([np.inf, 1.0, 2.0]), first).reshape(1, 1, 1, 3)
    s = statistics(x)
    assert (s.mean, s.min, s.max) == (np.inf, 1.0, np.inf)
    assert statistics(np.full((1, 1, 2, 2), np.inf)).mean == np.inf


def test_graph_inlines_a_network():
    block = Sequential(("a", nn.Conv2d(2, 2, 1, rng=RNG)), ("b", nn.ReLU()))
    g = Graph()
    net = g.network(g.input().then("one", block).then("two", block))
    assert [n.name for n in net] == ["one.a", "one.b", "two.a", "two.b"]
    assert net["one.a"] is net["two.a"]
    other = Graph().input()
    with pytest.raises(ArgumentError, match="takes values of this graph"):
        g.join("x", nn.ReLU(), other)
    two = Network([("s", nn.Add(), ["a", "b"])], inputs=["a", "b"])
    with pytest.raises(ArgumentError, match="is a network of 2 inputs and 1 outputs; give it 2 values"):
        g.input("y").then("two-in", two)


@pytest.mark.parametrize(
    ("error", "match", "build"),
    [
        (UnknownNameError, r"node 'b' takes 'aa', but there is none. Did you mean 'a'\?", lambda: Network([("a", nn.ReLU(), ["x"]), ("b", nn.ReLU(), ["aa"])])),
        (UnknownNameError, r"node 'a' takes 'b', but it is computed later; move 'b' before it", lambda: Network([("a", nn.ReLU(), ["b"]), ("b", nn.ReLU(), ["x"])])),
        (ArgumentError, r"the name 'a' is used twice", lambda: Network([("a", nn.ReLU(), ["x"]), ("a", nn.ReLU(), ["a"])])),
        (ArgumentError, r"the name 'x' is used twice", lambda: Network([("x", nn.ReLU(), ["x"])])),
        (UnknownNameError, r"output 'z' is not a node. Known: x, a", lambda: Network([("a", nn.ReLU(), ["x"])], outputs=["z"])),
        (ArgumentError, r"a node is \(name, layer, inputs\), but received 'conv'", lambda: Network(["conv"])),
        (ArgumentError, r"the name of a node is a word without ':', but it is 'a:b'", lambda: Network([("a:b", nn.ReLU(), ["x"])])),
        (ArgumentError, r"node 'a', ReLU\(\), takes 1 input, but is given \('x', 'x'\)", lambda: Network([("a", nn.ReLU(), ["x", "x"])])),
        (UnknownNameError, r"there is no node 'con1'. Did you mean 'conv1'\?", lambda: Sequential(nn.Conv2d(1, 1, 1))["con1"]),
        (UnknownNameError, r"there is no node 'conv9'", lambda: Sequential(nn.Conv2d(1, 1, 1)).with_layers({"conv9": nn.ReLU()})),
        (ArgumentError, r"it takes 1 input \(x\), but received 2", lambda: Sequential(nn.ReLU())(X, X)),
        (ShapeError, r"either all inputs are single images", lambda: Network([("s", nn.Add(), ["a", "b"])], ["a", "b"])(X, X[0])),
        (ShapeError, r"node 'conv1': Conv2d: weight expects 3 input channels but x has 2", lambda: Sequential(nn.Conv2d(3, 1, 1))(X)),
        (ShapeError, r"node 'conv1': Conv2d: weight expects 3 input channels but x has 2", lambda: describe(Sequential(nn.Conv2d(3, 1, 1)), (2, 7, 9))),
        (ArgumentError, r"an array came for x; pass x.shape", lambda: describe(Sequential(nn.ReLU()), X)),
        (ArgumentError, r"input_shape is \(C, H, W\) or \(N, C, H, W\), but for x it is 224", lambda: describe(Sequential(nn.ReLU()), 224)),
        (ShapeError, r"for x it is \(\)", lambda: describe(Sequential(nn.ReLU()), ())),
        (ArgumentError, r"the name of an input is a word without ':', but it is 'a:b'", lambda: Network([], inputs=["a:b"])),
        (ArgumentError, r"the name 'x' is used twice", lambda: Network([], inputs=["x", "x"])),
        (ArgumentError, r"inputs are the names of at least one map, but they are \(\)", lambda: Network([], inputs=())),
        (ArgumentError, r"the inputs of node 'a' are the names of at least one map, but they are 3", lambda: Network([("a", nn.ReLU(), 3)])),
        (ArgumentError, r"nodes is a list of \(name, layer, inputs\), but it is a NoneType", lambda: Network(None)),
        (ArgumentError, r"must hold a layer, but it holds a Network; nn.Sequential and nn.Graph take networks", lambda: Network([("a", Sequential(nn.ReLU()), "x")])),
        (ArgumentError, r"received a list; write Sequential\(\*layers\)", lambda: Sequential([nn.ReLU()])),
        (ArgumentError, r"received the class ReLU; write nn.ReLU\(\) with brackets", lambda: Sequential(nn.Conv2d(1, 1, 1), nn.ReLU)),
        (ArgumentError, r"outputs are values of this graph, but received 'x'", lambda: Graph().network("x")),
        (ArgumentError, r"describe: the first argument is a network or a layer, but it is a list; write nn.Sequential\(\*layers\)", lambda: describe([nn.ReLU()], (3, 4, 4))),
        (ArgumentError, r"trace: the first argument is a network or a layer, but it is a ndarray; the network comes first", lambda: trace(X, Sequential(nn.ReLU()))),
        (DTypeError, r"network: x must be a NumPy array, but it is a list", lambda: trace(Sequential(nn.ReLU()), X.tolist())),
        (DTypeError, r"network: v must be a NumPy array, but it is a str", lambda: Network([("a", nn.ReLU(), "u")], ("u", "v"))(X, "junk")),
        (ShapeError, r"looks like HWC; minicnn uses CHW: x.transpose\(2, 0, 1\)", lambda: Sequential(nn.Conv2d(3, 4, 3))(np.zeros((7, 9, 3), np.float32))),
        (ShapeError, r"looks like HWC; minicnn uses CHW: x.transpose\(2, 0, 1\)", lambda: trace(Sequential(nn.Conv2d(3, 4, 3)), np.zeros((7, 9, 3), np.float32))),
        (ShapeError, r"looks like HWC; minicnn uses CHW: x.transpose\(2, 0, 1\)", lambda: describe(Sequential(nn.Conv2d(3, 4, 3)), (7, 9, 3))),
        (ShapeError, r"looks like NHWC; minicnn uses NCHW: x.transpose\(0, 3, 1, 2\)", lambda: describe(Sequential(nn.Conv2d(3, 4, 3)), (1, 7, 9, 3))),
        (ShapeError, r"node 'c': Add: all inputs must have one shape", lambda: Network([("a", nn.AdaptiveAvgPool2d(1), "x"), ("c", nn.Add(), ["a", "x"])])(X)),
        (WeightsError, r"parameters are a mapping from names to arrays, but received a list", lambda: Sequential(nn.ReLU()).with_parameters([1])),
        (UnknownNameError, r"there is no node 99", lambda: Sequential(nn.ReLU())[99]),
        (DTypeError, r"dtype must be np.float32 or np.float64, but it is 'foo'", lambda: describe(Sequential(nn.ReLU()), (3, 4, 4), dtype="foo")),
        (DTypeError, r"statistics: x must be an array of real numbers, \(N, C, …\), but it is a list", lambda: statistics([1.0])),
        (DTypeError, r"but it is an array of complex128, shape \(1, 2\)", lambda: statistics(np.ones((1, 2), complex))),
        (ArgumentError, r"x\[1\] must be at least 1, but it is 0", lambda: describe(Sequential(nn.ReLU()), (3, 0, 4))),
        (UnknownNameError, r"describe: there is no node 'relu2'. Did you mean 'relu1'\?", lambda: describe(Sequential(nn.ReLU()), (1, 4, 4)).box("relu2", 0, 0)),
        (ArgumentError, r"'relu1' has 4×5 positions, but row 4 was asked for; use 0 … 3", lambda: describe(Sequential(nn.ReLU()), (1, 4, 5)).box("relu1", 4, 0)),
        (UnknownNameError, r"there is no node 'con1'. Did you mean 'conv1'", lambda: Sequential(nn.Conv2d(1, 1, 1)).box("con1", 0, 0, (1, 4, 4))),
        (UnknownNameError, r"there is no input 'y'", lambda: describe(Sequential(nn.ReLU()), (1, 4, 5)).pixels("relu1", 0, 0, input="y")),
    ],
)  # fmt: skip
def test_errors(error, match, build):
    with pytest.raises(error, match=match):
        build()


def test_network_is_immutable():
    with pytest.raises(AttributeError, match="a Network is immutable"):
        branched().nodes = ()


def test_with_parameters_wants_all_of_them():
    net = Sequential(nn.Conv2d(2, 3, 2, rng=nn.SHAPE_ONLY), nn.BatchNorm2d(3, rng=nn.SHAPE_ONLY))
    arrays = {name: np.ones(a.shape, np.float32) for name, a in {**net.parameters(), **net.buffers()}.items()}
    assert net.with_parameters(arrays)(X).shape == (3, 3, 6, 8)
    wrong = {**arrays, "conv1.weight": np.ones((3, 2, 5, 5), np.float32), "extra": np.ones(4)}
    del wrong["bn1.bias"]
    with pytest.raises(
        WeightsError,
        match=r"(?s)1 have another shape, 1 are missing and 1 are left over.*another shape: conv1.weight is \(3, 2, 5, 5\), the network wants "
        r"\(3, 2, 2, 2\).*missing: bn1.bias \(3,\).*left over: extra \(4,\)",
    ):
        net.with_parameters(wrong)


def test_parameters_alone_are_enough_where_the_buffers_are_there():
    net = Sequential(nn.Conv2d(2, 3, 2, rng=RNG), nn.BatchNorm2d.of(np.ones(3), np.full(3, 4.0)))
    doubled = net.with_parameters({name: 2 * array for name, array in net.parameters().items()})
    np.testing.assert_array_equal(doubled["bn1"].running_var, [4, 4, 4])
    np.testing.assert_array_equal(doubled["conv1"].weight, 2 * net["conv1"].weight)


def test_views_take_no_memory_and_are_kept_once():
    net = Sequential(nn.Conv2d(2, 4, 1, rng=RNG), nn.ReLU(), nn.Identity(), nn.Flatten(), nn.Linear(4 * 63, 2, rng=RNG))
    facts = describe(net, (2, 7, 9))
    size = {name: 4 * n for name, n in {"x": 126, "conv1": 252, "relu1": 252, "linear1": 2}.items()}
    assert facts.kept_bytes == size["x"] + size["relu1"]  # conv wants x, relu its output, which linear shares
    assert [live for _, live in facts.memory_curve()] == [
        *(size["x"] + size["conv1"], size["conv1"] + size["relu1"], size["relu1"], size["relu1"], size["relu1"] + size["linear1"]),
    ]


def test_memory_curve_is_what_the_evaluation_holds():
    """Counted by walking the evaluation's own rule: a map lives from its node to the last node that reads its memory."""
    net = branched()
    facts = describe(net, (2, 7, 9))
    size = {
        "x": 126 * 4,
        "stem": 252 * 4,
        "relu": 252 * 4,
        **dict.fromkeys(("pool", "first", "second", "add"), 48 * 4),
        "pool:indices": 48 * 8,
    }
    born = {"x": -1, "stem": 0, "relu": 1, "pool": 2, "pool:indices": 2, "first": 3, "second": 4, "add": 5}
    last = {"x": 0, "stem": 1, "relu": 2, "pool": 5, "pool:indices": 9, "first": 4, "second": 5, "add": 9}
    expected = [sum(size[name] for name in size if born[name] <= at <= last[name]) for at in range(6)]
    assert [live for _, live in facts.memory_curve()] == expected


def test_statistics_do_not_cancel_across_channels():
    rng = np.random.default_rng(8)
    x = 1e8 + 1e-4 * rng.standard_normal((1, 3, 40, 50))
    assert statistics(x).std == pytest.approx((x - 1e8).std(), rel=1e-9)


def test_with_parameters_keeps_layers_shared():
    net = branched()
    again = net.with_parameters({**net.parameters(), **net.buffers()})
    assert again["first"] is again["second"]
    np.testing.assert_array_equal(again(X)[0], net(X)[0])


# Traces.


def test_trace_holds_every_map_of_the_forward_pass():
    net = branched()
    t = trace(net, X)
    assert list(t.maps) == ["x", "stem", "relu", "pool", "pool:indices", "first", "second", "add"]
    for ours, out in zip(t.outputs, net(X, accuracy="exact"), strict=True):
        np.testing.assert_array_equal(ours, out)
    assert [m.kind for m in t] == ["input", "pre-activation", "activation", "other", "other", "other", "other", "other"]
    assert t["add"].box(1, 2) == describe(net, (2, 7, 9)).box("add", 1, 2) == net.box("add", 1, 2, (2, 7, 9))
    np.testing.assert_array_equal(t["add"].pixels(1, 2), net.pixels("add", 1, 2, (2, 7, 9)))
    np.testing.assert_array_equal(np.asarray(t["add"]), t["add"].data)
    assert t["pool:indices"].box(1, 2) == net.box("pool:indices", 1, 2, (2, 7, 9)) == net.box("pool", 1, 2, (2, 7, 9))
    np.testing.assert_array_equal(t["add"][0, 1], t["add"].data[0, 1])
    assert t.nbytes == sum(m.data.nbytes for m in t)
    with pytest.raises(UnknownNameError, match=r"there is no map 'steam'. Did you mean 'stem'\?"):
        t["steam"]


def test_maps_are_locked_and_the_users_input_is_not():
    x = X.copy()
    t = trace(branched(), x)
    for m in t:
        with pytest.raises(ValueError, match="read-only"):
            m.data[...] = 0
    assert x.flags.writeable
    np.testing.assert_array_equal(x, X)


def test_batch_norm_between_convolution_and_activation():
    net = Sequential(nn.Conv2d(2, 3, 1, rng=RNG), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2))
    assert [m.kind for m in trace(net, X)] == ["input", "pre-activation", "pre-activation", "activation", "other"]


def test_hooks_see_node_inputs_and_output():
    seen = []
    net = branched()
    trace(net, X, hooks=lambda node, inputs, output: seen.append((node.name, [i.shape for i in inputs], output.shape)))
    assert [name for name, _, _ in seen] == [node.name for node in net]
    assert seen[-1] == ("add", [(3, 4, 3, 4)] * 2, (3, 4, 3, 4))
    one = []
    t = trace(net, X, hooks={"first": lambda node, inputs, output: one.append(output)})
    assert len(one) == 1
    np.testing.assert_array_equal(one[0], t["first"].data)
    assert not one[0].flags.writeable
    with pytest.raises(UnknownNameError, match=r"there is no node 'frist'. Did you mean 'first'\?"):
        trace(net, X, hooks={"frist": print})
    with pytest.raises(ArgumentError, match=r"the hook of 'first' must be a function of \(node, inputs, output\)"):
        trace(net, X, hooks={"first": 3})
    with pytest.raises(ArgumentError, match=r"hooks is a function of \(node, inputs, output\), or a mapping"):
        trace(net, X, hooks=3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_statistics_are_numpys(dtype):
    x = (RNG.standard_normal((3, 5, 7, 11)) * 3 + 1000).astype(dtype)
    x[:, 2] = 0
    x[0, 1, :3] = 0
    s = trace(Network([]), x)["x"].statistics
    wide = x.astype(np.float64)
    assert s.mean == pytest.approx(wide.mean(), rel=1e-13)
    assert s.std == pytest.approx(wide.std(), rel=1e-13)
    assert (s.min, s.max) == (wide.min(), wide.max())
    assert s.zeros == (wide == 0).mean()
    assert s.dead_channels == (2,)
    assert s.size == x.size


def test_statistics_do_not_cancel():
    """A mean of 1e8 and a deviation of 1: the sum of squares in float64 alone would lose it."""
    x = 1e8 + np.tile([-1.0, 1.0], 500).reshape(1, 2, 20, 25)
    assert trace(Network([]), x)["x"].std() == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize(("bad", "expected"), [(np.nan, "nan nan nan nan"), (np.inf, "inf nan -2 inf"), (-np.inf, "-inf nan -inf 2")])
def test_statistics_of_numbers_that_are_not_finite(bad, expected):
    x = np.tile([-2.0, 2.0], 6).reshape(1, 2, 2, 3)
    x[0, 1, 1, 1] = bad
    s = trace(Network([]), x)["x"].statistics
    assert f"{s.mean:.0f} {s.std:.0f} {s.min:.0f} {s.max:.0f}" == expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "numbers", [[-1.0, -2.0], [1.0, 2.0], [-0.0, 0.0], [-1e-45, 1e-45], [-np.inf, np.inf], [3.0, -0.0], [0.0, -5e-324]]
)
def test_extremes_of_every_sign(dtype, numbers):
    x = np.array(numbers * 30, dtype).reshape(1, 3, 4, 5)
    for copies in (x, np.tile(x, (1, 1, 100, 100))):  # on one core, and on all
        s = trace(Network([]), copies)["x"].statistics
        assert (s.min, s.max) == (min(map(float, x.flat)), max(map(float, x.flat)))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_nan_of_either_sign_is_found(sign):
    x = np.ones((1, 2, 5, 7), np.float32)
    x[0, 1, 2, 3] = np.copysign(np.float32(np.nan), np.float32(sign))
    s = trace(Network([]), x)["x"].statistics
    assert all(np.isnan(value) for value in (s.mean, s.std, s.min, s.max))


def test_statistics_of_features_and_integers():
    net = branched()
    assert trace(net, X)["pool:indices"].max() == np.asarray(trace(net, X)["pool:indices"]).max()
    flat = trace(Sequential(nn.Flatten()), X)["flatten1"]
    assert flat.statistics.size == X.size
    assert flat.mean() == pytest.approx(X.astype(float).mean())


# Printed, they are tables a person can read.


def test_tables():
    net = branched()
    text = repr(net)
    assert text.splitlines()[0] == "Network(x → add, pool:indices): 6 nodes, 224 parameters"
    assert "  first   Conv2d(4, 4, kernel_size=3, padding=1)  ← pool" in text
    table = str(describe(net, (2, 7, 9)))
    assert "224 parameters, 7,992 multiply-adds." in table  # 4·7·9·18 + 2·4·3·4·36
    assert max(map(len, table.splitlines())) <= 100
    printed = repr(trace(net, X))
    assert "pre-activation" in printed
    one = repr(trace(net, X)["relu"])
    assert one.startswith("FeatureMap 'relu': 3×4×7×9 float32, 3.02 kB, activation")
    assert "field (size / stride / padding): 3 / 1 / 1" in one


def test_describe_as_plain_data():
    import json

    data = describe(branched(), (2, 7, 9)).to_dict()
    again = json.loads(json.dumps(data))
    assert again["nodes"][1]["shape"] == [1, 4, 7, 9]
    assert again["total"]["parameters"] == 224


class TestAnInputOfKnownAxes:
    """A network from a file knows how many axes its inputs have, so three axes need not be one image."""

    def columns(self, **settings):
        return Network([("flat", nn.Flatten(), ["x"])], ["x"], **settings)

    def test_three_axes_stay_three(self):
        net = self.columns(input_shapes={"x": (2, 3, 5)})
        assert net(np.ones((4, 3, 5))).shape == (4, 15)
        assert self.columns()(np.ones((4, 3, 5))).shape == (60,)  # one image, as ever
        assert describe(net)["flat"].shape == (2, 15)
        assert describe(net, (7, 2, 2))["flat"].shape == (7, 4)

    def test_one_image_where_four_are_known(self):
        net = self.columns(input_shapes={"x": (1, 3, 4, 5)})
        assert net(np.ones((3, 4, 5))).shape == (60,)
        assert describe(net)["flat"].shape == (1, 60)

    def test_it_travels_with_the_network(self):
        net = self.columns(input_shapes={"x": (2, 3, 5)})
        for twin in (pickle.loads(pickle.dumps(net)), net.with_layers({"flat": nn.Flatten()}), fuse(net)):
            assert dict(twin.input_shapes) == {"x": (2, 3, 5)}

    def test_other_axes_are_refused(self):
        net = self.columns(input_shapes={"x": (2, 3, 5)})
        for call in (lambda: net(np.ones((1, 2, 3, 5))), lambda: describe(net, (1, 2, 3, 5)), lambda: trace(net, np.ones((1, 2, 3, 5)))):
            with pytest.raises(ShapeError, match=r"x has 3 axes in this network, such as \(2, 3, 5\), but its shape is \(1, 2, 3, 5\)"):
                call()
        with pytest.raises(ArgumentError, match="does not say which input it was made for; give input_shape"):
            describe(self.columns())
        with pytest.raises(ArgumentError, match=r"input_shapes maps names of inputs \(x\) to shapes"):
            self.columns(input_shapes={"y": (1,)})
