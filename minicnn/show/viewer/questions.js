// Which question: what can a reader be asked about a layer before the page tells?
//
// Idea: how large the map is, which cells a number sees, how many parameters and multiply-adds: whatever the layer's own text tells.  A question is asked
// where the arithmetic here gives what the engine counted, else not at all.  Values of numbers are asked by values.js.
// Cost: none.  What it does not do: show (predict.js), judge (guess.js).
// Next room: values.js.

import { fieldOf, seeded } from "./guess.js";
import { extentOf, readLayer, sizeAlong, sizeWords, slidesOver, tapsOf } from "./layer.js";
import { valueQuestion } from "./values.js";

const AXES = ["rows", "columns"];

/** All questions about a node: [{id, title, lines, grids, fields, derivation}]; explained is one of its numbers, or null. */
export function questionsOf(payload, node, explained) {
  const input = payload.nodes.find((each) => each.name === node.inputs[0]);
  const about = { node, input, rules: input ? slidesOver(node.layer, input.shape.slice(2)) : null, layer: readLayer(node.layer) };
  const random = seeded(`${payload.title}|${node.name}`);
  const asked = [sizeQuestion(about), seenQuestion(about, random), valueQuestion(explained), parametersQuestion(about), costQuestion(about)];
  return asked.filter(Boolean);
}

function sizeQuestion({ node, input, rules }) {
  if (!rules || rules.some((rule, axis) => sizeAlong(rule) !== node.shape[2 + axis])) return null;
  const fields = rules.map((rule, axis) => fieldOf(AXES[axis], sizeAlong(rule), sizeSlips(rule)));
  return {
    id: "size",
    title: "How large is the map?",
    lines: [`${node.layer} is given maps of ${input.shape[2]} rows × ${input.shape[3]} columns.`, "How large are the maps that come out?"],
    fields,
    derivation: [
      `${rules[0].ceil ? "⌈" : "⌊"}(cells + padding on both sides − what the kernel spans) / stride${rules[0].ceil ? "⌉" : "⌋"} + 1`,
      ...rules.flatMap((rule, axis) => [...spanWords(rule, AXES[axis]), `${AXES[axis]}: ${sizeWords(rule)}`]),
    ],
  };
}

function spanWords(rule, axis) {
  if (rule.dilation === 1) return [];
  return [`${axis}: a kernel of ${rule.kernel} with dilation ${rule.dilation} spans ${rule.dilation}·(${rule.kernel} − 1) + 1 = ${extentOf(rule)}`];
}

function sizeSlips(rule) {
  const right = sizeAlong(rule);
  const room = rule.n + rule.before + rule.after - extentOf(rule);
  return [
    [room / rule.stride + 1, "only whole windows count: the quotient is rounded down (floor) before 1 is added."],
    [Math.ceil(room / rule.stride) + 1, "the last window would stick out: the quotient is rounded down (floor), not up."],
    [sizeAlong({ ...rule, before: 0, after: 0 }), "that is the size without padding."],
    [sizeAlong({ ...rule, after: 0 }), "padding lies on both sides and counts twice."],
    [sizeAlong({ ...rule, stride: 1 }), "that is the size at stride 1; the window moves further than one cell."],
    [sizeAlong({ ...rule, dilation: 1 }), "that is the size without dilation; the gaps make the kernel span more."],
    [right - 1, "that is how often the window moves; it also stands once before it moves, so 1 is added."],
    [right + 1, "one too many: a kernel of k cells leaves n − k steps, and 1 is added for the first place."],
    [rule.n, "that is the size of what goes in."],
    [rule.n - rule.kernel, "n − k is how often the window moves by one cell; then come padding, stride, and 1 for the first place."],
    [rule.n / rule.stride, "dividing by the stride alone leaves out how much the kernel spans."],
  ];
}

function seenQuestion({ node, rules }, random) {
  if (!rules || rules.some((rule, axis) => rule.n < 2 || sizeAlong(rule) !== node.shape[2 + axis])) return null;
  const at = rules.map((rule, axis) => Math.floor(random() * node.shape[2 + axis]));
  const taps = rules.map((rule, axis) => tapsOf(rule, at[axis]));
  const inside = taps.map((places, axis) => places.filter((place) => place >= 0 && place < rules[axis].n));
  if (inside.some((places) => !places.length)) return null;
  const fields = rules.flatMap((rule, axis) => {
    const word = AXES[axis].slice(0, -1);
    const ends = [inside[axis][0], inside[axis][inside[axis].length - 1]];
    return ends.map((end, last) => fieldOf(`${last ? "last" : "first"} ${word}`, end, seenSlips(rule, at[axis], taps[axis], last)));
  });
  return {
    id: "seen",
    title: "Which cells does it see?",
    lines: [
      `The output number at row ${at[0]}, column ${at[1]} of ${node.name}: which cells of its input's map lie in its window?`,
      "Counting starts at 0; cells in the padding are not part of the map.",
    ],
    fields,
    derivation: rules.map((rule, axis) => {
      const first = `${at[axis]}·${rule.stride}${rule.before ? ` − ${rule.before}` : ""} = ${taps[axis][0]}`;
      const cut = inside[axis].length < taps[axis].length ? `, of which ${inside[axis].join(", ")} lie inside 0…${rule.n - 1}` : "";
      return `${AXES[axis]}: the window begins at ${first} and looks at ${taps[axis].join(", ")}${cut}`;
    }),
  };
}

function seenSlips(rule, at, taps, last) {
  const end = (changed) => tapsOf({ ...rule, ...changed }, at).at(last ? -1 : 0);
  return [
    [taps.at(last ? -1 : 0), "that cell lies in the padding, outside the map."],
    [end({ before: 0 }), "that leaves the padding out: with padding the first window begins outside the map."],
    [end({ stride: 1 }), "that is for stride 1: output p begins at p·stride."],
    [end({ dilation: 1 }), "that leaves the gaps out: with dilation the cells lie apart."],
    [end({}) + 1, last ? "one too far: the first cell is one of the kernel's." : "one too far: counting starts at 0."],
  ];
}

function parametersQuestion({ node, layer }) {
  const facts = weightsOf(layer);
  if (!facts || facts.count + facts.bias !== node.parameters || !node.parameters) return null;
  const { count, bias, factors, words } = facts;
  const total = count + bias;
  return {
    id: "parameters",
    title: "How many parameters?",
    lines: [`${node.layer}: how many numbers does training adjust?`],
    fields: [
      fieldOf("parameters", total, [
        [count, "that is without the bias: one number more for each output channel."],
        [count + 1, "every output channel has a bias of its own, not one for all."],
        ...facts.slips.map(([value, why]) => [value + bias, why]),
        ...facts.slips,
      ]),
    ],
    derivation: [
      `${words}: ${factors.join(" · ")} = ${count.toLocaleString("en")}`,
      bias ? `bias: ${count.toLocaleString("en")} + ${bias} = ${total.toLocaleString("en")}` : "no bias",
    ],
  };
}

/** How many weights a layer has, and how that is reckoned; null where it is no matter of one product. */
function weightsOf({ kind, given, named }) {
  const [from, to] = given;
  const bias = named.bias === false ? 0 : to;
  if (kind === "Linear") {
    return {
      count: from * to,
      bias,
      factors: [to, from],
      words: "outputs · inputs",
      slips: [[from + to, "every output is joined with every input: the two are multiplied."]],
    };
  }
  if (kind !== "Conv2d" || named.kernel_size === undefined) return null;
  const [kh, kw] = Array.isArray(named.kernel_size) ? named.kernel_size : [named.kernel_size, named.kernel_size];
  const groups = named.groups ?? 1;
  const slips = [
    [to * kh * kw, "a filter has its own window of numbers for every input channel that it looks at."],
    [kh * kw, "that is one filter for one channel; there is one for each output channel."],
    [(from / groups) * kh * kw, "that is one filter; there is one for each output channel."],
    [to * from * kh * kw, `with groups=${groups} a filter looks at ${from / groups} of the ${from} input channels.`],
  ];
  return {
    count: to * (from / groups) * kh * kw,
    bias,
    factors: [to, from / groups, kh, kw],
    words: "filters · channels each looks at · rows · columns",
    slips,
  };
}

function costQuestion({ node, layer }) {
  const facts = weightsOf(layer);
  if (!facts) return null;
  const places = node.shape.slice(2).reduce((product, n) => product * n, node.shape[0]);
  const total = facts.count * places;
  if (total !== node.multiply_adds) return null;
  const per = facts.factors.slice(1);
  return {
    id: "multiply-adds",
    title: "How many multiply-adds?",
    lines: [
      `${node.layer} gives an array of ${node.shape.join(" × ")}.`,
      "How many times does it multiply and add? (One product added to a sum counts once; the bias is not counted.)",
    ],
    fields: [
      fieldOf("multiply-adds", total, [
        [2 * total, "that counts each multiplication and each addition: two operations for one multiply-add."],
        [facts.count, "that is the number of weights: each is used again at every output position."],
        [total + facts.bias * places, "the bias is added, not multiplied: it is not counted here."],
        ...facts.slips.map(([value, why]) => [value * places, why]),
      ]),
    ],
    derivation: [
      `each output number: ${per.join(" · ")} = ${per.reduce((a, b) => a * b, 1).toLocaleString("en")} products`,
      `output numbers: ${node.shape.join(" · ")} = ${(places * node.shape[1]).toLocaleString("en")}`,
      `together ${total.toLocaleString("en")}`,
    ],
  };
}
