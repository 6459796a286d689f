"""Which question: how can the steps of a kernel be stepped through where only a browser is at hand?

Idea: every step is a section of a page, with tables for input, kernel, products and output; a short script shows one of them, by a slider,
by buttons and by the arrow keys.  The page asks nothing of any host.  Without the script, and on paper, all steps stand below each other.

Cost: some kilobytes a step.  What it does not do: compute; every number was written by Python.
Source: probe/sliding.py; the HTML standard, for tables with headers.  Next room: sliding.py.
"""

from html import escape

from minicnn.probe.sliding import Sliding, Step, added, finished, place, short
from minicnn.show.files import SIGNATURE
from minicnn.text import times

STYLE = """
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --quiet: #595959; --line: #b0b0b0; --hatch: #d4cfc2; --pad: #f1efe9;
  --window: #cfe3f2; --kernel: #fbe3d3; --product: #d3ece3; --now: #f3dcea; --done: #ececec; }
@media (prefers-color-scheme: dark) { :root { --ink: #eee; --paper: #16181b; --quiet: #aaa; --line: #555; --hatch: #4a4740; --pad: #26241f;
  --window: #14466b; --kernel: #6b3210; --product: #0d5240; --now: #6b2f55; --done: #303338; } }
body { font: 16px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 1.2rem; }
h1 { font-size: 1.2rem; } h2 { font-size: 1rem; }
.row { display: flex; flex-wrap: wrap; gap: 1.2rem; align-items: center; overflow-x: auto; }
table { border-collapse: separate; border-spacing: 2px; }
caption { font-size: .8rem; color: var(--quiet); text-align: left; padding-bottom: .2rem; white-space: nowrap; }
td { min-width: 2.1em; height: 2.1em; padding: 0 .2em; text-align: center; border: 1px solid var(--line); font-variant-numeric: tabular-nums; }
td.p { background: repeating-linear-gradient(135deg, var(--pad) 0 4px, var(--hatch) 4px 5px); }
td.w { background-color: var(--window); border: 2px solid #0072b2; font-weight: 700; }
td.k { background: var(--kernel); } td.m { background-color: var(--product); } td.d { background: var(--done); }
td.n { background: var(--now); border: 2px solid #cc79a7; font-weight: 700; }
pre { font: 14px/1.5 ui-monospace, monospace; white-space: pre-wrap; }
form { display: flex; gap: .6rem; align-items: center; flex-wrap: wrap; margin: .8rem 0; } form[hidden] { display: none; }
input[type=range] { flex: 1 1 12rem; max-width: 40rem; } button { font: inherit; padding: .2rem .8rem; }
:focus-visible { outline: 3px solid #d55e00; outline-offset: 2px; }
@media print { form { display: none !important; } section { display: block !important; break-inside: avoid; } }
"""

SCRIPT = """
(() => {
  const steps = [...document.querySelectorAll("section")], form = document.querySelector("form");
  const slider = form.querySelector("input"), play = document.getElementById("play"), told = document.querySelector("output");
  const columns = Number(form.dataset.columns), seconds = Number(form.dataset.seconds);
  let timer = null;
  const show = (to) => {
    const at = Math.min(Math.max(to, 0), steps.length - 1);
    steps.forEach((step, number) => { step.hidden = number !== at; });
    slider.value = at;
    told.textContent = `${at + 1} of ${steps.length}`;
    slider.setAttribute("aria-valuetext", steps[at].querySelector("h2").textContent);
  };
  const stop = () => { clearInterval(timer); timer = null; play.textContent = "Play"; };
  const start = () => {
    if (Number(slider.value) === steps.length - 1) show(0);
    play.textContent = "Pause";
    timer = setInterval(() => { show(Number(slider.value) + 1); if (Number(slider.value) === steps.length - 1) stop(); }, 1000 * seconds);
  };
  const keys = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -Infinity, End: Infinity };
  document.addEventListener("keydown", (event) => {
    if (event.key === " " && event.target.tagName !== "BUTTON") { event.preventDefault(); timer ? stop() : start(); }
    if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    stop();
    const to = Number(slider.value) + keys[event.key];
    if (Math.abs(keys[event.key]) === Infinity || (to >= 0 && to < steps.length)) show(to);
  });
  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  play.addEventListener("click", () => (timer ? stop() : start()));
  document.getElementById("back").addEventListener("click", () => { stop(); show(Number(slider.value) - 1); });
  document.getElementById("next").addEventListener("click", () => { stop(); show(Number(slider.value) + 1); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  show(0);
})();
"""


def page(found: Sliding, filter: int, title: str, seconds: float) -> str:
    """Return the steps of one filter as a page.

    >>> import numpy as np
    >>> from minicnn.probe.sliding import sliding
    >>> text = page(sliding(np.ones((2, 3)), np.ones((2, 2))), 0, "Ones", 0.5)
    >>> text.count("<section"), "<title>Ones</title>" in text, "http" in text
    (2, True, False)
    """
    steps = "\n".join(_section(found, found.step(number, filter)) for number in range(len(found)))
    last = len(found) - 1
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="generator" content="{SIGNATURE}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
<form hidden data-columns="{found.out[1]}" data-seconds="{seconds}">
<button type="button" id="back">Back</button>
<button type="button" id="play">Play</button>
<button type="button" id="next">Next</button>
<input type="range" min="0" max="{last}" value="0" aria-label="Step">
<output></output>
</form>
{steps}
</main>
<script>{SCRIPT}</script>
</body>
</html>
"""


def _section(found: Sliding, step: Step) -> str:
    channels = "\n".join(_channel(found, step, channel) for channel in range(len(found.x)))
    where = [f"{word:<8}{place(rule, at, word)}" for rule, at, word in zip(found.rules, step.at, ("row", "column"), strict=True)]
    sums = [f"{'sum' if len(found.x) == 1 else f'sum {channel}':<8}{added(step, channel)}" for channel in range(len(found.x))]
    told = escape("\n".join([*where, *sums, f"{'output':<8}{finished(step)}"]))
    output = _table(f"output {times(found.out)}", _output(found, step))
    head = f"Step {step.number + 1} of {len(found)}: output row {step.at[0]}, column {step.at[1]}"
    return f'<section>\n<h2>{head}</h2>\n<div class="row">\n<div>{channels}</div>\n<span>→</span>\n{output}</div>\n<pre>{told}</pre>\n</section>'


def _channel(found: Sliding, step: Step, channel: int) -> str:
    head = f"channel {channel}: " if len(found.x) > 1 else ""
    padded = tuple(map(len, found.spans))
    size = times(found.size) + (f", padded {times(padded)}" if padded != tuple(found.size) else "")
    kernel = [[(short(value), "k") for value in row] for row in step.weight[channel]]
    products = [
        [("0", "m p") if outside else (short(value), "m") for value, outside in zip(*row, strict=True)]
        for row in zip(step.products[channel], step.padding, strict=True)
    ]
    parts = (_table(f"{head}input {size}", _input(found, step, channel)), _table("kernel", kernel), _table("products", products))
    return f'<div class="row">{parts[0]}<span>·</span>{parts[1]}<span>=</span>{parts[2]}</div>'


def _input(found: Sliding, step: Step, channel: int) -> list[list[tuple[str, str]]]:
    data, rows = found.x[channel], []
    for i in found.spans[0]:
        row = []
        for j in found.spans[1]:
            inside = 0 <= i < data.shape[0] and 0 <= j < data.shape[1]
            look = ("w " if i in step.rows and j in step.columns else "") + ("" if inside else "p")
            row.append((short(data[i, j]) if inside else "", look.strip()))
        rows.append(row)
    return rows


def _output(found: Sliding, step: Step) -> list[list[tuple[str, str]]]:
    data = found.y[step.filter]
    return [
        [
            (short(data[p, q]), "n" if (p, q) == step.at else "d") if found.number((p, q)) <= step.number else ("", "")
            for q in range(found.out[1])
        ]
        for p in range(found.out[0])
    ]


def _table(caption: str, rows: list[list[tuple[str, str]]]) -> str:
    lines = ("".join(f'<td class="{look}">{text}</td>' if look else f"<td>{text}</td>" for text, look in row) for row in rows)
    cells = "\n".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><caption>{escape(caption)}</caption>\n{cells}\n</table>"
