// Which question: what does a cell see in the layers between it and the pixels?
//
// Idea: the maps on the way back as a list, nearest first, each with its box; of neighbours that show the same box one is enough, unless
// every layer is asked for.
//
// Cost: one small canvas a node, painted when it is seen.  What it does not do: find boxes.
// Next room: hover.js.

import { el, svg, times, whenSeen } from "./dom.js";
import { face, nodeScale, paint, thumbnail } from "./colour.js";
import { grid, owner } from "./fields.js";
import { cutOff, cutText, outline, placeText } from "./marks.js";

export function ancestors(payload, node) {
  const needed = new Set([node.name]);
  for (const one of [...payload.nodes].reverse()) if (needed.has(one.name)) one.inputs.forEach((name) => needed.add(owner(name)));
  return needed;
}

/** Return the list of maps between a node and its inputs, nearest first; .show(boxes) draws the boxes in them. */
export function path(view, node) {
  const needed = ancestors(view.payload, node);
  const nodes = view.payload.nodes.filter((one) => needed.has(one.name) && one.layer && one !== node && one.shape.length === 4).reverse();
  const items = nodes.map((one) => pathItem(view, one));
  const list = el("ol", { class: "path" }, items.map((item) => item.element));
  const all = el("input", { type: "checkbox", onchange: () => list.classList.toggle("every", all.checked) });
  const show = (boxes) => {
    let last = null;
    for (const item of items) {
      const box = boxes[item.node.name];
      item.show(box);
      const same = box && last && JSON.stringify([box, grid(item.node.shape)]) === last;
      item.element.classList.toggle("same", Boolean(same) || !box);
      last = box ? JSON.stringify([box, grid(item.node.shape)]) : last;
    }
  };
  const head = el("div", { class: "path-head" }, el("h3", {}, "The way back to the pixels"), el("label", { class: "quiet" }, all, " every layer"));
  return { element: nodes.length ? el("section", { class: "between", "aria-label": "boxes in the layers between" }, head, list) : el("span"), show };
}

function pathItem(view, node) {
  const [rows, columns] = grid(node.shape);
  const canvas = el("canvas", { "aria-hidden": "true" });
  const marks = svg("svg", { viewBox: `0 0 ${columns} ${rows}`, preserveAspectRatio: "none", class: "marks", "aria-hidden": "true" });
  const words = el("small", {});
  const open = el("button", { type: "button", class: "link", "data-key": `path-${node.name}`, onclick: () => view.go({ tab: "maps", node: node.name }) }, node.name);
  const element = el("li", {}, el("span", { class: "mini", style: `aspect-ratio: ${columns} / ${rows}` }, canvas, marks), el("span", {}, open, el("small", { class: "quiet" }, `${node.kind} · ${times(node.shape.slice(1))}`), words));
  whenSeen(view, element, () => {
    const map = thumbnail(node, face(node));
    if (map) paint(canvas, map.values, map.rows, map.columns, nodeScale(node));
  });
  const show = (box) => {
    marks.replaceChildren(...(box ? [outline(box)] : []));
    words.textContent = box ? `${placeText(box)}${cutOff(box) ? ` (+ ${cutText(box.clipped)} outside)` : ""}` : "not seen";
  };
  return { node, element, show };
}
