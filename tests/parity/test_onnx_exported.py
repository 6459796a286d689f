"""What PyTorch's exporter writes, read by load.onnx: the numbers of the module, and its names.

In float64, where sums are exact to 1e-13.  Attributes such as Hardsigmoid's 1/6 are float32 in a file, each off by half of
float32's eps, and here one output goes through one of them at most, by a factor below 2: so eps of the largest number.
"""

import numpy as np
import pytest

from minicnn import describe, load

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
pytest.importorskip("onnx", reason="the package onnx is not installed: pip install 'minicnn-engine[onnx]'")
T = torch.nn


class Gated(T.Module):
    """Squeeze-and-excitation, hard functions, a residual sum, a view by its own batch size."""

    def __init__(self):
        super().__init__()
        self.stem = T.Sequential(T.Conv2d(3, 8, 3, 2, 1), T.Hardswish())
        self.gate = T.Sequential(T.AdaptiveAvgPool2d(1), T.Conv2d(8, 8, 1), T.Hardsigmoid())
        self.head = T.Linear(8 * 4 * 6, 5)

    def forward(self, x):
        x = self.stem(x)
        x = x + x * self.gate(x)
        return self.head(x.view(x.size(0), -1))


class Joined(T.Module):
    """Channels split, shuffled and joined, upsampling, padding, a mean over positions."""

    def __init__(self):
        super().__init__()
        self.left, self.right = T.Conv2d(4, 4, (3, 1), padding=(1, 0)), T.ConvTranspose2d(4, 4, 3, padding=1)
        self.up, self.shuffle, self.prelu = T.Upsample(scale_factor=2, mode="bilinear"), T.PixelShuffle(2), T.PReLU(4)

    def forward(self, x):
        left, right = x.chunk(2, dim=1)
        x = torch.cat([self.left(left), self.prelu(self.right(right))], 1)
        n, c, h, w = x.shape
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        x = T.functional.pad(self.shuffle(x), (1, 2, 0, 1), mode="reflect")
        return self.up(x)[:, :, 1:-1, ::2].mean(dim=(2, 3)), torch.log_softmax(x.flatten(1), dim=1)


class Lengthwise(T.Module):
    """One spatial axis."""

    def __init__(self):
        super().__init__()
        self.body = T.Sequential(
            T.Conv1d(3, 6, 3, 2, 1), T.BatchNorm1d(6), T.ELU(), T.MaxPool1d(3, 2, 1), T.AvgPool1d(2), T.Conv1d(6, 4, 1)
        )

    def forward(self, x):
        return self.body(x).amax(dim=2)


@pytest.mark.parametrize("opset", [11, 13, 17])
@pytest.mark.parametrize(
    ("module", "shape"),
    [(Gated, (2, 3, 8, 12)), (Joined, (2, 8, 5, 7)), (Lengthwise, (2, 3, 29))],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.filterwarnings("ignore")  # PyTorch's about its exporter
def test_a_module_through_onnx(module, shape, opset, tmp_path):
    torch.manual_seed(3)
    theirs, x = module().double().eval(), torch.randn(shape, dtype=torch.float64)
    for each in theirs.modules():
        if isinstance(each, T.BatchNorm1d):  # that it is not the identity
            each.running_mean.uniform_(-1, 1), each.running_var.uniform_(0.5, 2)
    file = tmp_path / "module.onnx"
    torch.onnx.export(theirs, x, str(file), dynamo=False, opset_version=opset, input_names=["x"], dynamic_axes={"x": {0: "batch"}})
    net = load.onnx(file)
    for batch in (x, x[:1], torch.cat([x, -x])):
        with torch.no_grad():
            wanted = theirs(batch)
        found = net(batch.numpy())
        for ours, its in zip(*(value if isinstance(value, tuple) else (value,) for value in (found, wanted)), strict=True):
            np.testing.assert_allclose(ours, its.numpy(), rtol=0, atol=np.finfo(np.float32).eps * float(its.abs().max()))
    kept = {
        name: parameter for name, parameter in theirs.named_parameters() if name in net.parameters() and name[:6] != "body.0"
    }  # the exporter puts the norm in it
    assert len(kept) >= {Gated: 6, Joined: 5, Lengthwise: 2}[module]
    for name, parameter in kept.items():
        np.testing.assert_array_equal(net.parameters()[name].reshape(-1), parameter.detach().numpy().reshape(-1), err_msg=name)
    assert describe(net).multiply_adds > 0
