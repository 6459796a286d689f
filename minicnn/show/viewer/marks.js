// Which question: how is a place in a picture drawn, said and pointed at?
//
// Idea: a box is one outline, white around black, so that it shows on every colour; the same box is one phrase.  Pointing is heard
// at most once a frame.
//
// Cost: none.  What it does not do: find boxes; fields.js does.
// Next rooms: zoom.js, photo.js, path.js.

import { plural, svg } from "./dom.js";

/** Return "rows 3…5, columns 0…2", or "row 3, column 0" for one cell. */
export function placeText({ top, left, bottom, right }) {
  const span = (word, a, b) => (a === b ? `${word} ${a}` : `${word}s ${a}…${b}`);
  return `${span("row", top, bottom)}, ${span("column", left, right)}`;
}

export const cutOff = ({ clipped }) => clipped.top + clipped.left + clipped.bottom + clipped.right > 0;

export function cutText({ top, left, bottom, right }) {
  const sides = [[top, "row", "above"], [bottom, "row", "below"], [left, "column", "left"], [right, "column", "right"]];
  return sides.filter(([n]) => n > 0).map(([n, word, side]) => `${plural(n, word)} ${side}`).join(", ");
}

export function outline({ top, left, bottom, right }) {
  const box = { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
  return svg("g", {}, svg("rect", { ...box, class: "halo" }), svg("rect", { ...box, class: "line" }));
}

/** Call `point` with the place under the pointer, at most once a frame, and with null when it leaves. */
export function follow(element, at, point) {
  let last = null;
  let waiting = false;
  const run = () => {
    waiting = false;
    point(last);
  };
  const later = (place) => {
    if (String(place) === String(last)) return;
    last = place;
    if (!waiting) requestAnimationFrame(run);
    waiting = true;
  };
  element.addEventListener("pointermove", (event) => later(at(event)));
  element.addEventListener("pointerleave", () => later(null));
}
