// Which question: how do the parts become one page?
//
// Idea: one `view` holds the payload, where more can be asked, and a small state: which tab, node, channel and cell.  Parts draw the
// state and change it only by view.go(…), which draws anew what has changed, keeps the focus and writes the state into the address,
// so that a link opens the same number.
//
// Cost: one tab is built at a time.  What it does not do: know a framework, a server or another host.
// Next room: dom.js, where it begins.

import { announce, bytesOf, el, forget, paintAll } from "./dom.js";
import { grid, nodeOf } from "./fields.js";
import { overview } from "./overview.js";
import { heldUnits } from "./zoom.js";
import { maps } from "./maps.js";
import { predict } from "./predict.js";
import { reportSource, widgetSource } from "./source.js";
import { step } from "./step.js";
import { tryit } from "./tryit.js";

const TABS = [
  ["overview", "Overview", (view) => overview(view)],
  ["maps", "Maps", (view) => maps(view, nodeOf(view.payload, view.state.node))],
  ["step", "Step", (view) => chosen(view, step)],
  ["tryit", "Try it", (view) => tryit(view)],
  ["predict", "Predict", (view) => chosen(view, predict)],
];
const KEYS = [
  ["1 … 5", "the five tabs"],
  ["[ and ]", "the node before and after"],
  ["← → ↑ ↓", "another channel in the grid, another cell in the enlarged map, another stage in the staircase"],
  ["Enter", "in the grid: go to the enlarged map; there: step through the number"],
  ["arrows on the photo", "point at a pixel: the cells that see it are outlined; Shift moves by 8, Enter chooses a cell"],
  ["t", "light or dark"],
  ["?", "this help"],
];
const ASKING = ["step", "predict"]; // tabs that are about one explained number
let mounted = 0; // tells several viewers on one page apart

/** Show a source's network in an element; return {destroy}. */
export function mount(root, source, options = {}) {
  const view = { id: ++mounted, payload: source.payload, source, root, state: {}, listeners: {}, options };
  view.calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  view.on = (event, fn) => (view.listeners[event] ??= []).push(fn);
  view.announce = (text) => announce(view, text);
  view.go = (changes) => go(view, changes);
  view.state = settled(view, { tab: "overview", scale: "shared", order: "pictures", ...options.state, ...(options.hash ? fromHash() : {}) });
  root.classList.add("minicnn");
  setTheme(root, options.theme ?? notebookTheme());
  root.replaceChildren(...frame(view));
  drawTab(view);
  const undo = listen(view);
  return { view, destroy: () => (undo(), emit(view, "destroy"), view.seeing?.disconnect(), root.replaceChildren()) };
}

/** Return the nearest state that there is: a node that exists, a channel and a cell that it has. */
function settled(view, wanted) {
  const { payload } = view;
  const tab = TABS.some(([name]) => name === wanted.tab) ? wanted.tab : "overview";
  const node = (wanted.node && nodeOf(payload, wanted.node)) || payload.nodes.find((one) => one.layer && one.shape.length === 4) || payload.nodes[payload.nodes.length - 1];
  const same = node.name === view.state.node;
  const held = firstUnit(node, tab);
  const channel = bounded(wanted.channel ?? (same ? view.state.channel : held?.[0] ?? 0), node.shape[1] ?? 1);
  const order = ["index", "mean", "max", "zeros"].includes(wanted.order) ? wanted.order : "pictures";
  const scale = wanted.scale === "each" ? "each" : "shared";
  return { tab, node: node.name, channel, at: cell(node, wanted.at ?? (same ? view.state.at : held?.slice(1))), order, scale };
}

/** Return the place of the first number that the page explains, where nobody has chosen another; nothing where all can be asked for. */
function explainedPlace(node) {
  const unit = firstUnit(node, "step");
  return unit ? { channel: unit[0], at: unit.slice(1) } : {};
}

/** Return [channel, row, column] to begin a node with: a number that the page explains and shows, or one of these. */
function firstUnit(node, tab) {
  const units = heldUnits(node, null);
  const pictures = [...(node.maps?.channels ?? []), ...(node.thumbnails?.channels ?? [])];
  const both = units.find(([channel]) => pictures.includes(channel));
  if (both || ASKING.includes(tab) || !pictures.length) return both ?? units[0];
  return [pictures[0]];
}

function bounded(n, size) {
  return Math.min(Math.max(Math.trunc(Number(n)) || 0, 0), size - 1);
}

function cell(node, at) {
  if (node.shape.length !== 4) return null; // a map without positions
  const [rows, columns] = grid(node.shape);
  return at?.length === 2 ? [bounded(at[0], rows), bounded(at[1], columns)] : [rows >> 1, columns >> 1];
}

function go(view, changes) {
  const before = view.state;
  const moves = changes.node && changes.node !== before.node ? { channel: undefined, at: undefined } : {};
  if (changes.node) view.picked = false;
  if (changes.channel !== undefined || changes.at) view.picked = true;
  else if (ASKING.includes(changes.tab) && !view.picked) Object.assign(moves, explainedPlace(nodeOf(view.payload, changes.node ?? before.node)));
  view.state = settled(view, { ...before, ...moves, ...changes });
  if (JSON.stringify(view.state) === JSON.stringify(before)) return;
  const leaves = view.state.tab !== before.tab || view.state.node !== before.node;
  if (view.options.hash) history[leaves ? "pushState" : "replaceState"](null, "", toHash(view.state));
  emit(view, "state", view.state);
  if (!view.part?.update?.(view.state, before)) drawTab(view, leaves && view.state.tab !== before.tab);
}

function emit(view, event, value) {
  for (const fn of view.listeners[event] ?? []) fn(value);
}

/** Build the tab of the state anew; the focus stays on the thing of the same name. */
function drawTab(view, turned = false) {
  const panel = view.root.querySelector(".panel");
  const active = view.root.getRootNode().activeElement; // a notebook may keep the widget in a shadow tree, whose focus the document does not name
  const focus = view.root.contains(active) ? active.closest("[data-key]")?.dataset.key : null;
  forget(view, panel);
  for (const tab of view.root.querySelectorAll("[role=tab]")) {
    const on = tab.dataset.tab === view.state.tab;
    tab.setAttribute("aria-selected", String(on));
    tab.tabIndex = on ? 0 : -1;
    if (on) panel.setAttribute("aria-labelledby", tab.id);
  }
  view.part = TABS.find(([name]) => name === view.state.tab)[2](view);
  panel.replaceChildren(view.part);
  const again = focus && view.root.querySelector(`[data-key="${CSS.escape(focus)}"]`);
  if (again) again.focus({ preventScroll: true });
  else if (focus) panel.focus({ preventScroll: true });
  if (turned && view.root.getBoundingClientRect().top < 0) view.root.scrollIntoView({ block: "start" });
}

/** Return a part that shows one number, below a line that says and changes which. */
function chosen(view, part) {
  const { node, channel, at } = view.state;
  return el("div", {}, part(view, node, channel, at));
}

function frame(view) {
  const { payload } = view;
  const tabs = el("div", { class: "tabs", role: "tablist", "aria-label": "views" }, TABS.map(([name, words]) => el("button", {
    type: "button", role: "tab", id: `minicnn-${view.id}-${name}`, "data-tab": name, "data-key": `tab-${name}`, "aria-controls": `minicnn-${view.id}-panel`,
    onclick: () => view.go({ tab: name }),
  }, words)));
  tabs.addEventListener("keydown", (event) => tabKeys(view, event));
  const help = helpDialog();
  const theme = el("button", { type: "button", class: "plain", "data-key": "theme", "aria-label": "light or dark", title: "light or dark (t)", onclick: () => toggleTheme(view.root) }, "◐");
  const keys = el("button", { type: "button", class: "plain", "data-key": "help", "aria-label": "keys and help", title: "keys and help (?)", onclick: () => help.showModal() }, "?");
  return [
    el("header", { class: "top" }, el("h1", {}, payload.title), el("div", { class: "tools" }, theme, keys), tabs),
    el("div", { class: "panel", role: "tabpanel", id: `minicnn-${view.id}-panel`, tabindex: "-1" }),
    el("footer", { class: "foot" }, el("p", {}, payload.held), el("p", {}, `Made by ${payload.made_by}. The numbers are the engine's own; this page asks no other host.`)),
    el("div", { class: "live", role: "status", "aria-live": "polite", "data-live": true }),
    help,
  ];
}

function tabKeys(view, event) {
  const all = [...event.currentTarget.children];
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const next = all[(all.indexOf(event.target) + step + all.length) % all.length];
  next.focus();
  view.go({ tab: next.dataset.tab });
}

function helpDialog() {
  const dialog = el("dialog", { class: "help", "aria-label": "keys and help" },
    el("h2", {}, "Keys"),
    el("dl", {}, KEYS.map(([key, words]) => el("div", {}, el("dt", {}, el("kbd", {}, key)), el("dd", {}, words)))),
    el("h2", {}, "Colours"),
    el("p", {}, "Maps behind an activation go from dark to bright. Maps with two signs go from blue over a neutral zero to red. NaN is hatched magenta, infinities carry + or −."),
    el("p", {}, "“Sees” is the receptive field in input pixels: size / stride / padding."),
    el("button", { type: "button", class: "primary", onclick: () => dialog.close() }, "Close"));
  return dialog;
}

/** Listen to keys, to the address and to the printer; return what undoes it. */
function listen(view) {
  const keys = (event) => shortcut(view, event);
  const address = () => view.go({ tab: "overview", ...fromHash() }); // the first entry has no hash
  const print = () => (view.part?.fill?.(), paintAll(view));
  const looks = followTheme(view.root);
  view.root.addEventListener("keydown", keys);
  if (!view.options.hash) view.root.addEventListener("keydown", keepKey);
  if (view.options.hash) addEventListener("popstate", address);
  addEventListener("beforeprint", print);
  return () => {
    looks.disconnect();
    view.root.removeEventListener("keydown", keys);
    view.root.removeEventListener("keydown", keepKey);
    removeEventListener("popstate", address);
    removeEventListener("beforeprint", print);
  };
}

/** Keep a key from the notebook around, for which b is a new cell and dd deletes this one; Ctrl+S and its like are the notebook's. */
function keepKey(event) {
  if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
}

function shortcut(view, event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
  const { nodes } = view.payload;
  const near = nodes[nodes.findIndex((node) => node.name === view.state.node) + { "[": -1, "]": 1 }[event.key]];
  if (TABS[event.key - 1]) view.go({ tab: TABS[event.key - 1][0] });
  else if (near) view.go({ node: near.name });
  else if (event.key === "t") toggleTheme(view.root);
  else if (event.key === "?") view.root.querySelector("dialog.help").showModal();
  else return;
  event.preventDefault();
}

function toHash({ tab, node, channel, at, scale, order }) {
  const parts = { tab, node, channel, ...(at ? { at: at.join() } : {}), ...(scale === "each" ? { scale } : {}), ...(order === "pictures" ? {} : { order }) };
  return `#${new URLSearchParams(parts)}`;
}

function fromHash() {
  const parts = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  if (parts.at) parts.at = parts.at.split(",").map(Number);
  return parts;
}

/** Return "light" or "dark" where a notebook says which it is: JupyterLab, marimo, VS Code, Colab. */
function notebookTheme() {
  const { body, documentElement } = document;
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false" ? "dark" : "light";
  const said = [body.dataset.theme, documentElement.getAttribute("theme"), ...["dark", "light"].filter((theme) => body.classList.contains(`vscode-${theme}`))];
  return said.find((theme) => theme === "dark" || theme === "light") ?? null;
}

/** Turn with the notebook's theme; what the reader chose stays until the notebook turns. */
function followTheme(root) {
  let last = notebookTheme();
  const looks = new MutationObserver(() => {
    const now = notebookTheme();
    if (now !== last) setTheme(root, (last = now));
  });
  for (const element of [document.body, document.documentElement]) looks.observe(element, { attributeFilter: ["class", "data-theme", "data-jp-theme-light", "theme"] });
  return looks;
}

function setTheme(root, theme) {
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
}

function toggleTheme(root) {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  setTheme(root, dark ? "light" : "dark");
}

/** Inflate the report's payload and show it; say on the page what went wrong if it did. */
export async function boot() {
  const root = document.getElementById("minicnn");
  try {
    const bytes = bytesOf(document.getElementById("minicnn-payload").textContent.trim());
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return mount(root, reportSource(JSON.parse(await new Response(stream).text())), { hash: true });
  } catch (error) {
    root.classList.add("minicnn");
    root.replaceChildren(el("p", { role: "alert", class: "alarm" }, `This page could not be shown: ${error.message}. It needs a browser of 2023 or newer.`));
    throw error;
  }
}

/** Show the network of a notebook's widget; return what takes it away. */
export function render({ model, el: place }) {
  return mount(place, widgetSource(model), { state: model.get("state") }).destroy;
}
