"""backward through whole networks: branches, several outputs, shared layers, rules, and what is refused."""

import numpy as np
import pytest
from differences import assert_is_derivative, spread

from minicnn import backward, nn, trace
from minicnn.errors import ArgumentError, DTypeError, ShapeError, UnknownNameError


def branching(rng=None):
    """A trunk, a residual branch, a shared convolution used twice, a concatenation, a batch norm, and two outputs."""
    own = {"rng": rng or np.random.default_rng(3), "dtype": np.float64}
    shared = nn.Conv2d(4, 4, (3, 1), padding=(1, 0), **own)
    g = nn.Graph()
    x = g.input("x")
    trunk = x.then("conv", nn.Conv2d(3, 4, 3, stride=(2, 1), padding=1, **own)).then("bn", nn.BatchNorm2d(4, dtype=np.float64))
    a = trunk.then("relu", nn.ReLU())
    b = a.then("shared1", shared).then("silu", nn.SiLU()).then("shared2", shared)
    total = g.join("add", nn.Add(), a, b)
    joined = g.join("concat", nn.Concat(), total, a.then("pool", nn.MaxPool2d(3, 1, 1)))
    head = joined.then("gap", nn.AdaptiveAvgPool2d(1)).then("flatten", nn.Flatten()).then("fc", nn.Linear(8, 5, **own))
    return g.network(head, total)


def loss_of(net, grads, training):
    return lambda x: trace(net, x, training=training).outputs


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("keep", ["all", "gradient"])
def test_residual_concat_and_shared_node(training, keep):
    """By the input and by every parameter, against finite differences of the whole network."""
    net = branching()
    x = spread((3, 3, 9, 6), 1, -2, 2)
    record = trace(net, x, training=training, keep=keep)
    rng = np.random.default_rng(0)
    grads = tuple(rng.standard_normal(y.shape) for y in record.outputs)
    by_inputs, by_parameters = backward(net, record, grads)
    assert list(by_parameters) == list(net.parameters())
    assert_is_derivative(lambda x: trace(net, x, training=training).outputs, [by_inputs["x"]], (x,), grads, directions=3)
    for name, parameter in net.parameters().items():

        def outputs(moved, name=name):
            return trace(net.with_parameters({**net.parameters(), name: moved}), x, training=training).outputs

        assert_is_derivative(outputs, [by_parameters[name]], (parameter,), grads, directions=2)


def test_hand_worked():
    """y = relu(2x) + x on one path, read twice: dy/dx is 3 where x > 0 and 1 elsewhere; dy/dw = x where x > 0."""
    g = nn.Graph()
    x = g.input("x")
    y = g.join("sum", nn.Add(), x.then("conv", nn.Conv2d.of(np.full((1, 1, 1, 1), 2.0))).then("relu", nn.ReLU()), x)
    net = g.network(y)
    data = np.array([[[[1.0, -1.0, 5.0]]]])
    by_inputs, by_parameters = backward(net, trace(net, data), np.array([[[[1.0, 10.0, 100.0]]]]))
    np.testing.assert_array_equal(by_inputs["x"].ravel(), [3, 10, 300])
    np.testing.assert_array_equal(by_parameters["conv.weight"].ravel(), [501])


def test_a_layer_in_two_nodes_has_one_gradient_the_sum():
    layer = nn.Linear.of(np.array([[3.0]]))
    net = nn.Sequential(("first", layer), ("second", layer))  # y = 9·x
    _, by_parameters = backward(net, trace(net, np.array([[2.0]])), np.array([[1.0]]))
    assert list(by_parameters) == ["first.weight"]
    np.testing.assert_array_equal(by_parameters["first.weight"], [[2 * 3 * 2.0]])  # d(w²x)/dw


def test_gradients_by_any_map_and_from_any_map():
    net = branching()
    x = spread((2, 3, 9, 6), 2, -2, 2)
    record = trace(net, x)
    seed = np.zeros(record["silu"].shape)
    seed[0, 1, 2, 3] = 1
    found, _ = backward(net, record, {"silu": seed}, wrt="inputs", maps=("relu", "silu", "fc"))
    assert set(found) == {"x", "relu", "silu", "fc"}
    np.testing.assert_array_equal(found["silu"], seed)
    np.testing.assert_array_equal(found["fc"], np.zeros(record["fc"].shape))  # nothing was asked of it
    assert found["relu"].any()
    only_first = found["x"]
    assert only_first[0].any()
    assert not only_first[1].any()


def test_what_is_asked_for_is_what_comes():
    net, x = branching(), spread((2, 3, 9, 6), 3, -2, 2)
    record = trace(net, x)
    grads = tuple(np.ones_like(y) for y in record.outputs)
    both = backward(net, record, grads)
    by_inputs, none = backward(net, record, grads, wrt="inputs")
    assert none == {}
    np.testing.assert_array_equal(by_inputs["x"], both[0]["x"])
    none, by_parameters = backward(net, record, grads, wrt="parameters")
    assert none == {}
    for name, array in both[1].items():
        np.testing.assert_array_equal(by_parameters[name], array)
        assert not array.flags.writeable


def test_the_arguments_stay_and_the_answers_are_locked():
    net = nn.Sequential(nn.Identity())
    grad, x = np.ones((1, 2)), np.zeros((1, 2))
    by_inputs, _ = backward(net, trace(net, x), grad)
    grad[...] = 7
    np.testing.assert_array_equal(by_inputs["x"], np.ones((1, 2)))
    assert grad.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        by_inputs["x"][...] = 0


def test_float32_weights_under_a_float64_input():
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU())
    record = trace(net, np.ones((1, 2, 5, 4)))
    by_inputs, by_parameters = backward(net, record, np.ones((1, 3, 3, 2)))
    assert by_inputs["x"].dtype == np.float64
    assert {array.dtype for array in by_parameters.values()} == {np.dtype(np.float32)}


# Rules.


def test_rules_replace_a_layers_own():
    """Guided backpropagation and deconvnet, each one line, and the parameters of a layer with a rule keep their gradient."""
    net = nn.Sequential(("conv", nn.Conv2d.of(np.full((1, 1, 1, 1), -2.0))), ("relu", nn.ReLU()))
    x, grad = np.array([[[[-3.0, -1.0, 4.0]]]]), np.array([[[[5.0, -1.0, 7.0]]]])
    record = trace(net, x)

    def through(rule, key=nn.ReLU):
        found, _ = backward(net, record, grad, rules={key: rule})
        return found["x"].ravel().tolist()

    assert backward(net, record, grad)[0]["x"].ravel().tolist() == [-10, 2, 0]
    assert through(lambda layer, g, passage: np.maximum(g, 0)) == [-10, 0, -14]  # deconvnet
    assert through(lambda layer, g, passage: np.maximum(g, 0) * (passage.x > 0)) == [-10, 0, 0]  # guided
    assert through(lambda layer, g, passage: g, "relu") == [-10, 2, -14]  # by the node's name
    _, by_parameters = backward(net, record, grad, rules={nn.Conv2d: lambda layer, g, passage: np.zeros(passage.shapes[0])})
    np.testing.assert_array_equal(by_parameters["conv.weight"].ravel(), [-3 * 5 + -1 * -1])


def test_a_rule_may_write_nowhere_and_what_it_returns_stays_its_own():
    net = nn.Sequential(nn.ReLU())
    x, mine = np.ones((1, 2)), np.ones((1, 2))
    record = trace(net, x)

    def in_place(layer, grad, passage):
        grad[grad < 2] = 0
        return grad

    with pytest.raises(ArgumentError, match=r"node 'relu1': a rule returns a new array and writes into none"):
        backward(net, record, np.ones((1, 2)), rules={nn.ReLU: in_place})
    found, _ = backward(net, record, np.ones((1, 2)), rules={nn.ReLU: lambda layer, grad, passage: mine})
    assert mine.flags.writeable
    assert not np.shares_memory(found["x"], mine)
    with pytest.raises(ArgumentError, match=r"the rule must return a gradient, but it returned None; is `return` missing"):
        backward(net, record, np.ones((1, 2)), rules={nn.ReLU: lambda layer, grad, passage: None})
    with pytest.raises(ArgumentError, match=r"backward: the rule for ReLU6 has nothing to replace"):
        backward(net, record, np.ones((1, 2)), rules={nn.ReLU6: lambda layer, grad, passage: grad})
    found, _ = backward(net, record, np.ones((1, 2)), rules={nn.Layer: lambda layer, grad, passage: 3 * grad})  # all layers
    np.testing.assert_array_equal(found["x"], [[3, 3]])
    with pytest.raises(ArgumentError, match=r"backward: maps are names of maps, such as maps=\('relu2',\), but they are 3"):
        backward(net, record, np.ones((1, 2)), maps=3)


def test_a_rule_for_a_layer_of_two_inputs_returns_a_tuple():
    g = nn.Graph()
    a, b = g.input("a"), g.input("b")
    net = g.network(g.join("add", nn.Add(), a, b))
    record = trace(net, np.zeros((1, 2)), np.zeros((1, 2)))
    found, _ = backward(net, record, np.ones((1, 2)), rules={nn.Add: lambda layer, g, passage: (2 * g, None)})
    np.testing.assert_array_equal(found["a"], [[2, 2]])
    np.testing.assert_array_equal(found["b"], [[0, 0]])
    with pytest.raises(ArgumentError, match=r"node 'add': the rule must return one gradient per input, 2, but it returned 1"):
        backward(net, record, np.ones((1, 2)), rules={"add": lambda layer, g, passage: g})


# What training keeps, and statistics.


def test_the_updates_of_a_shared_batch_norm_go_on_from_each_other():
    bn = nn.BatchNorm2d(2, dtype=np.float64)
    net = nn.Sequential(("first", bn), ("second", bn))
    x = spread((4, 2, 3, 5))
    record = trace(net, x, training=True)
    assert sorted(record.updates) == ["first.running_mean", "first.running_var"]
    once = trace(nn.Sequential(bn), x, training=True)
    twice = trace(nn.Sequential(bn.with_(**{n.split(".")[1]: a for n, a in once.updates.items()})), once.outputs[0], training=True)
    for name in ("running_mean", "running_var"):
        np.testing.assert_array_equal(record.updates[f"first.{name}"], twice.updates[f"bn1.{name}"])
    after = net.with_parameters({**net.parameters(), **record.updates})
    np.testing.assert_array_equal(after["second"].running_mean, record.updates["first.running_mean"])
    np.testing.assert_array_equal(net["first"].running_mean, np.zeros(2))


def test_keep_gradient_lets_go_of_what_no_gradient_needs():
    net = branching()
    x = spread((2, 3, 9, 6), 4, -2, 2)
    full, lean = trace(net, x, training=True), trace(net, x, training=True, keep="gradient")
    assert set(lean.maps) < set(full.maps)
    assert "add" in lean.maps  # an output
    assert "concat" not in lean.maps
    assert lean.shapes == full.shapes
    for name, found in lean.maps.items():
        np.testing.assert_array_equal(found.data, full[name].data)
    with pytest.raises(
        UnknownNameError, match=r"trace: the map 'concat' was let go, since keep='gradient'.*; trace\(net, x\) keeps every map"
    ):
        lean["concat"]


def test_dropout_draws_from_rng_and_its_mask_is_the_gradients():
    net = nn.Sequential(nn.Dropout(0.5))
    x = np.ones((4, 50))
    record = trace(net, x, training=True, rng=np.random.default_rng(1))
    again = trace(net, x, training=True, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(record.outputs[0], again.outputs[0])
    by_inputs, _ = backward(net, record, np.ones((4, 50)))
    np.testing.assert_array_equal(by_inputs["x"], record.outputs[0])
    np.testing.assert_array_equal(trace(net, x).outputs[0], x)
    with pytest.raises(ArgumentError, match=r"node 'dropout1': .*rng"):
        trace(net, x, training=True)


# Mistakes.


def test_mistakes_are_taught():
    net, other = branching(), branching()
    x = spread((2, 3, 9, 6), 5, -2, 2)
    record = trace(net, x)
    single, relu = trace(net, x[0]), nn.Sequential(nn.ReLU())
    fc, add = (np.ones_like(y) for y in record.outputs)
    with pytest.raises(ArgumentError, match=r"backward: the trace must be of this network, .*; trace this network again"):
        backward(other, record, (fc, add))
    with pytest.raises(ArgumentError, match=r"backward: the second argument is what trace\(net, x\) returned, but it is a ndarray"):
        backward(net, x, fc)
    with pytest.raises(ArgumentError, match=r"backward: grad holds one array per output, 2 \(fc, add\), but 1 came"):
        backward(net, record, fc)
    with pytest.raises(ShapeError, match=r"backward: grad\['fc'\] must have the shape of map 'fc', \(2, 5\), but its shape is \(2, 4\)"):
        backward(net, record, (fc[:, :4], add))
    with pytest.raises(ShapeError, match=r"backward: grad must have the shape of map 'add', .* add the batch axis: grad\[None\]"):
        backward(net, single, {"add": add[0]})
    with pytest.raises(DTypeError, match=r"backward: grad\['fc'\] must be float64, as the maps of this trace are, but it is float32"):
        backward(net, record, (fc.astype(np.float32), add))
    with pytest.raises(DTypeError, match=r"backward: grad must be a NumPy array, but it is a float"):
        backward(relu, trace(relu, x), 1.0)
    with pytest.raises(UnknownNameError, match=r"backward: grad names the map 'fcc', and there is none. Did you mean 'fc'"):
        backward(net, record, {"fcc": fc})
    with pytest.raises(UnknownNameError, match=r"backward: there is no map 'rellu'. Did you mean 'relu'"):
        backward(net, record, (fc, add), maps=("rellu",))
    with pytest.raises(ArgumentError, match=r"backward: wrt must be one of 'both', 'inputs', 'parameters', but it is 'weights'"):
        backward(net, record, (fc, add), wrt="weights")
    with pytest.raises(ArgumentError, match=r"backward: the keys of rules are layer classes \(nn.ReLU\) or node names, but one is ReLU"):
        backward(net, record, (fc, add), rules={nn.ReLU(): lambda *_: None})
    with pytest.raises(UnknownNameError, match=r"there is no node 'rulu'"):
        backward(net, record, (fc, add), rules={"rulu": lambda *_: None})
    with pytest.raises(ArgumentError, match=r"a rule is a function of \(layer, grad_output, passage\), but that of .* is 3"):
        backward(net, record, (fc, add), rules={nn.ReLU: 3})
    with pytest.raises(ShapeError, match=r"node 'relu': .*what the rule returned must have the shape of the input 'bn'"):
        backward(net, record, (fc, add), rules={nn.ReLU: lambda layer, g, passage: g[:1]})
    with pytest.raises(ArgumentError, match=r"trace: keep must be one of 'all', 'gradient', but it is 'some'"):
        trace(net, x, keep="some")
    with pytest.raises(ArgumentError, match=r"trace: training is True or False, but it is 'yes'"):
        trace(net, x, training="yes")
