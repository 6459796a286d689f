// Which question: what is to be seen at one step of the way to a number?
//
// Idea: on the left where the cells lie on the input's map (inputs.js), in the middle the patch beside its filter and their products (or the line of
// the formula, or all products as bars: formula.js), on the right the output's map, in whose cell the number lands at the last step.
// Cost: one stage is made anew for each frame.  What it does not do: time and keys (step.js).
// Next room: ledger.js, which adds up.

import { el, exact, number, real } from "./dom.js";
import { legend, nodeScale, scaleOf } from "./colour.js";
import { nodeOf } from "./fields.js";
import { barsSide, formulaSide, movedSide } from "./formula.js";
import { inputSide, photoSide } from "./inputs.js";
import { readLayer } from "./layer.js";
import { endsOf, mapPane, patchTable } from "./pieces.js";
import { divisorOf, placeName } from "./walk.js";

export const PATCH_CELLS = 121; // numbers that a patch shows; larger windows are shown on the map alone

/** The pictures of one frame of a walk.  tools: {mapOf(name, channel), follow(term), visit(row, column), held}. */
export function stageOf(view, walk, at, tools) {
  const now = momentOf(walk, at);
  const left = walk.sort === "input" ? photoSide(view, walk.explained) : inputSide(view, walk, now, tools);
  const middle = { function: formulaSide, line: formulaSide, moved: movedSide, input: () => null, softmax: barsSide, column: barsSide }[walk.sort];
  const centre = middle ? middle(walk, now) : patchSide(view, walk, now, tools);
  return el("div", { class: `step-stage ${walk.sort}` }, left, centre, outputSide(view, walk, now, tools));
}

/** What is going on at a frame: the group that is added (or was last), which of its terms, and whether the number has landed. */
function momentOf({ frames, groups }, at) {
  const frame = frames[at];
  const last = frames.slice(0, at + 1).findLast((each) => each.kind === "add");
  const group = groups[last ? last.group : 0];
  const adding = frame.kind === "add";
  return {
    at,
    frame,
    group,
    from: adding ? frame.from : last ? Infinity : -1,
    to: last ? (adding ? frame.to : Infinity) : 0,
    adding,
    landed: frame.kind === "stored",
  };
}

/** The patch beside its filter and their products, or, of pooling, the patch alone. */
function patchSide(view, walk, now, tools) {
  const { group } = now;
  const { sort, explained } = walk;
  const node = nodeOf(view.payload, explained.node);
  const columns = patchColumns(node, group.terms);
  if (!columns || group.terms.length > PATCH_CELLS) return largeWindow(walk, now);
  const single = now.adding && now.to - now.from < group.terms.length;
  const ring = (place) => (single && place >= now.from && place < now.to ? "now" : "done");
  const found = (place) => (now.to > place ? ring(place) : "waiting");
  const cell = (term, value, state, outside) => ({
    value,
    state,
    padding: term.padding && outside,
    border: term.mark === "border",
    winner: term.mark === "winner" && now.to >= group.terms.length,
    name: placeName(term.map, term.channel, term.at),
    term,
  });
  const patch = group.terms.map((term, place) => cell(term, term.value, ring(place), true));
  const pick = (chosen) => !chosen.term.padding && tools.follow(chosen.term);
  const first = patchTable(sort === "window" ? "patch" : "window", patch, columns, nodeScale(nodeOf(view.payload, group.map)), pick);
  if (sort !== "window" || group.terms[0].factor === null) return el("div", { class: "step-sum" }, first, poolWords(walk, now));
  const most = (values) => Math.max(0, endsOf(values.map(Math.abs).filter(Number.isFinite))[1]);
  const all = walk.groups.flatMap((each) => each.terms);
  const [weights, results] = [all.map((term) => real(term.factor)), all.map((term) => term.product)].map((values) =>
    scaleOf(-most(values), most(values), true),
  );
  const filter = group.terms.map((term, place) => ({ ...cell(term, real(term.factor), ring(place), false), border: false, name: null }));
  const products = group.terms.map((term, place) => ({ ...cell(term, term.product, found(place), true), border: false, name: null, word: "0" }));
  const reached = now.to >= group.terms.length;
  return el(
    "div",
    { class: "step-sum" },
    first,
    el("span", { class: "operator" }, "×"),
    patchTable(readLayer(node.layer).named.kernel_size ? "filter" : "weights", filter, columns, weights),
    el("div", { class: "step-equals" }, el("span", { class: "operator" }, "="), patchTable("products", products, columns, results)),
    el(
      "p",
      { class: "step-adds" },
      `added up: `,
      el("b", {}, reached ? number(group.sum) : now.to > 0 ? `${number(partial(group, now))} so far` : "…"),
    ),
  );
}

function partial(group, now) {
  return group.terms.slice(0, now.to).reduce((sum, term) => sum + term.product, 0);
}

/** How many columns the window has: the kernel's, or as many as the cells' places tell; 0 where they are no rectangle. */
function patchColumns(node, terms) {
  const kernel = readLayer(node.layer).named.kernel_size;
  const [rows, columns] = Array.isArray(kernel) ? kernel : [kernel, kernel];
  if (rows * columns === terms.length) return columns;
  const across = new Set(terms.map((term) => term.at[1])).size;
  return terms.length % across === 0 ? across : 0;
}

function poolWords({ sort, explained, frames }, now) {
  const done = now.to >= now.group.terms.length;
  if (sort === "winner")
    return el(
      "p",
      { class: "step-adds" },
      done ? "the largest: " : "the largest so far: ",
      el("b", {}, now.to ? number(now.frame.running ?? explained.stored) : "…"),
    );
  const sum = frames.findLast((frame, place) => frame.kind === "add" && place <= now.at)?.running;
  const divided = now.frame.kind === "divide" || now.landed;
  return el(
    "p",
    { class: "step-adds" },
    `sum / count: ${sum === undefined ? "…" : number(sum)} / ${divisorOf(explained)}${divided ? " = " : ""}`,
    divided ? el("b", {}, number(explained.sum)) : null,
  );
}

function largeWindow(walk, now) {
  const count = now.group.terms.length.toLocaleString("en");
  return el(
    "div",
    { class: "step-sum" },
    el("p", { class: "step-large" }, `${count} cells: more than fit here as numbers; they are lit on the map.`),
    poolWords(walk, now),
  );
}

/** The output's map; its cell is open until the number lands. */
function outputSide(view, walk, now, tools) {
  const { node: name, channel, at, stored } = walk.explained;
  const node = nodeOf(view.payload, name);
  const size = node.shape.length === 4 ? node.shape.slice(2) : null;
  const scale = nodeScale(node);
  const place = placeName(name, channel, at);
  const text = now.landed ? exact(stored) : "?";
  const result = el("p", { class: `step-result${now.landed ? " landed" : ""}` }, `${place} = `, el("b", {}, text));
  if (!size || at.length !== 2)
    return el("figure", { class: "step-side output" }, el("figcaption", {}, el("b", {}, `${name}, feature ${channel}`)), result);
  const [row, column] = at;
  const guides =
    Math.max(...size) > 12
      ? [
          { top: row, left: 0, rows: 1, columns: size[1], look: "guide" },
          { top: 0, left: column, rows: size[0], columns: 1, look: "guide" },
        ]
      : [];
  const held = (tools.held || [])
    .filter((unit) => unit.channel === channel && `${unit.at}` !== `${at}`)
    .map((unit) => ({ row: unit.at[0], column: unit.at[1], look: "held" }));
  return el(
    "figure",
    { class: "step-side output" },
    el("figcaption", {}, el("b", {}, `${name}, channel ${channel}`), el("span", { class: "quiet" }, ` ${size.join("×")}`)),
    mapPane({
      map: tools.mapOf(name, channel),
      size,
      scale,
      frames: guides,
      pick: tools.visit,
      region: { top: 0, left: 0, rows: size[0], columns: size[1] },
      lit: [...held, { row, column, look: now.landed ? "landed" : "open" }],
      label: `${name}, channel ${channel}: the cell at row ${row}, column ${column} ${now.landed ? `is ${text}` : "is still open"}.`,
    }),
    legend(scale),
    result,
  );
}
