// Which question: what are the numbers of one channel, cell by cell?
//
// Idea: the map as large as there is room, a line between cells where they are few, the number in each where they are very few; one
// cell is chosen, another pointed at, and both can be done from the keyboard.  What the page holds only roughly is said to be rough.
//
// Cost: one question to the source a channel.  What it does not do: say what a cell sees; hover.js puts the photo beside it.
// Next room: hover.js.

import { el, exact, moved, narrow, number, svg, times } from "./dom.js";
import { colourOf, inkOn, paint } from "./colour.js";
import { planeSize } from "./fields.js";
import { follow, outline } from "./marks.js";

const WRITTEN = 64; // cells: more are not written out as numbers

/** Return the enlarged map: .load(channel, scale) paints it, .mark(chosen, pointed, cells) draws what is marked, .value(at) reads it. */
export function bigMap(view, node, { point, choose, step }) {
  const [rows, columns] = planeSize(node.shape);
  const placeless = node.shape.length !== 4;
  const canvas = el("canvas", { "aria-hidden": "true" });
  const marks = svg("svg", { viewBox: `0 0 ${columns} ${rows}`, preserveAspectRatio: "none", class: "marks", "aria-hidden": "true" });
  const cells = svg("g", { class: "numbers" });
  const note = el("p", { class: "quiet small" });
  const frame = el("div", {
    class: "map", tabindex: "0", role: "application", "data-key": "big-map", "aria-roledescription": "feature map",
    style: `aspect-ratio: ${columns} / ${rows}${rows * columns === 1 ? "; max-width: 150px" : ""}`,
  }, canvas, marks);
  let held = null;
  if (columns <= 56 && columns > 1) marks.append(lines(rows, columns));
  const layers = ["held", "cells", "chosen", "pointed"].map((name) => marks.appendChild(svg("g", { class: name })));
  marks.append(cells);
  const at = (event) => {
    const { left, top, width, height } = frame.getBoundingClientRect();
    const place = [((event.clientY - top) / height) * rows, ((event.clientX - left) / width) * columns];
    return place.map((x, axis) => Math.min(Math.max(Math.floor(x), 0), [rows, columns][axis] - 1));
  };
  if (!placeless) {
    follow(frame, at, point);
    frame.addEventListener("click", (event) => step(at(event)));
    frame.addEventListener("keydown", (event) => keys(event, view.state.at, rows, columns, choose, step));
  } else frame.addEventListener("keydown", (event) => event.key === "Enter" && step(null));

  function value(place) {
    if (!held) return null;
    const [i, j] = place ?? [0, 0];
    const x = held.values[Math.floor((i * held.rows) / rows) * held.columns + Math.floor((j * held.columns) / columns)];
    const whole = held.rows === rows && held.columns === columns;
    if (held.exact) return exact(x);
    const about = Number.isFinite(x) ? "≈ " : ""; // NaN and the infinities are never rounded
    return `${whole ? about : `thumbnail ${about}`}${number(x)}`;
  }

  async function load(channel, scale) {
    held = null;
    layers[0].replaceChildren(...heldUnits(node, channel).map(([i, j]) => heldDot(i, j, columns)));
    try {
      const map = await view.source.ask({ kind: "map", node: node.name, channel });
      if (view.state.channel !== channel) return;
      held = map;
      frame.classList.remove("empty");
      paint(canvas, held.values, held.rows, held.columns, scale);
      const whole = held.rows === rows && held.columns === columns;
      note.textContent = whole ? (held.exact ? "" : "Rounded to 1/252 of the range.") : `A thumbnail: ${held.rows}×${held.columns} of ${rows}×${columns}.`;
      cells.replaceChildren(...(whole && rows * columns <= WRITTEN ? written(held, scale) : []));
    } catch (error) {
      canvas.width = canvas.height = 1;
      frame.classList.add("empty");
      cells.replaceChildren();
      note.textContent = error.message;
    }
  }

  function mark(chosen, pointed, box) {
    const cell = (place) => (place ? [outline({ top: place[0], left: place[1], bottom: place[0], right: place[1] })] : []);
    layers[1].replaceChildren(...(box ? [outline(box)] : []));
    layers[2].replaceChildren(...cell(chosen));
    layers[3].replaceChildren(...cell(pointed));
    const where = chosen ? `, row ${chosen[0]}, column ${chosen[1]}` : "";
    frame.setAttribute("aria-label", `${node.name}, channel ${view.state.channel}${where}${value(chosen) === null ? "" : `: ${value(chosen)}`}. Arrow keys move, Enter steps through the number.`);
  }

  const caption = el("figcaption", {}, el("b", {}, node.name), el("span", { class: "quiet" }, ` ${times(placeless ? node.shape.slice(1) : [rows, columns])}`));
  return { element: el("figure", { class: "big" }, caption, frame, note), load, mark, value };
}

/** Return the places that the page explains: [row, column] of a channel, or of all channels (null) [channel, row, column]. */
export function heldUnits(node, channel) {
  const places = Object.keys(node.explained ?? {}).map((key) => key.split(",").map(Number));
  if (channel === null) return places;
  return places.filter(([own, ...at]) => own === channel && at.length === 2).map(([, ...at]) => at);
}

/** Return the dot that marks a cell whose equation the page holds: in a corner where cells are large. */
function heldDot(i, j, columns) {
  const at = columns <= 14 ? 0.86 : 0.5;
  return svg("circle", { cx: j + at, cy: i + 1 - at, r: columns <= 14 ? 0.07 : Math.max(0.25, columns / 130) });
}

function keys(event, at, rows, columns, choose, step) {
  if (event.key === "Enter") return void (event.preventDefault(), step(at));
  const [i, j] = at;
  const to = moved(event.key, i * columns + j, rows * columns, columns);
  if (to === null || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  if (event.key === "ArrowLeft" && j === 0) return;
  if (event.key === "ArrowRight" && j === columns - 1) return;
  const [row, column] = [Math.floor(to / columns), to % columns];
  choose(event.key.startsWith("Page") ? [row, j] : event.key === "ArrowUp" || event.key === "ArrowDown" ? [Math.min(Math.max(i + (event.key === "ArrowUp" ? -1 : 1), 0), rows - 1), j] : [row, column]);
}

function lines(rows, columns) {
  const d = [...Array.from({ length: columns - 1 }, (_, j) => `M${j + 1} 0V${rows}`), ...Array.from({ length: rows - 1 }, (_, i) => `M0 ${i + 1}H${columns}`)];
  return svg("path", { class: "lines", d: d.join("") });
}

function written({ values, columns, rows }, scale) {
  return Array.from(values, (x, at) => {
    const ink = Number.isFinite(x) ? inkOn(colourOf(x, scale)) : "#000000";
    return svg("text", { x: (at % columns) + 0.5, y: Math.floor(at / columns) + 0.5, fill: ink, class: Number.isFinite(x) ? null : "odd", "font-size": columns > 1 || rows > 1 ? 0.22 : 0.16 }, narrow(x));
  });
}
