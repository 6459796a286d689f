// Which question: how is a page built, and how does a number read, without a framework?
//
// Idea: an element is made by one call and its text is always text, never markup, so that no name can break the page.
// Numbers are written in one way everywhere; arrays of the payload are unpacked once; pictures are painted when they are seen.
//
// Cost: an array is decoded at its first use.  What it does not do: layout.
// Next room: colour.js.

const SVG = "http://www.w3.org/2000/svg";

/** Return an HTML element; "onclick" and its like are listeners, null and false leave an attribute out. */
export function el(tag, attributes = {}, ...children) {
  return dressed(document.createElement(tag), attributes, children);
}

/** Return an SVG element, in the same way. */
export function svg(tag, attributes = {}, ...children) {
  return dressed(document.createElementNS(SVG, tag), attributes, children);
}

function dressed(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Return what the payload writes as text for want of a JSON number: "NaN", "Infinity". */
export function real(x) {
  return x === null || x === undefined ? NaN : Number(x);
}

/** Return a number in four significant digits: 0.1235, 1234, 1.235e+10, NaN, ∞, -∞. */
export function number(x) {
  x = real(x);
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "-∞";
  return String(Number(x.toPrecision(4)));
}

/** Return a number in at most seven characters, for a cell: as many digits as fit. */
export function narrow(x) {
  const forms = [number(x), ...[3, 2].map((digits) => String(Number(real(x).toPrecision(digits)))), real(x).toExponential(1), real(x).toExponential(0)];
  return forms.find((text) => text.length <= 7) ?? forms[4];
}

/** Return the shortest decimal that float32 reads back as the same number. */
export function exact(x) {
  x = Math.fround(real(x));
  if (!Number.isFinite(x)) return number(x);
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(x.toPrecision(digits));
    if (Math.fround(short) === x) return Object.is(x, -0) ? "-0" : String(short);
  }
  return String(Number(x.toPrecision(9)));
}

/** Return a count in three figures with its letter: 1.81 G, 25.6 M, 802 k, 12; as minicnn.text.count does. */
export function count(n, unit = "") {
  for (const [step, letter] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (n < step) continue;
    const value = n / step;
    return `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${letter}${unit}`;
  }
  return `${n} ${unit}`.trim();
}

/** Return a share between 0 and 1 as a percentage that does not claim none or all where it is nearly so. */
export function percent(share) {
  share = real(share);
  if (Number.isNaN(share)) return "NaN";
  if (share > 0 && share < 0.001) return "< 0.1%";
  if (share < 1 && share > 0.999) return "> 99.9%";
  return `${Number((100 * share).toFixed(share < 0.1 ? 1 : 0))}%`;
}

/** Return a shape without its batch axis as it is read aloud: 32×112×112. */
export function times(shape) {
  return shape.join("×");
}

/** Return "1 cell", "3 cells". */
export function plural(n, word) {
  return `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
}

/** Return the bytes that a text in base64 stands for. */
export function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

const unpacked = new WeakMap();

/** Return an array of the payload, {dtype, shape, data} and of levels {lo, hi}, as a typed array; decoded once. */
export function unpack(array) {
  if (!unpacked.has(array)) {
    const bytes = bytesOf(array.data);
    const numbers = array.dtype === "u1" ? ("lo" in array ? numbersOfLevels(bytes, array) : bytes) : new Float32Array(bytes.buffer);
    unpacked.set(array, numbers);
  }
  return unpacked.get(array);
}

const LAST_LEVEL = 252;
const MARKED = [NaN, Infinity, -Infinity]; // 253, 254, 255

/** Return levels, a byte each, as the numbers that they stand for. */
export function numbersOfLevels(levels, { lo, hi }) {
  const step = (hi - lo) / LAST_LEVEL;
  return Float32Array.from(levels, (level) => (level > LAST_LEVEL ? MARKED[level - LAST_LEVEL - 1] : lo + step * level));
}

/** Say something to those who listen to the page: the text of its live region. */
export function announce(view, text) {
  const region = view.root.querySelector("[data-live]");
  if (region && region.textContent !== text) region.textContent = text;
}

/** Call `paint(width, height)` when the element is about to be seen, some milliseconds' worth a frame; at once where the browser cannot tell. */
export function whenSeen(view, element, paint) {
  if (typeof IntersectionObserver === "undefined") return void paint(element.clientWidth, element.clientHeight);
  view.unpainted ??= new Map();
  view.due ??= new Map();
  view.seeing ??= new IntersectionObserver((entries) => {
    // The sizes come with the entries: asking an element between two paintings would lay out the page each time.
    for (const { target, isIntersecting, boundingClientRect } of entries) {
      if (isIntersecting && view.unpainted.has(target)) view.due.set(target, boundingClientRect);
      else view.due.delete(target); // gone by before its turn came
    }
    if (view.due.size && !view.painting) view.painting = requestAnimationFrame(() => paintSome(view));
  }, { rootMargin: "200px" });
  view.unpainted.set(element, paint);
  view.seeing.observe(element);
}

function paintSome(view) {
  const until = performance.now() + 7;
  for (const [element, { width, height }] of view.due) {
    paintNow(view, element, width, height);
    if (performance.now() > until) break;
  }
  view.painting = view.due.size ? requestAnimationFrame(() => paintSome(view)) : null;
}

function paintNow(view, element, width, height) {
  const paint = view.unpainted.get(element);
  view.unpainted.delete(element);
  view.due.delete(element);
  view.seeing.unobserve(element);
  if (paint) paint(width, height);
}

/** Paint everything that waits to be seen: a printer sees all. */
export function paintAll(view) {
  for (const element of [...(view.unpainted?.keys() ?? [])]) if (element.isConnected) paintNow(view, element, element.clientWidth, element.clientHeight);
}

/** Forget what waits inside a part of the page that is taken away. */
export function forget(view, parent) {
  for (const element of [...(view.unpainted?.keys() ?? [])]) {
    if (!parent.contains(element)) continue;
    view.seeing.unobserve(element);
    view.unpainted.delete(element);
    view.due.delete(element);
  }
}

/** Append made items frame by frame, at most ~8 ms of making in each, so that scrolling never waits. */
export function inBatches(parent, items, make) {
  let next = 0;
  const some = () => {
    const until = performance.now() + 8;
    const made = document.createDocumentFragment();
    while (next < items.length && performance.now() < until) made.append(make(items[next], next++));
    parent.append(made);
    if (next < items.length) requestAnimationFrame(some);
  };
  some();
}

/** Move among items by arrow keys: return the index that a key leads to, or null. */
export function moved(key, at, length, columns) {
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, PageUp: -4 * columns, PageDown: 4 * columns };
  if (key === "Home") return 0;
  if (key === "End") return length - 1;
  if (!(key in steps)) return null;
  return Math.min(Math.max(at + steps[key], 0), length - 1);
}
