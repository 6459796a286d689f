// Which question: what does the network look like from far away?
//
// Idea: one block a stage, as high and wide as its map has rows and columns (by their square roots), as deep as it has channels (by
// their logarithm), with its own map on the front.  What skips stages goes over the others in an arc, a residual inside a stage over its own block,
// and what runs beside others has a lane of its own.
//
// Cost: a few SVG elements a stage; faces are painted when they are seen.  What it does not do: nodes; overview.js lists them.
// Next room: overview.js.

import { el, plural, svg, times, whenSeen } from "./dom.js";
import { face, ownScale, paint, thumbnail } from "./colour.js";
import { grid, nodeOf, owner } from "./fields.js";

const TALLEST = 92; // units of the drawing
const LETTER = 5.9; // units, of a stage's name
const FLOOR = 26; // room for words below a block, twice

/** Return where every stage's block stands: [{x, width, height, depth, y}], in units of the drawing. */
function placed(payload) {
  const last = payload.stages.map((stage) => nodeOf(payload, stage.nodes[stage.nodes.length - 1]));
  const largest = Math.max(...last.map((node) => Math.max(...grid(node.shape))));
  const size = (n) => Math.max(9, TALLEST * Math.sqrt(n / largest));
  const blocks = last.map((node, at) => {
    const [rows, columns] = grid(node.shape);
    const depth = 3 + 1.8 * Math.log2(1 + (node.shape[1] ?? 1));
    return { node, stage: payload.stages[at], width: size(columns), height: size(rows), depth };
  });
  const across = Math.max(...payload.stages.map((stage) => stage.column)) + 1;
  const starts = [8];
  for (let column = 0; column < across; column++) {
    const here = blocks.filter((block) => block.stage.column === column);
    starts.push(starts[column] + Math.max(56, ...here.map((block) => block.width + block.depth + 14)));
  }
  const tall = Math.max(...blocks.map((block) => block.height + 0.5 * block.depth)) + 2 * FLOOR + 6;
  for (const block of blocks) {
    const room = starts[block.stage.column + 1] - starts[block.stage.column];
    block.letters = Math.floor((room - 4) / LETTER);
    block.x = starts[block.stage.column] + (room - block.width - block.depth) / 2;
    block.y = (block.stage.lane + 1) * tall - 2 * FLOOR; // the floor it stands on
  }
  return { blocks, width: starts[across] + 8, height: (Math.max(...payload.stages.map((stage) => stage.lane)) + 1) * tall };
}

export function staircase(view, jump) {
  const { payload } = view;
  const { blocks, width, height } = placed(payload);
  const skips = [...payload.edges.filter(([a, b]) => arched(blocks[a], blocks[b]))];
  const over = skips.length ? 14 + 9 * Math.sqrt(Math.max(...skips.map(([a, b]) => blocks[b].stage.column - blocks[a].stage.column))) * 2 : 18;
  const drawing = svg("svg", {
    class: "staircase", viewBox: `0 ${-over} ${width} ${height + over}`, role: "group", "aria-label": `${payload.stages.length} stages, first to last`,
    style: `min-width: ${0.94 * width}px; max-width: ${1.35 * width}px`,
  });
  for (const [a, b] of payload.edges) drawing.append(edge(blocks[a], blocks[b]));
  for (const block of blocks) if (residual(payload, block.stage)) drawing.append(bridge(block));
  blocks.forEach((block, at) => drawing.append(drawnBlock(view, block, at, jump)));
  drawing.addEventListener("keydown", (event) => rove(event, drawing));
  return el("div", { class: "scroller" }, drawing);
}

function rove(event, drawing) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const all = [...drawing.querySelectorAll("[role=button]")];
  const next = all[all.indexOf(event.target) + step];
  if (!step || !next) return;
  event.preventDefault();
  event.target.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
}

const arched = (from, to) => from.stage.lane === to.stage.lane && to.stage.column > from.stage.column + 1;

/** Return the line from one stage to another: along the floor to a neighbour, over those between in an arc, or across lanes. */
function edge(from, to) {
  const top = (block) => block.y - block.height - 0.5 * block.depth;
  if (arched(from, to)) {
    const [x1, x2] = [from.x + from.width / 2 + from.depth / 2, to.x + to.width / 2 + to.depth / 2];
    const rise = Math.min(top(from), top(to)) - 10 - 9 * Math.sqrt(to.stage.column - from.stage.column) * 2;
    return svg("path", { class: "edge skip", d: `M${x1} ${top(from)} C${x1} ${rise} ${x2} ${rise} ${x2} ${top(to) - 3}`, "marker-end": "none" });
  }
  const [x1, y1, x2, y2] = [from.x + from.width + 2, from.y - 5, to.x - 2, to.y - 5];
  const bend = Math.max(8, (x2 - x1) / 2);
  const line = y1 === y2 ? `M${x1} ${y1} L${x2} ${y2}` : `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  return svg("g", {}, svg("path", { class: "edge", d: line }), svg("path", { class: "edge tip", d: `M${x2 - 4} ${y2 - 3} L${x2} ${y2} L${x2 - 4} ${y2 + 3}` }));
}

/** Return whether a stage adds to its result something that went round at least two of its nodes. */
function residual(payload, stage) {
  return stage.nodes.some((name, at) => at > 1 && nodeOf(payload, name).inputs.length > 1 && nodeOf(payload, name).inputs.some((feeder) => at - stage.nodes.indexOf(owner(feeder)) > 2));
}

function bridge(block) {
  const [x1, x2] = [block.x - 6, block.x + block.width + block.depth + 6];
  const top = block.y - block.height - 0.5 * block.depth;
  return svg("path", { class: "edge skip", d: `M${x1} ${block.y - 5} C${x1} ${top - 16} ${x2} ${top - 16} ${x2} ${block.y - 5}` });
}

function drawnBlock(view, block, at, jump) {
  const { x, y, width, height, depth, node, stage } = block;
  const [dx, dy] = [depth, 0.5 * depth];
  const placeless = node.shape.length < 3;
  const size = times(node.shape.slice(2));
  const group = svg("g", {
    class: "block", role: "button", tabindex: at === 0 ? "0" : "-1", "data-key": `block-${at}`,
    "aria-label": `stage ${stage.name}: ${plural(stage.nodes.length, "node")}, ${times(node.shape.slice(1))}, sees ${node.field.text}`,
    onclick: () => jump(at), onkeydown: (event) => (event.key === "Enter" || event.key === " ") && (event.preventDefault(), jump(at)),
  });
  const picture = svg("image", { x, y: y - height, width, height, preserveAspectRatio: "none", class: "face" });
  const middle = x + (width + depth) / 2;
  group.append(
    svg("title", {}, `${stage.name}: ${times(node.shape.slice(1))}, sees ${node.field.text}`),
    svg("path", { class: "side", d: `M${x} ${y - height} l${dx} ${-dy} h${width} v${height} l${-dx} ${dy} v${-height} Z` }),
    svg("path", { class: "side dark", d: `M${x + width} ${y - height} l${dx} ${-dy} v${height} l${-dx} ${dy} Z` }),
    svg("rect", { class: "front", x, y: y - height, width, height }),
    picture,
    svg("rect", { class: "frame", x, y: y - height, width, height }),
    svg("text", { x: middle, y: y + 16, class: "name" }, short(stage.name, block.letters)),
    svg("text", { x: middle, y: y + 29 }, `${node.shape[1] ?? 1}${placeless ? "" : " ch"}`),
    svg("text", { x: middle, y: y + 41 }, size),
  );
  whenSeen(view, group, () => paintFace(view, picture, node));
  return group;
}

/** Return the name of a stage in so many letters: of "first … last" some of both. */
function short(name, letters) {
  const [first, last = first] = name.split(" … ");
  if (name.length <= letters) return name;
  const half = Math.floor((letters - 1) / 2);
  return `${first.slice(0, half)}…${last.slice(-half)}`;
}

function paintFace({ payload }, picture, node) {
  const photo = payload.inputs.find((input) => input.name === node.name)?.picture;
  if (photo) return void picture.setAttribute("href", photo);
  const map = thumbnail(node, face(node));
  if (!map) return;
  const canvas = el("canvas");
  paint(canvas, map.values, map.rows, map.columns, ownScale(map.values, node));
  picture.setAttribute("href", canvas.toDataURL());
}
