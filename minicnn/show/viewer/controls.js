// Which question: with what does a reader step, go on to other numbers, and find back?
//
// Idea: buttons, a slider, fields and chips, each with a name (data-key) by which the focus finds it again.  They only call the acts of step.js:
// frame, play, rewalk, go, down, beside.
// Cost: made once a number.  What it does not do: keep time (step.js).
// Next room: step.js.

import { el, number, svg } from "./dom.js";
import { nodeOf } from "./fields.js";
import { firstOf, heldOf, memoryOf } from "./asked.js";
import { PATCH_CELLS } from "./stage.js";
import { placeName } from "./walk.js";

const SPEEDS = [
  ["0.5", "slow"],
  ["1", "normal"],
  ["2", "fast"],
  ["6", "very fast"],
];
const PATCHES = ["window", "winner", "average"]; // the sorts that show a patch to click into

export function breadcrumb(here) {
  const { trail } = memoryOf(here.view);
  const crumb = ({ place, value }, last) => {
    const text = `${placeName(place.node, place.channel, place.at)} = ${number(value)}`;
    return el(
      "li",
      {},
      last
        ? el("span", { "aria-current": "location" }, text)
        : el("button", { type: "button", class: "plain", onclick: () => here.acts.go(place) }, text),
    );
  };
  return trail.length < 2
    ? null
    : el(
        "nav",
        { class: "step-trail", "aria-label": "The way down" },
        el(
          "ol",
          {},
          trail.map((each, at) => crumb(each, at === trail.length - 1)),
        ),
      );
}

export function heading({ place, explained }) {
  const where =
    place.at.length === 2
      ? `channel ${place.channel}, row ${place.at[0]}, column ${place.at[1]}`
      : `feature ${[place.channel, ...place.at].join(", ")}`;
  return el(
    "header",
    {},
    el("h2", {}, `${place.node}: ${where}`),
    el("p", { class: "quiet" }, explained.layer === "input" ? "" : explained.layer),
    el("p", { class: "step-equation" }, explained.equation),
  );
}

export function notesOf({ notes }) {
  return notes.length ? el("p", { class: "quiet" }, `${notes.join("; ")}.`) : null;
}

/** The row of controls: {element, update(frame)}. */
export function controlsOf(here) {
  const { view, walk } = here;
  const memory = memoryOf(view);
  const last = walk.frames.length - 1;
  const button = (name, label, text, action) =>
    el("button", { type: "button", "data-key": `step-${name}`, "aria-label": label, title: label, onclick: action }, text);
  const [first, back, play, on, end] = [
    button("first", "To the first step (Home)", icon("M3 3v10M13 3 6 8l7 5z"), () => here.acts.frame(0)),
    button("back", "A step back (←)", icon("M11 3 4 8l7 5z"), () => here.acts.frame(memory.frame - 1)),
    button("play", "Play (Space)", "Play", () => here.acts.play()),
    button("next", "A step forward (→)", icon("M5 3l7 5-7 5z"), () => here.acts.frame(memory.frame + 1)),
    button("last", "To the last step (End)", icon("M13 3v10M3 3l7 5-7 5z"), () => here.acts.frame(last)),
  ];
  const slider = el("input", {
    type: "range",
    min: 0,
    max: last,
    step: 1,
    "data-key": "step-slider",
    "aria-label": "Step",
    oninput: () => here.acts.frame(Number(slider.value)),
  });
  const told = el("span", { class: "step-count quiet" });
  const speed = el(
    "select",
    { "data-key": "step-speed", onchange: () => (memory.speed = speed.value) },
    SPEEDS.map(([value, word]) => el("option", { value, selected: value === memory.speed }, word)),
  );
  const buttons = el("div", { class: "step-buttons", role: "group", "aria-label": "Stepping" }, first, back, play, on, end);
  const element = el(
    "div",
    { class: "step-controls" },
    buttons,
    slider,
    told,
    el("label", {}, "speed ", speed),
    onwards(here),
    byProduct(here),
    el("p", { class: "step-keys quiet" }, "Keys: ← → a step · ↑ ↓ the output above, below · Shift+← → beside · Space play"),
  );
  const update = (frame) => {
    slider.value = frame;
    slider.setAttribute("aria-valuetext", walk.frames[frame].says);
    told.textContent = `step ${frame} of ${last}`;
    for (const [control, off] of [
      [first, frame === 0],
      [back, frame === 0],
      [on, frame === last],
      [end, frame === last],
    ])
      control.setAttribute("aria-disabled", String(off));
    play.replaceChildren(icon(memory.timer === null ? "M4 2l9 6-9 6z" : "M4 3v10M11 3v10"), memory.timer === null ? " Play" : " Pause");
    play.setAttribute("aria-label", memory.timer === null ? "Play (Space)" : "Pause (Space)");
  };
  return { element, update };
}

/** A small sign on a button, drawn, since not every font has it. */
function icon(d) {
  return svg("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d }));
}

/** Whether play ends with this number or goes on with the next, as the kernel slides. */
function onwards(here) {
  if (here.place.at.length !== 2) return null;
  const memory = memoryOf(here.view);
  const box = el("input", { type: "checkbox", checked: memory.onwards, "data-key": "step-onwards", onchange: () => (memory.onwards = box.checked) });
  return el("label", { title: "Play goes on with the next output, row by row" }, box, " slide on");
}

/** Whether a step is a channel or a single product; only where a channel has several products. */
function byProduct(here) {
  if (here.walk.sort !== "window") return null;
  const memory = memoryOf(here.view);
  const choose = (by) => {
    memory.by = by;
    memory.frame = 1;
    here.acts.rewalk();
  };
  const option = (by, word) =>
    el(
      "label",
      {},
      el("input", {
        type: "radio",
        name: "step-by",
        value: by,
        checked: memory.by === by,
        "data-key": `step-by-${by}`,
        onchange: () => choose(by),
      }),
      ` ${word}`,
    );
  return el("fieldset", { class: "step-by" }, el("legend", {}, "a step is"), option("channel", "a channel"), option("product", "a product"));
}

export function followers(here) {
  const { strongest } = here.explained;
  if (!strongest) return null;
  const name = placeName(strongest.node, strongest.channel, strongest.at);
  const why =
    here.walk.sort === "winner"
      ? "the winner"
      : here.walk.sort === "average"
        ? "the largest cell"
        : here.explained.terms.length > 1
          ? "what weighed most"
          : "where it came from";
  return el(
    "p",
    { class: "step-follow" },
    el(
      "button",
      { type: "button", class: "primary", "data-key": "step-follow", onclick: () => here.acts.down(strongest) },
      `Follow ${why}: ${name} ↓`,
    ),
    PATCHES.includes(here.walk.sort) && here.walk.groups[0].terms.length <= PATCH_CELLS
      ? el("span", { class: "quiet" }, " or click a cell of the patch")
      : null,
  );
}

/** Where to go by typing, and to the neighbours by buttons. */
export function placeForm(here) {
  const { view, place } = here;
  const { shape } = nodeOf(view.payload, place.node);
  const names = place.at.length === 2 ? ["channel", "row", "column"] : ["feature", ...place.at.map((_, axis) => `place ${axis + 1}`)];
  const lengths = [shape[1] ?? 1, ...shape.slice(2)];
  const inputs = [place.channel, ...place.at].map((value, axis) =>
    el("input", { type: "number", min: 0, max: lengths[axis] - 1, value, "data-key": `step-${names[axis]}`, onchange: () => visit() }),
  );
  const visit = () => here.acts.go({ node: place.node, channel: Number(inputs[0].value), at: inputs.slice(1).map((input) => Number(input.value)) });
  const beside = (label, text, by) =>
    el("button", { type: "button", "aria-label": label, title: label, "data-key": `step-${label}`, onclick: () => here.acts.beside(by) }, text);
  const around =
    place.at.length === 2
      ? el(
          "span",
          { class: "step-around", role: "group", "aria-label": "Neighbouring outputs" },
          beside("output to the left", "←", [0, -1]),
          beside("output above", "↑", [-1, 0]),
          beside("output below", "↓", [1, 0]),
          beside("output to the right", "→", [0, 1]),
        )
      : null;
  const nodes = el(
    "select",
    { "data-key": "step-node", "aria-label": "node", onchange: () => here.acts.go(firstOf(view, nodes.value)) },
    view.payload.nodes.map(({ name }) => el("option", { value: name, selected: name === place.node }, name)),
  );
  return el(
    "form",
    {
      class: "step-place",
      onsubmit: (event) => {
        event.preventDefault();
        visit();
      },
    },
    el("label", {}, "Another number of ", nodes),
    inputs.map((input, axis) => el("label", {}, `${names[axis]} `, input)),
    around,
    heldChips(here),
  );
}

/** Buttons for the numbers that the page holds, where it does not hold all. */
export function heldChips(here) {
  const held = heldOf(here.view, here.place.node);
  if (!held.length) return null;
  return el(
    "p",
    { class: "step-held" },
    el("span", { class: "quiet" }, "At hand in this page: "),
    held.map((place) => el("button", { type: "button", class: "chip", onclick: () => here.acts.go(place) }, placeName("", place.channel, place.at))),
  );
}
