"""Which question: is anything wrong with this network, where, and what can be done about it?

Idea: a row of checks, each a function of its own, is asked one after the other.  Those of shapes, strides and fields need integers
only; those of numbers read a trace.  A finding says what was seen, what it probably means, and what to do.

    CHECKS      name → check: a new one is a function and a row here

Thresholds are named constants beside their check, each with its reason or its source; none was fitted to a network.
Cost: without a trace some milliseconds; with one, a few reads of every map, about as long as the forward pass.
When it loses: on one image, which cannot show what a late layer is for; findings say how many images they rest on.
What it does not do: train, or look at gradients; and no finding is no proof of health.
Source: each check names its own.  Next rooms: checks_shape.py, checks_field.py, checks_numbers.py, checks_scale.py, checks_channels.py.
"""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from minicnn.errors import ArgumentError
from minicnn.network import Network, Trace, describe
from minicnn.network.graph import as_network
from minicnn.probe import checks_channels, checks_field, checks_numbers, checks_scale, checks_shape
from minicnn.probe.finding import Case, Finding, images
from minicnn.text import times

OF_SHAPES = {
    "early downsampling": checks_shape.early_downsampling,
    "collapsed maps": checks_shape.collapsed_maps,
    "small field": checks_field.small_field,
    "large field": checks_field.large_field,
    "misaligned branches": checks_field.misaligned_branches,
    "checkerboard": checks_shape.checkerboard,
    "even kernels": checks_shape.even_kernels,
}
OF_NUMBERS = {
    "not a number": checks_numbers.not_a_number,
    "dead channels": checks_numbers.dead_channels,
    "constant maps": checks_numbers.constant_maps,
    "saturated units": checks_numbers.saturated_units,
    "exploding scale": checks_scale.exploding_scale,
    "vanishing scale": checks_scale.vanishing_scale,
    "duplicated channels": checks_channels.duplicated_channels,
    "growth without benefit": checks_channels.growth_without_benefit,
}
CHECKS = {**OF_NUMBERS, **OF_SHAPES}  # name: check; in the order in which findings are told


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor found: print it, walk over it, or take `findings`.

    `checks` are the names of the checks that were asked, `images` on how many images (0 without a trace).

    >>> from minicnn import nn
    >>> found = doctor(nn.ConvTranspose2d(1, 1, 3, stride=2), input_shape=(1, 8, 8))
    >>> [finding.kind for finding in found], len(found), found.images
    (['checkerboard'], 1, 0)
    """

    findings: tuple[Finding, ...]
    checks: tuple[str, ...]
    input_shape: tuple[int, ...]
    nodes: int
    images: int

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def to_dict(self) -> dict:
        """Return the diagnosis as plain data, for JSON."""
        return {
            "input_shape": list(self.input_shape),
            "images": self.images,
            "checks": list(self.checks),
            "findings": [finding.to_dict() for finding in self.findings],
        }

    @property
    def summary(self) -> str:
        """What was asked, of what, and how many findings there are, in a sentence."""
        on = f"{images(self.images)} of" if self.images else "shapes alone, for"
        shape = times(self.input_shape[1:] if len(self.input_shape) == 4 else self.input_shape)
        count = f"{len(self)} finding{'s' * (len(self) != 1)}" if self.findings else "nothing found"
        return f"{self.nodes} node{'s' * (self.nodes != 1)}, {len(self.checks)} checks on {on} {shape}: {count}."

    def __str__(self) -> str:
        asked = textwrap.wrap(f"Asked for: {', '.join(self.checks)}.", 80)
        return "\n\n".join([self.summary, *map(str, self.findings), "\n".join(asked)])

    __repr__ = __str__


def doctor(net: Network, trace: Trace | None = None, *, input_shape=None) -> Diagnosis:
    """Return what seems wrong with a network: findings with evidence, likely cause and remedy.

    With `trace`, what trace(net, x) returned, all of CHECKS are asked, of the trace's maps and its shape.  Without one, give
    `input_shape` (as to describe): the checks of shapes, strides and fields are asked, and the network needs no numbers.

    >>> import numpy as np
    >>> from minicnn import nn, trace
    >>> net = nn.Sequential(nn.Conv2d.of(np.ones((4, 1, 3, 3)), np.full(4, -99.0)), nn.ReLU())
    >>> print(doctor(net, trace(net, np.random.default_rng(0).random((1, 1, 12, 16)))).findings[0])
    dead channels: relu1
      seen     4 of 4 channels (100%) are zero at all 140 places of 1 image: 0, 1,
               2, 3. What goes in is at most -92.4 there.
      likely   a step too large, or first weights and biases, pushed them below
               zero, where a ReLU passes no gradient back (Lu et al. 2019).
      remedy   a smaller learning rate, He's first weights, normalization before
               the activation, or LeakyReLU; with trained weights, check how the
               input is scaled. The evidence is one image: ask again with a
               batch.

    Raises ArgumentError for a trace of another network or without all of its maps, and what describe raises.
    Source: the papers that each check names.
    """
    net = as_network(net, "doctor")
    if trace is None:
        case, asked = Case(net, describe(net, input_shape)), OF_SHAPES
    else:
        _check_trace(net, trace, input_shape)
        case, asked = Case(net, trace.description, trace), CHECKS
    findings = tuple(finding for check in asked.values() for finding in check(case))
    return Diagnosis(findings, tuple(asked), case.facts.shapes[net.inputs[0]], len(net), 0 if trace is None else case.images)


def _check_trace(net: Network, trace, input_shape) -> None:
    if not isinstance(trace, Trace):
        raise ArgumentError(
            f"doctor: the second argument is what trace(net, x) returned, but it is a {type(trace).__name__}; "
            "without a trace, write doctor(net, input_shape=(3, 224, 224))."
        )
    if input_shape is not None:
        raise ArgumentError("doctor: the trace says which shape the input has; give the trace or input_shape, not both.")
    same = trace.net.inputs == net.inputs and [(n.name, n.layer, n.inputs) for n in trace.net] == [(n.name, n.layer, n.inputs) for n in net]
    if not same:
        raise ArgumentError("doctor: the trace must be of this network, but it is of another one; trace this network: trace(net, x).")
    gone = [name for name in trace.shapes if name not in trace.maps]
    if gone:
        raise ArgumentError(
            f"doctor: every map is looked at, but this trace let go of {len(gone)}, {gone[0]!r} first, as keep='gradient' does; "
            "use trace(net, x)."
        )
