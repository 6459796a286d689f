// Which question: what is in every channel of this node?
//
// Idea: all channels side by side; the chosen one enlarged beside them, with what its cells see; the node's numbers below.  A change of
// channel, cell, order or scale is drawn into the page that is there.
//
// Cost: that of its parts.  What it does not do: say how a number came about; that is step.js.
// Next room: step.js.

import { count, el, plural, times } from "./dom.js";
import { legend, sharedScale } from "./colour.js";
import { nodeOf } from "./fields.js";
import { numbersSection } from "./figures.js";
import { channels, channelScale, ORDERS, singles, statistic } from "./gallery.js";
import { lens } from "./hover.js";
import { heldUnits } from "./zoom.js";

/** Return the page of one node: its channels, one of them enlarged, and its numbers. */
export function maps(view, node) {
  const looking = lens(view, node);
  const gallery = channels(view, node);
  const key = el("div", { class: "key" });
  const element = el(
    "div",
    { class: "maps" },
    nodeHead(view, node),
    el("div", { class: "columns" },
      el("section", { class: "gallery", "aria-label": `channels of ${node.name}` }, toolbar(view, node), key, gallery.element, deadNote(node)),
      el("section", { class: "aside", "aria-label": "the chosen channel" }, chosenHead(view, node), looking.element)),
    numbersSection(node),
  );
  const draw = (state) => {
    const scale = channelScale(node, state.channel, state.scale);
    key.replaceChildren(legend(scale), el("small", { class: "quiet" }, keyText(node, state)));
    element.querySelector(".chosen").replaceWith(chosenHead(view, node));
    gallery.choose(state);
    return looking.show(state, scale);
  };
  /** Follow a change of state without building the page anew; false where it must be. */
  element.update = (state, before) => {
    if (state.tab !== before.tab || state.node !== before.node) return false;
    if (state.order !== before.order || state.scale !== before.scale) gallery.rebuild(state);
    for (const choice of element.querySelectorAll("[data-choice]")) pressed(choice, state);
    draw(state).then(() => view.announce(`channel ${state.channel}: ${looking.said()}`));
    return true;
  };
  element.fill = gallery.fill; // before it is printed
  draw(view.state);
  return element;
}

function keyText(node, { scale, channel }) {
  const what = { "pre-activation": "before an activation", activation: "behind an activation", input: "an input", other: "" }[node.what];
  return [scale === "each" ? `each channel on its own scale; this is channel ${channel}'s` : "one scale for all channels", scale !== "each" && sharedScale(node).cut ? "1 in 100 numbers may lie beyond its ends" : "", what].filter(Boolean).join(" · ");
}

/** Return the line above: the node before, the choice of nodes, the node after, and what the layer is. */
function nodeHead(view, node) {
  const { nodes } = view.payload;
  const at = nodes.indexOf(node);
  const to = (next, words, key, sign) => el("button", {
    type: "button", class: "plain", "data-key": key, disabled: !next, "aria-label": next ? `${words} node, ${next.name}` : `no ${words} node`, onclick: () => view.go({ node: next.name }),
  }, sign);
  const choose = el("select", { "aria-label": "node", "data-key": "node-choice", onchange: () => view.go({ node: choose.value }) },
    nodes.map((one) => el("option", { value: one.name, selected: one === node }, one.name)));
  const facts = [
    ["shape", times(node.shape.slice(1))],
    ["kind", node.what === "other" ? "neither side of an activation" : node.what],
    ["sees (size / stride / padding)", node.field.text],
    ["parameters", node.parameters.toLocaleString("en")],
    ["multiply-adds", count(node.multiply_adds)],
    ["memory", count(node.bytes, "B")],
    ["computed from", node.inputs.length ? node.inputs.map((name, k) => [k ? ", " : "", el("button", { type: "button", class: "link", onclick: () => view.go({ node: nodeOf(view.payload, name).name }) }, name)]) : "nothing: it is an input"],
  ];
  return el("header", { class: "node-head" },
    el("div", { class: "chooser" }, to(nodes[at - 1], "previous", "previous", "‹"), choose, to(nodes[at + 1], "next", "next", "›"), el("code", {}, node.layer ?? "input")),
    el("dl", { class: "facts" }, facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))));
}

function toolbar(view, node) {
  const order = el("select", { "data-key": "order", onchange: () => view.go({ order: order.value }) },
    Object.entries(ORDERS).map(([value, words]) => el("option", { value, selected: value === view.state.order }, words)));
  const scales = [["shared", "one for all"], ["each", "each its own"]].map(([value, words]) => {
    const button = el("button", { type: "button", "data-choice": value, "data-key": `scale-${value}`, onclick: () => view.go({ scale: value }) }, words);
    pressed(button, view.state);
    return button;
  });
  return el("div", { class: "toolbar" },
    el("h2", {}, plural(node.shape[1] ?? 1, node.shape.length < 3 ? "number" : "channel")),
    el("label", {}, "Order by ", order),
    el("div", { class: "segments", role: "group", "aria-label": "colour scale" }, el("span", { class: "quiet" }, "Scale "), scales));
}

function pressed(button, state) {
  button.setAttribute("aria-pressed", String(button.dataset.choice === state.scale));
}

function deadNote({ statistics, shape }) {
  const n = statistics.dead.length;
  if (!n) return null;
  return el("p", { class: "quiet small" }, `${n} of ${plural(shape[1] ?? 1, "channel")} ${n === 1 ? "is" : "are"} dead: every number is zero for this input. They are marked “dead” and hatched.`);
}

/** Return the line above the enlarged map: the channel's own numbers and the way to the Step tab. */
function chosenHead(view, node) {
  const { channel, at } = view.state;
  const of = (what) => statistic(node, channel, what);
  const step = el("button", { type: "button", class: "primary", "data-key": "to-step", onclick: () => view.go({ tab: "step" }) }, "Step through this number");
  return el("header", { class: "chosen" },
    el("div", {}, el("h2", {}, `Channel ${channel}`),
      el("p", { class: "quiet small" }, singles(node) ? `one number: ${of("mean")}` : `mean ${of("mean")} · from ${of("min")} to ${of("max")} · zeros ${of("zeros")}`)),
    node.layer ? step : null,
    heldLinks(view, node));
}

/** Return the numbers of the node whose equation the page holds, as links to them; nothing where every one can be asked for. */
function heldLinks(view, node) {
  const units = heldUnits(node, null);
  if (!units.length) return null;
  const links = units.slice(0, 6).map(([channel, ...at]) => el("button", {
    type: "button", class: "link", "data-key": `held-${channel}-${at}`, onclick: () => view.go({ channel, at: at.length === 2 ? at : null }),
  }, `channel ${channel}${at.length ? ` (${at.join(", ")})` : ""}`));
  return el("p", { class: "small quiet held" }, "Equations held: ", links.flatMap((link, k) => (k ? [" · ", link] : [link])), units.length > 6 ? " …" : "");
}
