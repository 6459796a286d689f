"""What a window is given: paddings in every spelling and every framework's order, sizes, and settings that cannot be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicnn.axis import Slide
from minicnn.errors import ArgumentError, ShapeError
from minicnn.window import Window, from_onnx_pads, from_torch_pad, same_sides, sides

SIZES = st.integers(1, 12)
STEPS = st.integers(1, 5)


class TestPaddingConventions:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            (0, ((0, 0), (0, 0))),
            (2, ((2, 2), (2, 2))),
            (np.int64(2), ((2, 2), (2, 2))),
            ((1, 2), ((1, 1), (2, 2))),
            ([1, 2], ((1, 1), (2, 2))),
            (np.array([1, 2]), ((1, 1), (2, 2))),
            (((0, 1), (2, 3)), ((0, 1), (2, 3))),
            ([[0, 1], (2, 3)], ((0, 1), (2, 3))),
            ("valid", ((0, 0), (0, 0))),
            ("same", "same"),
        ],
    )
    def test_every_spelling(self, written, meant):
        assert sides(written) == meant
        assert Window.of(3, padding=written).padding == meant

    def test_other_frameworks_orders(self):
        """One picture: 3 rows above, 4 below, 1 column on the left, 2 on the right."""
        assert from_torch_pad(1, 2, 3, 4) == from_onnx_pads(3, 1, 4, 2) == ((3, 4), (1, 2))
        assert from_torch_pad(1, 2) == ((0, 0), (1, 2))
        assert Window.of(1, padding=from_torch_pad(1, 2, 3, 4)).output_size((5, 7)) == (12, 10)

    @given(SIZES, STEPS, STEPS, STEPS)
    def test_same_is_the_least_padding_that_keeps_every_stride_th_position(self, n, kernel, stride, dilation):
        def outputs(padding):  # starts from which the last tap still lies on the padded axis
            return sum(start + dilation * (kernel - 1) < n + padding for start in range(0, n + padding, stride))

        before, after = same_sides(n, kernel, stride, dilation)
        wanted = len(range(0, n, stride))
        assert outputs(before + after) == wanted
        assert after - before in (0, 1)
        assert all(outputs(less) < wanted for less in range(before + after))

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [((224, 3, 2, 1), (0, 1)), ((224, 5, 2, 1), (1, 2)), ((7, 3, 1, 2), (2, 2)), ((5, 1, 3, 1), (0, 0)), ((6, 2, 1, 1), (0, 1))],
    )
    def test_same_by_hand(self, arguments, expected):
        assert same_sides(*arguments) == expected


class TestWindow:
    def test_axes_and_sizes(self):
        window = Window.of((3, 2), (2, 1), ((0, 1), (2, 0)), (1, 3))
        assert window.axes((7, 9)) == (Slide(3, 2, 0, 1, 1), Slide(2, 1, 2, 0, 3))
        assert window.output_size((7, 9)) == (3, 8)
        assert Window.of(2, 2, ceil_mode=True).output_size((5, 8)) == (3, 4)
        assert Window.of(3, padding_mode="reflect", padding=1).axes((5, 6))[0].mode == "reflect"

    def test_numbers_and_pairs_mean_the_same(self):
        assert Window.of(3, 2, 1, 1) == Window.of((3, 3), [2, 2], (1, 1), np.array([1, 1]))
        assert hash(Window.of(3)) == hash(Window.of((3, 3)))
        with pytest.raises(AttributeError):
            Window.of(3).kernel = (5, 5)

    def test_same_is_resolved_per_size(self):
        window = Window.of((3, 5), 2, "same")
        assert window.resolve((7, 8)).padding == ((1, 1), (1, 2))
        assert window.resolve((8, 7)).padding == ((0, 1), (2, 2))
        assert window.output_size((7, 8)) == (4, 4)
        plain = Window.of(3, padding=1)
        assert plain.resolve((7, 8)) is plain
        assert Window.of(2, 3, "same", 2, padding_mode="replicate").resolve((4, 5)) == Window.of(
            2, 3, ((1, 1), (0, 1)), 2, padding_mode="replicate"
        )

    @pytest.mark.parametrize(
        ("window", "size", "is_padded"),
        [
            (Window.of(3), (5, 6), False),
            (Window.of(3, padding=((0, 0), (0, 1))), (5, 6), True),
            (Window.of(1, padding="same"), (5, 6), False),
            (Window.of(2, 2, "same"), (4, 6), False),
            (Window.of(2, 2, "same"), (4, 7), True),
        ],
    )
    def test_padded(self, window, size, is_padded):
        assert window.padded(size) is is_padded

    def test_pointwise(self):
        assert Window.of(1, 2, 3).is_pointwise
        assert not Window.of((1, 2)).is_pointwise

    @pytest.mark.parametrize(
        ("match", "arguments"),
        [
            (r"^conv2d: kernel_size must be at least 1, but it is 0", {"kernel": 0}),
            (r"^conv2d: kernel_size\[1\] must be at least 1, but it is -2", {"kernel": (3, -2)}),
            (
                r"^conv2d: kernel_size must be one whole number or a pair \(vertical, horizontal\), but it is \(1, 2, 3\)",
                {"kernel": (1, 2, 3)},
            ),
            (r"^conv2d: kernel_size must be one whole .* but it is \[\]", {"kernel": []}),
            (r"^conv2d: kernel_size must be a whole number, but it is None", {"kernel": None}),
            (r"^conv2d: kernel_size must be a whole number, but it is '3'", {"kernel": "3"}),
            (r"^conv2d: stride must be at least 1, but it is 0", {"stride": 0}),
            (r"^conv2d: stride\[0\] must be at least 1, but it is 0", {"stride": (0, 1)}),
            (r"^conv2d: stride must be a whole number, but it is 2\.0", {"stride": 2.0}),
            (r"^conv2d: stride must be a whole number, but it is True", {"stride": True}),
            (r"^conv2d: stride\[1\] must be a whole number, but it is 0\.5", {"stride": (1, 0.5)}),
            (r"^conv2d: dilation must be at least 1, but it is 0", {"dilation": 0}),
            (r"^conv2d: dilation must be one whole number or a pair", {"dilation": (1, 1, 1)}),
            (r"^conv2d: padding must be at least 0, but it is -1", {"padding": -1}),
            (r"^conv2d: padding\[1\] must be at least 0, but it is -1", {"padding": (0, -1)}),
            (r"^conv2d: padding\[0\] must be at least 0, but it is -3", {"padding": ((0, 1), (-3, 1))}),
            (r"^conv2d: padding must be a whole number, but it is 1\.0", {"padding": 1.0}),
            (r"^conv2d: padding must be a whole number, but it is (np\.)?False", {"padding": np.False_}),
            (r"^conv2d: padding must be a whole number, but it is None", {"padding": None}),
            (r"^conv2d: padding must be one whole number or a pair .* but it is \(1, 2, 3\)", {"padding": (1, 2, 3)}),
            (r"^conv2d: unequal padding is \(\(top, bottom\), \(left, right\)\), but it is \(\(1, 2\), 3\)", {"padding": ((1, 2), 3)}),
            (r"^conv2d: unequal padding is .* but it is \(\(1, 2\), \(3,\)\)", {"padding": ((1, 2), (3,))}),
            (r"^conv2d: unequal padding is .* but it is \(\(1, 2\),\)", {"padding": ((1, 2),)}),
            (r"^conv2d: padding must be a number, a pair, two pairs, 'valid' or 'same', but it is 'SAME'", {"padding": "SAME"}),
            (
                r"^conv2d: padding takes one number, \(vertical, horizontal\) or \(\(top, bottom\), \(left, right\)\), but it is "
                r"\(1, 2, 3, 4\)\. From torch\.nn\.functional\.pad's \(left, right, top, bottom\) write window\.from_torch_pad\(1, 2, 3, 4\)\.",
                {"padding": (1, 2, 3, 4)},
            ),
            (
                r"^conv2d: padding_mode must be one of 'zeros', 'reflect', 'replicate', 'circular', but it is 'mirror'",
                {"padding_mode": "mirror"},
            ),
        ],
    )
    def test_settings_outside_their_range(self, match, arguments):
        with pytest.raises(ArgumentError, match=match):
            Window.of(**{"kernel": 3, **arguments}, what="conv2d")

    @pytest.mark.parametrize(
        ("match", "window", "size"),
        [
            (
                r"^conv2d: the kernel must fit into the padded input, but over the rows a kernel of 5 with dilation 1 spans 5, but the "
                r"padded input has 2 \+ 1 \+ 0 = 3\. The input has 2×9 positions; pad by 2 more, or use a smaller kernel\.$",
                Window.of(5, padding=((1, 0), (0, 0))),
                (2, 9),
            ),
            (
                r"over the columns a kernel of 2 with dilation 4 spans 5, but the padded input has 4 \+ 0 \+ 0 = 4\. .* pad by 1 more",
                Window.of(2, dilation=(1, 4)),
                (9, 4),
            ),
            (
                r"^conv2d: reflect padding takes at most 3 from 4 rows, but padding is \(4, 0\); pad less, or use padding_mode='zeros'\.$",
                Window.of(3, padding=((4, 0), (0, 0)), padding_mode="reflect"),
                (4, 9),
            ),
            (
                r"^conv2d: circular padding takes at most 2 from 2 columns, but padding is \(0, 3\); pad less",
                Window.of(1, padding=((0, 0), (0, 3)), padding_mode="circular"),
                (9, 2),
            ),
        ],
    )
    def test_windows_that_do_not_fit(self, match, window, size):
        with pytest.raises(ShapeError, match=match):
            window.output_size(size, "conv2d")

    def test_padding_at_its_limit_fits(self):
        assert Window.of(3, padding=((3, 3), (0, 0)), padding_mode="reflect").output_size((4, 3)) == (8, 1)
        assert Window.of(3, padding=((4, 4), (0, 0)), padding_mode="circular").output_size((4, 3)) == (10, 1)
        assert Window.of(3, padding=((9, 9), (0, 0)), padding_mode="replicate").output_size((1, 3)) == (17, 1)

    def test_following_the_remedy_makes_the_kernel_fit(self):
        assert Window.of(5, padding=((3, 0), (0, 0))).output_size((2, 9)) == (1, 5)
