"""Which question: how does ONNX's Resize find the input cell of an output cell?

Idea: by one of its coordinate modes, then the nearest cell (rounded by one of four rules) or a blend of two.  Where
that is PyTorch's Upsample it becomes our Upsample; else our Resample, which knows all of them.

    asymmetric            i / scale
    half_pixel            (i + 1/2) / scale - 1/2
    align_corners         i · (n - 1) / (out - 1)

Source: ONNX's documents of Resize and Upsample; PyTorch's Upsample.  Next room: table.py.
"""

from math import floor

from minicnn.layers import Resample, Upsample
from minicnn.load.onnxfile.building import Operator, Value

AS_PYTORCH = {  # (mode, coordinates, rounding or None): the arguments that our Upsample then takes
    ("nearest", "asymmetric", "floor"): {},
    ("linear", "pytorch_half_pixel", None): {"mode": "bilinear", "align_corners": False},
    ("linear", "half_pixel", None): {"mode": "bilinear", "align_corners": False},
    ("linear", "align_corners", None): {"mode": "bilinear", "align_corners": True},
}


def upsample(op: Operator) -> Value:
    """Resize as it was until opset 9: by scales, i / scale, rounded down."""
    x = op.map(0)
    scales = op.attribute("scales", None) if op.opset < 9 else tuple(map(float, op.known(1, "scales").reshape(-1)))
    return _resize(op, x, None, _by_axis(op, x, scales, None, 1.0), "asymmetric", "floor")


def resize(op: Operator) -> Value:
    x, axes = op.map(0), op.attribute("axes", None)
    if op.opset < 11:
        scales = tuple(map(float, op.known(1, "scales").reshape(-1)))
        return _resize(op, x, None, _by_axis(op, x, scales, None, 1.0), "asymmetric", "floor")
    for name, wrong in (("antialias", 1), ("exclude_outside", 1)):
        if op.attribute(name, 0) == wrong:
            op.refuse(f"it resizes with {name}=1, which is not computed here.")
    coordinates = op.attribute("coordinate_transformation_mode", "half_pixel")
    if coordinates == "tf_crop_and_resize":
        op.refuse("it crops before it resizes (tf_crop_and_resize), which is not computed here.")
    sizes = op.whole_numbers(3, "sizes", None)
    scales = tuple(map(float, op.known(2, "scales").reshape(-1))) if op.has(2) and not sizes else None
    if sizes:
        sizes = _by_axis(op, x, sizes, axes, None)
        sizes, scales = _keeping_aspect(op, x, sizes)
    elif scales:
        scales = _by_axis(op, x, scales, axes, 1.0)
    else:
        op.refuse("it gives neither scales nor sizes.")
    return _resize(op, x, sizes, scales, coordinates, op.attribute("nearest_mode", "round_prefer_floor"))


def _by_axis(op: Operator, x: Value, numbers, axes, missing) -> list:
    """Return one number for each axis of x; those of the batch and the channels must change nothing."""
    axes = range(len(numbers or ())) if axes is None else axes
    if numbers is None or len(numbers) != len(tuple(axes)):
        op.refuse(f"it gives {numbers} for the axes {tuple(axes)}; one number an axis is read.")
    found = [missing] * len(x.shape)
    for axis, number in zip(axes, numbers, strict=True):
        found[axis % len(x.shape)] = number
    still = all(found[axis] in (1.0, missing, x.shape[axis] if missing is None else 1.0) for axis in range(min(2, len(x.shape))))
    if len(x.shape) not in (3, 4) or not still:
        op.refuse(f"it resizes {x.shape} by {tuple(numbers)}; rows and columns of (N, C, H, W) are resized here, and no other axes.")
    return found


def _keeping_aspect(op: Operator, x: Value, sizes: list) -> tuple[list, list | None]:
    """Return sizes and scales under keep_aspect_ratio_policy: the smaller or the larger of the scales for all axes."""
    policy = op.attribute("keep_aspect_ratio_policy", "stretch")
    if policy == "stretch":
        return sizes, None
    ratios = [size / n for size, n in zip(sizes, x.shape, strict=True) if size is not None]
    scale = min(ratios) if policy == "not_larger" else max(ratios)
    scales = [1.0 if size is None else scale for size in sizes]
    return [n if size is None else floor(scale * n + 0.5) for size, n in zip(sizes, x.shape, strict=True)], scales


def _rows_and_columns(numbers: list | None, missing) -> tuple | None:
    """Return the numbers of the last two axes, `missing` for the unit axis of (N, C, W)."""
    return None if numbers is None else tuple(missing if n is None else n for n in [missing, *numbers[2:]][-2:])


def _resize(op: Operator, x: Value, sizes, scales, coordinates: str, rounding: str) -> Value:
    mode = op.attribute("mode", "nearest")
    mode = "linear" if mode == "bilinear" else mode
    if mode not in ("nearest", "linear"):
        op.refuse(f"it resizes by mode {mode!r}; 'nearest' and 'linear' are computed here.")
    out = _rows_and_columns(sizes, None)

    def hang(x: Value) -> Value:
        rows_columns = x.shape[2:]
        scale = _rows_and_columns(scales, 1.0)
        size = (
            tuple(floor(n * s) for n, s in zip(rows_columns, scale, strict=True))
            if out is None
            else tuple(n if o is None else o for n, o in zip(rows_columns, out, strict=True))
        )
        same = AS_PYTORCH.get((mode, coordinates, rounding if mode == "nearest" else None))
        one_row = 1 in size and coordinates in ("half_pixel", "pytorch_half_pixel")  # pytorch_half_pixel is 0 there
        if same is not None and not one_row and not (coordinates == "align_corners" and 1 in size):
            return op.hang(Upsample(size, **same) if scale is None else Upsample(scale_factor=scale, **same), x)
        return op.hang(Resample(size, mode, coordinates, rounding, scale), x)

    return op.in_four_axes(x, hang)
