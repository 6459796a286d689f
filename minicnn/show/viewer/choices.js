// Which question: with what does a reader change the input, the filter and the settings of a convolution?
//
// Idea: every number is a field, presets fill them, and sliders set stride, padding and dilation.  Whatever is changed, bench.compute() is called; what
// is no number yet changes nothing.
// Cost: a field a number.  What it does not do: compute (tryit.js).
// Next room: tryit.js.

import { el } from "./dom.js";
import { colourOf, inkOn } from "./colour.js";
import { FILTERS, PICTURES, resizedTable, smallPicture } from "./presets.js";

const CROP = "the photo's first channel";

export function settingsRow(bench) {
  const { trial } = bench;
  const setting = (name, low, high) => {
    const told = el("output", {}, trial[name]);
    const slider = el("input", {
      type: "range",
      min: low,
      max: high,
      step: 1,
      value: trial[name],
      "data-key": `try-${name}`,
      "aria-label": name,
      oninput: () => {
        trial[name] = Number(slider.value);
        told.textContent = slider.value;
        if (name === "padding") showInput(bench);
        bench.compute();
      },
    });
    return el("label", {}, el("span", {}, name), slider, told);
  };
  return el(
    "div",
    { class: "try-settings", role: "group", "aria-label": "Settings" },
    setting("stride", 1, 4),
    setting("padding", 0, 4),
    setting("dilation", 1, 4),
  );
}

export function inputChoice(bench) {
  const { trial, view } = bench;
  const photo = photoOf(view);
  const names = photo ? [...PICTURES, CROP] : PICTURES;
  const kind = el(
    "select",
    { "data-key": "try-picture", "aria-label": "what the input shows" },
    names.map((name) => el("option", { value: name, selected: name === trial.picture }, name)),
  );
  const n = el(
    "select",
    { "data-key": "try-n", "aria-label": "size of the input" },
    [5, 6, 7, 8, 9].map((size) => el("option", { value: size, selected: size === trial.n }, `${size} × ${size}`)),
  );
  const change = () => {
    [trial.picture, trial.n] = [kind.value, Number(n.value)];
    trial.x = trial.picture === CROP ? cropOf(photo, trial.n) : smallPicture(trial.picture, trial.n);
    showInput(bench);
    bench.compute();
  };
  for (const control of [kind, n]) control.addEventListener("change", change);
  return el("div", { class: "try-choice" }, kind, n);
}

/** The first channel of the first input, where the page holds its numbers: asked once. */
function photoOf(view) {
  const [first] = view.payload.inputs;
  if (!first || first.shape.length !== 4 || Math.min(...first.shape.slice(2)) < 9) return null;
  if (view.photoMap === undefined) {
    view.photoMap = null;
    view.source.ask({ kind: "map", node: first.name, channel: 0 }).then(
      (map) => (view.photoMap = map),
      () => {},
    );
  }
  return {
    get map() {
      return view.photoMap;
    },
  };
}

/** A crop of n × n cells where the photo varies most, rounded to two decimals. */
function cropOf({ map }, n) {
  if (!map) return smallPicture(PICTURES[0], n);
  let best = [-1, 0, 0];
  const step = Math.max(1, Math.floor(Math.min(map.rows, map.columns) / 24));
  for (let i = 0; i + n <= map.rows; i += step) {
    for (let j = 0; j + n <= map.columns; j += step) {
      const cells = cutOut(map, i, j, n).flat();
      const mean = cells.reduce((sum, value) => sum + value, 0) / cells.length;
      const spread = cells.reduce((sum, value) => sum + Math.abs(value - mean), 0);
      if (spread > best[0]) best = [spread, i, j];
    }
  }
  return cutOut(map, best[1], best[2], n).map((row) => row.map((value) => (Number.isFinite(value) ? Number(value.toFixed(2)) : 0)));
}

function cutOut({ values, columns }, top, left, n) {
  return Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => values[(top + i) * columns + left + j]));
}

export function filterChoice(bench) {
  const { trial } = bench;
  const preset = el(
    "select",
    { "data-key": "try-preset", "aria-label": "a filter by name" },
    [...Object.keys(FILTERS), "my own"].map((name) => el("option", { value: name, selected: name === trial.named }, name)),
  );
  const sizes = [1, 2, 3, 4, 5];
  const side = (axis, label) =>
    el(
      "select",
      { "data-key": `try-k${axis}`, "aria-label": label },
      sizes.map((size) => el("option", { value: size, selected: size === (axis ? trial.filter[0].length : trial.filter.length) }, size)),
    );
  const [rows, columns] = [side(0, "rows of the filter"), side(1, "columns of the filter")];
  bench.own = () => {
    trial.named = "my own";
    preset.value = "my own";
  };
  preset.addEventListener("change", () => {
    trial.named = preset.value;
    if (FILTERS[preset.value]) trial.filter = FILTERS[preset.value];
    [rows.value, columns.value] = [trial.filter.length, trial.filter[0].length];
    showFilter(bench);
    bench.compute();
  });
  for (const control of [rows, columns]) {
    control.addEventListener("change", () => {
      trial.filter = resizedTable(trial.filter, Number(rows.value), Number(columns.value));
      bench.own();
      showFilter(bench);
      bench.compute();
    });
  }
  return el("div", { class: "try-choice" }, preset, rows, el("span", { "aria-hidden": "true" }, "×"), columns);
}

/** The input as fields, with the padding around it. */
export function showInput(bench) {
  const { trial, input } = bench;
  const { x, padding } = trial;
  const cells = [];
  for (let i = -padding; i < x.length + padding; i++) {
    for (let j = -padding; j < x[0].length + padding; j++) {
      const inside = x[i]?.[j] !== undefined;
      const cell = inside
        ? numberField(`input row ${i}, column ${j}`, x[i][j], `try-x-${i}-${j}`, (value) => {
            trial.x = trial.x.map((row, a) => (a === i ? row.map((old, b) => (b === j ? value : old)) : row));
            bench.compute();
          })
        : el("span", { class: "padding", title: "padding: 0" }, "0");
      cell.dataset.cell = `${i},${j}`;
      cells.push(cell);
    }
  }
  input.style.setProperty("--n", x[0].length + 2 * padding);
  input.replaceChildren(...cells);
}

export function showFilter(bench) {
  const { trial, filter } = bench;
  filter.style.setProperty("--n", trial.filter[0].length);
  filter.replaceChildren(
    ...trial.filter.flatMap((row, i) =>
      row.map((weight, j) =>
        numberField(`filter row ${i}, column ${j}`, weight, `try-w-${i}-${j}`, (value) => {
          trial.filter = trial.filter.map((line, a) => (a === i ? line.map((old, b) => (b === j ? value : old)) : line));
          bench.own();
          bench.compute();
        }),
      ),
    ),
  );
}

/** A field for one number; what is no number yet changes nothing. */
function numberField(label, value, key, change) {
  const field = el("input", { type: "number", step: "any", value: Number(value.toPrecision(3)), "aria-label": label, "data-key": key });
  field.addEventListener("input", () => {
    const typed = field.value.trim() === "" ? NaN : Number(field.value);
    field.setAttribute("aria-invalid", String(!Number.isFinite(typed)));
    if (Number.isFinite(typed)) change(typed);
  });
  return field;
}

export function tintFields(fields, scale) {
  for (const field of fields) {
    const colour = colourOf(Number(field.value) || 0, scale);
    field.style.background = `rgb(${colour.join(",")})`;
    field.style.color = inkOn(colour);
  }
}
