// Which question: what are the numbers of a node as a whole?
//
// Idea: its statistics in words, and how often each value occurs as a histogram with its zero marked.
//
// Cost: none; Python counted.  What it does not do: single channels.
// Next room: maps.js.

import { el, number, percent, real, svg } from "./dom.js";

/** Return the node's statistics and the histogram of its numbers. */
export function numbersSection(node) {
  const { mean, std, min, max, zeros, dead, nan, inf } = node.statistics;
  const rows = [["mean", number(mean)], ["standard deviation", number(std)], ["smallest", number(min)], ["largest", number(max)], ["zeros", percent(zeros)], ["dead channels", String(dead.length)], ["NaN", nan.toLocaleString("en")], ["infinite", inf.toLocaleString("en")]];
  return el("section", { class: "numbers-of", "aria-label": `numbers of ${node.name}` },
    el("dl", { class: "facts" }, rows.map(([name, value]) => el("div", { class: nan + inf && (name === "NaN" || name === "infinite") && value !== "0" ? "alarm" : "" }, el("dt", {}, name), el("dd", {}, value)))),
    histogram(node));
}

function histogram(node) {
  const { edges, counts } = node.histogram;
  const most = Math.max(...counts);
  if (!most) return el("p", { class: "quiet" }, "There is no finite number to count.");
  const [width, height] = [420, 84];
  const [lo, hi] = [real(edges[0]), real(edges[edges.length - 1])];
  const place = (x) => (hi > lo ? ((x - lo) / (hi - lo)) * width : width / 2);
  const wide = width / counts.length;
  const bars = counts.map((n, k) => {
    const tall = n ? Math.max(1, Math.sqrt(n / most) * height) : 0;
    return svg("rect", { x: k * wide, y: height - tall, width: Math.max(wide - 1, 0.5), height: tall }, svg("title", {}, `${number(edges[k])} to ${number(edges[k + 1])}: ${n.toLocaleString("en")}`));
  });
  const peak = counts.indexOf(most);
  const told = `Histogram of ${node.name}: from ${number(lo)} to ${number(hi)}; most numbers, ${most.toLocaleString("en")}, lie between ${number(edges[peak])} and ${number(edges[peak + 1])}.`;
  const zero = lo < 0 && hi > 0 ? [svg("path", { class: "zero", d: `M${place(0)} 0V${height + 4}` }), svg("text", { x: place(0), y: height + 16, "text-anchor": "middle" }, "0")] : [];
  const ends = [svg("text", { x: 0, y: height + 16 }, number(lo)), svg("text", { x: width, y: height + 16, "text-anchor": "end" }, number(hi))];
  return el("figure", { class: "histogram" }, el("figcaption", { class: "quiet small" }, "How often each value occurs (heights: square root of the count)"),
    svg("svg", { viewBox: `0 -4 ${width} ${height + 24}`, role: "img", "aria-label": told }, bars, svg("path", { class: "floor", d: `M0 ${height}H${width}` }), zero, ends));
}
