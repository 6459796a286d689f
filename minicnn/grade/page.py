"""Which question: how does a grade look in a browser, and in a notebook?

Idea: one file, in which everything stands that terminal.py tells: tables for the two results, with the first wrong number marked, and for the
window in its plane, the factors and the products.  No script, no picture, and a Content-Security-Policy that lets nothing in but the page's own style.
Every text is escaped.  Colours are thin layers over the reader's own, so that one style does for light and dark and for any notebook;
what a colour says, a border, a word or a bold letter says too.

Cost: some kilobytes a failure.  What it does not do: write files.
Source: the HTML standard, for tables; W3C, Content Security Policy Level 3, section 2.3.1, for hashes.  Next room: results.py.
"""

from base64 import b64encode
from hashlib import sha256

from minicnn import __version__
from minicnn.grade.drawing import (
    MOST_PLANE,
    Grid,
    Term,
    Window,
    received,
    results,
    said_before,
    shows_case,
    steps,
    surrounded,
    told,
    where,
    windows,
)
from minicnn.grade.report import Failure, GradeReport, PartResult
from minicnn.grade.words import clean, code, number, points
from minicnn.text import Markup, html_table, markup

MOST_WINDOWS = 6
MOST_TERMS = 12

STYLE = """
.minicnn-grade { font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
  max-width: 62rem; --quiet: rgb(127 127 127 / 12%); --line: rgb(127 127 127 / 45%); --good: rgb(0 158 115); --bad: rgb(213 94 0); --window: rgb(0 114 178); }
.minicnn-grade :is(h1, h2, h3, p, ul, pre) { margin: 0 0 .6rem; } .minicnn-grade h1 { font-size: 1.4rem; line-height: 1.25; }
.minicnn-grade h2 { font-size: 1.15rem; line-height: 1.3; } .minicnn-grade h3 { font-size: 1rem; margin-top: 1.1rem; }
.minicnn-grade .score { font-size: 1.15rem; } .minicnn-grade .score strong { font-size: 1.9rem; }
.minicnn-grade section { border-top: 1px solid var(--line); margin-top: 1.6rem; padding-top: 1.2rem; }
.minicnn-grade .box { border-left: 5px solid var(--bad); background: var(--quiet); padding: .7rem 1rem .2rem; margin: .8rem 0; border-radius: 0 8px 8px 0; }
.minicnn-grade .box h3 { margin-top: 0; }
.minicnn-grade pre { font: 14px/1.45 ui-monospace, Menlo, Consolas, monospace; background: var(--quiet); color: inherit; padding: .6rem .8rem; border-radius: 8px;
  overflow-x: auto; white-space: pre; overflow-wrap: normal; }
.minicnn-grade .row { display: flex; flex-wrap: wrap; gap: .6rem 1.4rem; align-items: center; margin: .6rem 0; }
.minicnn-grade .scroll { overflow-x: auto; max-width: 100%; }
.minicnn-grade table { border-collapse: separate; border-spacing: 2px; margin: 0; color: inherit; background: none; font-size: 1em; }
.minicnn-grade :is(th, td) { padding: .15rem .5rem; text-align: right; overflow-wrap: normal; background: none; border: 1px solid transparent; }
.minicnn-grade figure { display: flex; gap: 1rem; align-items: center; margin: 0; max-width: 100%; } .minicnn-grade .held { min-width: 0; }
.minicnn-grade figcaption { font-weight: 600; font-size: .85rem; } .minicnn-grade .grid td.corner { border: 0; min-width: 0; }
.minicnn-grade .grid th { font-weight: 400; font-size: .8rem; padding: .1rem .3rem; opacity: .8; border: 0; }
.minicnn-grade .grid td { border: 1px solid var(--line); min-width: 2.2em; white-space: nowrap; }
.minicnn-grade .grid td.window { border: 2px solid var(--window); background: rgb(0 114 178 / 18%); font-weight: 600; }
.minicnn-grade .grid td.padding { background: repeating-linear-gradient(135deg, var(--quiet) 0 4px, var(--line) 4px 5px); }
.minicnn-grade .grid td.wrong { border: 3px solid var(--bad); background: rgb(213 94 0 / 18%); }
.minicnn-grade mark { background: none; color: inherit; font-weight: 800; }
.minicnn-grade .parts table { width: 100%; max-width: 40rem; } .minicnn-grade .parts :is(th, td) { border-bottom: 1px solid var(--line); padding: .3rem .5rem; }
.minicnn-grade .parts :is(th, td):first-child { text-align: left; overflow-wrap: anywhere; }
.minicnn-grade .verdict { font-weight: 700; white-space: nowrap; border-bottom: 3px solid var(--good); } .minicnn-grade .failed { border-color: var(--bad); }
@media (max-width: 40rem) { .minicnn-grade .grid { font-size: .8rem; border-spacing: 1px; } .minicnn-grade .grid :is(th, td) { padding: .15rem .25rem; } }
.minicnn-grade .sign { font-size: 1.4rem; } .minicnn-grade :focus-visible { outline: 3px solid var(--window); outline-offset: 2px; }
"""
SHEET = """
:root { color-scheme: light dark; } body { margin: 1.4rem clamp(.9rem, 4vw, 3rem); background: #fdfcfa; color: #222; }
@media (prefers-color-scheme: dark) { body { background: #16181b; color: #eee; } }
@media print { section { break-inside: avoid-page; } }
"""


def page(report: GradeReport) -> str:
    """Return a report as one HTML page that needs nothing but itself.

    >>> text = page(GradeReport("02", "conv2d", (PartResult("conv2d", "stride 1", 4, 50, 0.1),), student="<ada>"))
    >>> "4</strong> of 4 points" in text, "&lt;ada&gt;" in text, "://" in text, "<script" in text
    (True, True, False, False)
    """
    style = STYLE + SHEET
    policy = (
        f"default-src 'none'; style-src 'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'; base-uri 'none'; form-action 'none'"
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="generator" content="minicnn {__version__}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_safe(_title(report))}</title>
<style>{style}</style>
</head>
<body>
<main class="minicnn-grade">
{_inside(report)}
</main>
</body>
</html>
"""


def fragment(report: GradeReport) -> str:
    """Return a report as HTML to stand in a notebook.

    >>> fragment(GradeReport("02", "conv2d", ())).startswith('<div class="minicnn-grade"><style>')
    True
    """
    return f'<div class="minicnn-grade"><style>{STYLE}</style>{_inside(report)}</div>'


def _title(report: GradeReport) -> str:
    return f"Assignment {report.assignment}, {report.title}{' · ' + clean(report.student, 60) if report.student else ''}"


def _inside(report: GradeReport) -> str:
    found = [f"<h1>{_safe(_title(report))}</h1>"]
    found.append(f'<p class="score"><strong>{points(report.earned)}</strong> of {points(report.points)} points</p>')
    if report.problem:
        found.append(f'<div class="box">{_text(report.problem)}</div>')
    if report.parts:
        found.append(f'<div class="parts">{_parts(report.parts)}</div>')
    failed = [(part, said_before(report.parts[:at])) for at, part in enumerate(report.parts) if part.failure]
    found += [_failure(*each) for each in failed if not report.problem]  # which fails them all
    for heading, sentences in (("Notes (they cost no points)", report.advice), ("While your code ran", report.in_force)):
        if sentences:
            items = "".join(f"<li>{_text(sentence, 'span')}</li>" for sentence in sentences)
            found.append(f"<section><h2>{heading}</h2><ul>{items}</ul></section>")
    return "\n".join(found)


def _parts(parts: tuple[PartResult, ...]) -> str:
    rows = []
    for part in parts:
        verdict = "passed" if part.failure is None else "failed"
        told_ = Markup(f'<span class="verdict {verdict}">{verdict}</span>')
        rows.append((_safe(f"{part.task}: {part.part}"), told_, f"{points(part.earned)} of {points(part.points)}", part.cases))
    return html_table(("part", "result", "points", "cases"), rows)


def _failure(part: PartResult, above: frozenset[str]) -> str:
    why = part.failure
    found = [f"<h2>{_safe(f'{part.task}: {part.part} failed ({where(why)})')}</h2>", _text(why.says)]
    if why.misconception:
        found.append(_misconception(why, above))
    if why.outcome and why.outcome.traceback:
        again = why.outcome.traceback in above
        shown = "<p>the one above</p>" if again else _code(clean(why.outcome.traceback).rstrip(), "traceback")
        found.append(f"<h3>Your traceback</h3>{shown}")
    if shows_case(why):
        made = "\n".join(code(name, value) for name, value in why.arguments.items())
        case = f"<p>{_safe(why.case)}</p>" if why.case else ""
        found.append(f"<h3>{'The smallest case that fails' if case else 'The case'}</h3>{case}{_code(made, 'arguments')}")
    if received(why):
        drawn = "".join(_grid(grid) for grid in results(why))
        said = "<br>".join(markup(sentence) for sentence in told(why))
        found.append(f'<h3>Expected and received</h3><p>{said}</p><div class="row">{drawn}</div>')
    if why.account:
        found.append(_account(why))
    return f"<section>{''.join(found)}</section>"


def _misconception(why: Failure, above: frozenset[str]) -> str:
    if why.misconception.name in above:
        return f'<div class="box"><p><strong>What is behind it: {_safe(why.misconception.name)}</strong>, as above</p></div>'
    alike = f"<p>These mistakes give the same answers: {_safe(', '.join(why.alike))}.</p>" if why.alike else ""
    lesson = f"<p>To reread: lesson {_safe(why.misconception.lesson)}.</p>" if why.misconception.lesson else ""
    name, says = _safe(why.misconception.name), _safe(why.misconception.says)
    return f'<div class="box"><h3>What is behind it: {name}</h3><p>{says}</p>{alike}{lesson}</div>'


def _account(why: Failure) -> str:
    found, rest = windows(why.account, why.arguments)
    rows = [f"<h3>How the right number comes about</h3><p>{_safe(why.account.equation)}</p>"]
    rows += [_window(window) for window in found[:MOST_WINDOWS]]
    if len(found) > MOST_WINDOWS:
        rows.append(f"<p>and {len(found) - MOST_WINDOWS} more windows of the same kind</p>")
    if rest:
        rows.append(_terms(rest))
    return f"{''.join(rows)}<p><strong>in all {number(why.account.total, 9)}</strong></p>"


def _window(window: Window) -> str:
    total = "" if window.products is None else f"<p>{markup(window.name)} sums to {number(window.products, 9)}</p>"
    if max(len(window.rows), len(window.columns)) > MOST_PLANE:
        return _terms(window.strongest) + total
    behind = steps(window)[1:]
    grids = [surrounded(window, f"{window.name}, the window marked"), *behind]
    signs = ("", "=") if len(behind) == 1 else ("", "·", "=")
    drawn = "".join(_grid(grid, sign) for sign, grid in zip(signs, grids, strict=False))
    return f'<div class="row">{drawn}</div>{total}'


def _terms(terms: tuple[Term, ...]) -> str:
    head = ("place", "value", "factor", "product")
    used = [at for at in range(4) if any(term[at] is not None for term in terms)]
    rows = [[clean(term[0], 60), *("" if term[at] is None else number(term[at]) for at in used[1:])] for term in terms[:MOST_TERMS]]
    more = f"<p>and {len(terms) - MOST_TERMS} more</p>" if len(terms) > MOST_TERMS else ""
    return f'<div class="scroll" tabindex="0">{html_table([head[at] for at in used], rows)}</div>{more}'


def _grid(grid: Grid, sign: str = "") -> str:
    """Return a grid as a table with a sign before it; a wrong number is <mark>ed, so that it is even where a style is not kept."""
    numbers = "".join(f'<th scope="col">{n}</th>' for n in grid.columns)
    rows = [f"<tr>{'<td class=corner></td>' if grid.rows else ''}{numbers}</tr>"] if grid.columns else []
    for at, row in enumerate(grid.cells):
        first = f'<th scope="row">{grid.rows[at]}</th>' if grid.rows else ""
        rows.append(f"<tr>{first}{''.join(_cell(*cell) for cell in row)}</tr>")
    caption, body = markup(grid.caption), "".join(rows)
    before = f'<span class="sign">{sign}</span>' if sign else ""
    table = f'<div class="scroll" tabindex="0"><table class="grid" aria-label="{caption}">{body}</table></div>'
    return f'<figure>{before}<div class="held"><figcaption>{caption}</figcaption>{table}</div></figure>'


def _cell(text: str, looks: frozenset[str]) -> str:
    kind = f' class="{" ".join(sorted(looks))}"' if looks else ""
    return f"<td{kind}><mark>{markup(text)}</mark></td>" if "wrong" in looks else f"<td{kind}>{markup(text)}</td>"


def _safe(text: str) -> Markup:
    return markup(clean(text))


def _text(prose: str, tag: str = "p") -> str:
    return f"<{tag}>{'<br>'.join(_safe(line) for line in clean(prose).split(chr(10)))}</{tag}>"


def _code(lines: str, what: str) -> str:
    return f'<pre tabindex="0" role="group" aria-label="{what}">{markup(lines)}</pre>'
