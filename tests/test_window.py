"""The one-axis rules against definitions: windows are laid out and counted one by one, never by the formula under test."""

from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicnn.axis import POINT, Adaptive, Reach, Resize, Slide, Transposed, Whole, ratio, whole
from minicnn.errors import ShapeError

SIZES = st.integers(1, 12)
STEPS = st.integers(1, 5)


def laid_out(n, before, after, mode="zeros") -> list:
    """Return the inputs with their border, padding as None or as the input that it copies, cell by cell."""
    line = list(range(n))
    border = {
        "zeros": lambda: ([None] * before, [None] * after),
        "reflect": lambda: (line[1 : before + 1][::-1], line[::-1][1 : after + 1]),
        "replicate": lambda: ([0] * before, [n - 1] * after),
        "circular": lambda: (line[n - before :], line[:after]),
    }
    left, right = border[mode]()
    return left + line + right


def placed(rule: Slide, n: int) -> list[list]:
    """Slide the window along the line, and hand out what lies under its taps at every place where it fits."""
    line = laid_out(n, rule.before, rule.after, rule.mode)
    found, start = [], 0
    while start + rule.dilation * (rule.kernel - 1) < len(line):
        found.append([line[start + t * rule.dilation] for t in range(rule.kernel)])
        start += rule.stride
    end_of_last = start - rule.stride + rule.dilation * (rule.kernel - 1)
    if rule.ceil and end_of_last < len(line) - 1 and start < rule.before + n:  # one more may hang over, not start outside
        line = line + [None] * (rule.dilation * rule.kernel)
        found.append([line[start + t * rule.dilation] for t in range(rule.kernel)])
    return found


@st.composite
def slides(draw):
    """A rule and a size that its kernel fits, in every mode; ceil where pooling has it, padding below the extent."""
    n, kernel, dilation, mode = draw(SIZES), draw(STEPS), draw(STEPS), draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"]))
    extent = dilation * (kernel - 1) + 1
    rounding = mode == "zeros" and draw(st.booleans())
    most = {"reflect": n - 1, "circular": n}.get(mode, extent - 1 if rounding else 9)
    before, after = draw(st.integers(0, most)), draw(st.integers(0, most))
    n += max(0, extent - n - before - after)
    return Slide(kernel, draw(STEPS), before, after, dilation, rounding, mode), n


class TestSlide:
    @pytest.mark.parametrize(
        ("rule", "n", "out"),
        [
            (Slide(3), 4, 2),  # no padding, unit strides (Dumoulin & Visin, relationship 1)
            (Slide(4, before=2, after=2), 5, 6),  # arbitrary padding (2)
            (Slide(3, before=1, after=1), 5, 5),  # half, or same, padding (3)
            (Slide(3, before=2, after=2), 5, 7),  # full padding (4)
            (Slide(3, stride=2), 5, 2),  # no padding, strides (5)
            (Slide(3, stride=2, before=1, after=1), 5, 3),  # padding and strides (6)
            (Slide(3, stride=2, before=1, after=1), 6, 3),  # … that do not divide
            (Slide(3, dilation=2), 7, 3),  # dilated (15)
            (Slide(3, stride=2, before=0, after=1), 224, 112),  # unequal sides
            (Slide(7, stride=2, before=3, after=3), 224, 112),  # ResNet's stem
            (Slide(11, stride=4, before=2, after=2), 224, 55),  # AlexNet's
            (Slide(2, stride=2), 5, 2),  # pooling drops a row
            (Slide(2, stride=2, ceil=True), 5, 3),  # … or keeps it
            (Slide(1, stride=3), 3, 1),  # stride larger than the kernel
            (Slide(1, stride=3, ceil=True), 3, 1),  # a second window would start outside
            (Slide(2, stride=2, before=1, after=1, ceil=True), 3, 2),  # would start in the padding behind
            (Slide(3, before=1, after=1), 1, 1),
        ],
    )
    def test_published_sizes(self, rule, n, out):
        assert rule.out_size(n) == out
        assert len(placed(rule, n)) == out

    @given(slides())
    def test_as_many_outputs_as_places_where_the_window_fits(self, drawn):
        rule, n = drawn
        assert rule.out_size(n) == len(placed(rule, n))

    @given(slides())
    def test_sees_what_lies_under_its_taps(self, drawn):
        rule, n = drawn
        for i, cells in enumerate(placed(rule, n)):
            assert rule.sees(i, n) == tuple(sorted({cell for cell in cells if cell is not None}))

    @pytest.mark.parametrize("ceil_mode", [False, True])
    @pytest.mark.parametrize("stride", [1, 2, 3, 4, 5])
    @pytest.mark.parametrize(
        ("kernel", "before", "after", "dilation"), [(1, 0, 0, 1), (2, 0, 1, 1), (3, 1, 1, 1), (3, 2, 0, 2), (4, 1, 2, 3)]
    )
    def test_every_residue_of_the_stride(self, kernel, before, after, dilation, stride, ceil_mode):
        rule = Slide(kernel, stride, before, after, dilation, ceil_mode)
        least = max(1, rule.extent - before - after)
        sizes = [rule.out_size(n) for n in range(least, least + 3 * stride + 1)]
        assert sizes == [len(placed(rule, n)) for n in range(least, least + 3 * stride + 1)]
        assert sizes[-1] - sizes[0] == 3  # one output more for every `stride` inputs more
        assert all(b - a in (0, 1) for a, b in pairwise(sizes))

    def test_modes_by_hand(self):
        seen = {
            mode: [Slide(3, 1, 2, 2, mode=mode).sees(i, 4) for i in (0, 1, 4, 5)] for mode in ("zeros", "reflect", "replicate", "circular")
        }
        assert seen["zeros"] == [(0,), (0, 1), (2, 3), (3,)]
        assert seen["reflect"] == [(0, 1, 2), (0, 1), (2, 3), (1, 2, 3)]
        assert seen["replicate"] == [(0,), (0, 1), (2, 3), (3,)]
        assert seen["circular"] == [(0, 2, 3), (0, 1, 3), (0, 2, 3), (0, 1, 3)]

    @given(slides())
    def test_reach_holds_what_is_seen(self, drawn):
        rule, n = drawn
        reach = rule.reach(n)
        if isinstance(reach, str):
            assert rule.mode != "zeros"
            assert rule.mode in reach
            return
        assert reach == Reach(rule.extent, rule.stride, -rule.before)
        for i in range(rule.out_size(n)):
            low = reach.start + i * reach.stride
            assert all(low <= cell < low + reach.size for cell in rule.sees(i, n))

    def test_padding_that_reaches_past_the_kernel_has_no_closed_form(self):
        assert Slide(3, before=1, after=1, mode="reflect").reach(9) == Reach(3, 1, -1)
        assert Slide(3, before=2, mode="reflect").reach(9) == "reflect padding of 2 reaches past a kernel that spans 3"
        assert Slide(3, after=2, mode="replicate").reach(9) == Reach(3, 1, 0)
        assert Slide(3, after=3, mode="replicate").reach(9) == "replicate padding of 3 reaches past a kernel that spans 3"
        assert Slide(3, after=1, mode="circular").reach(9) == "circular padding wraps to the opposite border"
        assert Slide(3, mode="circular").reach(9) == Reach(3, 1, 0)

    def test_kernel_that_does_not_fit_shows_the_sum(self):
        with pytest.raises(ShapeError, match=r"a kernel of 3 with dilation 4 spans 9, but the padded input has 5 \+ 1 \+ 2 = 8\."):
            Slide(3, before=1, after=2, dilation=4).out_size(5)

    @given(slides())
    def test_derivation_is_sound_arithmetic(self, drawn):
        rule, n = drawn
        assert_adds_up(rule.derivation(n), rule.out_size(n))

    def test_derivation_by_hand(self):
        assert Slide(3, 2, 1, 0, 2).derivation(9) == "floor((9 + 1 + 0 - 2·(3 - 1) - 1) / 2) + 1 = 3"
        assert Slide(2, 2, ceil=True).derivation(5) == "ceil((5 + 0 + 0 - 1·(2 - 1) - 1) / 2) + 1 = 3"
        dropped = "ceil((3 + 0 + 0 - 1·(1 - 1) - 1) / 3) + 1 - 1 = 1 (the last window would start outside)"
        assert Slide(1, 3, ceil=True).derivation(3) == dropped

    def test_point_leaves_positions_alone(self):
        assert [POINT.sees(i, 3) for i in range(POINT.out_size(3))] == [(0,), (1,), (2,)]
        assert POINT.reach(3) == Reach(1, 1, 0)


def assert_adds_up(text: str, out: int) -> None:
    """Work out what stands left of the last '=' and compare it with what stands right of it."""
    sum_, _, result = text.split(" (the last")[0].rpartition(" = ")
    assert int(result) == out
    assert eval(sum_.replace("·", "*"), {"floor": floor, "ceil": ceil}) == out


def stamped(rule: Transposed, n: int) -> list[list[int]]:
    """Let every input stamp its kernel onto a canvas, add output_padding behind, and cut the sides off."""
    canvas = {}
    for q in range(n):
        for t in range(rule.kernel):
            canvas.setdefault(q * rule.stride + t * rule.dilation, []).append(q)
    length = max(canvas) + 1 + rule.output_padding
    return [sorted(canvas.get(place, [])) for place in range(rule.before, length - rule.after)]


@st.composite
def transposes(draw):
    n, kernel, stride, dilation = draw(SIZES), draw(STEPS), draw(STEPS), draw(STEPS)
    extra = draw(st.integers(0, max(stride, dilation) - 1))
    full = (n - 1) * stride + dilation * (kernel - 1) + 1 + extra
    before = draw(st.integers(0, min(9, full - 1)))
    return Transposed(kernel, stride, before, draw(st.integers(0, min(9, full - 1 - before))), dilation, extra), n


class TestTransposed:
    @pytest.mark.parametrize(
        ("rule", "n", "out"),
        [
            (Transposed(3), 2, 4),  # no padding, unit strides (Dumoulin & Visin, relationship 8)
            (Transposed(4, before=2, after=2), 6, 5),  # (9)
            (Transposed(3, before=1, after=1), 5, 5),  # half padding (10)
            (Transposed(3, before=2, after=2), 7, 5),  # full padding (11)
            (Transposed(3, stride=2), 2, 5),  # (12)
            (Transposed(3, stride=2, before=1, after=1), 3, 5),  # (13)
            (Transposed(3, stride=2, before=1, after=1, output_padding=1), 3, 6),  # (14)
            (Transposed(3, dilation=2), 2, 6),
            (Transposed(2, stride=3, before=1, after=0), 3, 7),
        ],
    )
    def test_published_sizes(self, rule, n, out):
        assert rule.out_size(n) == out
        assert len(stamped(rule, n)) == out

    def test_kernel_3_stride_2_sees_one_or_two(self):
        up = Transposed(3, stride=2)
        assert [up.sees(i, 3) for i in range(up.out_size(3))] == [(0,), (0,), (0, 1), (1,), (1, 2), (2,), (2,)]
        assert up.reach(3) == Reach(2, Fraction(1, 2), -1)

    @given(transposes())
    def test_sees_what_was_stamped_there(self, drawn):
        rule, n = drawn
        assert [list(rule.sees(i, n)) for i in range(rule.out_size(n))] == stamped(rule, n)

    @given(transposes())
    def test_turns_a_convolution_round(self, drawn):
        """Input q stamps output i exactly where the convolution's output q reads input i."""
        rule, n = drawn
        out = rule.out_size(n)
        reads = Slide(rule.kernel, rule.stride, rule.before, rule.after, rule.dilation)
        pairs = {(q, i) for i in range(out) for q in rule.sees(i, n)}
        assert pairs == {(q, i) for q in range(n) for i in reads.sees(q, out)}
        if rule.output_padding < rule.stride:
            assert reads.out_size(out) == n

    @given(transposes())
    def test_reach_holds_what_is_seen(self, drawn):
        rule, n = drawn
        reach = rule.reach(n)
        for i in range(rule.out_size(n)):
            low = reach.start + i * reach.stride
            assert all(low <= cell <= low + reach.size - 1 for cell in rule.sees(i, n))

    @given(transposes())
    def test_derivation_is_sound_arithmetic(self, drawn):
        rule, n = drawn
        assert_adds_up(rule.derivation(n), rule.out_size(n))

    def test_nothing_left_shows_the_sum(self):
        with pytest.raises(ShapeError, match=r"\(2 - 1\)·3 - 4 - 5 \+ 2·\(3 - 1\) \+ 1 \+ 1 = 0, but an output needs at least 1; use less"):
            Transposed(3, 3, 4, 5, 2, 1).out_size(2)


class TestAdaptive:
    def test_7_to_5_by_hand(self):
        rule = Adaptive(5)
        assert [rule.sees(i, 7) for i in range(5)] == [(0, 1), (1, 2), (2, 3, 4), (4, 5), (5, 6)]
        assert rule.derivation(7) == "7 cells shared among 5, 2 or 3 each = 5"

    @given(SIZES, st.none() | SIZES)
    def test_an_output_sees_the_cells_with_which_its_piece_shares_length(self, n, size):
        rule = Adaptive(size)
        out = rule.out_size(n)
        assert out == (n if size is None else size)
        for i in range(out):
            cells = [q for q in range(n) if max(Fraction(i, out), Fraction(q, n)) < min(Fraction(i + 1, out), Fraction(q + 1, n))]
            assert list(rule.sees(i, n)) == cells

    @given(SIZES, SIZES)
    def test_closed_form_holds_what_is_seen_and_no_less_would_do(self, n, out):
        reach = Adaptive(out).reach(n)
        if out == 1 and n > 1:
            assert reach == "sees everything: global pooling"
            return
        lows = [Adaptive(out).sees(i, n)[0] - i * reach.stride for i in range(out)]
        highs = [Adaptive(out).sees(i, n)[-1] - i * reach.stride for i in range(out)]
        assert (reach.start, reach.size) == (min(lows), max(highs) - min(lows) + 1)

    @pytest.mark.parametrize(("n", "out", "reach"), [(8, 4, Reach(2, 2, 0)), (7, 7, Reach(1, 1, 0)), (1, 1, Reach(1, 1, 0))])
    def test_sizes_that_divide_are_plain_pooling(self, n, out, reach):
        assert Adaptive(out).reach(n) == reach
        assert all(type(number) is int for number in Adaptive(out).reach(n))


MODES = [("nearest", False), ("bilinear", False), ("bilinear", True)]


class TestResize:
    def test_by_hand(self):
        assert [Resize(5).sees(i, 3) for i in range(5)] == [(0,), (0,), (1,), (1,), (2,)]
        assert [Resize(4, "bilinear").sees(i, 2) for i in range(4)] == [(0,), (0, 1), (0, 1), (1,)]
        assert [Resize(3, "bilinear", True).sees(i, 2) for i in range(3)] == [(0,), (0, 1), (1,)]
        assert Resize(1, "bilinear", True).taps(0, 5) == ((0, 1),)
        assert Resize(2, "bilinear").taps(0, 8) == ((1, Fraction(1, 2)), (2, Fraction(1, 2)))  # making smaller skips cells

    @pytest.mark.parametrize("mode", MODES)
    @given(n=SIZES, out=SIZES)
    def test_taps_are_the_definition(self, mode, n, out):
        """Each input weighs by its distance from where the output lies: 1 there, 0 from the next input on."""
        rule = Resize(out, *mode)
        assert rule.out_size(n) == out
        for i in range(out):
            if mode[0] == "nearest":
                expected = {q: 1 for q in range(n) if q <= Fraction(i * n, out) < q + 1}
            else:
                if mode[1]:
                    place = Fraction(i * (n - 1), out - 1) if out > 1 else Fraction(0)
                else:
                    place = Fraction(2 * i + 1, 2) * Fraction(n, out) - Fraction(1, 2)
                held = min(max(place, Fraction(0)), Fraction(n - 1))
                expected = {q: 1 - abs(held - q) for q in range(n) if abs(held - q) < 1}
            assert dict(rule.taps(i, n)) == expected
            assert rule.sees(i, n) == tuple(expected)
            assert sum(expected.values()) == 1

    @pytest.mark.parametrize("mode", MODES)
    @given(n=SIZES, out=SIZES)
    def test_closed_form_holds_what_is_seen(self, mode, n, out):
        rule = Resize(out, *mode)
        reach = rule.reach(n)
        for i in range(out):
            low = reach.start + i * reach.stride
            assert all(floor(low) <= ceil(low) <= cell <= floor(low + reach.size - 1) for cell in rule.sees(i, n))

    @given(n=SIZES, out=SIZES)
    def test_closed_form_of_nearest_is_as_small_as_can_be(self, n, out):
        reach = Resize(out).reach(n)
        offsets = [Resize(out).sees(i, n)[0] - i * reach.stride for i in range(out)]
        assert (reach.start, reach.size) == (min(offsets), max(offsets) - min(offsets) + 1)

    def test_derivation(self):
        assert Resize(7, "bilinear").derivation(3) == "bilinear from 3 to 7 = 7"

    def test_a_scale_by_hand(self):
        by_scale = Resize(8, scale=ratio(1.7))  # floor(5·1.7) = 8; output i looks at 10·i/17
        assert [by_scale.sees(i, 5)[0] for i in range(8)] == [0, 0, 1, 1, 2, 2, 3, 4]
        assert Resize(3, "bilinear", scale=ratio(0.7)).taps(1, 5) == ((1, Fraction(5, 14)), (2, Fraction(9, 14)))  # 3/2 / 0.7 - 1/2
        for mode in ("nearest", "bilinear"):
            assert [Resize(5, mode, scale=ratio(1.1)).taps(i, 5) for i in range(5)] == [((i, 1),) for i in range(5)]  # nothing is resized
        assert [Resize(6, scale=ratio(2.3)).sees(i, 3) for i in range(6)] == [(0,), (0,), (1,), (1,), (2,), (2,)]  # a doubling
        assert Resize(3, "bilinear", True, ratio(0.7)).taps(1, 5) == ((2, 1),)  # corners on corners

    @pytest.mark.parametrize("mode", MODES)
    @given(n=SIZES, scale=st.sampled_from([0.3, 0.5, 0.6, 2 / 3, 0.7, 0.9, 1.1, 1.3, 5 / 3, 1.7, 2.0, 2.3, 2.5, 3.7]))
    def test_scaled_taps_lie_inside_and_the_closed_form_holds_them(self, mode, n, scale):
        out = floor(n * scale)
        rule = Resize(out, *mode, ratio(scale))
        reach = rule.reach(n)
        for i in range(out):
            low = reach.start + i * reach.stride
            assert all(0 <= cell < n and ceil(low) <= cell <= floor(low + reach.size - 1) for cell in rule.sees(i, n))
            assert sum(weight for _, weight in rule.taps(i, n)) == 1

    @given(st.floats(1e-6, 1e6))
    def test_a_ratio_rounds_to_its_float(self, scale):
        assert float(ratio(scale)) == scale

    def test_ratios_are_what_was_written(self):
        assert [ratio(s) for s in (1.7, 0.6, 1 / 3, 5 / 3, 2.0)] == [Fraction(*f) for f in ((17, 10), (3, 5), (1, 3), (5, 3), (2, 1))]


class TestWhole:
    def test_sees_every_input(self):
        fold, keep = Whole("flatten"), Whole("softmax", None)
        assert (fold.out_size(4), keep.out_size(4)) == (1, 4)
        assert fold.sees(0, 4) == keep.sees(3, 4) == (0, 1, 2, 3)
        assert fold.reach(4) == "sees everything: flatten"
        assert fold.derivation(4) == "flatten folds 4 into 1"


@pytest.mark.parametrize(("number", "kind"), [(Fraction(4, 2), int), (Fraction(1, 2), Fraction), (3, int)])
def test_whole_fractions_become_integers(number, kind):
    assert type(whole(number)) is kind
    assert whole(number) == number
