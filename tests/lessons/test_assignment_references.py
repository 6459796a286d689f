"""The right values of the assignments, against loops that know nothing of the engine, and the laws of 05."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicnn.grade.assignments import find

TASK = {task.name: task for number in ("01", "03", "04", "05") for task in find(number).tasks}


def case(name, data):
    """Draw a case of a task's last part: whole numbers in float64."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**16)))
    task = TASK[name]
    return task.arguments(data.draw(task.parts[-1].settings), lambda *shape: rng.integers(-4, 5, shape).astype(float))


def on_axis(n, kernel, stride, padding, dilation=1):
    """Return the cells of every window of a padded axis, found by walking until the kernel hangs out."""
    places, start = [], -padding
    while start + dilation * (kernel - 1) < n + padding:
        places.append([start + dilation * tap for tap in range(kernel)])
        start += stride
    return places


@given(st.data())
def test_output_size_is_the_number_of_windows_walked(data):
    arguments = case("output_size", data)
    n, *rest = arguments.values()
    assert TASK["output_size"].reference(**arguments) == len(on_axis(n, *rest))


@given(st.data())
def test_same_padding_keeps_the_size_and_gives_the_odd_cell_to_the_end(data):
    kernel, dilation = case("same_padding", data).values()
    before, after = TASK["same_padding"].reference(kernel, dilation)
    assert 11 + before + after - (dilation * (kernel - 1) + 1) + 1 == 11
    assert after - before in (0, 1)


@given(st.data())
def test_receptive_field_is_what_walking_back_finds(data):
    layers = case("receptive_field", data)["layers"]
    spans = []
    for out in (0, 1):
        first = last = out
        for kernel, stride, padding, dilation in reversed(layers):
            first, last = first * stride - padding, last * stride - padding + dilation * (kernel - 1)
        spans.append((first, last))
    (first, last), (second, _) = spans
    assert TASK["receptive_field"].reference(layers) == (last - first + 1, second - first, first)


@pytest.mark.parametrize(("name", "over"), [("max_pool2d", max), ("avg_pool2d", lambda cells: sum(cells) / len(cells))])
@given(data=st.data())
def test_pooling_is_over_the_cells_that_exist(name, over, data):
    arguments = case(name, data)
    x, kernel, stride, padding = arguments.values()
    y = TASK[name].reference(**arguments)
    rows, columns = (on_axis(*axis) for axis in zip(x.shape[2:], kernel, stride, padding, strict=True))
    assert y.shape == (*x.shape[:2], len(rows), len(columns))
    for n, c, p, q in np.ndindex(y.shape):
        cells = [x[n, c, h, w] for h, w in product(rows[p], columns[q]) if 0 <= h < x.shape[2] and 0 <= w < x.shape[3]]
        assert y[n, c, p, q] == pytest.approx(over(cells), rel=1e-14)


@given(st.data())
def test_grouped_conv2d_sees_its_own_group_only(data):
    arguments = case("grouped_conv2d", data)
    x, weight, bias, stride, padding, dilation, groups = arguments.values()
    y = TASK["grouped_conv2d"].reference(**arguments)
    rows, columns = (on_axis(*axis) for axis in zip(x.shape[2:], weight.shape[2:], stride, padding, dilation, strict=True))
    assert y.shape == (len(x), len(weight), len(rows), len(columns))
    for n, k, p, q in np.ndindex(y.shape):
        right = bias[k]
        for c, (i, h), (j, w) in product(range(weight.shape[1]), enumerate(rows[p]), enumerate(columns[q])):
            if 0 <= h < x.shape[2] and 0 <= w < x.shape[3]:
                right += weight[k, c, i, j] * x[n, k * groups // len(weight) * weight.shape[1] + c, h, w]
        assert y[n, k, p, q] == right


@given(st.data())
def test_conv1x1_and_the_mean(data):
    arguments = case("conv1x1", data)
    x, weight, bias = arguments.values()
    y = TASK["conv1x1"].reference(**arguments)
    for n, k, h, w in np.ndindex(y.shape):
        assert y[n, k, h, w] == bias[k] + sum(x[n, :, h, w] * weight[k])
    np.testing.assert_allclose(
        TASK["global_avg_pool2d"].reference(x), [[sum(plane.ravel()) / plane.size for plane in image] for image in x], atol=1e-14
    )


def laws_of(arguments, value):
    return [law.broken(arguments, value) for law in TASK["conv2d_backward"].laws]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(data=st.data())
def test_laws_hold_for_right_gradients(dtype, data):
    task, rng = TASK["conv2d_backward"], np.random.default_rng(data.draw(st.integers(0, 99)))
    arguments = task.arguments(data.draw(task.parts[-1].settings), lambda *shape: rng.standard_normal(shape).astype(dtype))
    kept = {name: np.array(value) for name, value in arguments.items()}
    assert laws_of(arguments, task.reference(**arguments)) == [None, None]
    assert all(np.array_equal(arguments[name], kept[name]) for name in kept)


SETTINGS = {"N": 2, "C": 2, "H": 4, "W": 5, "K": 3, "kh": 2, "kw": 3, "sh": 2, "sw": 1, "ph": 0, "pw": 1}


@pytest.mark.parametrize("item", [0, 1])
def test_adjoint_law_names_the_gradient_that_breaks_it(item):
    task, rng = TASK["conv2d_backward"], np.random.default_rng(2)
    arguments = task.arguments(SETTINGS, lambda *shape: rng.standard_normal(shape))
    value = list(task.reference(**arguments))
    value[item] = value[item] / 2  # as a mean over the batch would be
    told = laws_of(arguments, tuple(value))[0]
    assert told.startswith(f"Σ {('grad_x·x', 'grad_weight·weight')[item]} must be Σ grad_output·conv2d(x, weight) = ")


@pytest.mark.parametrize(("item", "name"), [(0, "grad_x[0,0,0,0]"), (1, "grad_weight[0,0,0,0]"), (2, "grad_bias[0]")])
def test_finite_differences_show_both_losses(item, name):
    task, rng = TASK["conv2d_backward"], np.random.default_rng(2)
    arguments = task.arguments(SETTINGS, lambda *shape: rng.standard_normal(shape))
    value = [gradient.copy() for gradient in task.reference(**arguments)]
    value[item].flat[0] += 1e-6
    told = laws_of(arguments, tuple(value))[1]
    assert told.startswith(f"{name} must be (L(+1) - L(-1)) / 2 = (")
