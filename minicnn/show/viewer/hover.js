// Which question: what does this cell see, and who sees this pixel?
//
// Idea: one map enlarged, the photo beside it, and every map between in a list; one cell is chosen or pointed at, and its box is
// drawn in all of them at once.  What lies outside the photo is hatched.  The other way round, a pixel that is pointed at outlines
// the cells that see it.  Pointing changes nothing; choosing (click, arrow keys) does, and it is said aloud.
//
// Cost: one walk of marks a frame.  What it does not do: find the boxes; fields.js does.
// Next room: maps.js.

import { el } from "./dom.js";
import { backwards, forwards } from "./fields.js";
import { cutOff, cutText, placeText } from "./marks.js";
import { ancestors, path } from "./path.js";
import { photo } from "./photo.js";
import { bigMap } from "./zoom.js";

/** Return the lens of a node: the chosen channel enlarged, the photo, the maps between; .show(state, scale) draws a channel and a cell. */
export function lens(view, node) {
  const told = el("p", { class: "told" });
  const big = bigMap(view, node, { point: (at) => point(at), choose: (at) => view.go({ at }), step: (at) => view.go({ tab: "step", node: node.name, at }) });
  const photos = seenInputs(view, node).map((input) => photo(view, input, (pixel) => look(input, pixel), (pixel) => choose(input, pixel)));
  const between = path(view, node);
  let state = view.state;

  function point(at) {
    const boxes = backwards(view.payload, node.name, ...(at ?? state.at ?? [0, 0]));
    big.mark(state.at, at, null);
    for (const picture of photos) picture.show(boxes[picture.input.name]);
    between.show(boxes);
    told.replaceChildren(...sentence(view, node, at ?? state.at, boxes, big.value(at ?? state.at)));
    return boxes;
  }

  function look(input, pixel) {
    const cells = pixel && forwards(view.payload, input.name, ...pixel, node.name);
    if (!pixel) return void point(null);
    big.mark(state.at, null, cells);
    told.textContent = `Pixel row ${pixel[0]}, column ${pixel[1]} of ${input.name}: ${cells ? `${seenBy(cells)} of ${node.name} see it (${placeText(cells)}).` : `no cell of ${node.name} sees it.`}`;
  }

  function choose(input, pixel) {
    const cells = forwards(view.payload, input.name, ...pixel, node.name);
    if (cells && state.at) view.go({ at: [(cells.top + cells.bottom) >> 1, (cells.left + cells.right) >> 1] });
  }

  async function show(next, scale) {
    state = next;
    point(null);
    await big.load(state.channel, scale);
    point(null);
  }

  const pictures = photos.map((picture) => picture.element);
  const element = el("div", { class: "lens" }, el("div", { class: "pair" }, big.element, el("div", { class: "photos" }, pictures)), told, between.element);
  return { element, show, said: () => told.textContent };
}

function seenBy(cells) {
  const [rows, columns] = [cells.bottom - cells.top + 1, cells.right - cells.left + 1];
  return rows * columns === 1 ? "one cell" : `the ${rows}×${columns} cells`;
}

function sentence(view, node, at, boxes, value) {
  const where = at ? `row ${at[0]}, column ${at[1]}` : "this number";
  const seen = seenInputs(view, node).map(({ name }) => {
    const box = boxes[name];
    if (!box) return `no pixel of ${name}`;
    const cut = cutOff(box) ? ` (${cutText(box.clipped)} outside it, hatched)` : "";
    return `${placeText(box)} of ${name}, ${box.bottom - box.top + 1}×${box.right - box.left + 1} pixels${cut}`;
  });
  return [el("b", {}, value === null ? where : `${where}: ${value}`), node.layer ? ` sees ${seen.join(", and ")}.` : "."];
}

/** Return the inputs that a node is computed from. */
function seenInputs({ payload }, node) {
  const needed = ancestors(payload, node);
  return payload.inputs.filter(({ name }) => needed.has(name));
}
