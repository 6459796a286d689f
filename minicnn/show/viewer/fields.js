// Which question: which pixels does a cell look at, and which cells look at a pixel?
//
// Idea: the engine's own rules, one axis at a time.  A node's table says for every output of an axis its first and last input
// (and all of them, `seen`, where some between are left out).  Marks of rows and of columns go back through the tables; an
// output sees a product of rows and columns, and where branches meet there are several such products.  The same forwards.
//
// What reaches past the border is followed beside it, in positions that may lie outside: that part is hatched in the pictures.
// Cost: O(rows + columns) a node and product.  What it does not do: how much a pixel matters.
// Source: minicnn/network/geometry.py, which it must equal.  Next room: hover.js.

const MOST_PRODUCTS = 48; // beyond it they are taken together: the box may then be larger than what is seen

/** Return (rows, columns) of a map, one position where it has none. */
export function grid(shape) {
  return shape.length === 4 ? [shape[2], shape[3]] : [1, 1];
}

/** Return (rows, columns) of a channel as it is drawn: of any number of axes, the last is the columns. */
export function planeSize(shape) {
  const own = shape.slice(2);
  return own.length ? [own.slice(0, -1).reduce((a, b) => a * b, 1), own[own.length - 1]] : [1, 1];
}

/** Return the node that a result belongs to: "pool" for "pool:indices". */
export function owner(name) {
  return name.split(":")[0];
}

const indices = new WeakMap();

/** Return the payload's node of that name (or that a result of that name belongs to). */
export function nodeOf(payload, name) {
  if (!indices.has(payload)) indices.set(payload, new Map(payload.nodes.map((node) => [node.name, node])));
  return indices.get(payload).get(owner(name));
}

/** Call `visit` with every input position that output i sees. */
function seen(table, i, visit) {
  if (!table) visit(i); // no rule: position for position
  else if (table.seen) table.seen[i].forEach(visit);
  else if (table.lo[i] >= 0) for (let t = table.lo[i]; t <= table.hi[i]; t++) visit(t);
}

const everything = (table, inputs, outputs) => (table ? table.all !== undefined : inputs !== outputs);

function back(line, table, n) {
  const marks = new Uint8Array(n);
  if (everything(table, n, line.length)) return line.includes(1) ? marks.fill(1) : marks;
  for (let i = 0; i < line.length; i++) if (line[i]) seen(table, i, (t) => (marks[t] = 1));
  return marks;
}

function forth(line, table, outputs) {
  const marks = new Uint8Array(outputs);
  if (everything(table, line.length, outputs)) return line.includes(1) ? marks.fill(1) : marks;
  for (let i = 0; i < outputs; i++) seen(table, i, (t) => line[t] && (marks[i] = 1));
  return marks;
}

function single(n, at) {
  const line = new Uint8Array(n);
  line[at] = 1;
  return line;
}

const within = (inner, outer) => inner.every((mark, i) => !mark || outer[i]);
const holds = ([rows, columns], [r, c]) => within(r, rows) && within(c, columns);
const joined = (a, b) => a.map((mark, i) => mark | b[i]);

/** Add a product of marked rows and columns to those of a node, each kept only where no other holds it. */
function add(products, product) {
  if (!product[0].includes(1) || !product[1].includes(1) || products.some((other) => holds(other, product))) return products;
  const kept = products.filter((other) => !holds(product, other));
  kept.push(product);
  return kept.length <= MOST_PRODUCTS ? kept : [kept.reduce(([r, c], [rows, columns]) => [joined(r, rows), joined(c, columns)])];
}

function hull(products) {
  if (!products.length) return null;
  const rows = products.map(([line]) => line).reduce(joined);
  const columns = products.map(([, line]) => line).reduce(joined);
  return { top: rows.indexOf(1), left: columns.indexOf(1), bottom: rows.lastIndexOf(1), right: columns.lastIndexOf(1) };
}

/** Return what lies on the way back from cell (i, j): for each node and input that it sees, the box and what was cut off it.
 *
 * The box is {top, left, bottom, right}, first and last position included, as the engine's `net.box`; `clipped` says how many rows
 * and columns the windows reach beyond each side of the map.  A node that is not seen has no entry.
 */
export function backwards(payload, name, i, j) {
  const start = nodeOf(payload, name);
  const [rows, columns] = grid(start.shape);
  const products = new Map([[start.name, [[single(rows, i), single(columns, j)]]]]);
  const reaches = new Map([[start.name, [[i, i], [j, j]]]]);
  const found = {};
  for (const node of [...payload.nodes].reverse()) {
    const marks = products.get(node.name);
    if (!marks?.length) continue;
    found[node.name] = { ...hull(marks), clipped: beyond(reaches.get(node.name), grid(node.shape)) };
    node.inputs.forEach((feeder, k) => {
      const source = nodeOf(payload, feeder);
      const tables = node.axes?.[k] ?? [null, null];
      const sizes = grid(source.shape);
      for (const [r, c] of marks) {
        const product = [back(r, tables[0], sizes[0]), back(c, tables[1], sizes[1])];
        products.set(source.name, add(products.get(source.name) ?? [], product));
      }
      const padding = k === 0 ? node.padding : null;
      const reached = reaches.get(node.name).map((span, axis) => reach(span, tables[axis], sizes[axis], sides(padding, axis)));
      reaches.set(source.name, spanned(reaches.get(source.name), reached));
    });
  }
  return corrected(payload, start, i, j, found);
}

function sides(padding, axis) {
  return padding ? (axis === 0 ? [padding.top, padding.bottom] : [padding.left, padding.right]) : [null, null];
}

function spanned(a, b) {
  return a ? a.map(([lo, hi], axis) => [Math.min(lo, b[axis][0]), Math.max(hi, b[axis][1])]) : b;
}

/** Return [first, last] input position that outputs a … b reach for, as if the map had no end. */
function reach([a, b], table, n, padding) {
  if (!table || !table.lo) return table ? [0, n - 1] : [a, b];
  const valid = [...table.lo.keys()].filter((i) => table.lo[i] >= 0);
  if (!valid.length) return [0, n - 1];
  return padding[0] === null ? [slope(table.lo, valid, a), slope(table.hi, valid, b)] : windowsOf(table, valid, n, padding, a, b);
}

/** Return where the windows of a padded layer begin and end: they lie a stride apart, the first `before` outside, the last `after`. */
function windowsOf({ lo, hi }, valid, n, [before, after], a, b) {
  const steps = valid.slice(1).flatMap((i, k) => [lo[i] - lo[valid[k]], hi[i] - hi[valid[k]]]);
  const step = Math.max(1, ...steps); // cut windows lie closer together
  const last = after > 0 ? n - 1 + after : hi[valid[valid.length - 1]]; // where the last window ends
  return [a * step - before, b in hi && after === 0 ? hi[b] : last + (b - hi.length + 1) * step];
}

/** Return a bound at output i, which may lie outside: where there is an entry that, and beyond the ends on at the average pace. */
function slope(bounds, valid, i) {
  const [first, last] = [valid[0], valid[valid.length - 1]];
  if (bounds[i] >= 0) return bounds[i];
  const pace = last > first ? (bounds[last] - bounds[first]) / (last - first) : 1;
  return Math.floor(bounds[i < first ? first : last] + (i - (i < first ? first : last)) * pace);
}

function beyond([[top, bottom], [left, right]], [rows, columns]) {
  const out = (n) => Math.max(0, n);
  return { top: out(-top), left: out(-left), bottom: out(bottom - rows + 1), right: out(right - columns + 1) };
}

/** Take what is cut off at the first input from the closed form (size, stride, start), which is exact there. */
function corrected(payload, node, i, j, found) {
  const { size, stride, start } = node.field;
  const input = payload.inputs[0].name;
  if (!size || !found[input]) return found;
  const span = (axis, at) => {
    const first = start[axis] + at * stride[axis];
    return [Math.ceil(first), Math.floor(first + size[axis] - 1)];
  };
  found[input].clipped = beyond([span(0, i), span(1, j)], grid(nodeOf(payload, input).shape));
  return found;
}

/** Return the box of the cells of a node that see pixel (y, x) of an input, null where none does. */
export function forwards(payload, input, y, x, name) {
  const [rows, columns] = grid(nodeOf(payload, input).shape);
  const products = new Map([[input, [[single(rows, y), single(columns, x)]]]]);
  for (const node of payload.nodes) {
    node.inputs.forEach((feeder, k) => {
      const tables = node.axes?.[k] ?? [null, null];
      const sizes = grid(node.shape);
      for (const [r, c] of products.get(owner(feeder)) ?? []) {
        const product = [forth(r, tables[0], sizes[0]), forth(c, tables[1], sizes[1])];
        products.set(node.name, add(products.get(node.name) ?? [], product));
      }
    });
    if (node.name === owner(name)) break;
  }
  return hull(products.get(owner(name)) ?? []);
}
