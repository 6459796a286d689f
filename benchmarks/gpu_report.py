"""What do the figures of a device come to, beside the targets that were set for them?

Idea: everything is read from the document that --json writes.  A table for each batch, a row a layer, in 80 columns; then the ladder, the operations,
the network, and the targets with yes or no.  What was not measured is said to be unmeasured, never guessed.
Cost: none.  Next rooms: gpu_chart.py for the picture, report.py for the CPU's tables.
"""

from report import Sheet, head, milliseconds, ratio
from turns import geometric_mean

from minicnn.cli.terminal import Terminal

LADDER = ("cuda_naive", "cuda_coalesced", "cuda_tiled", "cuda_register_tiled")
SPECIAL = ("cuda_pointwise", "cuda_depthwise")
TOP = "cuda_register_tiled"
HEADS = ("naive", "coal.", "tiled", "reg.", "1x1,dw", "cuDNN", "TF32", "vs", "%pk")
NETWORKS = ("vgg16", "resnet50")
TARGETS = (  # what is measured, at least, aim, how it is written
    ("speed, register_tiled / naive", 8.0, 20.0, "{:.1f}"),
    ("of the fp32 peak, ≥ 128 channels", 0.45, 0.65, "{:.0%}"),
    ("speed, best rung / cuDNN fp32", 0.6, 1.0, "{:.2f}"),
    ("of a copy, moving operations", 0.75, 0.90, "{:.0%}"),
    ("speed, ResNet-50 ×64 / PyTorch", 0.6, 1.0, "{:.2f}"),
)


def mean(values) -> float | None:
    """Return the geometric mean, None of nothing.

    >>> mean([0.5, 2.0]), mean([])
    (1.0, None)
    """
    found = [value for value in values if value is not None]
    return geometric_mean(found) if found else None


def counted(document: dict, batch: int | None = None) -> list[dict]:
    """Return the layers that the targets are about: those of VGG16 and ResNet-50."""
    return [row for row in document["layers"] if row["network"] in NETWORKS and batch in (None, row["batch"])]


def climb(row: dict) -> float | None:
    """Return how many times as fast register_tiled is as naive on a layer."""
    times = row["milliseconds"]
    return times["cuda_naive"]["median"] / times[TOP]["median"] if {"cuda_naive", TOP} <= set(times) else None


def is_wide(row: dict) -> bool:
    """Whether a layer has at least 128 channels and 128 filters."""
    return min(row["x_shape"][1], row["weight_shape"][0]) >= 128


def targets(document: dict) -> list[dict]:
    """Return, target by target: the geometric mean of what was measured (None: nothing was), the least of it, at least, aim, yes or no."""
    layers = counted(document)
    network = document.get("network") or {}
    found = [
        [climb(row) for row in layers],
        [row["of_peak"] for row in layers if is_wide(row)],
        [row["over_cudnn"] for row in layers],
        [row.get("of_copy") for row in document.get("operations", [])],
        [network.get("over_torch") if network.get("batch") == 64 else None],
    ]
    rows = []
    for (what, least, aim, form), values in zip(TARGETS, found, strict=True):
        values = [value for value in values if value is not None]
        reached = mean(values)
        words = {"what": what, "reached": reached, "lowest": min(values, default=None), "count": len(values), "least": least, "aim": aim}
        rows.append({**words, "holds": _verdict(reached, least), "aim_holds": _verdict(reached, aim), "form": form})
    return rows


def _verdict(reached: float | None, bound: float) -> str:
    return "unmeasured" if reached is None else "yes" if reached >= bound else "no"


def show(document: dict, terminal: Terminal) -> None:
    """Print everything about a document of gpu.py."""
    head(document, terminal)
    ceiling = document["ceiling"]
    terminal.fact(
        "peak", f"{ceiling['peak_gflops']:,.0f} GFLOP/s of fp32 multiply-adds; a copy moves {ceiling['copy_gb_per_second']:,.0f} GB/s"
    )
    for batch in dict.fromkeys(row["batch"] for row in document["layers"]):
        _layers([row for row in document["layers"] if row["batch"] == batch], batch, terminal)
    _means(document, terminal)
    _operations(document.get("operations", []), terminal)
    _network(document.get("network"), terminal)
    _targets(document, terminal)
    terminal.line()
    terminal.fact("vs", "cuDNN's time / the best rung's, TF32 off: above 1 we are faster.  TF32 rounds to 11 bits, and is for information.")
    terminal.fact("%pk", "of the measured peak, the best rung; operations are the equation's, and cuDNN's Winograd does fewer.")
    for row in document["layers"]:
        for name, reason in row["failed"].items():
            terminal.fact("failed", f"{row['name']} (batch {row['batch']}), {name}: {reason.removeprefix('failed: ')}")
    for what, reason in document.get("left_out", {}).items():
        terminal.fact("left out", f"{what}: {reason}")


def _layers(rows: list[dict], batch: int, terminal: Terminal) -> None:
    sheet = Sheet(terminal, f"batch {batch}: milliseconds, medians", ["layer", *HEADS])
    for row in rows:
        times = {name: each["median"] for name, each in row["milliseconds"].items()}
        special = next((times[name] for name in SPECIAL if name in times), None)
        shown = [*(times.get(name) for name in LADDER), special, times.get("cudnn"), times.get("cudnn_tf32")]
        share = "" if row["of_peak"] is None else f"{100 * row['of_peak']:.0f}"
        sheet.row(row["name"], *("" if value is None else milliseconds(value) for value in shown), sheet.ratio(row["over_cudnn"]), share)
    sheet.print()
    spreads = [
        ((each["high"] - each["low"]) / each["median"], row["name"], name) for row in rows for name, each in row["milliseconds"].items()
    ]
    if spreads:
        middle, worst = sorted(spreads)[len(spreads) // 2][0], max(spreads)
        words = f"quartiles lie {middle:.1%} of the median apart as a rule, {worst[0]:.1%} at worst ({worst[1]}, {worst[2]})"
        terminal.fact("spread", words)


def _means(document: dict, terminal: Terminal) -> None:
    batches = dict.fromkeys(row["batch"] for row in counted(document))
    heads = ["batch", "layers", *HEADS[:4], "best", "reg/naive", "vs", "%pk"]
    sheet = Sheet(terminal, "VGG16 and ResNet-50: GFLOP/s, geometric means", heads)
    for batch in [*batches, *([None] if len(batches) > 1 else [])]:
        rows = counted(document, batch)
        speeds = [mean(row["gflops"].get(name) for row in rows) for name in LADDER]
        speeds.append(mean(row["gflops"][row["best"]] if row["best"] else None for row in rows))
        share = mean(row["of_peak"] for row in rows)
        ends = [ratio(mean(climb(row) for row in rows)), sheet.ratio(mean(row["over_cudnn"] for row in rows))]
        name = "all" if batch is None else str(batch)
        sheet.row(
            name,
            str(len(rows)),
            *("" if value is None else f"{value:,.0f}" for value in speeds),
            *ends,
            "" if share is None else f"{100 * share:.0f}",
        )
    if batches:
        sheet.print()


def _operations(rows: list[dict], terminal: Terminal) -> None:
    if not rows:
        return
    sheet = Sheet(terminal, "operations that move memory", ["", "N", "ms", "torch", "GB/s", "% of a copy"])
    for row in rows:
        if "failed" in row:
            sheet.row(row["name"], str(row["batch"]), "failed")
            continue
        times = row["milliseconds"]
        theirs = milliseconds(times["torch"]["median"]) if "torch" in times else ""
        sheet.row(
            row["name"],
            str(row["batch"]),
            milliseconds(times["minicnn"]["median"]),
            theirs,
            f"{row['gb_per_second']:,.0f}",
            f"{100 * row['of_copy']:.0f}",
        )
    sheet.print()
    for row in rows:
        if "failed" in row:
            terminal.fact("failed", f"{row['name']}: {row['failed']}")


def _network(row: dict | None, terminal: Terminal) -> None:
    if not row:
        return
    terminal.line()
    times = ", ".join(
        f"{name} {each['median']:.2f} ms ({each['low']:.2f} to {each['high']:.2f})" for name, each in row["milliseconds"].items()
    )
    terminal.fact(
        row["name"], f"a forward pass of {row['batch']} images, launches included: {times}; {row['images_per_second']:,.0f} images/s"
    )


def _targets(document: dict, terminal: Terminal) -> None:
    sheet = Sheet(terminal, "targets (geometric means)", ["", "measured", "lowest", "of", "≥", "", "aim", ""])
    for row in targets(document):
        form = row["form"].format
        measured = ["unmeasured", ""] if row["reached"] is None else [form(row["reached"]), form(row["lowest"])]
        verdicts = ["", ""] if row["reached"] is None else [row["holds"], row["aim_holds"]]
        sheet.row(row["what"], *measured, str(row["count"]), form(row["least"]), verdicts[0], form(row["aim"]), verdicts[1])
    sheet.print()
