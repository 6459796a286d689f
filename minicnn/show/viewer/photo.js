// Which question: where on the photo is it?
//
// Idea: the input as a picture with room around it; a box, what of it lies outside hatched; and the pixel that is pointed at, by the
// pointer or by the arrow keys.
//
// Cost: a few lines of SVG a frame.  What it does not do: find boxes or cells; it is told.
// Next room: hover.js.

import { el, svg, unpack } from "./dom.js";
import { face, nodeScale, paint, thumbnail } from "./colour.js";
import { grid, nodeOf, planeSize } from "./fields.js";
import { cutOff, follow, outline } from "./marks.js";

/** Return a photo with room around it for what reaches outside; .show(box) draws a box and hatches what was cut off. */
export function photo(view, input, look, choose) {
  const [rows, columns] = grid(input.shape);
  const [mx, my] = [Math.ceil(columns * 0.12), Math.ceil(rows * 0.12)];
  const marks = svg("g", {});
  const hatch = `minicnn-hatch-${view.id}-${view.payload.inputs.indexOf(input)}`;
  const drawing = svg(
    "svg",
    { viewBox: `${-mx} ${-my} ${columns + 2 * mx} ${rows + 2 * my}`, class: "marks photo-marks" },
    pattern(hatch, Math.max(rows, columns) / 40),
    svg("rect", { x: -mx, y: -my, width: columns + 2 * mx, height: rows + 2 * my, class: "outside" }),
    svg("image", { href: pictureOf(view, input), x: 0, y: 0, width: columns, height: rows, preserveAspectRatio: "none", class: "pixels" }),
    marks,
  );
  const frame = el("div", {
    class: "photo", tabindex: "0", role: "application", "data-key": `photo-${input.name}`, "aria-roledescription": "photo",
    "aria-label": `the input ${input.name}, ${rows}×${columns} pixels. Arrow keys point at a pixel and outline the cells that see it; Escape leaves it.`,
  }, drawing);
  const at = (event) => {
    const { left, top, width, height } = drawing.getBoundingClientRect();
    const i = Math.floor(((event.clientY - top) / height) * (rows + 2 * my) - my);
    const j = Math.floor(((event.clientX - left) / width) * (columns + 2 * mx) - mx);
    return i < 0 || j < 0 || i >= rows || j >= columns ? null : [i, j];
  };
  let pixel = null;
  const cross = (place) => {
    pixel = place;
    marks.replaceChildren(...(place ? [outline({ top: place[0], left: place[1], bottom: place[0], right: place[1] })] : []));
    look(place);
  };
  follow(frame, at, cross);
  frame.addEventListener("click", (event) => at(event) && choose(at(event)));
  frame.addEventListener("blur", () => pixel && cross(null));
  frame.addEventListener("keydown", (event) => photoKeys(event, pixel, rows, columns, cross, choose, view));
  const show = (box) => marks.replaceChildren(...(box ? [...outsideParts(box, rows, columns, mx, my, hatch), outline(box)] : []));
  return { input, show, element: el("figure", { class: "big" }, el("figcaption", {}, el("b", {}, input.name), el("span", { class: "quiet" }, ` ${rows}×${columns}`)), frame) };
}

function photoKeys(event, pixel, rows, columns, cross, choose, view) {
  if (event.key === "Escape" && pixel) return void cross(null);
  if (event.key === "Enter" && pixel) return void choose(pixel);
  const many = event.shiftKey ? 8 : 1;
  const step = { ArrowUp: [-many, 0], ArrowDown: [many, 0], ArrowLeft: [0, -many], ArrowRight: [0, many] }[event.key];
  if (!step) return;
  event.preventDefault();
  const [i, j] = pixel ?? [rows >> 1, columns >> 1];
  cross([Math.min(Math.max(i + step[0], 0), rows - 1), Math.min(Math.max(j + step[1], 0), columns - 1)]);
  view.announce(view.root.querySelector(".told")?.textContent ?? "");
}

function pattern(id, size) {
  return svg("defs", {}, svg("pattern", { id, width: size, height: size, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    svg("rect", { width: size, height: size, class: "hatch-ground" }), svg("rect", { width: size / 3, height: size, class: "hatch-line" })));
}

/** Return the parts of a box outside the picture, as far as the margin shows them. */
function outsideParts(box, rows, columns, mx, my, hatch) {
  const { clipped } = box;
  const left = Math.max(box.left - clipped.left, -mx);
  const top = Math.max(box.top - clipped.top, -my);
  const right = Math.min(box.right + 1 + clipped.right, columns + mx);
  const bottom = Math.min(box.bottom + 1 + clipped.bottom, rows + my);
  if (!cutOff(box)) return [];
  const ring = `M${left} ${top}H${right}V${bottom}H${left}Z M${box.left} ${box.top}V${box.bottom + 1}H${box.right + 1}V${box.top}Z`;
  return [svg("path", { d: ring, fill: `url(#${hatch})`, "fill-rule": "evenodd", class: "cut" })];
}

/** Return a picture of an input: the payload's, or its first channel painted. */
function pictureOf(view, input) {
  if (input.picture) return input.picture;
  const node = nodeOf(view.payload, input.name);
  const [rows, columns] = planeSize(input.shape);
  const canvas = el("canvas");
  const map = input.values ? { rows, columns, values: unpack(input.values).subarray(0, rows * columns) } : thumbnail(node, face(node));
  if (!map) return null;
  paint(canvas, map.values, map.rows, map.columns, nodeScale(node));
  return canvas.toDataURL();
}
