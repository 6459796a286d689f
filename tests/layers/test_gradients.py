"""Every layer's gradient: against finite differences, with what was saved and without, by inputs and by parameters."""

import numpy as np
import pytest
from differences import assert_is_derivative
from samples import cases, drawn

from minicnn.layers.base import Passage

every_layer = pytest.mark.parametrize(
    ("layer", "shapes"), [pytest.param(layer, shapes, id=name) for name, layer, shapes in cases() if layer.activation is None]
)


def as_tuple(result):
    return result if isinstance(result, tuple) else (result,)


def passed(layer, inputs, *, training=False, saving=False, seed=0):
    """Return what comes out, and the passage that the way back is given."""
    results, saved = layer(*inputs), None
    if training or saving:
        results, saved, _ = layer.forward_saving(*inputs, accuracy="exact", training=training, rng=np.random.default_rng(seed))
    results = as_tuple(results)
    kept_inputs = tuple(inputs) if "input" in layer.keeps or not saving else (None,) * len(inputs)
    kept_outputs = results if "output" in layer.keeps or not saving else (None,) * len(results)
    shapes = tuple(x.shape for x in inputs)
    return results, Passage(kept_inputs, kept_outputs, shapes, saved, training, (True,) * len(inputs), bool(layer.parameters()))


def differentiable(results, seed=1):
    """Return a gradient for every result that has one."""
    rng = np.random.default_rng(seed)
    return tuple(rng.standard_normal(y.shape).astype(y.dtype) if has_gradient(y) else None for y in results)


def has_gradient(array):
    """Whether anything can be differentiated by it, or it itself: winning indices are whole numbers, which nothing moves a little."""
    return array.dtype.kind == "f"


def wide(layer):
    """Return the layer with float64 arrays, so that differences can be taken by them too."""
    arrays = {name: array.astype(np.float64) for name, array in {**layer.parameters(), **layer.buffers()}.items()}
    return layer.with_(**arrays) if arrays else layer


@every_layer
@pytest.mark.parametrize("mode", ["plain", "saving", "training"])
def test_the_gradient_is_the_derivative(layer, shapes, mode):
    layer = wide(layer)
    inputs = drawn(layer, shapes)
    options = {"training": mode == "training", "saving": mode != "plain"}
    results, passage = passed(layer, inputs, **options)
    grads = differentiable(results)
    by_inputs, by_parameters = layer.backward(grads, passage)
    assert [part is not None for part in by_inputs] == [has_gradient(x) for x in inputs]
    assert set(by_parameters) == set(layer.parameters())
    assert len(by_inputs) == len(inputs)
    assert_is_derivative(lambda *moved: passed(layer, moved, **options)[0], by_inputs, inputs, grads)
    names = list(by_parameters)
    if names:

        def with_parameters(*moved):
            return passed(layer.with_(**dict(zip(names, moved, strict=True))), inputs, **options)[0]

        assert_is_derivative(with_parameters, [by_parameters[n] for n in names], [getattr(layer, n) for n in names], grads)


@every_layer
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_have_the_dtype_of_x_and_arguments_are_untouched(layer, shapes, dtype):
    inputs = drawn(layer, shapes, dtype)
    results, passage = passed(layer, inputs)
    grads = differentiable(results)
    before = [array.copy() for array in (*inputs, *results, *(g for g in grads if g is not None))]
    by_inputs, by_parameters = layer.backward(grads, passage)
    assert all(part is None or part.dtype == dtype for part in by_inputs)
    assert all(part.dtype == dtype for part in by_parameters.values())
    for array, copy in zip((*inputs, *results, *(g for g in grads if g is not None)), before, strict=True):
        np.testing.assert_array_equal(array, copy)


@every_layer
def test_no_images_no_gradient(layer, shapes):
    inputs = tuple(x[:0] for x in drawn(layer, shapes, np.float32))
    results, passage = passed(layer, inputs)
    by_inputs, by_parameters = layer.backward(differentiable(results), passage)
    assert [None if part is None else part.shape for part in by_inputs] == [x.shape if has_gradient(x) else None for x in inputs]
    for name, part in by_parameters.items():
        np.testing.assert_array_equal(part, np.zeros(getattr(layer, name).shape, np.float32))


@every_layer
def test_what_is_not_needed_is_not_computed(layer, shapes):
    inputs = drawn(layer, shapes, np.float32)
    results, passage = passed(layer, inputs)
    nothing = Passage(passage.inputs, passage.outputs, passage.shapes, passage.saved, False, (False,) * len(inputs), False)
    by_inputs, by_parameters = layer.backward(differentiable(results), nothing)
    assert all(part is None for part in by_inputs) or not layer.parameters()
    assert by_parameters == {}
