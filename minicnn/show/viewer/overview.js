// Which question: what does this network look like as a whole?
//
// Idea: two pictures of one thing.  Above, the staircase of stages; below, every node with its shape, field, cost and maps, and a rail
// beside it that shows which node feeds which: straight from above, or past others in an arc.
//
// Cost: text at once, pictures when they are seen.  What it does not do: every channel; that is maps.js.
// Next room: maps.js.

import { count, el, inBatches, percent, plural, svg, times, whenSeen } from "./dom.js";
import { nodeOf, owner } from "./fields.js";
import { staircase } from "./staircase.js";
import { paintStrip, smallHistogram } from "./strips.js";

/** Return the overview of the network: the staircase and, below it, every node. */
export function overview(view) {
  const { payload } = view;
  const lists = el("div", { class: "stages" });
  const jump = (index) => {
    const section = lists.children[index];
    if (!section) return;
    section.open = true;
    section.scrollIntoView({ behavior: view.calm() ? "auto" : "smooth", block: "start" });
    section.querySelector("summary").focus({ preventScroll: true });
  };
  inBatches(lists, payload.stages, (stage) => stageSection(view, stage));
  const head = el("div", { class: "row head", "aria-hidden": "true" }, ["", "Node", "Shape", "Sees", "Parameters", "Memory", "Values", "Maps, each on its own scale"].map((word) => el("span", {}, word)));
  return el("div", { class: "overview" }, summary(payload), staircase(view, jump), head, lists);
}

function summary({ nodes, stages }) {
  const total = (what) => nodes.reduce((sum, node) => sum + node[what], 0);
  const layers = nodes.filter((node) => node.layer).length;
  return el(
    "p",
    { class: "lead" },
    `${plural(layers, "node")} in ${plural(stages.length, "stage")} · ${count(total("parameters"))} parameters · ` +
      `${count(total("multiply_adds"))} multiply-adds · maps of ${count(total("bytes"), "B")}. `,
    el("span", { class: "quiet" }, "A block is as high as its map has rows and as deep as it has channels. Choose one to see its nodes, a node to see its maps."),
  );
}

function stageSection(view, stage) {
  const nodes = stage.nodes.map((name) => nodeOf(view.payload, name));
  const last = nodes[nodes.length - 1];
  const parameters = nodes.reduce((sum, node) => sum + node.parameters, 0);
  const rails = laned(stage, nodes);
  return el(
    "details",
    { open: true, class: "stage", style: `--rows: ${nodes.length}` },
    el("summary", {}, el("strong", {}, stage.name), el("span", { class: "quiet" }, ` → ${times(last.shape.slice(1))} · ${plural(nodes.length, "node")} · ${count(parameters)} parameters`)),
    el("div", { class: "rows" }, nodes.map((node, at) => nodeRow(view, node, rails[at]))),
  );
}

/** Return for each node of a stage the pieces of line beside it: straight from above, and arcs that pass, leave or arrive. */
function laned(stage, nodes) {
  const rows = nodes.map(() => ({ above: false, below: false, pass: [], leave: [], arrive: [] }));
  const ends = []; // per lane: where its last arc ended
  nodes.forEach((node, at) => {
    for (const feeder of new Set(node.inputs.map(owner))) {
      const from = stage.nodes.indexOf(feeder); // -1: from another stage, over the upper edge
      if (from === at - 1) {
        rows[at].above = true;
        if (from >= 0) rows[from].below = true;
        continue;
      }
      let lane = ends.findIndex((end) => end <= from);
      if (lane < 0) lane = ends.length;
      ends[lane] = at;
      if (from >= 0) rows[from].leave.push(lane);
      for (let t = from + 1; t < at; t++) rows[t].pass.push(lane);
      rows[at].arrive.push(lane);
    }
  });
  rows[rows.length - 1].below = true;
  return rows;
}

function rail({ above, below, pass, leave, arrive }) {
  const x = (lane) => 22 - 8 * lane;
  const lines = [
    above && "M32 0 V50", below && "M32 50 V100",
    ...pass.map((lane) => `M${x(lane)} 0 V100`),
    ...leave.map((lane) => `M32 50 C${x(lane)} 55 ${x(lane)} 75 ${x(lane)} 100`),
    ...arrive.map((lane) => `M${x(lane)} 0 C${x(lane)} 25 ${x(lane)} 45 32 50`),
  ];
  const drawing = svg("svg", { viewBox: "0 0 40 100", preserveAspectRatio: "none" }, lines.filter(Boolean).map((d) => svg("path", { d })));
  return el("span", { class: "rail", "aria-hidden": "true" }, drawing, el("i"));
}

function nodeRow(view, node, lines) {
  const strip = el("canvas", { class: "strip", "aria-hidden": "true" });
  const { dead, nan, inf } = node.statistics;
  const marks = [dead.length ? `${dead.length} dead` : "", nan ? `${nan} NaN` : "", inf ? `${inf} ∞` : ""].filter(Boolean);
  const facts = [times(node.shape.slice(1)), fieldText(node), node.parameters ? count(node.parameters) : "–", count(node.bytes, "B")];
  whenSeen(view, strip, (...size) => paintStrip(strip, node, ...size));
  return el(
    "button",
    {
      class: "row", type: "button", "data-key": `node-${node.name}`, onclick: () => view.go({ tab: "maps", node: node.name }),
      "aria-label": `${node.name}, ${node.layer ?? "input"}: ${facts[0]}, sees ${facts[1]}, ${node.parameters} parameters, ${facts[3]}, zeros ${percent(node.statistics.zeros)}${marks.map((m) => `, ${m}`).join("")}. Open its maps.`,
    },
    rail(lines),
    el("span", { class: "who" }, el("b", {}, node.name), el("small", {}, node.kind, marks.map((mark) => el("em", {}, mark)))),
    facts.map((fact, at) => el("span", { class: `fact fact-${at}` }, fact)),
    smallHistogram(node),
    strip,
  );
}

/** Return what a node sees in few letters: size and stride in input pixels, or that it sees everything. */
function fieldText({ field }) {
  if (field.size) return field.text.split(" (")[0];
  if (field.reason.startsWith("does not look")) return field.reason.replace("does not look at", "not");
  return field.reason.startsWith("sees everything") ? "everything" : "no one size";
}
