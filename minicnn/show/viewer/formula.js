// Which question: how does a number look that comes from a formula, or from one number of each channel?
//
// Idea: an activation or a normalization is a line with one point on it; a 1×1 convolution or a linear layer has no window, so its products stand
// beside each other as bars; what is only handed on is an arrow.
// Cost: some hundred points of a line, one path for all bars.  What it does not do: compute the number; the curve is a picture.
// Next room: stage.js.

import { el, number, plural, real, svg } from "./dom.js";
import { readLayer } from "./layer.js";
import { briefly, endsOf, plotPane } from "./pieces.js";
import { lineNumbers } from "./walk.js";

const CURVES = {
  ReLU: () => (x) => Math.max(x, 0),
  ReLU6: () => (x) => Math.min(Math.max(x, 0), 6),
  LeakyReLU:
    ({ given, named }) =>
    (x) =>
      x > 0 ? x : (given[0] ?? named.negative_slope ?? 0.01) * x,
  Hardswish: () => (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
  Hardsigmoid: () => (x) => Math.min(Math.max(x / 6 + 0.5, 0), 1),
  Sigmoid: () => (x) => 1 / (1 + Math.exp(-x)),
  SiLU: () => (x) => x / (1 + Math.exp(-x)),
  Tanh: () => Math.tanh,
  ELU:
    ({ given, named }) =>
    (x) =>
      x > 0 ? x : (given[0] ?? named.alpha ?? 1) * Math.expm1(x),
  Softplus:
    ({ given, named }) =>
    (x) =>
      Math.log1p(Math.exp((given[0] ?? named.beta ?? 1) * x)) / (given[0] ?? named.beta ?? 1),
  GELU: () => (x) => x / (1 + Math.exp(-1.5958 * (x + 0.044715 * x ** 3))),
};

const BENDS = { ReLU6: 8, Hardswish: 5, Hardsigmoid: 5, Sigmoid: 5, SiLU: 5, Tanh: 3, ELU: 4, Softplus: 4, GELU: 4 }; // how far from 0 a curve still bends

/** The line of the formula with the number on it; the number itself is the engine's. */
export function formulaSide({ sort, explained }, now) {
  const layer = readLayer(explained.layer);
  const [term] = explained.terms;
  const [x, y] = [real(term.value), real(explained.result)];
  const slope = real(term.factor);
  const line = sort === "line";
  const f = line ? (each) => slope * each + real(explained.bias) : CURVES[layer.kind]?.(layer);
  const reached = now.at > (line ? 3 : 0);
  const name = line
    ? `y = ${briefly(slope, 4)} · x ${real(explained.bias) < 0 ? "−" : "+"} ${briefly(Math.abs(real(explained.bias)), 4)}`
    : explained.equation;
  return el(
    "figure",
    { class: "step-side formula" },
    el("figcaption", {}, el("b", {}, name)),
    plotPane({
      f,
      x,
      y,
      reached,
      least: line ? 1.5 : (BENDS[layer.kind] ?? 1.5),
      label: `${name}; at x = ${number(x)}${reached ? ` it is ${number(y)}` : ""}`,
    }),
    el("p", { class: "step-adds" }, `before ${number(x)}`, reached ? [" → after ", el("b", {}, number(y))] : " → after …"),
    line ? lineWords(explained) : null,
  );
}

function lineWords(explained) {
  const of = lineNumbers(explained.worked);
  if (!of) return null;
  const words = `γ = ${number(of.weight)}, μ = ${number(of.mean)}, σ = ${number(of.sigma)}, β = ${number(of.bias)}`;
  return el("p", { class: "quiet" }, `γ·(x − μ)/σ + β with ${words}: a line, since the four are fixed numbers (${explained.notes.join("; ")}).`);
}

/** All products as bars, that of the moment in full ink. */
export function barsSide({ groups, rest, explained, sort }, now) {
  const terms = explained.terms.map((term) => real(term.product));
  const most = Math.max(0, endsOf(terms.map(Math.abs).filter(Number.isFinite))[1]) || 1;
  const bars = (sign) =>
    terms.map((product, place) => (Math.sign(product) === sign ? `M${place + 0.5} 0V${((-48 * product) / most).toFixed(2)}` : "")).join("");
  const term = now.adding ? now.group.terms[now.from] : null;
  const place = term
    ? explained.terms.findIndex((each) => each.map === term.map && each.channel === term.channel && `${each.at}` === `${term.at}`)
    : -1;
  const width = Math.max(0.6, Math.min(24, 190 / terms.length));
  const what = sort === "softmax" ? "exponentials" : "products";
  const path = (sign, look) => svg("path", { d: bars(sign), class: look, "stroke-width": width, "vector-effect": "non-scaling-stroke" });
  return el(
    "figure",
    { class: "step-side bars" },
    el("figcaption", {}, el("b", {}, `all ${plural(terms.length, what.slice(0, -1))}`)),
    el(
      "div",
      { class: "step-plot", role: "img", "aria-label": `${plural(terms.length, what.slice(0, -1))} as bars, the largest ${number(most)}` },
      svg(
        "svg",
        { viewBox: `0 -52 ${terms.length} 104`, preserveAspectRatio: "none", "aria-hidden": "true" },
        path(1, "plus"),
        path(-1, "minus"),
        svg("line", { x1: 0, x2: terms.length, y1: 0, y2: 0, class: "axis", "vector-effect": "non-scaling-stroke" }),
        place >= 0 ? svg("rect", { x: place, y: -51, width: 1, height: 102, class: "here", "vector-effect": "non-scaling-stroke" }) : null,
      ),
    ),
    term
      ? el("p", { class: "step-adds" }, productWords(term, sort))
      : el(
          "p",
          { class: "step-adds quiet" },
          rest ? `${plural(groups.length, "channel")} one by one, the other ${rest.count} together.` : "one after the other",
        ),
  );
}

function productWords(term, sort) {
  if (sort === "softmax") return [`exp(${number(term.value)} − max) = `, el("b", {}, number(term.product))];
  if (term.factor === null || Number(term.factor) === 1) return [`${term.map}: `, el("b", {}, number(term.product))];
  return [`${number(term.value)} × ${number(real(term.factor))} = `, el("b", {}, number(term.product))];
}

/** A number that is handed on as it is. */
export function movedSide({ explained }) {
  const [term] = explained.terms;
  return el(
    "p",
    { class: "step-sum step-moved" },
    el("b", {}, number(real(term.value))),
    el("span", { class: "operator", "aria-label": "is handed on" }, "→"),
  );
}
