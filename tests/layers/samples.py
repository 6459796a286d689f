"""One or more of every layer, with the shapes that it takes: a new layer without a sample here fails a test."""

import numpy as np
from differences import spread

from minicnn import nn


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
        ],
        "ConvTranspose2d": [
            (nn.ConvTranspose2d(4, 6, (3, 2), rng=rng), image),
            (nn.ConvTranspose2d(4, 6, 3, (2, 3), (1, 0), (1, 2), 2, False, (1, 2), rng=rng), image),
        ],
        "Linear": [(nn.Linear(7, 5, rng=rng), image), (nn.Linear(10, 3, False, rng=rng), ((2, 10),))],
        "BatchNorm2d": [(bn, image), (nn.BatchNorm2d(4, eps=1e-3, affine=False), image)],
        "ReLU": [(nn.ReLU(), image), (nn.ReLU(), ((3, 5),))],
        "ReLU6": [(nn.ReLU6(), image)],
        "LeakyReLU": [(nn.LeakyReLU(0.2), image)],
        "Sigmoid": [(nn.Sigmoid(), image)],
        "SiLU": [(nn.SiLU(), image)],
        "Softmax": [(nn.Softmax(), image), (nn.Softmax(dim=-1), image), (nn.Softmax(dim=2), image)],
        "MaxPool2d": [
            (nn.MaxPool2d(2), image),
            (nn.MaxPool2d((3, 2), (2, 1), (1, 0), 2, ceil_mode=True), image),
            (nn.MaxPool2d(2, return_indices=True), image),
        ],
        "AvgPool2d": [(nn.AvgPool2d((2, 3)), image), (nn.AvgPool2d(3, 2, 1, True, False, 5), image)],
        "AdaptiveAvgPool2d": [(nn.AdaptiveAvgPool2d((5, 3)), image), (nn.AdaptiveAvgPool2d((None, 1)), image)],
        "AdaptiveMaxPool2d": [(nn.AdaptiveMaxPool2d(4), image), (nn.AdaptiveMaxPool2d((2, 3), return_indices=True), image)],
        "Upsample": [(nn.Upsample(scale_factor=(2, 3)), image), (nn.Upsample((5, 11), mode="bilinear", align_corners=True), image)],
        "ZeroPad2d": [(nn.ZeroPad2d((1, 0, 2, 3)), image)],
        "ReflectionPad2d": [(nn.ReflectionPad2d((1, 0, 2, 3)), image)],
        "ReplicationPad2d": [(nn.ReplicationPad2d(2), image)],
        "CircularPad2d": [(nn.CircularPad2d((0, 1, 2, 0)), image)],
        "Flatten": [(nn.Flatten(), image), (nn.Flatten(2), image)],
        "Add": [(nn.Add(), image * 2), (nn.Add(), image * 3), (nn.Add(), image)],
        "Concat": [(nn.Concat(), (*image, (2, 3, 9, 7))), (nn.Concat(), image)],
        "Identity": [(nn.Identity(), image)],
    }


def cases():
    """Return (id, layer, input shapes) for pytest.mark.parametrize."""
    return [(f"{name}-{n}", layer, shapes) for name, rows in samples().items() for n, (layer, shapes) in enumerate(rows)]


def drawn(layer, shapes, dtype=np.float64) -> tuple[np.ndarray, ...]:
    """Return inputs whose numbers are all different, so that no maximum is a tie."""
    return tuple(spread(shape, seed).astype(dtype) for seed, shape in enumerate(shapes))
