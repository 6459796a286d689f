// Which question: which small inputs and filters are worth trying?
//
// Idea: a handful of pictures of whole numbers that a reader can check by head, and the filters that every book shows.
// Cost: none.  What it does not do: compute (reference.js).
// Source: Gonzalez & Woods, "Digital Image Processing", chapter 3, for the filters.  Next room: tryit.js.

const PIXELS = {
  "a bright square": (i, j, n) => (i >= 2 && j >= 2 && i < n - 2 && j < n - 2 ? 9 : 0),
  "an edge": (i, j, n) => (j < Math.floor(n / 2) ? 0 : 9),
  "a ramp": (i, j) => i + j,
  "one bright cell": (i, j, n) => (i === n >> 1 && j === n >> 1 ? 9 : 0),
  "a diagonal": (i, j) => (i === j ? 9 : 0),
};

/** The names of the inputs that can be made. */
export const PICTURES = Object.keys(PIXELS);

/** A small input of n × n whole numbers. */
export function smallPicture(name, n) {
  return Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => PIXELS[name](i, j, n)));
}

/** Filters by name; those with a share are averages, whose numbers are rounded to three digits when they are shown. */
export const FILTERS = {
  identity: [
    [0, 0, 0],
    [0, 1, 0],
    [0, 0, 0],
  ],
  blur: [
    [1 / 9, 1 / 9, 1 / 9],
    [1 / 9, 1 / 9, 1 / 9],
    [1 / 9, 1 / 9, 1 / 9],
  ],
  "vertical edges": [
    [-1, 0, 1],
    [-2, 0, 2],
    [-1, 0, 1],
  ],
  "horizontal edges": [
    [-1, -2, -1],
    [0, 0, 0],
    [1, 2, 1],
  ],
  "all edges": [
    [-1, -1, -1],
    [-1, 8, -1],
    [-1, -1, -1],
  ],
  sharpen: [
    [0, -1, 0],
    [-1, 5, -1],
    [0, -1, 0],
  ],
  "shift left": [
    [0, 0, 0],
    [0, 0, 1],
    [0, 0, 0],
  ],
};

/** A table of numbers made larger or smaller, what is new being 0. */
export function resizedTable(table, rows, columns) {
  return Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => table[i]?.[j] ?? 0));
}
