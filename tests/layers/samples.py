"""One or more of every layer, with the shapes that it takes: a new layer without a sample here fails a test."""

import numpy as np
from differences import spread

from minicnn import nn


class Winners(tuple):
    """The shape of an input that holds winning indices: int64, all different in a plane of `positions`."""

    def __new__(cls, shape, positions: int):
        self = super().__new__(cls, shape)
        self.positions = positions
        return self

    def drawn(self, seed=0, batch=None) -> np.ndarray:
        n, channels, rows, columns = self if batch is None else (batch, *self[1:])
        rng = np.random.default_rng(seed)
        planes = [rng.permutation(self.positions)[: rows * columns] for _ in range(n * channels)]
        return np.array(planes, np.int64).reshape(n, channels, rows, columns)


def samples() -> dict[str, list[tuple[nn.Layer, tuple]]]:
    """Return {class name: [(layer, input shapes), …]}, drawn anew at each call from a fixed seed."""
    rng = np.random.default_rng(7)
    image = ((2, 4, 9, 7),)
    bn = nn.BatchNorm2d.of(rng.random(4), rng.random(4) + 0.5, rng.random(4), rng.random(4)).fields()
    bn = nn.BatchNorm2d.of(**{name: v.astype(np.float32) if isinstance(v, np.ndarray) else v for name, v in bn.items()})
    return {
        "Conv2d": [
            (nn.Conv2d(4, 6, (3, 2), rng=rng), image),
            (nn.Conv2d(4, 6, 3, (2, 1), ((0, 1), (2, 0)), 2, 2, False, "reflect", rng=rng), image),
            (nn.Conv2d(4, 8, 3, 2, "same", groups=4, rng=rng, algorithm="depthwise"), image),
            (nn.Conv2d(4, 6, (3, 2), padding=(0, 1), rng=rng, activation="relu6"), image),
            (nn.Conv2d(4, 6, 1, rng=rng, activation="silu"), image),
        ],
        "ConvAdd": [
            (nn.ConvAdd(4, 6, (3, 2), padding=(1, 0), rng=rng), (*image, (2, 6, 9, 6))),
            (nn.ConvAdd(4, 5, 1, rng=rng, activation="relu"), (*image, (2, 5, 9, 7))),
        ],
        "ConvTranspose2d": [
            (nn.ConvTranspose2d(4, 6, (3, 2), rng=rng), image),
            (nn.ConvTranspose2d(4, 6, 3, (2, 3), (1, 0), (1, 2), 2, False, (1, 2), rng=rng), image),
        ],
        "Linear": [(nn.Linear(7, 5, rng=rng), image), (nn.Linear(10, 3, False, rng=rng), ((2, 10),))],
        "BatchNorm2d": [(bn, image), (nn.BatchNorm2d(4, eps=1e-3, affine=False), image)],
        "LayerNorm": [
            (nn.LayerNorm.of((9, 7), *rng.random((2, 9, 7)).astype(np.float32)), image),
            (nn.LayerNorm(7, eps=1e-3, bias=False), image),
            (nn.LayerNorm((4, 9, 7), elementwise_affine=False), image),
        ],
        "GroupNorm": [(nn.GroupNorm.of(2, 4, *rng.random((2, 4)).astype(np.float32)), image), (nn.GroupNorm(1, 4, 1e-3, False), image)],
        "Dropout": [(nn.Dropout(), image), (nn.Dropout(0.2, inplace=True), ((3, 5),))],
        "ReLU": [(nn.ReLU(), image), (nn.ReLU(), ((3, 5),))],
        "ReLU6": [(nn.ReLU6(), image)],
        "LeakyReLU": [(nn.LeakyReLU(0.2), image), (nn.LeakyReLU(-0.3), image), (nn.LeakyReLU(0.0), image)],
        "PReLU": [(nn.PReLU(), image), (nn.PReLU.of(np.array([0.25, -0.5, 0.0, 2.0], np.float32)), image), (nn.PReLU(), ((3, 5),))],
        "Hardswish": [(nn.Hardswish(), image)],
        "Tanh": [(nn.Tanh(), image)],
        "ELU": [(nn.ELU(), image), (nn.ELU(-0.5), image)],
        "GELU": [(nn.GELU(), image), (nn.GELU("tanh"), image)],
        "Softplus": [(nn.Softplus(), image), (nn.Softplus(2.5, 3), image), (nn.Softplus(-0.5), image)],
        "LogSoftmax": [(nn.LogSoftmax(), image), (nn.LogSoftmax(dim=-1), image)],
        "Sigmoid": [(nn.Sigmoid(), image)],
        "SiLU": [(nn.SiLU(), image)],
        "Softmax": [(nn.Softmax(), image), (nn.Softmax(dim=-1), image), (nn.Softmax(dim=2), image)],
        "MaxPool2d": [
            (nn.MaxPool2d(2), image),
            (nn.MaxPool2d((3, 2), (2, 1), (1, 0), 2, ceil_mode=True), image),
            (nn.MaxPool2d(2, return_indices=True), image),
            (nn.MaxPool2d((2, 3), 2, ceil_mode=True), image),
        ],
        "AvgPool2d": [
            (nn.AvgPool2d((2, 3)), image),
            (nn.AvgPool2d(3, 2, 1, True, False, 5), image),
            (nn.AvgPool2d((3, 2), (2, 3), (1, 0), True, False), image),
        ],
        "AdaptiveAvgPool2d": [(nn.AdaptiveAvgPool2d((5, 3)), image), (nn.AdaptiveAvgPool2d((None, 1)), image)],
        "AdaptiveMaxPool2d": [(nn.AdaptiveMaxPool2d(4), image), (nn.AdaptiveMaxPool2d((2, 3), return_indices=True), image)],
        "MaxUnpool2d": [
            (nn.MaxUnpool2d(2), ((2, 4, 3, 5), Winners((2, 4, 3, 5), 6 * 10))),
            (nn.MaxUnpool2d((3, 2), (2, 3), (1, 0)), ((2, 4, 5, 3), Winners((2, 4, 5, 3), 9 * 8))),
        ],
        "Upsample": [
            (nn.Upsample(scale_factor=(2, 3)), image),
            (nn.Upsample((5, 11), mode="bilinear", align_corners=True), image),
            (nn.Upsample(scale_factor=(0.6, 1.7), mode="bilinear"), image),
            (nn.Upsample(scale_factor=(2.5, 0.7), recompute_scale_factor=True), image),
        ],
        "ZeroPad2d": [(nn.ZeroPad2d((1, 0, 2, 3)), image)],
        "ReflectionPad2d": [(nn.ReflectionPad2d((1, 0, 2, 3)), image)],
        "ReplicationPad2d": [(nn.ReplicationPad2d(2), image)],
        "CircularPad2d": [(nn.CircularPad2d((0, 1, 2, 0)), image)],
        "Flatten": [(nn.Flatten(), image), (nn.Flatten(2), image)],
        "Add": [
            *((nn.Add(), image * 2), (nn.Add(), image * 3), (nn.Add(), image)),
            *((nn.Add(activation="relu"), image * 2), (nn.Add(activation="relu"), image * 3), (nn.Add(activation="relu"), image)),
        ],
        "Concat": [
            (nn.Concat(), (*image, (2, 3, 9, 7))),
            (nn.Concat(), image),
            (nn.Concat(2), (*image, (2, 4, 3, 7))),
            (nn.Concat(-1), (*image, (2, 4, 9, 2))),
        ],
        "Identity": [(nn.Identity(), image)],
        "ChannelsLast": [(nn.ChannelsLast(), image)],
        "Unfold": [(nn.Unfold((3, 2)), image), (nn.Unfold(3, (1, 2), ((1, 0), (2, 1)), (2, 3)), image)],
        "Clamp": [(nn.Clamp(-3, 6), image), (nn.Clamp(max=0), image), (nn.Clamp(), ((3, 5),))],
        "Hardsigmoid": [(nn.Hardsigmoid(), image), (nn.Hardsigmoid(0.2, 0.6), image)],
        "InstanceNorm2d": [(nn.InstanceNorm2d.of(4, *rng.random((2, 4)).astype(np.float32)), image), (nn.InstanceNorm2d(4, 1e-3), image)],
        "LocalResponseNorm": [(nn.LocalResponseNorm(3, 0.5), image), (nn.LocalResponseNorm(2, 1.5, 0.5, 2.0, longer="above"), image)],
        "Resample": [
            (nn.Resample((5, 11), "linear", "align_corners"), image),
            (nn.Resample(scales=(0.6, 1.7), mode="linear", coordinates="half_pixel_symmetric"), image),
            (nn.Resample((4, 13), coordinates="asymmetric", rounding="floor"), image),
            (nn.Resample(12, scales=(1.4, 1.8)), image),
        ],
        "PixelShuffle": [(nn.PixelShuffle(2), ((2, 8, 5, 3),)), (nn.PixelShuffle(2, "DCR"), ((2, 8, 5, 3),))],
        "PixelUnshuffle": [(nn.PixelUnshuffle(3), ((2, 2, 9, 6),)), (nn.PixelUnshuffle(2, "DCR"), ((2, 3, 4, 6),))],
        "Arithmetic": [
            *((nn.Arithmetic(operation), (*image, (2, 4, 1, 7))) for operation in ("add", "sub", "mul", "div", "max", "min")),
            (nn.Arithmetic("mul"), ((2, 4, 1, 1), *image)),
            (nn.Arithmetic("add", rng.random((4, 1, 1), np.float32)), image),
            (nn.Arithmetic("mul", rng.random((9, 1), np.float32)), ((2, 4, 9, 1),)),
            (nn.Arithmetic("div", rng.random((1, 9, 7), np.float32), other_first=True), ((2, 4, 1, 1),)),
            (nn.Arithmetic("sub", 2.5, other_first=True), ((2, 5),)),
            (nn.Arithmetic("pow", 3), image),
            (nn.Arithmetic("pow", 1.5, other_first=True), image),
        ],
        "Elementwise": [
            (nn.Elementwise(name), image)
            for name in ("exp", "sin", "cos", "erf", "reciprocal", "neg", "abs", "floor", "ceil", "round", "sign")
        ],
        "Reduce": [
            (nn.Reduce("mean", (2, 3)), image),
            (nn.Reduce("mean", -1), image),
            (nn.Reduce("sum", (1, 2), keepdims=False), image),
            (nn.Reduce("max", 2), image),
            (nn.Reduce("min", (1,)), image),
            (nn.Reduce("prod", (1, 3), keepdims=False), ((2, 3, 4, 2),)),
        ],
        "MatMul": [
            (nn.MatMul(), ((2, 4, 9, 7), (2, 1, 7, 5))),
            (nn.MatMul(), ((2, 9, 7), (2, 7, 5))),
            (nn.MatMul(rng.random((7, 5), np.float32)), image),
            (nn.MatMul(rng.random((4, 6, 9), np.float32), other_first=True), image),
        ],
        "Constant": [(nn.Constant(rng.random((2, 3, 5, 4), np.float32)), image), (nn.Constant(rng.random((2, 6), np.float32)), image)],
        "Cast": [(nn.Cast(np.float64), image), (nn.Cast("int64"), image)],
        "Reshape": [
            (nn.Reshape((0, -1)), image),
            (nn.Reshape((-1, 2, 2, 9, 7)), image),
            (nn.Reshape((0, 6, 6, 7)), image),
            (nn.Reshape((0, 2, -1, 3)), ((2, 4, 3),)),
        ],
        "Squeeze": [(nn.Squeeze(), ((2, 4, 1, 7),)), (nn.Squeeze((2, -1)), ((2, 4, 1, 1),))],
        "Unsqueeze": [(nn.Unsqueeze(-1), ((2, 4, 7),)), (nn.Unsqueeze((1, 3)), image)],
        "Permute": [(nn.Permute((0, 2, 3, 1)), image), (nn.Permute((0, 1, 3, 2)), image), (nn.Permute((0, 2, 1)), ((2, 4, 7),))],
        "Slice": [
            (nn.Slice((1, 7), (4, -9), (1, 2), (2, -2)), image),
            (nn.Slice((2, -5), (99, -1), (3, 2), (3, 1)), image),
            (nn.Slice(0, 3, 1), ((2, 5),)),
        ],
        "Take": [
            (nn.Take([2, 0, 2], dim=1), image),
            (nn.Take([-1, 3, 3, 0], dim=2), image),
            (nn.Take(5, dim=-1), image),
            (nn.Take([[0, 1], [2, 3]], dim=1), image),
        ],
        "Pad": [
            (nn.Pad(((0, 0), (1, 0), (2, -1), (-2, 3)), value=0.5), image),
            (nn.Pad(((0, 0), (0, 1), (2, 3), (-2, 3)), "reflect"), image),
            (nn.Pad(((0, 0), (0, 0), (2, 1), (0, 3)), "edge"), image),
            (nn.Pad(((0, 0), (2, 4)), "wrap"), ((3, 5),)),
        ],
        "Fold": [(nn.Fold((9, 7), (3, 2)), ((2, 24, 42),)), (nn.Fold((9, 7), 3, (1, 2), ((1, 0), (2, 1)), (2, 3)), ((2, 36, 8),))],
    }


def cases():
    """Return (id, layer, input shapes) for pytest.mark.parametrize."""
    return [(f"{name}-{n}", layer, shapes) for name, rows in samples().items() for n, (layer, shapes) in enumerate(rows)]


def drawn(layer, shapes, dtype=np.float64) -> tuple[np.ndarray, ...]:
    """Return inputs whose numbers are all different, so that no maximum is a tie; indices are int64 whatever the dtype."""
    return tuple(
        shape.drawn(seed) if isinstance(shape, Winners) else spread(shape, seed).astype(dtype) for seed, shape in enumerate(shapes)
    )
