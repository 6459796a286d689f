// Which question: what does a reader expect, before the page tells?
//
// Idea: a card a question (questions.js).  The answer is not in the page until a number was typed: a right one is confirmed, a wrong one that
// a known misconception leads to is named, and the derivation follows a right answer or when it is asked for.  What was typed is kept in
// view.guesses, so that coming back finds it.
// Cost: one question to the source for the value's card.  What it does not do: mark anybody; the count of right answers stays in the page.
// Next room: tryit.js.

import { el, plural } from "./dom.js";
import { colourOf, inkOn, scaleOf } from "./colour.js";
import { nodeOf } from "./fields.js";
import { judged, typedNumber } from "./guess.js";
import { questionsOf } from "./questions.js";

/** Questions about a node (its name), the answers hidden until something is typed; channel and at say which number, where the page holds none of its own. */
export function predict(view, name, channel, at) {
  const node = nodeOf(view.payload, name);
  const cards = el("div", { class: "ask-cards" });
  const score = el("p", { class: "ask-score", role: "status" });
  const root = el(
    "section",
    { class: "ask", "aria-label": "Predict first" },
    el(
      "header",
      {},
      el("h2", {}, `${node.name}: say it first`),
      el("p", { class: "quiet" }, "Type what you expect. The answer and its derivation come after."),
    ),
    score,
    cards,
  );
  view.guesses ??= new Map();
  const held = Object.keys(node.explained ?? {}).map((key) => key.split(",").map(Number)); // the same number each time, however one came here
  const [place, ...where] = held[0] ?? [channel, ...(at ?? [])];
  const asking = node.layer
    ? view.source.ask({ kind: "explain", node: node.name, channel: place, at: where.length ? where : null })
    : Promise.resolve(null);
  const fill = (explained) => {
    const questions = questionsOf(view.payload, node, explained);
    const tell = () => tellScore(view, node, questions, score);
    cards.replaceChildren(...(questions.length ? questions.map((question) => questionCard(view, node, question, tell)) : [nothingToAsk(view, node)]));
    tell();
  };
  fill(null);
  asking.then(
    (explained) => explained && !cards.contains(cards.getRootNode().activeElement) && fill(explained),
    () => {},
  );
  return root;
}

function guessOf(view, node, question) {
  const key = `${node.name}|${question.id}|${question.lines[0]}`;
  if (!view.guesses.has(key)) view.guesses.set(key, { typed: question.fields.map(() => ""), tries: 0, state: "open" });
  return view.guesses.get(key);
}

function tellScore(view, node, questions, score) {
  const states = questions.map((question) => guessOf(view, node, question).state);
  const [right, shown] = ["right", "shown"].map((state) => states.filter((each) => each === state).length);
  score.textContent = questions.length ? `${right} of ${plural(questions.length, "question")} right${shown ? `, ${shown} looked up` : ""}.` : "";
}

/** What stands where a node leaves nothing to be asked: other nodes that do. */
function nothingToAsk(view, node) {
  const others = view.payload.nodes.filter((each) => each !== node && questionsOf(view.payload, each, null).length).slice(0, 8);
  const buttons = others.map((each) => el("button", { type: "button", class: "chip", onclick: () => view.go({ node: each.name }) }, each.name));
  return el("p", {}, `There is nothing to reckon at ${node.name}. `, others.length ? ["Try one of these: ", buttons] : null);
}

/** One question as a form. */
function questionCard(view, node, question, tell) {
  const guess = guessOf(view, node, question);
  const id = `ask-${view.id ?? ""}-${question.id}`;
  const inputs = question.fields.map((field, place) =>
    el("input", {
      type: "text",
      inputmode: "decimal",
      autocomplete: "off",
      spellcheck: "false",
      id: `${id}-${place}`,
      "data-key": `${id}-${place}`,
      "aria-describedby": `${id}-verdict`,
      value: guess.typed[place],
    }),
  );
  const verdict = el("div", { class: "ask-verdict", role: "status", id: `${id}-verdict` });
  const after = el("div", { class: "ask-after" });
  const check = el("button", { type: "submit", class: "primary", "data-key": `${id}-check` }, "Check");
  const reveal = el("button", { type: "button", class: "secondary", "data-key": `${id}-show` }, "Show me");
  const card = el(
    "form",
    { class: `ask-card ${guess.state}`, "aria-labelledby": `${id}-title`, novalidate: true },
    el("h3", { id: `${id}-title` }, question.title),
    question.lines.map((line) => el("p", {}, line)),
    question.rows ? givenTable(question.rows) : null,
    el(
      "div",
      { class: "ask-fields" },
      question.fields.map((field, place) => el("label", { for: `${id}-${place}` }, el("span", {}, field.label), inputs[place])),
    ),
    el("div", { class: "ask-buttons" }, check, reveal),
    verdict,
    after,
  );
  const settle = () => {
    card.className = `ask-card ${guess.state}`;
    after.replaceChildren(...(guess.state === "open" ? [] : [derivationOf(question)]));
    for (const control of [check, reveal]) control.hidden = guess.state !== "open";
    for (const input of inputs) input.readOnly = guess.state !== "open";
    tell();
  };
  card.addEventListener("submit", (event) => {
    event.preventDefault();
    if (guess.state !== "open") return;
    guess.typed = inputs.map((input) => input.value);
    verdict.replaceChildren(...verdictOf(question, guess, inputs));
    settle();
  });
  reveal.addEventListener("click", () => {
    guess.state = "shown";
    verdict.replaceChildren(el("p", {}, `Looked up: ${answerWords(question)}.`));
    settle();
    inputs[0].focus({ preventScroll: true });
  });
  if (guess.state !== "open")
    verdict.append(el("p", {}, guess.state === "right" ? `✓ Right: ${answerWords(question)}.` : `Looked up: ${answerWords(question)}.`));
  settle();
  return card;
}

/** What is said to a typed answer; the guess remembers whether it was right. */
function verdictOf(question, guess, inputs) {
  const verdicts = question.fields.map((field, place) => judged(field, guess.typed[place]));
  verdicts.forEach(({ right }, place) => inputs[place].setAttribute("aria-invalid", String(!right)));
  if (verdicts.every(({ right }) => right)) {
    guess.state = "right";
    return [el("p", {}, `✓ Right: ${answerWords(question)}.`)];
  }
  if (guess.typed.every((text) => typedNumber(text) !== null)) guess.tries += 1;
  const wrong = verdicts.filter(({ right }) => !right).map(({ says }) => el("p", {}, `✗ ${says[0].toUpperCase()}${says.slice(1)}`));
  return guess.tries > 1 ? [...wrong, el("p", { class: "quiet" }, "“Show me” gives the derivation.")] : wrong;
}

function answerWords({ fields }) {
  return fields.map(({ label, answer, within }) => `${label} ${within ? Number(answer.toPrecision(4)) : answer.toLocaleString("en")}`).join(", ");
}

function derivationOf({ derivation }) {
  return el(
    "div",
    { class: "ask-derivation" },
    el("h4", {}, "How it comes about"),
    el(
      "ol",
      {},
      derivation.map((line) => el("li", {}, line)),
    ),
  );
}

/** The numbers that are given, in the shape of the window where they have one: value over weight. */
function givenTable(rows) {
  const weighted = rows.some((row) => row.factor !== null);
  const most = (name) => Math.max(...rows.map((row) => Math.abs(Number(row[name]))).filter(Number.isFinite), 0);
  const tint = (text, limit) => {
    if (!Number.isFinite(Number(text))) return "";
    const colour = colourOf(Number(text), scaleOf(-limit, limit, true));
    return `background:rgb(${colour.join(",")});color:${inkOn(colour)}`;
  };
  const line = (label, name) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, label),
      rows.map((row) =>
        row[name] === "padding" ? el("td", { class: "padding" }, "pad") : el("td", { style: tint(row[name], most(name)) }, row[name]),
      ),
    );
  return el(
    "div",
    { class: "ask-given", tabindex: "0", role: "group", "aria-label": "the numbers that are given" },
    el(
      "table",
      {},
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          el("th", { scope: "col" }, "cell"),
          rows.map((row) => el("th", { scope: "col" }, row.name)),
        ),
      ),
      el("tbody", {}, line(weighted ? "input" : "window", "value"), weighted ? line("filter", "factor") : null),
    ),
  );
}
