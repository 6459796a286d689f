// Which question: what are a layer's kernel, stride, padding and dilation, read from the way the layer prints itself?
//
// Idea: Conv2d(3, 8, kernel_size=(3, 5), stride=2, padding=((0, 1), (2, 2))) is a call with numbers, words and tuples in it; it is read as one,
// and each axis gets its rule: kernel, stride, before, after, dilation.  Sizes and places then follow from the rule alone.
// Cost: none.  What it does not do: know layers that slide no window; they have no rule (null).
// Source: minicnn/axis.py and window.py, whose rules these are.  Next rooms: walk.js, questions.js.

/** A layer's printed form as {kind, given: [arguments by place], named: {arguments by name}}; tuples become arrays. */
export function readLayer(text) {
  const found = /^(\w+)\(([\s\S]*)\)$/.exec(text || "");
  if (!found) return { kind: text || "", given: [], named: {} };
  const read = { kind: found[1], given: [], named: {} };
  for (const part of argumentsOf(found[2])) {
    const [, name, value] = /^(?:(\w+)=)?([\s\S]*)$/.exec(part.trim());
    if (name) read.named[name] = literal(value);
    else if (value) read.given.push(literal(value));
  }
  return read;
}

/** The arguments of a call, split at the commas that stand in no bracket and no quotes. */
function argumentsOf(text) {
  const parts = [""];
  let [depth, quoted] = [0, false];
  for (const letter of text) {
    if (letter === "'") quoted = !quoted;
    depth += quoted ? 0 : "([".includes(letter) ? 1 : ")]".includes(letter) ? -1 : 0;
    if (letter === "," && depth === 0 && !quoted) parts.push("");
    else parts[parts.length - 1] += letter;
  }
  return parts;
}

/** A Python number, word, tuple, True, False or None; anything else stays text. */
function literal(text) {
  const words = { True: "true", False: "false", None: "null" };
  const json = text
    .replaceAll("(", "[")
    .replaceAll(")", "]")
    .replace(/,\s*\]/g, "]")
    .replaceAll("'", '"')
    .replace(/True|False|None/g, (word) => words[word]);
  try {
    return JSON.parse(json);
  } catch {
    return text;
  }
}

/** One number for both axes as a pair; a pair as it is. */
function pairOf(value) {
  return Array.isArray(value) ? value : [value, value];
}

/** The rules of a layer that slides a window over an input of [rows, columns]: [rule of the rows, rule of the columns], or null.
 * A rule is {kernel, stride, before, after, dilation, ceil, n}. */
export function slidesOver(layer, size) {
  const { kind, named } = readLayer(layer);
  if (named.kernel_size === undefined || !/^(Conv2d|ConvAdd|MaxPool2d|AvgPool2d)$/.test(kind) || !size) return null;
  const [kernel, stride, dilation] = [named.kernel_size, named.stride ?? 1, named.dilation ?? 1].map(pairOf);
  return [0, 1].map((axis) => {
    const rule = { kernel: kernel[axis], stride: stride[axis], dilation: dilation[axis], ceil: named.ceil_mode === true, n: size[axis] };
    const [before, after] = sidesOf(named.padding ?? 0, axis, rule);
    return { ...rule, before, after };
  });
}

/** Padding before and after along one axis; 'same' gives ceil(n / stride) outputs, the odd cell after. */
function sidesOf(padding, axis, { kernel, stride, dilation, n }) {
  if (padding === "same") {
    const total = Math.max((Math.ceil(n / stride) - 1) * stride + dilation * (kernel - 1) + 1 - n, 0);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  }
  return pairOf(pairOf(padding)[axis]);
}

/** How many cells a kernel spans with its gaps. */
export function extentOf({ kernel, dilation }) {
  return dilation * (kernel - 1) + 1;
}

/** The output size along an axis; a last window that would begin in the padding behind the input is left out, as in PyTorch. */
export function sizeAlong(rule) {
  const room = rule.n + rule.before + rule.after - extentOf(rule);
  if (!rule.ceil) return Math.floor(room / rule.stride) + 1;
  const steps = Math.ceil(room / rule.stride);
  return steps * rule.stride >= rule.n + rule.before ? steps : steps + 1;
}

/** The arithmetic of sizeAlong, in words a reader can follow: '⌊(32 + 2 + 2 - 5) / 1⌋ + 1 = 32'. */
export function sizeWords(rule) {
  const padded = [rule.n, ...(rule.before || rule.after ? [rule.before, rule.after] : [])].join(" + ");
  const [open, close] = rule.ceil ? ["⌈", "⌉"] : ["⌊", "⌋"];
  return `${open}(${padded} − ${extentOf(rule)}) / ${rule.stride}${close} + 1 = ${sizeAlong(rule)}`;
}

/** The positions that output i looks at along an axis, those in the padding included. */
export function tapsOf(rule, i) {
  return Array.from({ length: rule.kernel }, (_, tap) => i * rule.stride - rule.before + tap * rule.dilation);
}
