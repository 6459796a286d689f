// Which question: where do the numbers come from that the page does not show yet?
//
// Idea: a source has the payload at once and answers ask({kind, node, channel, at}).  A report answers from what it holds, and where it
// holds nothing says what it does hold and what would hold more.  A notebook's widget hands the question to Python, under a number, and waits for
// the answer of that number.
//
// Cost: terms are made when they are asked for.  What it does not do: compute; every number was written by Python.
// Next room: main.js.

import { numbersOfLevels, real, unpack } from "./dom.js";

const MARK_WORDS = ["", "padding", "border"];
const PATIENCE = 30_000; // ms

/** A report's source: it answers from the payload. */
export function reportSource(payload) {
  const nodes = new Map(payload.nodes.map((node) => [node.name, node]));
  const ask = async (question) => {
    const node = nodes.get(question.node);
    if (!node) throw new Error(`There is no map “${question.node}” on this page.`);
    return question.kind === "explain" ? heldExplanation(node, question) : heldMap(payload, node, question);
  };
  return { payload, ask };
}

/** A widget's source: Python answers.  The model is anywidget's. */
export function widgetSource(model) {
  const own = Math.random().toString(36).slice(2); // several views share one model
  let asked = 0;
  const ask = (question) => new Promise((resolve, reject) => {
    const id = `${own}-${++asked}`;
    const stop = () => (clearTimeout(late), model.off("msg:custom", hear));
    const late = setTimeout(() => (stop(), reject(new Error("Python did not answer: is the kernel running? Run the cell again."))), PATIENCE);
    const hear = (answer, buffers) => {
      if (answer.id !== id) return;
      stop();
      if (answer.error) reject(new Error(answer.error));
      else resolve(question.kind === "map" ? { ...answer.value, values: floatsOf(buffers[0]) } : answer.value);
    };
    model.on("msg:custom", hear);
    model.send({ ...question, id });
  });
  return { payload: model.get("payload"), ask };
}

function floatsOf(view) {
  return new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

/** Whole resolution where it is held, the input's own numbers, or a thumbnail. */
function heldMap(payload, node, { channel }) {
  const [rows, columns] = planeOf(node.shape);
  const input = payload.inputs.find((one) => one.name === node.name && one.values);
  const narrow = payload.dtype === "float32" && !node.name.includes(":");
  if (input) return { rows, columns, values: unpack(input.values).slice(channel * rows * columns, (channel + 1) * rows * columns), exact: narrow };
  for (const [held, size] of [[node.maps, [rows, columns]], [node.thumbnails, [node.thumbnails?.rows, node.thumbnails?.columns]]]) {
    const at = held ? held.channels.indexOf(channel) : -1;
    if (at < 0) continue;
    const cells = unpack(held.data).slice(at * size[0] * size[1], (at + 1) * size[0] * size[1]);
    return { rows: size[0], columns: size[1], values: held.data.dtype === "u1" ? numbersOfLevels(cells, held) : cells, exact: held.data.dtype !== "u1" && narrow };
  }
  const channels = node.thumbnails?.channels ?? [];
  throw new Error(`This page holds ${channels.length} of the channels of ${node.name}, not channel ${channel}. show.report(…, full=True) holds every map.`);
}

/** Rows and columns of a map of any number of axes, as thumbnail.planes has them. */
function planeOf(shape) {
  const own = shape.slice(2);
  return own.length ? [own.slice(0, -1).reduce((a, b) => a * b, 1), own[own.length - 1]] : [1, 1];
}

function heldExplanation(node, { channel, at }) {
  const key = [channel, ...(at ?? [])].join(",");
  const held = node.explained?.[key];
  if (held) return expanded(node, held);
  if (!node.layer) return inputNumber(node, channel, at);
  const places = Object.keys(node.explained ?? {}).map((name) => `(${name.replaceAll(",", ", ")})`);
  const which = places.length ? `explains ${places.slice(0, 6).join(", ")}${places.length > 6 ? ", …" : ""} of ${node.name}, not (${key.replaceAll(",", ", ")})` : `explains no number of ${node.name}`;
  throw new Error(`This page ${which}. show.stepper(net, trace) in a notebook, or minicnn explain, explains every number.`);
}

/** A number of the input has no equation behind it. */
function inputNumber(node, channel, at) {
  throw new Error(`${node.name} is what went in: channel ${channel}${at?.length ? ` at (${at.join(", ")})` : ""} is no sum of anything.`);
}

/** What probe.explain(…).to_dict() says, from the columns that the page holds. */
export function expanded(node, held) {
  const { parts, main, ...facts } = held;
  const terms = parts.flatMap((part) => termsOf(part));
  if (held.kind === "winner" && main !== null) terms[main].mark = "winner";
  const numbers = Object.fromEntries(["sum", "result", "stored", "difference", "allowed"].map((name) => [name, real(facts[name])]));
  const bias = facts.bias === null ? null : real(facts.bias);
  return { ...facts, ...numbers, bias, node: node.name, layer: node.layer ?? "input", terms, groups: parts.flatMap((part) => groupsOfPart(part)) };
}

function termsOf(part) {
  const { values, factors, products } = columnsOf(part);
  return Array.from(values, (value, place) => {
    const mark = MARK_WORDS[part.marks?.[place] ?? 0];
    const index = indexOf(part, place);
    const own = index.length > 1 ? index.slice(1) : index;
    return {
      map: part.map, channel: own[0] ?? 0, at: own.slice(1), image: index.length > 1 ? index[0] : 0,
      value: mark === "padding" ? "padding" : value, factor: factors ? factors[place] : null, product: products[place], mark,
    };
  });
}

/** The columns of a part; products that are no more than value · factor are made here, with the same rounding. */
function columnsOf(part) {
  const values = numbersOf(part.values);
  const factors = part.factors && numbersOf(part.factors);
  const products = part.products ? numbersOf(part.products)
    : values.map((value, place) => (part.marks?.[place] === 1 ? 0 : factors ? value * factors[place] : value));
  return { values, factors, products };
}

/** An array of the payload in float64: what float32 holds is held exactly. */
function numbersOf(array) {
  if (array.dtype !== "f8") return Float64Array.from(unpack(array));
  const text = atob(array.data);
  return new Float64Array(Uint8Array.from(text, (letter) => letter.charCodeAt(0)).buffer);
}

/** The index of one cell in its map: of a window from its axes, of others as written. */
function indexOf(part, place) {
  if (!part.block) return part.index.map((axis) => nth(axis, place));
  const [, rows, columns] = part.block;
  const lead = part.index.slice(0, -3).map((axis) => axis[0]);
  const own = [Math.floor(place / (rows * columns)), Math.floor(place / columns) % rows, place % columns];
  return [...lead, ...part.index.slice(-3).map((axis, k) => nth(axis, own[k]))];
}

function nth(axis, place) {
  return Array.isArray(axis) ? axis[place] : axis.first + place * axis.step;
}

/** The sums per channel of one input map, in order of the channels, each added up in the order of its terms. */
function groupsOfPart(part) {
  const found = new Map();
  const { products } = columnsOf(part);
  products.forEach((product, place) => {
    const index = indexOf(part, place);
    const channel = index.length ? index[Math.min(1, index.length - 1)] : 0;
    const group = found.get(channel) ?? { map: part.map, channel, sum: 0, count: 0 };
    found.set(channel, { ...group, sum: group.sum + product, count: group.count + 1 });
  });
  return [...found.values()].sort((a, b) => a.channel - b.channel);
}
