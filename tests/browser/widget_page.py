"""A page that does for a widget what Jupyter does: loads its module from text, and carries its messages to Python and back.

The model is that of anywidget (get, set, on, off, send, save_changes); what it sends goes to the widget's own handlers.
"""

import base64
import json

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A notebook's cell</title><style>%(css)s</style></head>
<body><main><h1>A cell</h1><div id="cell"></div></main>
<script type="module">
const state = %(state)s;
const heard = {};
const model = {
  get: (name) => state[name],
  set: (name, value) => { state[name] = value; for (const call of heard["change:" + name] ?? []) call(); },
  on: (name, call) => { (heard[name] ??= []).push(call); },
  off: (name, call) => { heard[name] = (heard[name] ?? []).filter((each) => call && each !== call); },
  save_changes: () => {},
  send: async (content) => {
    for (const [answer, buffers] of JSON.parse(await window.askPython(JSON.stringify(content)))) {
      const bytes = buffers.map((text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer));
      for (const call of heard["msg:custom"] ?? []) call(answer, bytes);
    }
  },
};
const address = URL.createObjectURL(new Blob([%(script)s], { type: "text/javascript" }));
const module = await import(address);
const widget = typeof module.default === "function" ? await module.default() : module.default;
const el = document.getElementById("cell");
await widget.initialize?.({ model });
window.tidy = await widget.render({ model, el });
window.heard = heard;
</script></body></html>
"""


def written(text) -> str:
    """Return data as JavaScript that may stand in a script of a page."""
    return json.dumps(text).replace("</", "<\\/")


def page_of(widget, state: dict) -> str:
    """Return the page, with the traits that the widget's module may read."""
    return PAGE % {"css": str(getattr(widget, "_css", "")), "state": written(state), "script": written(str(widget._esm))}


class Kernel:
    """What the messages of the page reach: the widget's own handlers, whose answers are collected."""

    def __init__(self, widget, monkeypatch):
        self.widget, self.asked, self.answers = widget, [], []
        monkeypatch.setattr(type(widget), "send", lambda own, content, buffers=None: self.answers.append((content, buffers or [])))

    def ask(self, text: str) -> str:
        content = json.loads(text)
        self.asked.append(content)
        self.answers.clear()
        self.widget._handle_custom_msg(content, [])
        return json.dumps([(answer, [base64.b64encode(bytes(each)).decode() for each in buffers]) for answer, buffers in self.answers])
