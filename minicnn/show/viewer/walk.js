// Which question: in what steps does one number come about?
//
// Idea: an explanation holds terms and their sums per channel.  A walk is a list of frames, each with the number that is reached
// there and a sentence: nothing yet, then what each channel (or each product) adds, the bias, a division, the activation, the number as it is stored.
// Where there are many channels those that add most come first, and the rest is one frame with its sum.
// Cost: one pass over the terms.  What it does not do: draw (pieces.js), or compute anything of its own: products and sums are the engine's.
// Next room: step.js, which shows a frame.

import { exact, number, real } from "./dom.js";

const FEW = 12; // channels that are shown in their own order
const MOST = 8; // of more channels, so many at first

/** The groups of an explanation with their terms: [{map, channel, sum, count, terms, label}], in the explanation's order. */
export function groupsOf(explained) {
  const groups = explained.groups.map((group) => ({ ...group, sum: real(group.sum), terms: [] }));
  const open = new Map();
  for (const group of groups) {
    const key = `${group.map}|${group.channel}`;
    open.set(key, [...(open.get(key) || []), group]);
  }
  for (const term of explained.terms) {
    const waiting = open.get(`${term.map}|${term.channel}`);
    waiting[0].terms.push({
      ...term,
      value: term.mark === "padding" ? 0 : real(term.value),
      product: real(term.product),
      padding: term.mark === "padding",
    });
    if (waiting[0].terms.length === waiting[0].count && waiting.length > 1) waiting.shift();
  }
  return groups;
}

/** The divisor of an average, or null where the number is no average. */
export function divisorOf(explained) {
  const found = /^y = \(Σ x\) \/ (\d+)$/.exec(explained.equation);
  return found ? Number(found[1]) : null;
}

/** What sort of picture a number needs: 'window', 'column', 'winner', 'average', 'function', 'line', 'softmax', 'moved', 'input'. */
export function sortOf(explained) {
  const { kind, terms } = explained;
  if (kind === "input" || kind === "function" || kind === "softmax" || kind === "winner") return kind;
  if (kind === "normalization") return "line";
  if (divisorOf(explained)) return "average";
  if (terms.length === 1 && Number(terms[0].factor) === 1 && explained.bias === null && !explained.activation) return "moved";
  return explained.groups.some((group) => group.count > 1) && terms.every((term) => term.at.length === 2) ? "window" : "column";
}

/** The walk to a number: {sort, groups, rest, frames}.  by: 'channel' or 'product'; shown: how many channels, of many. */
export function walkOf(explained, by = "channel", shown = MOST) {
  const all = groupsOf(explained);
  const sort = sortOf(explained);
  const ordered = all.length <= FEW ? all : [...all].sort((a, b) => weightOf(b) - weightOf(a));
  const groups = all.length <= FEW ? ordered : ordered.slice(0, shown);
  const left = ordered.slice(groups.length);
  const rest = left.length ? { count: left.length, sum: left.reduce((sum, group) => sum + group.sum, 0) } : null;
  const walk = { sort, groups, rest, explained, by, total: all.length };
  return { ...walk, frames: framesOf(walk) };
}

/** How much a channel adds, NaN first of all. */
function weightOf(group) {
  return Number.isNaN(group.sum) ? Infinity : Math.abs(group.sum);
}

function framesOf(walk) {
  const { sort, explained } = walk;
  const stored = { kind: "stored", running: real(explained.stored), says: storedWords(explained) };
  if (sort === "input") return [stored];
  const begin = { kind: "start", running: null, says: BEGINNINGS[sort] };
  if (sort === "moved") return [begin, { kind: "apply", running: real(explained.sum), says: movedWords(explained) }, stored];
  if (sort === "function") return [begin, { kind: "apply", running: real(explained.result), says: `${explained.worked}.` }, stored];
  if (sort === "line") return [begin, ...lineFrames(explained), stored];
  return [begin, ...added(walk), ...afterwards(walk), stored];
}

const BEGINNINGS = {
  window: "Nothing is added up yet: the filter lies on the window.",
  column: "Nothing is added up yet.",
  average: "Nothing is added up yet: every cell of the window counts the same.",
  winner: "No cell is looked at yet.",
  function: "One number comes in.",
  line: "One number comes in; the statistics of its channel are known.",
  softmax: "Each number is raised: exp(x − max).",
  moved: "One number comes in.",
};

/** The frames that add: one for each channel, each product, or each row of a window too large for single cells. */
function added(walk) {
  const { sort, groups, rest, explained } = walk;
  const frames = [];
  let running = sort === "winner" ? -Infinity : 0;
  groups.forEach((group, place) => {
    for (const [from, to] of rangesOf(walk, group)) {
      const terms = group.terms.slice(from, to);
      const before = running;
      running = sort === "winner" ? largestOf(terms, running) : running + sumOf(walk, group, terms);
      frames.push({ kind: "add", group: place, from, to, running, says: addedWords(walk, group, terms, from, before, running) });
    }
  });
  if (rest) {
    running += rest.sum;
    frames.push({ kind: "rest", running, says: `The other ${rest.count} add ${number(rest.sum)}; the sum is now ${number(running)}.` });
  }
  // The last sum is the engine's own number: the same products, added in another order.
  const last = frames[frames.length - 1];
  if (last && explained.bias === null && sort !== "winner" && sort !== "average") last.running = real(explained.sum);
  return frames;
}

/** Which terms of a group are added at once: [[from, to), …]. */
function rangesOf({ sort, by }, { terms }) {
  if (terms.length === 1 || (by === "channel" && sort === "window")) return [[0, terms.length]];
  if (terms.length <= 64) return terms.map((_, place) => [place, place + 1]);
  const starts = terms.map((term, place) => place).filter((place) => place === 0 || terms[place].at[0] !== terms[place - 1].at[0]);
  if (starts.length > 32) return [[0, terms.length]];
  return starts.map((start, place) => [start, starts[place + 1] ?? terms.length]);
}

/** What some terms of a group add: of an average their values, of all terms of a channel the engine's sum. */
function sumOf({ sort }, group, terms) {
  if (sort === "average") return terms.reduce((sum, term) => sum + term.value, 0);
  return terms.length === group.terms.length ? group.sum : terms.reduce((sum, term) => sum + term.product, 0);
}

/** The largest number so far; NaN wins, as it does in the engine. */
function largestOf(terms, largest) {
  return terms.filter((term) => !term.padding).reduce((most, { value }) => (Number.isNaN(value) || value > most ? value : most), largest);
}

function addedWords(walk, group, terms, from, before, running) {
  const { sort, explained } = walk;
  const [term] = terms;
  const name = placeName(group.map, group.channel, term.at);
  const one = terms.length === 1;
  if (sort === "winner") {
    if (!one) return `The largest number ${terms.length === group.terms.length ? "of all" : "so far"} is ${number(running)}.`;
    if (term.padding) return "A cell of the padding: it never wins.";
    return `${number(term.value)} ${running !== before ? "is the largest so far." : `is not larger than ${number(running)}.`}`;
  }
  if (sort === "softmax") return `exp(${number(term.value)} − max) = ${number(term.product)}; the sum is now ${number(running)}.`;
  if (sort === "average")
    return `${one ? (term.padding ? "Padding counts as 0" : `${number(term.value)} is added`) : "A row is added"}; the sum is now ${number(running)}.`;
  const sum = `the sum is now ${number(running)}.`;
  if (!one) return `${channelName(group, explained)} adds ${number(group.sum)}: its patch times its filter, cell by cell, added up; ${sum}`;
  if (term.padding) return `A cell of the padding counts as 0 and adds nothing; ${sum}`;
  if (term.factor === null || Number(term.factor) === 1) return `${name} adds ${number(term.product)}; ${sum}`;
  return `${name}: ${number(term.value)} × ${number(real(term.factor))} = ${number(term.product)}; ${sum}`;
}

/** The frames behind the products: bias, division, activation. */
function afterwards({ sort, explained }) {
  const frames = [];
  const [sum, result] = [real(explained.sum), real(explained.result)];
  if (explained.bias !== null && explained.bias !== undefined) {
    frames.push({ kind: "bias", running: sum, says: `The bias adds ${number(real(explained.bias))}: the sum is ${number(sum)}.` });
  }
  if (sort === "average") frames.push({ kind: "divide", running: sum, says: `The sum divided by ${divisorOf(explained)} is ${number(sum)}.` });
  if (sort === "softmax") frames.push({ kind: "divide", running: result, says: `${explained.worked}.` });
  if (explained.activation) {
    const same = Object.is(sum, result) ? "leaves it as it is" : `makes ${number(result)} of ${number(sum)}`;
    frames.push({ kind: "activation", running: result, says: `${activationName(explained.activation)} at the store ${same}.` });
  }
  return frames;
}

/** The numbers of a line y = weight · (x - mean) / √(var + eps) + bias, read from the worked equation: they are shown, not computed with. */
export function lineNumbers(worked) {
  const one = "\\(?(-?[\\d.e+-]+|-?inf|nan)\\)?";
  const found = new RegExp(`^${one} · \\(${one} - ${one}\\) / √\\(${one} \\+ ([\\d.e+-]+)\\) \\+ ${one} =`).exec(worked || "");
  if (!found) return null;
  const [weight, x, mean, variance, eps, bias] = found.slice(1).map((text) => Number(text.replace("inf", "Infinity")));
  return { weight, x, mean, variance, eps, bias, sigma: Math.sqrt(variance + eps) };
}

function lineFrames(explained) {
  const result = real(explained.result);
  const of = lineNumbers(explained.worked);
  if (!of) return [{ kind: "apply", running: result, says: `${explained.worked}.` }];
  const [centred, scaled] = [of.x - of.mean, (of.x - of.mean) / of.sigma];
  return [
    {
      kind: "line",
      at: 1,
      running: centred,
      says: `The mean is taken away: ${number(of.x)} − ${of.mean < 0 ? `(${number(of.mean)})` : number(of.mean)} = ${number(centred)}.`,
    },
    {
      kind: "line",
      at: 2,
      running: scaled,
      says: `Measured in deviations, σ = √(${number(of.variance)} + ${of.eps}) = ${number(of.sigma)}: ${number(scaled)}.`,
    },
    { kind: "line", at: 3, running: of.weight * scaled, says: `Times the weight γ = ${number(of.weight)}: ${number(of.weight * scaled)}.` },
    { kind: "line", at: 4, running: result, says: `Plus the bias β = ${number(of.bias)}: ${number(result)}.` },
  ];
}

function movedWords(explained) {
  const [term] = explained.terms;
  const note = explained.notes.length ? ` ${explained.notes.join("; ")}.` : "";
  return `It is handed on as it is: ${placeName(term.map, term.channel, term.at)}.${note}`;
}

function storedWords(explained) {
  const stored = exact(real(explained.stored));
  if (explained.kind === "input") return `${stored}: a number of the input, where the walk ends.`;
  const allowed = real(explained.allowed);
  if (Number(explained.difference) === 0) return `Stored: ${stored}, exactly.`;
  return `Stored: ${stored}; ${Number(explained.difference).toExponential(1)} away from the sum, where ${allowed.toExponential(1)} is allowed.`;
}

/** A number's name, as the engine writes it: 'conv1[2, 0, 4]'. */
export function placeName(map, channel, at) {
  return `${map}[${[channel, ...(at || [])].join(", ")}]`;
}

/** What a group is called: a channel of a map, a feature, or the map itself where it is one branch of several. */
export function channelName(group, explained) {
  const maps = new Set(explained.groups.map((each) => each.map));
  const word = group.terms[0]?.at.length ? "channel" : "feature";
  return maps.size > 1 ? `${group.map}, ${word} ${group.channel}` : `${word[0].toUpperCase()}${word.slice(1)} ${group.channel}`;
}

/** An activation as it is written in papers. */
export function activationName(name) {
  return { relu: "ReLU", relu6: "ReLU6", silu: "SiLU" }[name] || name;
}
