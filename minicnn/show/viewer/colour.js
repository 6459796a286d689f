// Which question: what colour is a number, and what number is a colour?
//
// Idea: two scales that colour-blind readers can use.  Rectified maps go from dark to bright (viridis); maps with two signs
// from blue over a neutral zero to red.  NaN is hatched magenta, +∞ and -∞ carry their sign, so that none looks like a value.
// A legend is drawn by the same functions as the map.
//
// Cost: one lookup a number.  Source: Smith & van der Walt, viridis (2015); Brewer, RdBu.
// Next room: fields.js.

import { el, number, numbersOfLevels, real, unpack } from "./dom.js";

const VIRIDIS = anchors(
  "440154 470d60 48186a 482374 472d7b 453781 424086 3e4989 3b528b 375b8d 33638d 2f6b8e 2c728e 297a8e 26828e 23898e 21918c " +
    "1f988b 1fa088 22a785 28ae80 32b67a 3fbc73 4ec36b 5ec962 70cf57 84d44b 98d83e addc30 c2df23 d8e219 ece51b fde725",
);
const RDBU = anchors("053061 2166ac 4393c3 92c5de d1e5f0 f7f7f7 fddbc7 f4a582 d6604d b2182b 67001f");
const MAGENTA = [204, 0, 153];
// Five by five cells that stand for what is no number: hatching, a plus, a minus.
const GLYPHS = { nan: "1100010001000110011001100", up: "0010000100111110010000100", down: "0000000000111110000000000" };

function anchors(text) {
  return text.split(" ").map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));
}

function between(colours, t) {
  const place = Math.min(Math.max(t, 0), 1) * (colours.length - 1);
  const low = Math.min(Math.floor(place), colours.length - 2);
  return colours[low].map((part, i) => Math.round(part + (place - low) * (colours[low + 1][i] - part)));
}

/** Return [red, green, blue] for t from 0 (least, dark) to 1 (most, bright). */
export function sequential(t) {
  return between(VIRIDIS, t);
}

/** Return [red, green, blue] for t from -1 (blue) over 0 (neutral) to 1 (red). */
export function diverging(t) {
  return between(RDBU, (t + 1) / 2);
}

/** Return the scale of numbers between lo and hi: about zero where there are two signs or `signed`, from the least up otherwise. */
export function scaleOf(lo, hi, signed = false) {
  lo = Number.isFinite(real(lo)) ? real(lo) : 0;
  hi = Number.isFinite(real(hi)) ? real(hi) : 0;
  if (!signed && lo >= 0) return { kind: "sequential", lo: 0, hi };
  const most = Math.max(Math.abs(lo), Math.abs(hi));
  return { kind: "diverging", lo: -most, hi: most };
}

/** Return the scale of one map by itself. */
export function ownScale(values, node) {
  const finite = values.filter(Number.isFinite);
  return scaleOf(Math.min(...finite), Math.max(...finite), nodeScale(node).kind === "diverging");
}

/** Return the scale of all maps of a node: as wide as 99 of 100 numbers ask for; `cut` where some lie beyond its ends. */
export function sharedScale(node) {
  const whole = nodeScale(node);
  const { edges, counts } = node.histogram;
  const total = counts.reduce((a, b) => a + b, 0);
  const bins = counts.map((n, k) => [Math.max(Math.abs(real(edges[k])), Math.abs(real(edges[k + 1]))), n]).sort((a, b) => a[0] - b[0]);
  let sum = 0;
  const most = bins.find(([, n]) => (sum += n) >= 0.99 * total)?.[0] ?? whole.hi;
  if (!(most > 0) || most > 0.7 * whole.hi) return whole;
  return { kind: whole.kind, lo: whole.kind === "diverging" ? -most : 0, hi: most, cut: true };
}

/** Return the scale of a node's maps: diverging for what goes into an activation, sequential for what comes out. */
export function nodeScale(node, lo = node.statistics.min, hi = node.statistics.max) {
  const held = node.thumbnails || node.maps; // where NaN hides the range, that of the finite numbers
  if (!Number.isFinite(real(lo)) || !Number.isFinite(real(hi))) [lo, hi] = held && "lo" in held ? [held.lo, held.hi] : [0, 0];
  return scaleOf(lo, hi, node.what === "pre-activation");
}

/** Return [red, green, blue] of a finite number on a scale. */
export function colourOf(x, scale) {
  const span = scale.hi - scale.lo;
  if (scale.kind === "diverging") return diverging(scale.hi > 0 ? x / scale.hi : 0);
  return sequential(span > 0 ? (x - scale.lo) / span : 0);
}

/** Return black or white, whichever reads better on a colour. */
export function inkOn([red, green, blue]) {
  const linear = [red, green, blue].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.18 ? "#000000" : "#ffffff";
}

const tables = new Map();

/** Return the 256 colours of a scale's kind as pixels: what painting looks up. */
function table(kind) {
  if (!tables.has(kind)) {
    const of = kind === "diverging" ? (i) => diverging(i / 127.5 - 1) : (i) => sequential(i / 255);
    tables.set(kind, Uint32Array.from({ length: 256 }, (_, i) => packed(of(i))));
  }
  return tables.get(kind);
}

/** Paint values (rows × columns, row by row) on a canvas, one pixel a value, five where some are no numbers. */
export function paint(canvas, values, rows, columns, scale) {
  const size = values.every(Number.isFinite) ? 1 : 5;
  canvas.width = columns * size;
  canvas.height = rows * size;
  const image = new ImageData(columns * size, rows * size);
  const pixels = new Uint32Array(image.data.buffer);
  const colours = table(scale.kind);
  const factor = scale.hi > scale.lo ? 255 / (scale.hi - scale.lo) : 0;
  const flat = scale.kind === "diverging" ? 128 : 0; // the colour of a map of one value
  for (let at = 0; at < rows * columns; at++) {
    const place = factor ? Math.round((values[at] - scale.lo) * factor) : flat;
    const colour = colours[place < 0 ? 0 : place > 255 ? 255 : place];
    if (size === 1) pixels[at] = colour;
    else fill(pixels, at, columns, size, values[at], colour, colours);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Return a colour as the number whose bytes in memory are red, green, blue and opaque. */
function packed([red, green, blue]) {
  return new Uint32Array(new Uint8Array([red, green, blue, 255]).buffer)[0];
}

/** Fill the square of one value: with its colour, or with the sign of what is no number. */
function fill(pixels, at, columns, size, x, colour, colours) {
  const top = Math.floor(at / columns) * size;
  const left = (at % columns) * size;
  const glyph = Number.isNaN(x) ? GLYPHS.nan : x > 0 ? GLYPHS.up : GLYPHS.down;
  const ground = Number.isNaN(x) ? packed([255, 255, 255]) : x > 0 ? colours[255] : colours[0];
  const mark = Number.isNaN(x) ? packed(MAGENTA) : x > 0 ? packed([0, 0, 0]) : packed([255, 255, 255]);
  for (let i = 0; i < size * size; i++) {
    const place = (top + Math.floor(i / size)) * columns * size + left + (i % size);
    pixels[place] = Number.isFinite(x) ? colour : glyph[i] === "1" ? mark : ground;
  }
}

/** Return the legend of a scale: its colours with the numbers at their ends and, about zero, in the middle. */
export function legend(scale) {
  const canvas = el("canvas", { class: "legend-bar", "aria-hidden": "true" });
  const values = Float32Array.from({ length: 128 }, (_, i) => scale.lo + ((scale.hi - scale.lo) * i) / 127);
  paint(canvas, values, 1, 128, scale);
  const middle = scale.kind === "diverging" ? [el("span", {}, "0")] : [];
  const below = scale.cut && scale.lo < 0 ? "≤ " : "";
  const ends = [el("span", {}, below + number(scale.lo)), ...middle, el("span", {}, (scale.cut ? "≥ " : "") + number(scale.hi))];
  const told =
    scale.kind === "diverging"
      ? `colours from blue at ${number(scale.lo)} over neutral at 0 to red at ${number(scale.hi)}`
      : `colours from dark at ${number(scale.lo)} to bright at ${number(scale.hi)}`;
  return el("div", { class: "legend", role: "img", "aria-label": told }, canvas, el("div", { class: "legend-ends" }, ends));
}

/** Return {rows, columns, values} of a channel's thumbnail; null where none is held. */
export function thumbnail(node, channel) {
  const held = node.thumbnails;
  const at = held ? held.channels.indexOf(channel) : -1;
  if (at < 0) return null;
  const size = held.rows * held.columns;
  const bytes = unpack(held.data).subarray(at * size, (at + 1) * size);
  return { rows: held.rows, columns: held.columns, values: numbersOfLevels(bytes, held) };
}

const faces = new WeakMap();

/** Return the channel whose thumbnail varies most: the one that shows the node where there is room for one. */
export function face(node) {
  if (!faces.has(node)) {
    let best = [-1, node.thumbnails?.channels[0] ?? 0];
    for (const channel of (node.thumbnails?.channels ?? []).slice(0, 16)) {
      const { values } = thumbnail(node, channel);
      const mean = values.reduce((sum, x) => sum + (x || 0), 0) / values.length;
      const spread = values.reduce((sum, x) => sum + Math.abs((x || 0) - mean), 0);
      if (spread > best[0]) best = [spread, channel];
    }
    faces.set(node, best[1]);
  }
  return faces.get(node);
}
