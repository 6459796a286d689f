// Which question: which numbers has a reader asked about, and what was answered?
//
// Idea: what the step view remembers lies in view.steps: the answers of the source, the maps, the frame, the trail from a number down to the one that
// it used most.  So the page may make the view anew at any time and finds everything where it was.
// Cost: one question a number; the last few hundred answers are kept.  What it does not do: draw.
// Next room: controls.js.

import { nodeOf } from "./fields.js";
import { placeName } from "./walk.js";

export const ANSWERS_KEPT = 300;

/** What the step view remembers of one page. */
export function memoryOf(view) {
  view.steps ??= {
    answers: new Map(),
    maps: new Map(),
    by: "channel",
    speed: "1",
    shown: 8,
    trail: [],
    frame: 1,
    node: "",
    ended: false,
    timer: null,
    onwards: false, // whether play goes on with the next output
    plays: "", // the output that play is going on to
  };
  return view.steps;
}

/** A place that the node has: a channel and a position inside its map. */
export function placeIn(view, name, channel, at) {
  const { shape } = nodeOf(view.payload, name);
  const inside = (n, length) => Math.min(Math.max(Math.trunc(Number(n)) || 0, 0), Math.max(length - 1, 0));
  const lengths = shape.slice(2);
  return {
    node: name,
    channel: inside(channel, shape[1] ?? 1),
    at: lengths.map((length, axis) => inside(at?.[axis] ?? Math.floor(length / 2), length)),
  };
}

export function keyOf({ node, channel, at }) {
  return placeName(node, channel, at);
}

export function answerOf(view, place) {
  return memoryOf(view).answers.get(keyOf(place));
}

/** The explanation of a place, asked for once. */
export async function ask(view, place) {
  const { answers } = memoryOf(view);
  const known = answers.get(keyOf(place));
  if (known) return known;
  const node = nodeOf(view.payload, place.node);
  const explained = node.layer
    ? await view.source.ask({ kind: "explain", node: place.node, channel: place.channel, at: place.at.length ? place.at : null })
    : await pixel(view, node, place);
  if (answers.size >= ANSWERS_KEPT) answers.delete(answers.keys().next().value);
  answers.set(keyOf(place), explained);
  return explained;
}

/** A number of an input: it has no equation, only its value, from the term that led here or from the input's map. */
async function pixel(view, node, place) {
  let stored = place.value;
  if (stored === undefined) {
    const map = await view.source.ask({ kind: "map", node: node.name, channel: place.channel });
    const [row, column] = place.at;
    if (place.at.length === 2 && (map.rows !== node.shape[2] || map.columns !== node.shape[3]))
      throw new Error("The page holds only a thumbnail of the input.");
    stored = map.values[place.at.length === 2 ? row * map.columns + column : 0];
  }
  const numbers = { sum: stored, result: stored, stored, difference: 0, allowed: 0, agrees: true };
  return {
    ...place,
    kind: "input",
    equation: "a number of the input",
    worked: "",
    layer: "input",
    terms: [],
    groups: [],
    bias: null,
    activation: null,
    notes: [],
    strongest: null,
    ...numbers,
  };
}

export function keepTrail(memory, place, explained) {
  const key = keyOf(place);
  const known = memory.trail.findIndex((crumb) => crumb.key === key);
  if (known >= 0) memory.trail.length = known + 1;
  else memory.trail = [{ key, place }];
  memory.trail.at(-1).value = explained.stored;
}

/** Another number of the same node is shown at the same step, so that neighbours can be compared; one of another node at its first. */
export function beginAt(memory, place, walk) {
  const last = walk.frames.length - 1;
  if (memory.node !== place.node) memory.frame = 1;
  else if (memory.ended) memory.frame = last;
  memory.node = place.node;
  memory.frame = Math.min(memory.frame, last);
}

/** The places of a node that the page holds: [{channel, at}]; empty where all are to be had. */
export function heldOf(view, name) {
  const { explained } = nodeOf(view.payload, name);
  return Object.keys(explained || {}).map((key) => {
    const [channel, ...at] = key
      .split(",")
      .filter((part) => part !== "")
      .map(Number);
    return { node: name, channel, at };
  });
}

/** The number of a node to begin with: one that the page holds, or the middle of its first channel. */
export function firstOf(view, name) {
  return heldOf(view, name)[0] ?? { node: name, channel: 0, at: null };
}
