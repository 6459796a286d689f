// Which question: what does a question do when somebody answers it?
//
// Idea: the model holds the question, the answer, the sentences for wrong answers, and what was typed; the page is drawn from it, so a
// saved notebook and a static page show what was there.  What cannot be read is met by an example and counts as no answer.
//
// Cost: none.  What it does not do: ask Python, but for the next question of ask().
// Next rooms: reading.js, which stands above this in one module; cell.py.

let mounted = 0;

/** Show a question in an element; return what takes it away. */
export function render({ model, el: place }) {
  const id = `minicnn-quiz-${++mounted}`;
  const view = { model, id, root: element("section", { class: "minicnn-quiz", "aria-labelledby": `${id}-question` }) };
  const undo = [followTheme(view.root), listen(model, "change:turn", () => setTimeout(() => build(view))), listen(model, "change:state change:typed change:tries", () => tell(view))];
  view.root.addEventListener("keydown", keepKey);
  place.append(view.root);
  build(view);
  return () => (undo.forEach((each) => each()), view.root.remove());
}

export default { render };

function listen(model, names, then) {
  for (const name of names.split(" ")) model.on(name, then);
  return () => names.split(" ").forEach((name) => model.off(name, then));
}

/** Keep a key from the notebook around, for which b is a new cell; Ctrl+S and its like are the notebook's. */
function keepKey(event) {
  if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
}

// What is drawn

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== false));
  return made;
}

/** Return paragraphs of a text: `words` are code, lines that begin with a blank keep their columns. */
function prose(text) {
  const blocks = [];
  for (const line of text.split("\n")) {
    const kind = /^\s+\S/.test(line) ? "pre" : "p";
    if (kind === "pre" && blocks.at(-1)?.kind === "pre") blocks.at(-1).text += `\n${line}`;
    else if (line.trim()) blocks.push({ kind, text: line });
  }
  return blocks.map(({ kind, text: own }) => kind === "pre" ? element("pre", { tabindex: "0" }, dedented(own)) : element("p", {}, inline(own)));
}

function dedented(text) {
  const lines = text.split("\n");
  const least = Math.min(...lines.map((line) => /^\s*/.exec(line)[0].length));
  return lines.map((line) => line.slice(least)).join("\n");
}

function inline(text) {
  return text.split(/`([^`]+)`/).map((part, at) => (at % 2 ? element("code", {}, part) : part));
}

function build(view) {
  const { model, id, root } = view;
  const choices = model.get("choices");
  const heading = element("div", { class: "question", id: `${id}-question` }, element("strong", { class: "tag" }, "Predict"), prose(model.get("question")));
  view.controls = element("div", { class: "controls" }, choices.length ? chooser(view, choices) : writer(view));
  view.said = element("div", { class: "said", role: "status", "aria-live": "polite" });
  view.steps = element("div", { class: "because", tabindex: "-1" });
  view.drawn = null;
  root.replaceChildren(heading, view.controls, view.said, view.steps);
  tell(view);
  if (view.turned) root.querySelector(".controls input, .controls button")?.focus();
  view.turned = false;
}

function writer(view) {
  const { model, id } = view;
  view.input = element("input", {
    type: "text", id: `${id}-input`, autocomplete: "off", autocapitalize: "off", spellcheck: "false", "aria-labelledby": `${id}-question`, "aria-describedby": `${id}-form`,
    input: () => view.said.replaceChildren(),
  });
  view.input.value = model.get("typed");
  const form = model.get("form");
  const check = element("button", { type: "submit", class: "primary" }, "Check");
  const line = element("form", { submit: (event) => (event.preventDefault(), answered(view, view.input.value)) }, view.input, check, showButton(view));
  return [line, element("p", { class: "form", id: `${id}-form` }, form && `Such as ${form}`)];
}

function chooser(view, choices) {
  const buttons = choices.map((text) => element("button", { type: "button", class: "choice", "data-choice": text, click: () => answered(view, text) }, element("span", { class: "sign", "aria-hidden": "true" }), element("span", {}, text)));
  return element("div", { class: "choices", role: "group", "aria-labelledby": `${view.id}-question` }, buttons, showButton(view));
}

function showButton(view) {
  return element("button", { type: "button", class: "quiet", "data-show": true, click: () => store(view, { state: "shown" }, true) }, "Show me");
}

function store(view, changes, focus = false) {
  for (const [name, value] of Object.entries(changes)) view.model.set(name, value);
  view.model.save_changes();
  tell(view);
  if (focus) view.steps.focus();
}

/** Take an answer: what cannot be read is met by an example and changes nothing. */
function answered(view, text) {
  const { model } = view;
  if (model.get("state") !== "open") return;
  const found = judged(text, asked(model));
  if (found.hint) return say(view, "hint", found.hint);
  view.input?.select();
  store(view, { typed: text.trim(), tries: model.get("tries") + 1, state: found.right ? "right" : "open" });
}

function asked(model) {
  return Object.fromEntries(["answer", "wrong", "form"].map((name) => [name, model.get(name)]));
}

/** Draw what the model says: the last answer, and the derivation once there is no more to find out. */
function tell(view) {
  const { model } = view;
  const [state, typed, tries] = ["state", "typed", "tries"].map((name) => model.get(name));
  const now = JSON.stringify([state, typed, tries]);
  if (now === view.drawn) return;
  view.drawn = now;
  view.root.dataset.state = state;
  if (view.input) view.input.readOnly = state !== "open";
  if (view.input && state !== "shown" && typed) view.input.value = typed;
  for (const button of view.controls.querySelectorAll("[type=submit], [data-show]")) button.hidden = state !== "open";
  for (const button of view.controls.querySelectorAll("[data-choice]")) mark(button, model, state, typed);
  const right = model.get("answer").text;
  if (state === "right") say(view, "right", `Right: ${right}.`, tries > 1 ? ` It took ${tries} answers.` : "");
  else if (state === "shown") say(view, "shown", `The answer is ${right}.`);
  else if (typed) say(view, "wrong", `${typed} is not it.`, ` ${judged(typed, asked(model)).says || "No known mistake gives it: check each step, then try again."}`);
  view.steps.replaceChildren(...(state === "open" ? [] : explained(view)));
}

function mark(button, model, state, typed) {
  const text = button.dataset.choice;
  const over = state !== "open" && text === model.get("answer").text;
  if (text === typed && !over) button.dataset.tried = "";
  if (!typed && state === "open") delete button.dataset.tried;
  const sign = over ? "✓" : "tried" in button.dataset ? "✗" : "";
  button.firstChild.textContent = sign;
  button.classList.toggle("is-answer", over);
  button.disabled = state !== "open" || sign === "✗";
  button.setAttribute("aria-label", `${text}${over ? ": the answer" : sign ? ": not it" : ""}`);
}

function say(view, kind, lead, rest = "") {
  const sign = { right: "✓", wrong: "✗", shown: "→", hint: "?" }[kind];
  view.said.dataset.kind = kind;
  view.said.replaceChildren(element("p", {}, element("span", { class: "sign", "aria-hidden": "true" }, sign), element("span", {}, element("strong", {}, inline(lead)), inline(rest))));
}

function explained(view) {
  const lines = view.model.get("because");
  const next = view.model.get("topic") && typeof view.model.send === "function";
  return [
    lines.length ? element("p", { class: "why" }, "Because") : null,
    prose(lines.join("\n")),
    next ? element("button", { type: "button", class: "primary", "data-next": true, click: (event) => turn(view, event.currentTarget) }, "Next question") : null,
  ].flat().filter(Boolean);
}

/** Ask Python for the next question; say so where nobody answers. */
function turn(view, button) {
  view.turned = true;
  view.model.send({ kind: "next" });
  setTimeout(() => button.isConnected && say(view, "hint", "Python does not answer.", " The next question needs a running kernel: run this cell again."), 4000);
}

// Light and dark

/** Return "light" or "dark" where a notebook says which it is: JupyterLab, marimo, VS Code, Colab. */
function notebookTheme() {
  const { body, documentElement } = document;
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false" ? "dark" : "light";
  const said = [body.dataset.theme, documentElement.getAttribute("theme"), ...["dark", "light"].filter((theme) => body.classList.contains(`vscode-${theme}`))];
  return said.find((theme) => theme === "dark" || theme === "light") ?? null;
}

function followTheme(root) {
  const set = () => {
    const theme = notebookTheme();
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  const looks = new MutationObserver(set);
  for (const each of [document.body, document.documentElement]) looks.observe(each, { attributeFilter: ["class", "data-theme", "data-jp-theme-light", "theme"] });
  set();
  return () => looks.disconnect();
}
