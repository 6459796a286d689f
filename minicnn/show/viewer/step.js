// Which question: how does one output number come about, from the cells it reads to the cell it lands in?
//
// Idea: the engine explains the number (asked.js); walk.js makes frames of it, stage.js a picture of each frame, ledger.js the account.
// Here are only time and place: a frame forward or back, play, another output, one level down to the number that weighed most, and the way back up.
//
//     ← →  a step        ↑ ↓  the output above or below        Shift+← →  the output to the left or right        Space  play        Home End
//
// Cost: one question a number.  What it does not do: reckon; sums and products are the engine's.
// Next room: predict.js.

import { el, real } from "./dom.js";
import { nodeOf, owner } from "./fields.js";
import { ANSWERS_KEPT, answerOf, ask, beginAt, heldOf, keepTrail, keyOf, memoryOf, placeIn } from "./asked.js";
import { breadcrumb, controlsOf, followers, heading, heldChips, notesOf, placeForm } from "./controls.js";
import { checkLine, ledgerTable } from "./ledger.js";
import { stageOf } from "./stage.js";
import { placeName, walkOf } from "./walk.js";

const PAUSE = 1200; // milliseconds a step at normal speed

/** The stepping of one output number: of a node (its name), a channel, and at, [row, column] (null where a map has no positions). */
export function step(view, node, channel, at) {
  const root = el("section", { class: "step", "aria-label": "Step through one number", tabindex: "-1", "data-key": "step" });
  const place = placeIn(view, node, channel, at);
  stopPlaying(view);
  const ready = answerOf(view, place);
  if (ready) showNumber(view, root, place, ready);
  else {
    root.append(el("p", { class: "step-wait", role: "status" }, `Asking for ${placeName(place.node, place.channel, place.at)} …`));
    ask(view, place).then(
      (explained) => showNumber(view, root, place, explained),
      (error) => showRefusal(view, root, place, error),
    );
  }
  return root;
}

/** Draw everything for an explained number, and redraw stage and account whenever the frame changes. */
function showNumber(view, root, place, explained) {
  const memory = memoryOf(view);
  const here = { view, root, place, explained, walk: walkOf(explained, memory.by, memory.shown) };
  here.acts = actsOf(here);
  keepTrail(memory, place, explained);
  const sliding = memory.plays === keyOf(place);
  memory.plays = "";
  if (sliding) memory.node = ""; // begins at its first step, not at the last one's
  beginAt(memory, place, here.walk);
  here.stage = el("div", { class: "step-scene" });
  here.account = el("div", { class: "step-account" });
  here.says = el("p", { class: "step-says", "aria-live": "polite" });
  here.notice = el("div", { class: "step-notice", role: "alert" });
  here.controls = controlsOf(here);
  here.check = el("div", { class: "step-checked" });
  const end = el("div", { class: "step-end" }, here.check, here.walk.sort === "line" ? null : notesOf(explained), followers(here), placeForm(here));
  const parts = [
    breadcrumb(here),
    heading(here),
    here.walk.frames.length > 1 ? here.controls.element : null,
    here.says,
    here.notice,
    here.stage,
    el("div", { class: "step-below" }, here.account, end),
  ];
  root.replaceChildren(...parts.filter(Boolean));
  root.onkeydown = (event) => onKey(here, event);
  if (sliding) here.says.setAttribute("aria-live", "off");
  if (sliding) playOn(here);
  draw(here);
}

/** What the controls may do. */
function actsOf(here) {
  return {
    frame: (frame) => goFrame(here, frame),
    play: () => togglePlay(here),
    rewalk: () => changeWalk(here),
    go: (place) => goTo(here, place),
    down: (term) => goDown(here, term),
    beside: (by) => goBeside(here, by),
  };
}

/** Draw the frame: the pictures, the account, what is said. */
function draw(here) {
  const { view, walk, place } = here;
  const memory = memoryOf(view);
  const tools = {
    mapOf: (name, channel) => mapOf(here, name, channel),
    follow: (term) => goDown(here, term),
    visit: (row, column) => goTo(here, { ...place, at: [row, column] }),
    held: heldOf(view, place.node),
  };
  const more = walk.rest ? () => showMore(here) : null;
  const focused = focusOf(here.root);
  here.stage.replaceChildren(stageOf(view, walk, memory.frame, tools));
  here.account.replaceChildren(ledgerTable(walk, memory.frame, (frame) => goFrame(here, frame), more));
  here.check.replaceChildren(
    memory.frame === walk.frames.length - 1
      ? checkLine(walk)
      : el("p", { class: "step-check quiet" }, "At the last step the number is held against the one that is stored in the map."),
  );
  here.says.textContent = walk.frames[memory.frame].says;
  here.controls.update(memory.frame);
  memory.ended = memory.frame === walk.frames.length - 1;
  refocus(here.root, focused);
}

/** What has the focus inside a part, by the name that it keeps when it is made anew. */
function focusOf(root) {
  const active = root.getRootNode().activeElement;
  return active && root.contains(active) ? active.dataset.key : null;
}

/** Give the focus to the thing of that name; return whether there is one. */
function refocus(root, name) {
  const target = name && root.querySelector(`[data-key="${CSS.escape(name)}"]`);
  if (target && root.getRootNode().activeElement !== target) target.focus({ preventScroll: true });
  return Boolean(target);
}

/** A channel's map for the pictures: from what was answered, else null now and a redrawing when it comes. */
function mapOf(here, name, channel) {
  const { view } = here;
  const { maps } = memoryOf(view);
  const key = `${name}|${channel}`;
  if (maps.has(key)) return maps.get(key);
  maps.set(key, null);
  if (maps.size > ANSWERS_KEPT) maps.delete(maps.keys().next().value);
  view.source.ask({ kind: "map", node: name, channel }).then(
    (map) => {
      maps.set(key, map);
      if (here.root.isConnected) draw(here);
    },
    () => {}, // a page that holds no map shows the cells alone
  );
  return null;
}

/** Make the walk anew after a choice, in place. */
function changeWalk(here) {
  stopPlaying(here.view);
  const focused = focusOf(here.root);
  showNumber(here.view, here.root, here.place, here.explained);
  refocus(here.root, focused);
}

function showMore(here) {
  memoryOf(here.view).shown += 32;
  changeWalk(here);
}

function goFrame(here, frame) {
  const memory = memoryOf(here.view);
  stopPlaying(here.view);
  memory.frame = Math.min(Math.max(frame, 0), here.walk.frames.length - 1);
  draw(here);
}

function togglePlay(here) {
  const memory = memoryOf(here.view);
  if (memory.timer !== null) {
    stopPlaying(here.view);
    return draw(here);
  }
  if (memory.frame === here.walk.frames.length - 1) memory.frame = 0;
  here.says.setAttribute("aria-live", "off"); // a voice cannot keep up; the end is said
  playOn(here);
  draw(here);
}

function playOn(here) {
  const memory = memoryOf(here.view);
  memory.timer = setTimeout(
    () => {
      if (!here.root.isConnected) return void (memory.timer = null);
      memory.frame += 1;
      if (memory.frame >= here.walk.frames.length) return void slideOn(here);
      const ended = memory.frame === here.walk.frames.length - 1;
      if (ended && !nextOf(here)) stopPlaying(here.view);
      else playOn(here);
      if (ended) here.says.setAttribute("aria-live", "polite");
      draw(here);
    },
    PAUSE / Number(memory.speed),
  );
}

/** The output that play goes on to, null where it ends: the next of the row or the first of the next row; in a page that holds some, the next of those. */
function nextOf({ view, place }) {
  if (!memoryOf(view).onwards || place.at.length !== 2) return null;
  const held = heldOf(view, place.node);
  if (held.length) return held[held.findIndex((each) => keyOf(each) === keyOf(place)) + 1] ?? null;
  const [rows, columns] = nodeOf(view.payload, place.node).shape.slice(2);
  const [row, column] = place.at;
  const at = column + 1 < columns ? [row, column + 1] : [row + 1, 0];
  return at[0] < rows ? { ...place, at } : null;
}

/** Play the next output from its first step. */
async function slideOn(here) {
  const memory = memoryOf(here.view);
  const next = nextOf(here);
  memory.frame = here.walk.frames.length - 1;
  memory.timer = null;
  if (!next) return draw(here); // the choice was taken back since
  memory.plays = keyOf(next);
  await goTo(here, next);
  if (memory.plays !== keyOf(next)) return;
  memory.plays = ""; // it could not be had, and the page says why
  draw(here);
}

function stopPlaying(view) {
  const memory = memoryOf(view);
  clearTimeout(memory.timer);
  memory.timer = null;
}

/** Go to another number, when it can be had; else say why not and stay. */
async function goTo(here, place, trail) {
  const { view, root } = here;
  const memory = memoryOf(view);
  const wanted = { ...placeIn(view, owner(place.node), place.channel, place.at), value: place.value };
  const focused = focusOf(root);
  stopPlaying(view);
  memory.wanted = keyOf(wanted);
  let explained;
  try {
    explained = await ask(view, wanted);
  } catch (error) {
    return here.notice.replaceChildren(...refusal(here, wanted, error));
  }
  if (memory.wanted !== keyOf(wanted) || !root.isConnected) return; // something else was asked for since
  if (trail) [memory.trail, memory.node] = [[...memory.trail, { key: keyOf(wanted), place: wanted }], ""];
  view.announce(`Now ${keyOf(wanted)}.`);
  view.go({ node: wanted.node, channel: wanted.channel, at: wanted.at.length ? wanted.at : null });
  if (!refocus(view.root, focused)) refocus(view.root, "step");
}

/** One level down: to a term's own number. */
function goDown(here, term) {
  const name = term.map ?? term.node;
  const own = here.explained.terms.find(
    (each) => each.map === name && each.channel === term.channel && `${each.at}` === `${term.at}` && each.mark !== "padding",
  );
  return goTo(here, { node: name, channel: term.channel, at: term.at, value: own && real(own.value) }, true);
}

function goBeside(here, [down, right]) {
  const { place, view } = here;
  const { shape } = nodeOf(view.payload, place.node);
  if (place.at.length !== 2) {
    const channel = place.channel + down + right; // a vector has no neighbours but these
    if (channel >= 0 && channel < shape[1]) goTo(here, { ...place, channel });
    return;
  }
  const at = [place.at[0] + down, place.at[1] + right];
  if (at.every((n, axis) => n >= 0 && n < shape[2 + axis])) goTo(here, { ...place, at });
}

/** Show why a number cannot be had, and which can. */
function showRefusal(view, root, place, error) {
  const here = { view, root, place };
  here.acts = actsOf(here);
  root.replaceChildren(
    el("h2", {}, placeName(place.node, place.channel, place.at)),
    el("div", { class: "step-notice", role: "alert" }, ...refusal(here, place, error)),
    heldChips(here) || "",
  );
  here.notice = root.querySelector(".step-notice");
}

function refusal(here, place, error) {
  return [el("p", {}, el("b", {}, `${placeName(place.node, place.channel, place.at)} is not at hand. `), error.message)];
}

const STEP_KEYS = { ArrowUp: [-1, 0], ArrowDown: [1, 0] };

function onKey(here, event) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const typing = event.target.matches("input:not([type=range]), select, textarea");
  if (typing) return;
  const { frame } = memoryOf(here.view);
  const sliding = event.target.matches("input[type=range]");
  const last = here.walk.frames.length - 1;
  const actions = {
    ArrowLeft: () => (event.shiftKey ? goBeside(here, [0, -1]) : goFrame(here, frame - 1)),
    ArrowRight: () => (event.shiftKey ? goBeside(here, [0, 1]) : goFrame(here, frame + 1)),
    Home: () => goFrame(here, 0),
    End: () => goFrame(here, last),
    " ": event.target.matches("button") ? null : () => togglePlay(here),
  };
  const action = STEP_KEYS[event.key] ? () => goBeside(here, STEP_KEYS[event.key]) : sliding && !event.shiftKey ? null : actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}
