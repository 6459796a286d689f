// Which question: what does a convolution do when its filter, stride, padding or dilation change?
//
// Idea: every number of a small input and of the filter is a field (choices.js); whatever is changed, the page's own reference (reference.js) computes
// the map at once and the arithmetic of its size is written out.  Pointing at a number of the map lights the cells that it reads and
// writes its sum.  A setting that cannot be is explained, with what would help, and the last fields stay as they are.
// Cost: some hundred products a change.  What it does not do: channels and groups; the step view shows those of the network.
// Next room: presets.js.

import { el, number } from "./dom.js";
import { filterChoice, inputChoice, settingsRow, showFilter, showInput, tintFields } from "./choices.js";
import { colourOf, inkOn, legend, scaleOf } from "./colour.js";
import { briefly } from "./pieces.js";
import { FILTERS, PICTURES, smallPicture } from "./presets.js";
import { conv2d, outputSize } from "./reference.js";

/** What a reader has set; kept in view.trial, so that coming back finds it. */
function trialOf(view) {
  view.trial ??= {
    picture: PICTURES[0],
    n: 7,
    x: smallPicture(PICTURES[0], 7),
    filter: FILTERS["vertical edges"],
    stride: 1,
    padding: 0,
    dilation: 1,
    at: [0, 0],
    named: "vertical edges",
  };
  return view.trial;
}

/** The workbench: an input, a filter, three settings, and the map that they make. */
export function tryit(view) {
  const trial = trialOf(view);
  const [input, filter, map, size, sum] = ["input", "filter", "map", "size", "sum"].map((name) => el("div", { class: `try-${name}` }));
  const bench = { view, trial, input, filter, map, size, sum, compute: () => compute(bench) };
  size.setAttribute("role", "status");
  const root = el(
    "section",
    { class: "try", "aria-label": "Try it" },
    el(
      "header",
      {},
      el("h2", {}, "Change a number, see the map"),
      el(
        "p",
        { class: "quiet" },
        "A convolution of one channel, worked out in this page while you type. Point at a number of the map to see where it comes from.",
      ),
    ),
    settingsRow(bench),
    el(
      "div",
      { class: "try-bench" },
      el("figure", { class: "try-part" }, el("figcaption", {}, el("b", {}, "Input")), inputChoice(bench), input),
      el("figure", { class: "try-part" }, el("figcaption", {}, el("b", {}, "Filter")), filterChoice(bench), filter),
      el("figure", { class: "try-part" }, el("figcaption", {}, el("b", {}, "Map")), size, map, sum),
    ),
  );
  showInput(bench);
  showFilter(bench);
  compute(bench);
  return root;
}

/** Work the map out and show it, or say why there is none. */
function compute(bench) {
  const { trial, map, size, sum, input, filter } = bench;
  const { x, stride, padding, dilation } = trial;
  const kernel = [trial.filter.length, trial.filter[0].length];
  const sizes = [x.length, x[0].length].map((n, axis) => outputSize(n, kernel[axis], stride, padding, dilation));
  const weights = trial.filter.flat();
  tintFields([...input.querySelectorAll("input")], scaleOf(Math.min(...x.flat()), Math.max(...x.flat())));
  tintFields([...filter.querySelectorAll("input")], scaleOf(-Math.max(...weights.map(Math.abs)), Math.max(...weights.map(Math.abs)), true));
  size.replaceChildren(...["rows", "columns"].map((word, axis) => el("p", {}, sizeLine(word, x.length, kernel[axis], trial, sizes[axis]))));
  if (Math.min(...sizes) < 1) {
    map.replaceChildren(tooLarge(x.length, kernel, trial));
    sum.replaceChildren();
    return lightCells(bench, null);
  }
  const [found] = conv2d([x], [[trial.filter]], null, [stride, stride], [padding, padding], [dilation, dilation]);
  trial.at = trial.at.map((place, axis) => Math.min(place, sizes[axis] - 1));
  showMap(bench, found);
}

function sizeLine(word, n, kernel, { stride, padding, dilation }, size) {
  const span = dilation > 1 ? `${dilation}·(${kernel} − 1) − 1` : `(${kernel} − 1) − 1`;
  return `${word}: ⌊(${n} + 2·${padding} − ${span}) / ${stride}⌋ + 1 = ${size < 1 ? "less than 1" : size}`;
}

function tooLarge(n, kernel, { padding, dilation }) {
  const spans = kernel.map((k) => dilation * (k - 1) + 1);
  const most = Math.max(...spans);
  const missing = most - n - 2 * padding;
  return el(
    "p",
    { class: "try-refusal", role: "alert" },
    el("b", {}, "The filter does not fit. "),
    `It spans ${spans.join(" × ")} cells${dilation > 1 ? ` with its gaps (${dilation}·(${Math.max(...kernel)} − 1) + 1 = ${most})` : ""}, the padded input has ${n + 2 * padding} × ${n + 2 * padding}. `,
    `Pad by ${Math.ceil(missing / 2)} more, ${dilation > 1 ? "use less dilation" : "use a smaller filter"}, or a larger input.`,
  );
}

/** The map as a table of buttons; the one that is pointed at tells its sum. */
function showMap(bench, found) {
  const { trial, map } = bench;
  const flat = found.flat();
  const most = Math.max(...flat.map(Math.abs), 0);
  const scale = scaleOf(Math.min(...flat), most, Math.min(...flat) < 0);
  const choose = (p, q) => {
    trial.at = [p, q];
    for (const cell of grid.children) cell.tabIndex = cell.dataset.cell === `${p},${q}` ? 0 : -1;
    tellSum(bench, found);
  };
  const grid = el("div", {
    class: "try-cells",
    role: "group",
    "aria-label": `the map, ${found.length} rows, ${found[0].length} columns; arrow keys move`,
  });
  found.forEach((row, p) =>
    row.forEach((value, q) => {
      const colour = colourOf(value, scale);
      grid.append(
        el(
          "button",
          {
            type: "button",
            "data-cell": `${p},${q}`,
            "data-key": `try-y-${p}-${q}`,
            tabindex: `${trial.at}` === `${p},${q}` ? "0" : "-1",
            "aria-label": `row ${p}, column ${q}: ${number(value)}`,
            style: `background:rgb(${colour.join(",")});color:${inkOn(colour)}`,
            onclick: () => choose(p, q),
            onmouseenter: () => choose(p, q),
            onfocus: () => choose(p, q),
          },
          briefly(value, found[0].length > 9 ? 2 : 3),
        ),
      );
    }),
  );
  grid.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    grid.querySelector(`[data-cell="${trial.at[0] + step[0]},${trial.at[1] + step[1]}"]`)?.focus();
  });
  grid.style.setProperty("--n", found[0].length);
  map.replaceChildren(grid, legend(scale));
  tellSum(bench, found);
}

/** The sum of the number that is pointed at, and its cells lit. */
function tellSum(bench, found) {
  const { trial, sum } = bench;
  const [p, q] = trial.at;
  const terms = trial.filter.flatMap((row, i) =>
    row.map((weight, j) => {
      const at = [p * trial.stride + i * trial.dilation - trial.padding, q * trial.stride + j * trial.dilation - trial.padding];
      return { at, weight, value: trial.x[at[0]]?.[at[1]] ?? 0, text: `${inBrackets(trial.x[at[0]]?.[at[1]] ?? 0)}·${inBrackets(weight)}` };
    }),
  );
  const told = terms.filter((term) => term.weight !== 0 && term.value !== 0);
  const left = terms.length - told.length;
  sum.replaceChildren(
    el(
      "p",
      {},
      `row ${p}, column ${q}: `,
      told.length ? told.map((term) => term.text).join(" + ") : "0",
      left && told.length ? el("span", { class: "quiet" }, ` + ${left} products that are 0`) : null,
      " = ",
      el("b", {}, number(found[p][q])),
    ),
  );
  lightCells(bench, new Set(terms.map((term) => `${term.at}`)));
  for (const cell of bench.map.querySelectorAll("[data-cell]")) cell.classList.toggle("lit", cell.dataset.cell === `${p},${q}`);
}

function inBrackets(value) {
  return value < 0 ? `(${briefly(value)})` : briefly(value);
}

function lightCells({ input }, lit) {
  for (const cell of input.children) cell.classList.toggle("lit", Boolean(lit?.has(cell.dataset.cell)));
}
