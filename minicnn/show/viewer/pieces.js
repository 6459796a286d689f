// Which question: how do a patch, a map with a window on it, and the line of a formula look?
//
// Idea: small pictures that step.js puts together.  A patch is a table, so that it can be read aloud and copied; a map is its canvas
// with the lit cells drawn over it in SVG, one unit a cell; what lies outside the map is the hatched ground that shows through.
// Every state has a sign of its own beside its colour: a ring for the cell of the moment, hatching for padding, a star for a winner.
// Cost: a few hundred elements at most.  What it does not do: know layers (stage.js).
// Next room: stage.js.

import { el, exact, number, svg } from "./dom.js";
import { colourOf, inkOn, paint } from "./colour.js";

/** A table of numbers in colours.  cells: [{value, padding, border, winner, state, word}], state 'now', 'done' or 'waiting'; scale for the colours. */
export function patchTable(caption, cells, columns, scale, pick) {
  const digits = columns > 7 ? 2 : 3;
  const rows = Array.from({ length: Math.ceil(cells.length / columns) }, (_, row) => cells.slice(row * columns, (row + 1) * columns));
  const body = rows.map((row) =>
    el(
      "tr",
      {},
      row.map((cell) => patchCell(cell, scale, digits, pick)),
    ),
  );
  const wide = columns > 9 ? " widest" : columns > 5 ? " wide" : "";
  return el("table", { class: `step-patch${wide}` }, el("caption", {}, caption), el("tbody", {}, body));
}

function patchCell(cell, scale, digits, pick) {
  const names = ["padding", "border", "winner"].filter((name) => cell[name]);
  const classes = [...names, cell.state || "done"].join(" ");
  if (cell.state === "waiting") return el("td", { class: classes }, el("span", { class: "quiet" }, "·"));
  if (cell.padding) return el("td", { class: classes, title: "a cell of the padding: it counts as 0" }, cell.word || "pad");
  const style = Number.isFinite(cell.value) ? tinted(cell.value, scale) : "";
  const text = Number.isFinite(cell.value) ? briefly(cell.value, digits) : number(cell.value);
  const star = cell.winner ? el("span", { class: "star", "aria-label": "the largest" }, "★") : null;
  const attributes = { class: classes, style, title: `${cell.name ? `${cell.name} = ` : ""}${exact(cell.value)}` };
  return el("td", pick && cell.name ? { ...attributes, onclick: () => pick(cell) } : attributes, text, star);
}

/** The least and the greatest of many numbers; [Infinity, -Infinity] of none. */
export function endsOf(values) {
  return values.reduce(([least, most], value) => [value < least ? value : least, value > most ? value : most], [Infinity, -Infinity]);
}

/** The colour of a number on a scale and of the text on it, as a style. */
export function tinted(value, scale) {
  const colour = colourOf(value, scale);
  return `background:rgb(${colour.join(",")});color:${inkOn(colour)}`;
}

/** A number in so few digits that it fits into a cell: -0.12, 1.2e-5. */
export function briefly(value, digits = 3) {
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 10000)) return value.toExponential(Math.max(digits - 2, 0)).replace("e+", "e");
  return String(Number(value.toPrecision(digits)));
}

/** A part of a map with lit cells.  region {top, left, rows, columns} counts cells and may begin outside the map, where padding is.
 * lit: [{row, column, look}]; frames: [{top, left, rows, columns, look}]; pick(row, column) is called for a click. */
export function mapPane({ map, picture, size, region, scale, lit = [], frames = [], label, pick, widest = 260 }) {
  const share = (n, of) => `${(100 * n) / of}%`;
  const canvas = picture ? el("img", { src: picture, alt: "" }) : el("canvas", { "aria-hidden": "true" });
  const [rows, columns] = size;
  canvas.style.cssText = `left:${share(-region.left, region.columns)};top:${share(-region.top, region.rows)};width:${share(columns, region.columns)};height:${share(rows, region.rows)}`;
  if (map) paint(canvas, map.values, map.rows, map.columns, scale);
  else if (!picture) canvas.className = "unknown";
  const width = Math.min(widest, Math.max(region.columns * 28, 28), (widest * 1.2 * region.columns) / region.rows);
  const pane = el("div", { class: `step-map${pick ? " pickable" : ""}`, role: "img", "aria-label": label }, canvas, overlay(region, lit, frames));
  pane.style.cssText = `width:${Math.round(width)}px;aspect-ratio:${region.columns}/${region.rows}`;
  if (pick) pane.addEventListener("click", (event) => pickedCell(pane, event, region, size, pick));
  return pane;
}

function overlay(region, lit, frames) {
  const rect = (top, left, rows, columns, look) =>
    ["under", "over"].map((layer) =>
      svg("rect", { x: left, y: top, width: columns, height: rows, class: `${look} ${layer}`, "vector-effect": "non-scaling-stroke" }),
    );
  return svg(
    "svg",
    { viewBox: `${region.left} ${region.top} ${region.columns} ${region.rows}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    frames.map((frame) => rect(frame.top, frame.left, frame.rows, frame.columns, frame.look)),
    lit.map(({ row, column, look }) => rect(row, column, 1, 1, look)),
  );
}

function pickedCell(pane, event, region, [rows, columns], pick) {
  const box = pane.getBoundingClientRect();
  const row = Math.floor(region.top + ((event.clientY - box.top) / box.height) * region.rows);
  const column = Math.floor(region.left + ((event.clientX - box.left) / box.width) * region.columns);
  if (row >= 0 && row < rows && column >= 0 && column < columns) pick(row, column);
}

/** The line of a formula y = f(x) with one point on it: dashed lines lead from x up to it and on to y, when `reached`. */
export function plotPane({ f, x, y, reached, label, least = 1.5 }) {
  const [width, height, edge] = [240, 170, 12];
  const reach = Math.max(Number.isFinite(x) ? Math.abs(x) * 1.35 : 0, least);
  const xs = Array.from({ length: 97 }, (_, place) => (place / 48 - 1) * reach);
  const ys = f ? xs.map(f).filter(Number.isFinite) : [];
  const heights = [0, y, ...ys].filter(Number.isFinite);
  const [low, high] = [Math.min(...heights), Math.max(...heights)];
  const room = (high - low || 1) * 0.12;
  const across = (value) => edge + ((value + reach) / (2 * reach)) * (width - 2 * edge);
  const down = (value) => height - edge - ((value - low + room) / (high - low + 2 * room || 1)) * (height - 2 * edge);
  const line = (x1, y1, x2, y2, look) => svg("line", { x1: across(x1), y1: down(y1), x2: across(x2), y2: down(y2), class: look });
  const curve = f
    ? svg("path", {
        d: xs.map((each, place) => `${place ? "L" : "M"}${across(each).toFixed(1)} ${down(f(each)).toFixed(1)}`).join(""),
        class: "curve",
      })
    : null;
  const seen = Number.isFinite(x) && Number.isFinite(y);
  const marks = seen
    ? [
        line(x, 0, x, reached ? y : 0, "lead"),
        reached ? line(x, y, 0, y, "lead") : null,
        svg("circle", { cx: across(x), cy: down(reached ? y : 0), r: 5, class: "dot" }),
      ]
    : [];
  return el(
    "div",
    { class: "step-plot", role: "img", "aria-label": label },
    svg(
      "svg",
      { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" },
      line(-reach, 0, reach, 0, "axis"),
      svg("line", { x1: across(0), y1: edge, x2: across(0), y2: height - edge, class: "axis" }),
      curve,
      marks,
      svg("text", { x: width - edge, y: down(0) - 5, "text-anchor": "end" }, "x"),
      svg("text", { x: across(0) + 6, y: edge + 8 }, "y"),
    ),
  );
}

/** A bar from a middle line to the right for a positive number, to the left for a negative one. */
export function sumBar(value, most) {
  const length = most > 0 && Number.isFinite(value) ? (46 * Math.abs(value)) / most : 0;
  const bar = svg("rect", { x: value < 0 ? 50 - length : 50, y: 3, width: length, height: 10, class: value < 0 ? "minus" : "plus" });
  return svg(
    "svg",
    { class: "step-bar", viewBox: "0 0 100 16", preserveAspectRatio: "none", "aria-hidden": "true" },
    bar,
    svg("line", { x1: 50, x2: 50, y1: 0, y2: 16, class: "axis" }),
  );
}
