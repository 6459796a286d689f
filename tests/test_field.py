"""Receptive fields: the closed form against Araujo's sums, branches that unite, masks taken back cell by cell."""

from fractions import Fraction
from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal

from minicnn.axis import POINT, Adaptive, Reach, Resize, Slide, Transposed, Whole
from minicnn.field import Box, ReceptiveField, hull, looked_at, unite, unknown

SLIDES = st.builds(Slide, st.integers(1, 7), st.integers(1, 4), st.integers(0, 3), st.integers(0, 3), st.integers(1, 3))


def behind(*rules: tuple) -> ReceptiveField:
    """Return the field behind layers given by their rules for rows and columns (sizes do not matter to a Slide)."""
    field = ReceptiveField()
    for rows, columns in rules:
        field = field.through((rows.reach(0), columns.reach(0)))
    return field


class TestClosedForm:
    @given(st.lists(st.tuples(SLIDES, SLIDES), max_size=8))
    def test_is_the_published_sum(self, rules):
        """size = 1 + Σ (extent - 1)·Π strides before, stride = Π strides, padding = Σ padding·Π strides before."""
        field = behind(*rules)
        for axis in (0, 1):
            line = [pair[axis] for pair in rules]
            jumps = [prod(rule.stride for rule in line[:place]) for place in range(len(line) + 1)]
            assert field.size[axis] == 1 + sum((r.extent - 1) * jump for r, jump in zip(line, jumps, strict=False))
            assert field.stride[axis] == jumps[-1]
            assert field.padding[axis] == sum(r.before * jump for r, jump in zip(line, jumps, strict=False))

    @given(st.lists(st.tuples(SLIDES, SLIDES), max_size=5), st.integers(0, 9), st.integers(0, 9))
    def test_box_is_what_the_rules_say_one_after_the_other(self, rules, i, j):
        """From the back: the first tap of the first, the last tap of the last."""
        low, high = [i, j], [i, j]
        for pair in rules[::-1]:
            for axis, rule in enumerate(pair):
                low[axis] = low[axis] * rule.stride - rule.before
                high[axis] = high[axis] * rule.stride - rule.before + (rule.kernel - 1) * rule.dilation
        assert behind(*rules).box(i, j) == Box(*low, *high)

    def test_by_hand(self):
        field = behind((Slide(7, 2, 3, 3), Slide(5, 1, 2, 1)), (Slide(3, 2, 1, 1), Slide(2, 2)))
        assert (field.size, field.stride, field.start) == ((11, 6), (4, 2), (-5, -2))
        assert field.padding == (5, 2)
        assert field.box(3, 4) == Box(7, 6, 17, 11)
        assert str(field) == "11×6 / 4×2 / 5×2"
        assert str(ReceptiveField()) == "1 / 1 / 0"

    def test_behind_a_layer_that_enlarges_strides_are_fractions(self):
        up = Transposed(3, 2, 1, 1, 1, 1).reach(4)
        field = ReceptiveField().through((up, Resize(8).reach(4)))
        assert field.stride == (Fraction(1, 2), Fraction(1, 2))
        assert field.size == (2, Fraction(3, 2))
        assert [field.box(i, 0) for i in range(3)] == [Box(0, 0, 0, 0), Box(0, 0, 1, 0), Box(1, 0, 1, 0)]
        halved = field.through((Slide(2, 2).reach(8), Slide(2, 2).reach(8)))
        assert halved.stride == (1, 1)
        assert [type(number) for number in halved.stride] == [int, int]

    def test_a_layer_that_sees_everything_ends_it(self):
        lost = ReceptiveField().through((Slide(3).reach(9), Whole("flatten").reach(9)))
        assert lost == unknown("sees everything: flatten")
        assert (lost.size, lost.stride, lost.start, lost.padding, lost.box(0, 0)) == (None,) * 5
        assert str(lost) == lost.reason
        assert lost.through((Slide(3).reach(9), Adaptive(1).reach(9))) == lost  # the first reason stays


class TestBox:
    def test_size_and_clip(self):
        box = Box(-2, 1, 3, 9)
        assert box.size == (6, 9)
        assert box.clip((3, 12)) == Box(0, 1, 2, 9)
        assert box.clip((9, 5)) == Box(0, 1, 3, 4)

    @given(arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 6))))
    def test_hull_is_the_smallest_box(self, mask):
        cells = [(r, c) for r, c in np.ndindex(mask.shape) if mask[r, c]]
        box = hull(mask)
        if not cells:
            assert box is None
            return
        assert all(box.top <= r <= box.bottom and box.left <= c <= box.right for r, c in cells)
        rows, columns = {r for r, _ in cells}, {c for _, c in cells}
        assert {box.top, box.bottom} <= rows  # no side can be moved in
        assert {box.left, box.right} <= columns


FIELDS = st.builds(
    lambda sizes, starts: ReceptiveField(sizes, (2, 3), starts),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(-5, 5), st.integers(-5, 5)),
)


class TestUnite:
    @given(st.lists(FIELDS, min_size=1, max_size=4), st.integers(0, 5), st.integers(0, 5))
    def test_is_the_smallest_field_that_holds_all(self, fields, i, j):
        united = unite(fields, [f"branch{k}" for k in range(len(fields))])
        boxes = [field.box(i, j) for field in fields]
        assert united.box(i, j) == Box(
            min(b.top for b in boxes), min(b.left for b in boxes), max(b.bottom for b in boxes), max(b.right for b in boxes)
        )
        assert united.stride == (2, 3)

    @given(st.lists(FIELDS, min_size=1, max_size=4))
    def test_is_aligned_where_all_centres_agree(self, fields):
        united = unite(fields, [f"branch{k}" for k in range(len(fields))])
        doubled = {tuple(2 * start + size - 1 for start, size in zip(f.start, f.size, strict=True)) for f in fields}
        assert united.aligned == (len(doubled) == 1)
        assert bool(united.reason) == (not united.aligned)

    def test_symmetric_branches(self):
        wide, narrow = ReceptiveField((5, 3), (1, 1), (-2, -1)), ReceptiveField()
        assert unite([wide, narrow], ["wide", "narrow"]) == unite([narrow, wide], ["narrow", "wide"]) == wide

    def test_misaligned_branches_name_the_shift_of_the_first_that_differs(self):
        x, same, even = ReceptiveField(), ReceptiveField((3, 3), (1, 1), (-1, -1)), ReceptiveField((2, 3), (1, 1), (0, -1))
        united = unite([x, same, even], ["x", "conv3", "conv2"])
        assert united == ReceptiveField(
            (3, 3), (1, 1), (-1, -1), "misaligned: x is centred 1/2 rows and 0 columns from conv2", aligned=False
        )
        assert str(united) == "3 / 1 / 1 (misaligned: x is centred 1/2 rows and 0 columns from conv2)"

    def test_a_branch_that_was_misaligned_before_stays_so(self):
        shifted = ReceptiveField((2, 2), (1, 1), (0, 0), "misaligned: a and b", aligned=False)
        aligned_with_it = ReceptiveField((4, 4), (1, 1), (-1, -1))
        assert unite([aligned_with_it, shifted], ["c", "add"]) == ReceptiveField((4, 4), (1, 1), (-1, -1), "misaligned: a and b", False)
        assert shifted.through((Reach(3, 1, -1), Reach(3, 1, -1))).reason == "misaligned: a and b"

    def test_different_strides_have_no_field(self):
        slow = ReceptiveField((1, 1), (1, 2), (0, 0))
        united = unite([ReceptiveField(), slow], ["x", "slow"])
        assert united == unknown("branches meet with different strides: x (1, 1), slow (1, 2)")

    def test_one_branch_without_a_field_leaves_none(self):
        assert unite([ReceptiveField(), unknown("sees everything: flatten")], ["x", "flat"]).reason == "sees everything: flatten"

    def test_a_single_branch_is_itself(self):
        lost = unknown("because")
        assert unite([lost], ["x"]) is lost


@st.composite
def rules_and_masks(draw):
    """Two rules of any kind, the sizes they are given, and which outputs are asked about."""
    size = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    kinds = [
        SLIDES.map(lambda r: Slide(r.kernel, r.stride, r.before + r.extent, r.after, r.dilation)),  # padded so that it fits
        st.builds(Transposed, st.integers(1, 4), st.integers(1, 3)),
        st.builds(Adaptive, st.integers(1, 6)),
        st.builds(Resize, st.integers(1, 9), st.sampled_from(["nearest", "bilinear"])),
        st.just(Whole("softmax", None)),
        st.just(POINT),
    ]
    rules = draw(st.one_of(kinds)), draw(st.one_of(kinds))
    shape = tuple(rule.out_size(n) for rule, n in zip(rules, size, strict=True))
    return rules, size, draw(arrays(bool, shape))


class TestLookedAt:
    @given(rules_and_masks())
    def test_marks_what_each_marked_output_sees(self, drawn):
        (rows, columns), size, mask = drawn
        before = mask.copy()
        expected = np.zeros(size, bool)
        for i, j in product(*map(range, mask.shape)):
            if mask[i, j]:
                for r, c in product(rows.sees(i, size[0]), columns.sees(j, size[1])):
                    expected[r, c] = True
        found = looked_at(mask, (rows, columns), size)
        assert found.dtype == bool
        assert_array_equal(found, expected)
        assert_array_equal(mask, before)

    @pytest.mark.parametrize("marked", [(0, 0), (1, 1)])
    def test_rows_and_columns_are_not_exchanged(self, marked):
        mask = np.zeros((2, 2), bool)
        mask[marked] = True
        seen = looked_at(mask, (Slide(1, 2), Slide(2, 3)), (3, 5))
        assert hull(seen) == (Box(0, 0, 0, 1) if marked == (0, 0) else Box(2, 3, 2, 4))
