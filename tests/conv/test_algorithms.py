"""Every algorithm of the gallery against the law: found from ALGORITHMS, so a new one is tested from its first day."""

import numpy as np
import pytest
from convolutions import Case, convolutions
from hypothesis import assume, given
from hypothesis import strategies as st

from minicnn.conv.contract import allowed_error
from minicnn.conv.cost import bytes_moved, multiply_adds, workspace_bytes
from minicnn.conv.dispatch import choose_algorithm, conv2d
from minicnn.conv.gallery import ALGORITHMS, load_algorithm
from minicnn.window import Window

ROUNDED = ("fft", "winograd4")  # their arithmetic has fractions, so that whole numbers come out nearly whole
WINOGRAD = ("winograd2", "winograd4")
EXACT = [name for name in ALGORITHMS if name != "fft" and name not in WINOGRAD]  # they sum the equation's own products


def dtype_of(name):
    return np.float32 if name in ("direct", "gemm", "channels_last", *WINOGRAD) else np.float64


def kernel_of(name, usual):
    return (1, 1) if name == "pointwise" else (3, 3) if name in WINOGRAD else usual


def whole(name, y):
    return np.rint(y) if name in ROUNDED else y


def applies(name, case) -> bool:
    window = Window.of(case.weight.shape[2:], case.arguments["stride"], case.arguments["padding"], case.arguments["dilation"])
    return load_algorithm(name).why_not(case.x.shape, case.weight.shape, window, case.x.dtype) is None


def fitting(name, **options):
    """Draw cases to which the algorithm applies, without filtering most of them away."""
    if name == "pointwise":
        options["kernels"] = st.just(1)
    if dtype_of(name) == np.float32:
        options["dtype"] = np.float32
    if name in WINOGRAD:
        options.update(kernels=st.just(3), groups=st.just(1), steps=st.just(1))
    cases = convolutions(**options)
    if name == "depthwise":  # one input channel per group: cut the weight and x down
        cases = cases.map(lambda c: Case(c.x[:, : c.arguments["groups"]], c.weight[:, :1], c.bias, c.arguments))
    return cases


# 1. By hand.

HAND_X = np.array([[[[1, 2, 0, 1], [0, 1, 3, 1], [2, 0, 1, 2]]]], np.float64)
HAND_W = np.array([[[[1, 0, -1], [2, 1, 0]]]], np.float64)


@pytest.mark.parametrize("name", [name for name in EXACT if name != "pointwise"])
def test_hand_worked(name):
    """Rows 0-1, columns 0-2: 1·1 + 2·0 + 0·-1 + 0·2 + 1·1 + 3·0 = 2, and so on."""
    x, w = HAND_X.astype(dtype_of(name)), HAND_W.astype(dtype_of(name))
    if name == "depthwise":  # two channels, each with the filter of its own
        x, w = np.concatenate([HAND_X, 2 * HAND_X], 1), np.concatenate([HAND_W, -HAND_W])
        expected = [[[2.0, 6.0], [1.0, 1.0]], [[-4.0, -12.0], [-2.0, -2.0]]]
        np.testing.assert_array_equal(conv2d(x, w, groups=2, algorithm=name)[0], expected)
        return
    np.testing.assert_array_equal(conv2d(x, w, algorithm=name)[0, 0], [[2.0, 6.0], [1.0, 1.0]])
    strided = conv2d(x, w, np.array([10.0], x.dtype), stride=(1, 2), padding=((0, 1), (1, 0)), algorithm=name)
    np.testing.assert_array_equal(strided[0, 0], [[8.0, 16.0], [11.0, 11.0], [10.0, 8.0]])


def test_hand_worked_pointwise():
    x = np.array([[[[1.0, 2.0]], [[3.0, 4.0]]]])  # two channels, one row, two columns
    w = np.array([[[[10.0]], [[1.0]]], [[[0.0]], [[-1.0]]], [[[1.0]], [[1.0]]]])
    for name in ("pointwise", "auto", "reference"):
        y = conv2d(x, w, np.array([0.0, 0.5, 0.0]), algorithm=name)
        np.testing.assert_array_equal(y[0], [[[13.0, 24.0]], [[-2.5, -3.5]], [[4.0, 6.0]]])


def test_not_flipped():
    """It is a cross-correlation: the impulse response is the kernel upside down and mirrored."""
    x = np.zeros((1, 1, 3, 5), np.float32)
    x[0, 0, 1, 2] = 1
    w = np.arange(1.0, 10.0, dtype=np.float32).reshape(1, 1, 3, 3)
    for name in EXACT[:3]:
        np.testing.assert_array_equal(conv2d(x, w, padding=1, algorithm=name)[0, 0, :, 1:4], w[0, 0, ::-1, ::-1])


# 2. Exact on small integers, and within the contract on everything else.


@pytest.mark.parametrize("name", list(ALGORITHMS))
@given(data=st.data())
def test_exact_on_small_integers(name, data):
    case = data.draw(fitting(name, values="integer"))
    law = conv2d(*case.arrays, **case.arguments, algorithm="reference")
    y = conv2d(*case.arrays, **case.arguments, algorithm=name)
    assert y.dtype == law.dtype
    np.testing.assert_array_equal(whole(name, y), law)


@pytest.mark.parametrize("name", list(ALGORITHMS))
@given(data=st.data())
def test_within_the_contract(name, data):
    case = data.draw(fitting(name))
    kept = [a.copy() for a in case.arrays if a is not None]
    y = conv2d(*case.arrays, **case.arguments, algorithm=name)
    law = conv2d(*case.arrays, **case.arguments, algorithm="reference")
    assert y.shape == law.shape
    assert y.dtype == case.x.dtype
    error = np.abs(y.astype(np.float64) - law)
    assert (error <= allowed_error(name, *case.arrays, **case.arguments)).all()
    for before, after in zip(kept, (a for a in case.arrays if a is not None), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("name", EXACT)
@given(data=st.data())
def test_within_the_contract_where_sums_cancel(name, data):
    """Nearly constant images under zero-mean filters: y is tiny, its error is not."""
    case = data.draw(fitting(name, dtype=np.float32))
    x = (1000 + case.x).astype(np.float32)
    w = (case.weight - case.weight.mean(axis=(1, 2, 3), keepdims=True)).astype(np.float32)
    error = np.abs(
        conv2d(x, w, **case.arguments, algorithm=name).astype(np.float64) - conv2d(x, w, **case.arguments, algorithm="reference")
    )
    assert (error <= allowed_error(name, x, w, **case.arguments)).all()


@pytest.mark.parametrize("name", list(ALGORITHMS))
@pytest.mark.parametrize("power", [-44, -22, -19, 17])
@given(data=st.data())
def test_within_the_contract_near_the_ends_of_float32(name, power, data):
    """Where products are subnormal or lost, and where they are near the largest number."""
    case = data.draw(fitting(name, dtype=np.float32))
    x, w = (case.x * np.float32(10.0**power)).astype(np.float32), (case.weight * np.float32(10.0**power)).astype(np.float32)
    y, law = (conv2d(x, w, **case.arguments, algorithm=a).astype(np.float64) for a in (name, "reference"))
    assert (np.abs(y - law) <= allowed_error(name, x, w, **case.arguments)).all()


def test_where_sums_may_overflow_there_is_no_contract():
    x, w = np.full((1, 2, 1, 1), 1e30, np.float32), np.array([1e10, -1e10], np.float32).reshape(1, 2, 1, 1)
    assert conv2d(x, w, algorithm="reference").item() == 0
    assert np.isnan(conv2d(x, w, algorithm="im2col").item())
    assert allowed_error("im2col", x, w).item() == np.inf


@pytest.mark.parametrize("name", EXACT)
def test_within_the_contract_for_many_terms(name):
    """More products than 1/√eps of float32: 512 channels and 3×3 kernels, as in VGG16."""
    rng = np.random.default_rng(6)
    size, channels = (1, 1) if name == "pointwise" else (65, 71) if name == "depthwise" else (3, 3), 1 if name == "depthwise" else 512
    x = rng.standard_normal((1, max(channels, 2), size[0] + 1, size[1] + 2), np.float32)
    w = rng.standard_normal((2, channels, *size), np.float32)
    groups = 2 if name == "depthwise" else 1
    y, law = (conv2d(x, w, groups=groups, algorithm=a).astype(np.float64) for a in (name, "reference"))
    assert (np.abs(y - law) <= allowed_error(name, x, w, groups=groups)).all()


@pytest.mark.parametrize("name", ["im2col", "direct", "gemm", "winograd2", "winograd4", "fft"])
def test_the_contract_is_no_free_pass(name):
    """A product that is left out, a tap shifted by one, float16 inputs (bfloat16 for F(4, 3), which gives up three digits): each is caught."""
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((1, 8, 9, 7), np.float32), rng.standard_normal((4, 8, 3, 3), np.float32)
    allowed = allowed_error(name, x, w)
    law = conv2d(x, w, algorithm="reference")
    short = w.copy()
    short[0, 7, 2, 2] = 0
    for wrong in (
        conv2d(x, short, algorithm="im2col"),
        conv2d(x, np.roll(w, 1, axis=3)),
        conv2d((x.view(np.uint32) & 0xFFFF0000).view(np.float32) if name == "winograd4" else x.astype(np.float16).astype(np.float32), w),
    ):
        assert (np.abs(wrong - law) > allowed).any()


def test_exact_arithmetic_lies_within_half_an_eps_of_the_law():
    from fractions import Fraction

    rng = np.random.default_rng(1)
    x, w = rng.standard_normal((1, 3, 4, 5), np.float32), rng.standard_normal((2, 3, 2, 3), np.float32)
    law = conv2d(x, w, algorithm="reference")
    for k, p, q in np.ndindex(law.shape[1:]):
        exact = sum(
            Fraction(float(w[k, c, i, j])) * Fraction(float(x[0, c, p + i, q + j])) for c in range(3) for i in range(2) for j in range(3)
        )
        assert abs(Fraction(float(law[0, k, p, q])) - exact) <= Fraction(float(np.spacing(abs(law[0, k, p, q])))) * Fraction(501, 1000)


# 3. Padding modes are dispatch's business.


@given(case=convolutions(padding_modes=("reflect", "replicate", "circular"), values="integer"))
def test_padding_modes_are_numpy_pads(case):
    words = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    padded = np.pad(case.x, ((0, 0), (0, 0), *case.arguments["padding"]), mode=words[case.arguments["padding_mode"]])
    plain = {**case.arguments, "padding": 0, "padding_mode": "zeros"}
    np.testing.assert_array_equal(
        conv2d(*case.arrays, **case.arguments), conv2d(padded, case.weight, case.bias, **plain, algorithm="reference")
    )


def test_settings_may_be_arrays():
    x, w = np.ones((1, 1, 6, 7)), np.ones((1, 1, 3, 2))
    expected = conv2d(x, w, stride=(2, 1), padding=((1, 2), (0, 3)))
    np.testing.assert_array_equal(conv2d(x, w, stride=np.array([2, 1]), padding=np.array([[1, 2], [0, 3]])), expected)
    np.testing.assert_array_equal(conv2d(x, w, padding=np.array(1), stride=np.int64(2)), conv2d(x, w, padding=1, stride=2))


def test_same_with_a_stride_is_tensorflows():
    x, w = np.arange(20.0).reshape(1, 1, 4, 5), np.ones((1, 1, 3, 2))
    y = conv2d(x, w, stride=(2, 3), padding="same")
    assert y.shape == (1, 1, 2, 2)  # ceil(4/2), ceil(5/3)
    np.testing.assert_array_equal(y, conv2d(x, w, stride=(2, 3), padding=((0, 1), (0, 0)), algorithm="reference"))


# 4. Properties of the equation.


@given(case=convolutions(values="integer", dtype=np.float64))
def test_linear_in_x_and_in_weight(case):
    run = lambda x, w: conv2d(x, w, **case.arguments)  # noqa: E731
    np.testing.assert_array_equal(run(3 * case.x, case.weight) - run(case.x, case.weight), run(2 * case.x, case.weight))
    np.testing.assert_array_equal(run(case.x, 3 * case.weight) - run(case.x, case.weight), run(case.x, 2 * case.weight))


@given(case=convolutions(values="integer", dtype=np.float64))
def test_shifting_the_input_shifts_the_output(case):
    stride = case.arguments["stride"]
    arguments = {**case.arguments, "padding": 0}
    x = np.pad(case.x, ((0, 0), (0, 0), (stride[0], 8), (stride[1], 8)))
    y, shifted = conv2d(x, case.weight, **arguments), conv2d(x[:, :, stride[0] :, stride[1] :], case.weight, **arguments)
    np.testing.assert_array_equal(y[:, :, 1 : 1 + shifted.shape[2], 1 : 1 + shifted.shape[3]], shifted)


@given(case=convolutions(values="integer"))
def test_groups_are_separate_convolutions(case):
    G = case.arguments["groups"]
    assume(G > 1)
    xs, ws = np.split(case.x, G, axis=1), np.split(case.weight, G)
    apart = [conv2d(x, w, **{**case.arguments, "groups": 1}) for x, w in zip(xs, ws, strict=True)]
    together = conv2d(case.x, case.weight, **case.arguments)
    np.testing.assert_array_equal(together, np.concatenate(apart, axis=1))


# 5. Numbers that are not finite pass exactly as in the law.


@pytest.mark.parametrize("name", EXACT)
@given(data=st.data())
def test_non_finite_numbers_pass_as_in_the_law(name, data):
    case = data.draw(fitting(name, values="integer"))
    bad = st.sampled_from([np.nan, np.inf, -np.inf])
    x, w = case.x.copy(), case.weight.copy()
    for array in data.draw(st.sampled_from([(x,), (w,), (x, w)])):
        array.reshape(-1)[data.draw(st.integers(0, array.size - 1))] = data.draw(bad)
    law = conv2d(x, w, case.bias, **case.arguments, algorithm="reference")
    np.testing.assert_array_equal(conv2d(x, w, case.bias, **case.arguments, algorithm=name), law)  # and no warning is raised


# 6. Arrays as users have them.


@pytest.mark.parametrize("name", [*ALGORITHMS, "auto"])
@pytest.mark.parametrize("kind", ["transposed", "reversed", "strided", "read-only", "memory-mapped", "fortran", "unaligned"])
def test_any_memory_layout(name, kind, tmp_path):
    rng = np.random.default_rng(2)
    x = rng.integers(-5, 6, (2, 3, 7, 6)).astype(np.float32)
    size, groups = kernel_of(name, (3, 2)), 3 if name == "depthwise" else 1
    w = rng.integers(-5, 6, (6, 3 // groups, *size)).astype(np.float32)
    if kind == "transposed":
        made = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    elif kind == "reversed":
        made = np.ascontiguousarray(x[:, :, ::-1, ::-1])[:, :, ::-1, ::-1]
    elif kind == "strided":
        made = np.zeros((2, 3, 14, 18), np.float32)[:, :, ::2, ::3]
        made[...] = x
    elif kind == "fortran":
        made = np.asfortranarray(x)
    elif kind == "unaligned":
        buffer = np.zeros(x.nbytes + 1, np.uint8)
        made = buffer[1:].view(np.float32).reshape(x.shape)
        made[...] = x
    elif kind == "memory-mapped":
        np.save(tmp_path / "x.npy", x)
        made = np.load(tmp_path / "x.npy", mmap_mode="r")
    else:
        made = x.copy()
        made.flags.writeable = False
    np.testing.assert_array_equal(made, x)
    weight = w[::-1].copy()[::-1]
    expected = conv2d(x, w, padding=1, groups=groups, algorithm="reference")
    y = conv2d(made, weight, padding=1, groups=groups, algorithm=name)
    np.testing.assert_array_equal(whole(name, y), expected)
    assert y.flags.writeable
    assert not np.shares_memory(y, made)


@pytest.mark.parametrize("name", [*ALGORITHMS, "auto"])
def test_empty_batches_and_single_images(name):
    size, groups = kernel_of(name, (3, 2)), 2 if name == "depthwise" else 1
    x, w = np.ones((0, 2, 5, 4), np.float32), np.ones((4, 2 // groups, *size), np.float32)
    y = conv2d(x, w, groups=groups, algorithm=name)
    assert y.shape == (0, 4, 6 - size[0], 5 - size[1])
    assert y.dtype == np.float32
    one = np.arange(40, dtype=np.float32).reshape(2, 5, 4)
    np.testing.assert_array_equal(conv2d(one, w, groups=groups, algorithm=name), conv2d(one[None], w, groups=groups, algorithm=name)[0])


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_empty_batch_with_a_padding_mode(mode):
    assert conv2d(np.ones((0, 2, 5, 4)), np.ones((4, 2, 3, 2)), padding=1, padding_mode=mode).shape == (0, 4, 5, 5)


def test_bits_do_not_depend_on_the_run():
    rng = np.random.default_rng(3)
    x, w = rng.standard_normal((2, 6, 13, 11), np.float32), rng.standard_normal((6, 1, 3, 5), np.float32)
    first = conv2d(x, w, groups=6, algorithm="depthwise")
    for _ in range(5):
        np.testing.assert_array_equal(conv2d(x, w, groups=6, algorithm="depthwise"), first)


@pytest.mark.parametrize("name", [*EXACT, *WINOGRAD])
@pytest.mark.parametrize(("activation", "function"), [("relu", lambda y: np.maximum(y, 0)), ("relu6", lambda y: np.clip(y, 0, 6))])  # fmt: skip
def test_activation_at_the_store(name, activation, function):
    rng = np.random.default_rng(4)
    size = 3 if name in WINOGRAD else 1
    module, window = load_algorithm(name), Window.of(size, padding=1)
    shapes = (1, 3, 4, 5), (3, 1 if name == "depthwise" else 3, size, size)
    x, w = (rng.standard_normal(shape).astype(dtype_of(name)) for shape in shapes)
    b = np.array([1.0, -2.0, np.nan], x.dtype)
    groups = 3 if name == "depthwise" else 1
    plain = module.run(x, module.prepare(w, window, groups), b, None)
    np.testing.assert_array_equal(module.run(x, module.prepare(w, window, groups), b, activation), function(plain))


# 7. Choice and cost.


def test_choice_is_a_pure_function_of_shapes():
    window = Window.of((3, 3), padding=1)
    assert choose_algorithm((1, 32, 9, 9), (32, 1, 3, 3), window, np.float32) == "depthwise"
    assert choose_algorithm((1, 32, 9, 9), (64, 32, 1, 1), Window.of(1), np.float32) == "pointwise"
    assert choose_algorithm((1, 50, 9, 19), (64, 50, 3, 3), window, np.float32) == "gemm"
    assert choose_algorithm((1, 64, 9, 9), (64, 64, 3, 3), window, np.float32) == "channels_last"
    assert choose_algorithm((1, 512, 9, 9), (512, 512, 1, 1), Window.of(1), np.float32) == "channels_last"
    assert choose_algorithm((1, 3, 29, 31), (64, 3, 3, 3), window, np.float32, "fast") == "winograd4"
    assert choose_algorithm((1, 64, 9, 9), (64, 64, 3, 3), window, np.float32, "fast") == "winograd2"
    assert choose_algorithm((1, 64, 29, 31), (64, 64, 3, 3), window, np.float32, "fast") == "winograd4"
    assert choose_algorithm((1, 1, 9, 9), (6, 1, 3, 3), window, np.float32) == "direct"
    assert choose_algorithm((1, 1, 9, 9), (6, 1, 3, 3), window, np.float64) == "im2col"


@given(case=convolutions())
def test_auto_takes_what_applies_and_where_exact_what_sums_the_equations_products(case):
    window = Window.of(case.weight.shape[2:], case.arguments["stride"], case.arguments["padding"], case.arguments["dilation"])
    for accuracy, allowed in (("exact", EXACT), ("fast", [*EXACT, *WINOGRAD])):
        name = choose_algorithm(case.x.shape, case.weight.shape, window, case.x.dtype, accuracy)
        assert name in allowed
        assert applies(name, case)


def test_cost_counts_the_loops():
    x, w, window = (2, 6, 7, 5), (9, 2, 3, 2), Window.of((3, 2), stride=(2, 1), padding=1)
    counted = sum(1 for _ in np.ndindex(2, 9, 4, 6, 2, 3, 2))  # N K P Q C/G R S
    assert multiply_adds(x, w, window) == counted
    assert bytes_moved(x, w, window) == 4 * (2 * 6 * 7 * 5 + 9 * 2 * 3 * 2 + 2 * 9 * 4 * 6)


@pytest.mark.parametrize("name", ["im2col", "direct", "gemm", "pointwise", "fft"])
def test_workspace_is_what_numpy_allocates(name):
    """The arrays that a run holds beside x, weight and y, give or take small ones."""
    import tracemalloc

    rng = np.random.default_rng(5)
    size = 1 if name == "pointwise" else 3
    x, w, window = rng.random((1, 16, 41, 37), np.float32), rng.random((8, 16, size, size), np.float32), Window.of(size, 2, size // 2)
    module = load_algorithm(name)
    prepared = module.prepare(w, window)
    module.run(x, prepared)
    tracemalloc.start()
    y = module.run(x, prepared)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    expected = workspace_bytes(name, x.shape, w.shape, window)
    assert 0.8 * expected <= peak - y.nbytes <= 1.25 * expected + 20_000
