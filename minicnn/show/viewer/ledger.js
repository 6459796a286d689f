// Which question: what adds up to the number, and how far has it come?
//
// Idea: an account.  One row for each channel (or each step of a formula) with what it adds, a bar, and the sum after it; rows not reached yet
// keep their sum to themselves.  Each row is a button that goes there; the last holds the sum against the stored number.
// Cost: a row a channel that is shown.  What it does not do: show all of 2,048 channels at once; the rest is one row that opens.
// Next room: step.js.

import { el, exact, number, real } from "./dom.js";
import { sumBar } from "./pieces.js";
import { activationName, channelName, divisorOf } from "./walk.js";

/** The rows of the account of a walk: [{label, how, adds, first, last, kind}], first and last being its frames. */
export function accountOf(walk) {
  const rows = [];
  walk.frames.forEach((frame, place) => {
    const open = rows[rows.length - 1];
    if (frame.kind === "start") return;
    if (frame.kind === "add" && open?.kind === "add" && (open.group === frame.group || walk.groups.length === 1)) open.last = place;
    else rows.push({ kind: frame.kind, group: frame.group, first: place, last: place, ...wordsOf(walk, frame) });
  });
  return rows;
}

function wordsOf({ sort, groups, rest, explained }, frame) {
  const group = groups[frame.group];
  if (frame.kind === "add") {
    const [term] = group.terms;
    const one = group.terms.length === 1 && term.factor !== null && Number(term.factor) !== 1;
    const label = sort === "winner" ? "the largest" : sort === "average" ? `sum of ${group.terms.length} cells` : channelName(group, explained);
    return {
      label,
      how: one ? `${number(term.value)} × ${number(real(term.factor))}` : "",
      adds: sort === "winner" || sort === "average" ? null : group.sum,
    };
  }
  if (frame.kind === "rest") return { label: `and ${rest.count} more`, adds: rest.sum };
  if (frame.kind === "bias") return { label: "bias", adds: real(explained.bias) };
  if (frame.kind === "divide") return { label: sort === "average" ? `divided by ${divisorOf(explained)}` : "its share of the sum", adds: null };
  if (frame.kind === "activation") return { label: `${activationName(explained.activation)} at the store`, adds: null };
  if (frame.kind === "line") return { label: ["", "x − μ", "divided by σ", "times γ", "plus β"][frame.at], adds: null };
  if (frame.kind === "apply") return { label: sort === "moved" ? "handed on" : explained.equation, adds: null };
  return { label: "stored", adds: null };
}

/** The account as a table at a frame.  go(frame) goes there, more() shows more channels (null where all are shown). */
export function ledgerTable(walk, at, go, more) {
  const rows = accountOf(walk);
  const most = Math.max(...rows.map((row) => Math.abs(row.adds ?? 0)).filter(Number.isFinite), 0);
  const hows = rows.some((row) => row.how);
  const bars = rows.filter((row) => row.adds !== null).length > 1;
  const adds = rows.some((row) => row.adds !== null);
  const column = (word, look) => el("th", { scope: "col", class: look }, word);
  const head = [
    column(el("span", { class: "hidden-word" }, "step")),
    hows ? column("value × weight") : null,
    adds ? column("adds") : null,
    bars ? column(el("span", { class: "hidden-word" }, "as a bar"), "bar") : null,
    column(adds ? "sum so far" : "number"),
  ];
  const body = rows.map((row) => ledgerRow(walk, row, at, { go, more, most, hows, bars, adds }));
  return el(
    "table",
    { class: "step-ledger" },
    el("caption", {}, adds ? "How it adds up" : "Step by step"),
    el("thead", {}, el("tr", {}, head)),
    el("tbody", {}, body),
  );
}

function ledgerRow(walk, row, at, { go, more, most, hows, bars, adds }) {
  const state = at < row.first ? "waiting" : at <= row.last ? "now" : "done";
  const frame = walk.frames[Math.min(Math.max(at, row.first), row.last)];
  const running = row.kind === "stored" ? exact(frame.running) : number(frame.running);
  const button = el("button", { type: "button", class: "plain", onclick: () => go(row.last), "data-key": `ledger-${row.first}` }, row.label);
  const opener =
    row.kind === "rest" && more ? el("button", { type: "button", class: "step-more", onclick: more, "data-key": "step-more" }, "show more") : null;
  return el(
    "tr",
    { class: `${state} ${row.kind}`, "aria-current": state === "now" ? "step" : null },
    el(
      "th",
      { scope: "row" },
      el("span", { class: "marker", "aria-hidden": "true" }, state === "now" ? "▸" : state === "done" ? "✓" : ""),
      button,
      opener,
    ),
    hows ? el("td", { class: "how" }, row.how || "") : null,
    adds ? el("td", {}, row.adds === null ? "" : signed(row.adds)) : null,
    bars ? el("td", { class: "bar" }, row.adds === null ? "" : sumBar(row.adds, most)) : null,
    el("td", { class: "running" }, state === "waiting" ? "·" : running),
  );
}

function signed(value) {
  return value > 0 ? `+${number(value)}` : number(value);
}

/** The sum held against the stored number, with what is allowed between them. */
export function checkLine({ explained, sort }) {
  if (sort === "input") return el("p", { class: "step-check" }, `Stored: ${exact(explained.stored)}. A number of the input: here the walk ends.`);
  const same = Number(explained.difference) === 0;
  const agrees = explained.agrees || same; // of two NaN the difference is 0 and no bound can be given
  const allowed = real(explained.allowed);
  const words = same
    ? "the same number"
    : `${small(explained.difference)} apart, ${Number.isFinite(allowed) ? `${small(allowed)} allowed` : "no bound can be given"}`;
  return el(
    "p",
    { class: `step-check ${agrees ? "agrees" : "differs"}` },
    el("span", { class: "sign", "aria-hidden": "true" }, agrees ? "✓" : "✗"),
    " worked out again in float64: ",
    el("b", { "data-value": "result" }, exact(explained.result)),
    " · stored in the map: ",
    el("b", { "data-value": "stored" }, exact(explained.stored)),
    ` · ${words}${agrees ? "" : ": they differ"}.`,
  );
}

function small(value) {
  return real(value).toExponential(1).replace("e+", "e");
}
