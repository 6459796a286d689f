// Which question: how do all channels of a node look side by side?
//
// Idea: a list of options with one tab stop, in the order that is asked for, each a small map on the shared scale or its own.  Dead channels
// are named and hatched; a channel that the page holds no picture of shows its numbers.
//
// Cost: cells are made and painted when they come near, so 2,048 channels scroll as smoothly as eight.
// What it does not do: enlarge; zoom.js does.  Next room: maps.js.

import { el, forget, moved, narrow, number, percent, unpack, whenSeen } from "./dom.js";
import { colourOf, inkOn, nodeScale, paint, sharedScale, thumbnail } from "./colour.js";

const [NARROWEST, GAP, ROWS] = [74, 8, 5]; // pixels, pixels, and rows in a block
export const ORDERS = { pictures: "number, pictures first", index: "number", mean: "mean", max: "largest value", zeros: "share of zeros" };

/** Return the scale that a channel is painted on: the node's, or its own. */
export function channelScale(node, channel, which) {
  if (which !== "each") return sharedScale(node);
  const own = nodeScale(node, unpack(node.channels.min)[channel], unpack(node.channels.max)[channel]);
  return nodeScale(node).kind === "diverging" && own.kind === "sequential" ? { kind: "diverging", lo: -own.hi, hi: own.hi } : own;
}

/** Return the channels in the order that is asked for; what is not finite comes last. */
export function ordered(node, order) {
  const all = Array.from({ length: node.shape[1] ?? 1 }, (_, channel) => channel);
  const held = new Set([...(node.thumbnails?.channels ?? []), ...(node.maps?.channels ?? [])]);
  if (order === "pictures") return all.sort((a, b) => held.has(b) - held.has(a) || a - b);
  if (!node.channels[order]) return all;
  const key = Array.from(unpack(node.channels[order]), (x) => (Number.isNaN(x) ? -Infinity : x));
  return all.sort((a, b) => key[b] - key[a] || a - b);
}

/** Return the grid of channels, a list of options with one tab stop: .rebuild(state) orders it, .choose(state) marks the chosen one.
 *
 * Cells stand in blocks of whole rows, and a block is filled when it comes near: a page of 2,048 channels has as many cells as one of 80.
 */
export function channels(view, node) {
  const list = el("div", { class: "channels", role: "listbox", "aria-label": `channels of ${node.name}`, "data-key": "channels", tabindex: "-1" });
  const grid = { view, node, list, cells: new Map(), blocks: new Map(), order: [], across: 0, chosen: null, dead: new Set(node.statistics.dead) };
  grid.near = new IntersectionObserver((entries) => entries.forEach((entry) => entry.isIntersecting && fillBlock(grid, entry.target)), { root: list, rootMargin: "300px" });
  const rebuild = (state) => {
    if (list.clientWidth) layBlocks(grid, state);
  };
  new ResizeObserver(() => columnsIn(list) !== grid.across && rebuild(view.state)).observe(list); // once it is in the page, and when that changes
  list.addEventListener("click", (event) => {
    const cell = event.target.closest("[data-channel]");
    if (cell) view.go({ channel: Number(cell.dataset.channel) });
  });
  list.addEventListener("keydown", (event) => galleryKeys(grid, event));
  return { element: list, rebuild, choose: (state) => chooseCell(grid, state), fill: () => [...grid.blocks.keys()].forEach((block) => fillBlock(grid, block)) };
}

function columnsIn(list) {
  return Math.max(1, Math.floor((list.clientWidth - 8 + GAP) / (NARROWEST + GAP)));
}

function layBlocks(grid, state) {
  const { list, node } = grid;
  grid.across = columnsIn(list);
  grid.order = ordered(node, state.order);
  grid.near.disconnect();
  grid.blocks.clear();
  grid.cells.clear();
  forget(grid.view, list);
  list.style.setProperty("--across", grid.across);
  const size = ROWS * grid.across;
  const high = singles(node) ? 62 : 98;
  for (let from = 0; from < grid.order.length; from += size) {
    const some = grid.order.slice(from, from + size);
    const block = el("div", { class: "channel-block", role: "presentation", style: `contain-intrinsic-height: ${Math.ceil(some.length / grid.across) * high}px; min-height: ${Math.ceil(some.length / grid.across) * (high - 6)}px` });
    grid.blocks.set(block, some);
  }
  list.replaceChildren(...grid.blocks.keys());
  for (const block of grid.blocks.keys()) grid.near.observe(block);
  fillBlock(grid, list.firstElementChild);
  chooseCell(grid, state);
}

function fillBlock(grid, block) {
  const some = grid.blocks.get(block);
  if (!some || block.childElementCount) return;
  grid.near.unobserve(block);
  block.style.minHeight = "";
  for (const channel of some) {
    const cell = channelCell(grid.view, grid.node, channel, grid.view.state, grid.dead.has(channel));
    cell.setAttribute("aria-setsize", grid.order.length);
    cell.setAttribute("aria-posinset", grid.order.indexOf(channel) + 1);
    grid.cells.set(channel, cell);
  }
  block.append(...some.map((channel) => grid.cells.get(channel)));
}

function chooseCell(grid, { channel }) {
  const { list, blocks, cells, chosen } = grid;
  for (const [block, some] of blocks) if (some.includes(channel)) fillBlock(grid, block);
  const cell = cells.get(channel);
  if (!cell) return;
  for (const [one, on] of [[chosen, false], [cell, true]]) {
    one?.setAttribute("aria-selected", String(on));
    one?.setAttribute("tabindex", on ? "0" : "-1");
  }
  grid.chosen = cell;
  if (list.contains(list.getRootNode().activeElement)) cell.focus({ preventScroll: true });
  const [inner, outer] = [cell.getBoundingClientRect(), list.getBoundingClientRect()];
  if (inner.top < outer.top || inner.bottom > outer.bottom) list.scrollTop += inner.top - outer.top - list.clientHeight / 3;
}

function galleryKeys({ view, order, across }, event) {
  const to = moved(event.key, order.indexOf(view.state.channel), order.length, across);
  if (event.key === "Enter") view.root.querySelector("[data-key=big-map]").focus();
  else if (to === null || event.ctrlKey || event.metaKey || event.altKey) return;
  else view.go({ channel: order[to] });
  event.preventDefault();
}

/** Return a statistic of a channel as text; ≈ where the page holds it as one of 253 levels. */
export function statistic(node, channel, what) {
  const held = node.channels[what];
  const write = what === "zeros" ? percent : number;
  return `${held.dtype === "u1" ? "≈ " : ""}${write(unpack(held)[channel])}`;
}

/** Return whether every channel of a node is a single number. */
export function singles(node) {
  return node.shape.slice(2).every((n) => n === 1);
}

function channelCell(view, node, channel, state, dead) {
  const of = (what) => statistic(node, channel, what);
  const single = singles(node);
  const shown = { mean: single ? "" : of("mean"), max: single ? "" : of("max"), zeros: of("zeros") }[state.order];
  const picture = el("span", { class: "tile" });
  const told = single ? `value ${of("mean")}` : `mean ${of("mean")}, largest ${of("max")}, zeros ${of("zeros")}`;
  const cell = el(
    "div",
    {
      role: "option", class: `channel${dead ? " dead" : ""}`, "data-channel": channel, "aria-selected": "false", tabindex: "-1",
      "aria-label": `channel ${channel}: ${told}${dead ? ", dead: all zeros" : ""}`, title: `channel ${channel}: ${told}`,
    },
    picture,
    el("span", { class: "label" }, el("b", {}, String(channel)), dead ? el("em", {}, "dead") : null, shown ? el("span", {}, shown) : null),
  );
  const scale = channelScale(node, channel, state.scale);
  if (single) fillTile(picture, unpack(node.channels.mean)[channel], scale);
  else whenSeen(view, cell, () => paintTile(view, node, channel, picture, scale));
  return cell;
}

function fillTile(tile, value, scale) {
  tile.classList.add("flat");
  const colour = Number.isFinite(value) ? colourOf(value, scale) : [255, 255, 255];
  tile.style.background = `rgb(${colour.join()})`;
  tile.style.color = inkOn(colour);
  tile.append(narrow(value));
}

async function paintTile(view, node, channel, tile, scale) {
  const canvas = el("canvas", { "aria-hidden": "true" });
  const map = thumbnail(node, channel) ?? (await view.source.ask({ kind: "map", node: node.name, channel }).catch(() => null));
  if (!map) {
    tile.classList.add("absent");
    tile.append(el("span", {}, "mean"), statistic(node, channel, "mean"), el("span", {}, "largest"), statistic(node, channel, "max"));
    return;
  }
  paint(canvas, map.values, map.rows, map.columns, scale);
  tile.style.aspectRatio = `${map.columns} / ${map.rows}`;
  tile.append(canvas);
}
