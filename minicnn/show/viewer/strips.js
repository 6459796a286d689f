// Which question: what is in a node, in the space of one line?
//
// Idea: its maps side by side in one canvas, its numbers as bars where they have no positions, its histogram in little.
//
// Cost: one canvas each, painted when it is seen.  What it does not do: every channel.
// Next room: overview.js.

import { el, real, svg, unpack } from "./dom.js";
import { colourOf, nodeScale, ownScale, paint, thumbnail } from "./colour.js";

/** Return a canvas made as sharp as the screen, to be drawn on in CSS pixels: its context. */
function sharp(canvas, width, high) {
  const dense = Math.min(window.devicePixelRatio || 1, 2);
  canvas.width = width * dense;
  canvas.height = high * dense;
  const context = canvas.getContext("2d");
  context.scale(dense, dense);
  context.imageSmoothingEnabled = false;
  return context;
}

/** Return the histogram of a node in little, heights as the square root of the count; the bar that holds zero stands out.
 *
 * It is a path and not a canvas: a browser composes every canvas by itself, and of lines it can scroll hundreds.
 */
export function smallHistogram({ histogram }) {
  const { counts, edges } = histogram;
  const most = Math.max(...counts, 1);
  const wide = 100 / counts.length;
  const bar = (n, k) => (n ? `M${(k * wide).toFixed(1)} 36v${-Math.max(1, Math.sqrt(n / most) * 32).toFixed(1)}h${(wide * 0.85).toFixed(1)}V36Z` : "");
  const zero = counts.findIndex((_, k) => real(edges[k]) <= 0 && 0 <= real(edges[k + 1]));
  return svg("svg", { class: "values", viewBox: "0 0 100 38", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("path", { d: `${counts.map((n, k) => (k === zero ? "" : bar(n, k))).join("")}M0 36.5h100v-0.5H0Z` }),
    zero >= 0 ? svg("path", { class: "at-zero", d: bar(counts[zero], zero) }) : null);
}

/** Paint what a node's maps look like side by side, or its numbers as bars, on a canvas of that size. */
export function paintStrip(canvas, node, width, high) {
  const context = sharp(canvas, width, high);
  if (node.thumbnails && node.thumbnails.rows * node.thumbnails.columns > 1) paintMaps(context, node, width, high);
  else paintBars(context, unpack(node.channels.mean), width, high, nodeScale(node));
}

function paintMaps(context, node, width, high) {
  const { rows, columns, channels } = node.thumbnails;
  const wide = Math.max(6, Math.min(Math.round((high * columns) / rows), 2 * high));
  const small = el("canvas");
  channels.slice(0, Math.floor((width + 4) / (wide + 4))).forEach((channel, k) => {
    const { values } = thumbnail(node, channel);
    paint(small, values, rows, columns, ownScale(values, node));
    context.drawImage(small, k * (wide + 4), 0, wide, high);
  });
}

/** Draw one bar a number, as many numbers to a bar as the width asks for: the furthest from zero of them is shown. */
function paintBars(context, values, width, high, scale) {
  const bars = Math.min(values.length, Math.floor(width / 2));
  const most = Math.max(...values.map((x) => (Number.isFinite(x) ? Math.abs(x) : 0))) || 1;
  const signed = values.some((x) => x < 0);
  const zero = signed ? high / 2 : high - 1;
  for (let k = 0; k < bars; k++) {
    const some = values.subarray(Math.floor((k * values.length) / bars), Math.floor(((k + 1) * values.length) / bars));
    const x = some.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
    const tall = (x / most) * (signed ? high / 2 - 1 : high - 2);
    context.fillStyle = `rgb(${colourOf(x, scale).join()})`;
    context.fillRect((k * width) / bars, Math.min(zero, zero - tall), Math.max(1, width / bars - 1), Math.max(1, Math.abs(tall)));
  }
}
