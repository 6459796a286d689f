"""A page that shows predict cells without Python behind it: the model is a dictionary, as in a page that was only saved."""

import json

from minicnn.quiz import cell as room

STUB = """
const model = (data) => {
  const heard = {};
  return {
    get: (name) => data[name],
    set: (name, value) => ((data[name] = value), (heard[`change:${name}`] ?? []).forEach((each) => each())),
    save_changes: () => {},
    on: (name, then) => (heard[name] ??= []).push(then),
    off: (name, then) => (heard[name] = (heard[name] ?? []).filter((each) => each !== then)),
    ...(window.sends ? { send: (message) => window.sent.push(message) } : {}),
  };
};
"""
NAMES = ("question", "answer", "wrong", "because", "choices", "form", "topic", "typed", "state", "tries", "turn")


def cell_page(path, *cells, kernel: bool = False):
    """Write a page with these widgets; `window.models` are their models and `window.sent` is what they ask Python."""
    data = json.dumps([{name: getattr(cell, name) for name in NAMES} for cell in cells]).replace("<", "\\u003c")
    path.write_text(
        f"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>questions</title>
<style>{room.style()}</style><main></main>
<script type="module">
{room.script().replace("export default { render };", "")}
window.sends = {json.dumps(kernel)}; window.sent = [];
{STUB}
window.judged = judged;
window.render = render;
window.models = {data}.map(model);
window.undo = window.models.map((each) => render({{ model: each, el: document.querySelector("main") }}));
window.ready = true;
</script></html>""",
        encoding="utf-8",
    )
    return path
