// Which question: where on the input's map lie the cells that a number reads?
//
// Idea: the map with what is read ringed, the window outlined, and dashed the next windows to the right and below, so that the stride is seen;
// gaps of a dilation stay open, what lies outside is hatched.  A large map is shown whole and, below, close by.
// Cost: a rectangle for each cell that is read, up to a bound.  What it does not do: the patch's numbers (stage.js).
// Next room: formula.js.

import { el, plural, svg } from "./dom.js";
import { legend, nodeScale } from "./colour.js";
import { nodeOf } from "./fields.js";
import { readLayer, slidesOver } from "./layer.js";
import { endsOf, mapPane } from "./pieces.js";

const SMALL_MAP = 16; // rows or columns up to which single cells can be told apart in a small picture
const MOST_LIT = 400; // cells that are ringed one by one; of more the window's outline tells

/** The map that the cells come from, with the cells lit. */
export function inputSide(view, walk, now, tools) {
  const group = now.group || { map: walk.explained.terms[0]?.map, channel: walk.explained.terms[0]?.channel, terms: walk.explained.terms };
  const source = group.map ? nodeOf(view.payload, group.map) : null;
  const size = source && source.shape.length === 4 ? source.shape.slice(2) : null;
  const node = nodeOf(view.payload, walk.explained.node);
  if (!size || !group.terms.length || group.terms[0].at.length !== 2) return null;
  const rules = node.inputs[0] === group.map ? slidesOver(node.layer, size) : null;
  const cells = group.terms.map((term, place) => ({ row: term.at[0], column: term.at[1], look: lookOf(term, place, now, walk) }));
  const lit = cells.length > MOST_LIT ? cells.filter(({ look }) => look !== "lit" && look !== "pad") : cells;
  const frames = windowFrames(group.terms, rules, node);
  const scale = nodeScale(source);
  const title = `${group.map}, channel ${group.channel}`;
  const pane = (region, label, marks) => mapPane({ map: tools.mapOf(group.map, group.channel), size, region, scale, lit: marks, frames, label });
  const whole = wholeRegion(size, cells);
  const large = Math.max(...size) > SMALL_MAP;
  const close = large ? closeRegion(frames, rules) : null;
  const read = cells.filter(({ look }) => !look.includes("pad")).length;
  return el(
    "figure",
    { class: "step-side input" },
    el("figcaption", {}, el("b", {}, title), el("span", { class: "quiet" }, ` ${size.join("×")}`)),
    pane(
      whole,
      `${title}: ${plural(read, "cell")} of ${size.join(" by ")} are read, ${cellsSpanned(group.terms)}.`,
      close && frames.length ? [] : lit,
    ),
    close
      ? [
          el("p", { class: "step-near quiet" }, `close by, ${cellsSpanned(group.terms)}`),
          pane(close, `the same, close by: ${cellsSpanned(group.terms)}`, lit),
        ]
      : null,
    legend(scale),
    hints(walk, node, group, rules, cells),
  );
}

/** The photo with the pixel on it, where the input is one. */
export function photoSide(view, { node, at }) {
  const input = view.payload.inputs.find((each) => each.name === node && each.picture);
  if (!input || at.length !== 2) return null;
  const size = input.shape.slice(2);
  const [row, column] = at;
  const guides = [
    { top: row, left: 0, rows: 1, columns: size[1], look: "guide" },
    { top: 0, left: column, rows: size[0], columns: 1, look: "guide" },
  ];
  const pane = mapPane({
    picture: input.picture,
    size,
    region: { top: 0, left: 0, rows: size[0], columns: size[1] },
    frames: guides,
    lit: [{ row, column, look: "landed" }],
    label: `the input as it looks, with the pixel at row ${row}, column ${column}`,
  });
  return el("figure", { class: "step-side input" }, el("figcaption", {}, el("b", {}, "as it looks")), pane);
}

/** How a cell is drawn: padding, read, read at this moment, the winner. */
function lookOf(term, place, now, { sort, explained }) {
  const base = term.padding ? "pad" : "lit";
  if (term.mark === "winner" && (now.to > place || now.landed)) return `${base} winning`;
  return now.adding && place >= now.from && place < now.to && now.to - now.from < (sort === "window" ? 2 : explained.terms.length)
    ? `${base} now`
    : base;
}

/** The outline of the window, and dashed those of the next windows to the right and below. */
function windowFrames(terms, rules, node) {
  const [[top, bottom], [left, right]] = [0, 1].map((axis) => endsOf(terms.map((term) => term.at[axis])));
  const window = { top, left, rows: bottom - top + 1, columns: right - left + 1, look: "window" };
  if (!rules || rules.every((rule) => rule.kernel === 1 && rule.stride === 1)) return terms.length > 1 ? [window] : [];
  const [down, across] = rules.map((rule) => rule.stride);
  const fits = ({ top: first, left: start }) =>
    first <= rules[0].n + rules[0].after - window.rows && start <= rules[1].n + rules[1].after - window.columns;
  const next = [
    { ...window, left: left + across, look: "next" },
    { ...window, top: top + down, look: "next" },
  ];
  return [...next.filter(fits), window];
}

/** The whole map and as much of the padding around it as is read. */
function wholeRegion(size, cells) {
  const ends = ["row", "column"].map((name, axis) => {
    const [least, most] = endsOf(cells.map((cell) => cell[name]));
    return [Math.min(0, least), Math.max(size[axis] - 1, most)];
  });
  const [[top, bottom], [left, right]] = ends;
  return { top, left, rows: bottom - top + 1, columns: right - left + 1 };
}

/** A part of a large map around the window; null where the window is large itself. */
function closeRegion(frames, rules) {
  const window = frames.find(({ look }) => look === "window");
  if (!window || Math.max(window.rows, window.columns) > SMALL_MAP) return null;
  const after = Math.max(1, ...(rules || []).map((rule) => rule.stride)) + 1; // so that the next windows are seen
  return { top: window.top - 1, left: window.left - 1, rows: window.rows + 1 + after, columns: window.columns + 1 + after };
}

function cellsSpanned(terms) {
  const words = ["rows", "columns"].map((word, axis) => {
    return `${word} ${endsOf(terms.map((term) => term.at[axis])).join(" to ")}`;
  });
  return words.join(", ");
}

/** What a reader can see on the map, said in words. */
function hints(walk, node, group, rules, lit) {
  const { kind, named } = readLayer(node.layer);
  const [stride, dilation] = ["stride", "dilation"].map((name) => [...new Set((rules || []).map((rule) => rule[name]))].join(" × "));
  const padded = lit.some(({ look }) => look.includes("pad"));
  const outside = walk.sort === "winner" ? "it never wins" : "it counts as 0";
  const said = [
    padded ? `Hatched: padding, outside the map; ${outside}.` : null,
    group.terms.some((term) => term.mark === "border") ? `At the border cells inside stand for those outside (${named.padding_mode}).` : null,
    stride && stride !== "1" ? `Stride ${stride}: the next window (dashed) begins so many cells on.` : null,
    dilation && dilation !== "1" ? `Dilation ${dilation}: the cells that are read lie so far apart; the gaps are left out.` : null,
    kind === "ConvTranspose2d"
      ? "Transposed: every input cell lays its filter, times itself, on the output; here those of the lit cells meet."
      : null,
    rules && rules.every((rule) => rule.kernel === 1) && kind.startsWith("Conv")
      ? `1×1: no neighbours. One cell of each of ${plural(walk.total, "channel")}.`
      : null,
    /^Adaptive/.test(kind) && group.terms.length > 1 && node.shape.slice(2).every((n) => n === 1) ? "Global: every cell of the map counts." : null,
  ].filter(Boolean);
  return [
    said.length
      ? el(
          "ul",
          { class: "step-hints" },
          said.map((each) => el("li", {}, each)),
        )
      : null,
    groupStrip(node, walk, named),
  ];
}

/** Which input channels take part, as a strip of all of them; only where they come in groups. */
function groupStrip(node, walk, named) {
  const groups = named.groups ?? 1;
  if (groups === 1) return null;
  const share = walk.explained.groups.length;
  const first = walk.explained.groups[0].channel;
  const all = share * groups;
  const words = share === 1 ? `input channel ${first} alone (depthwise)` : `input channels ${first} to ${first + share - 1}`;
  const edges =
    groups <= 64
      ? Array.from({ length: groups - 1 }, (_, place) =>
          svg("line", { x1: (place + 1) * share, x2: (place + 1) * share, y1: 0, y2: 1, class: "edge", "vector-effect": "non-scaling-stroke" }),
        )
      : [];
  return el(
    "div",
    { class: "step-groups" },
    svg(
      "svg",
      { viewBox: `0 0 ${all} 1`, preserveAspectRatio: "none", role: "img", "aria-label": `${words} of ${all} take part` },
      svg("rect", { x: first, y: 0, width: share, height: 1, class: "taking-part" }),
      edges,
    ),
    el("span", { class: "quiet" }, `${groups} groups: ${words} of ${all} take${share === 1 ? "s" : ""} part.`),
  );
}
