// Which question: what does a lesson's page do without Python?
//
// Idea: questions get a model that is a dictionary, step viewers a report's source, equations become MathML.
//
// Cost: none.  What it does not do: move sliders.
// Next room: lesson_page.py.

/** Return the data of a place: JSON, deflated, in base64. */
async function dataOf(name) {
  const bytes = Uint8Array.from(atob(document.getElementById(name).textContent.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

/** Return what a predict cell asks of its notebook, without one. */
function model(data) {
  const heard = {};
  return {
    get: (name) => data[name],
    set: (name, value) => ((data[name] = value), (heard[`change:${name}`] ?? []).forEach((each) => each())),
    save_changes: () => {},
    on: (name, then) => (heard[name] ??= []).push(then),
    off: (name, then) => (heard[name] = (heard[name] ?? []).filter((each) => each !== then)),
  };
}

for (const place of document.querySelectorAll("[data-question]")) quiz.render({ model: model(await dataOf(place.dataset.question)), el: place });
for (const place of document.querySelectorAll("[data-viewer]")) {
  const { payload, state } = await dataOf(place.dataset.viewer);
  viewers.mount(place, viewers.reportSource(payload), { state });
}
if (typeof katex !== "undefined") {
  for (const place of document.querySelectorAll(".tex")) {
    place.innerHTML = katex.renderToString(place.textContent, { output: "mathml", displayMode: Boolean(place.dataset.display), throwOnError: false });
  }
}
document.documentElement.dataset.ready = "";
