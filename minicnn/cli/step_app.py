"""Which question: how do keys become steps on a screen, on Linux, macOS and Windows?

Idea: one screen with the lines of a walk (step_walk.py) and a line of keys; it remembers one place, those that enter
left behind, and a timer while it plays.
Cost: the package textual (the extra `step`), which only this room imports.  What it does not do: know what it shows.
Source: textual's documentation of App.  Next room: step_walk.py.
"""

from rich.text import Text
from textual.app import App
from textual.containers import VerticalScroll
from textual.widgets import Static

SECONDS = 0.6  # between steps while it plays
DIRECT = ("left", "right", "up", "down", "home", "end", "enter")
NAMED = {"left_square_bracket": "[", "right_square_bracket": "]"}


class Steps(VerticalScroll, can_focus=False):
    """The lines of a step; the arrow keys are not its own."""


class Stepper(App):
    """The screen: `walk` says what is seen at a place and where keys lead; `place` is where one is."""

    CSS = """
    Screen { layout: vertical; }
    #steps { height: 1fr; scrollbar-size-vertical: 1; }
    .line { height: 1; }
    """
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, walk, start, seconds: float = SECONDS):
        super().__init__()
        self.walk, self.place, self.seconds, self.timer = walk, start, seconds, None
        self.left: list = []  # the places that enter led away from

    def compose(self):
        with Steps(id="steps"):
            yield Static(id="lines")
        yield Static(Text(self.walk.legend, "dim"), classes="line")
        yield Static(Text(self.walk.keys, "reverse"), classes="line", id="keys")

    def on_mount(self) -> None:
        self.show()

    def on_resize(self) -> None:
        self.show()

    def show(self) -> None:
        """Draw the place where one is."""
        lines = self.walk.lines(self.place, max(self.size.width - 1, 39))
        self.query_one("#lines", Static).update(Text("\n").join(lines))

    def on_key(self, event) -> None:
        key = NAMED.get(event.key, event.key)
        if key == "q":
            self.exit()
        elif key == "space":
            self.stop() if self.timer else self.play()
        elif key == "backspace" and self.left:
            self.stop()
            self.place = self.left.pop()
            self.show()
        elif key in ("pageup", "pagedown"):
            steps = self.query_one("#steps", Steps)
            steps.scroll_page_up(animate=False) if key == "pageup" else steps.scroll_page_down(animate=False)
        elif key in DIRECT or key in NAMED.values():
            self.stop()
            self.go(key)

    def go(self, key: str) -> None:
        """Go where a key leads."""
        before, self.place = self.place, self.walk.go(key, self.place)
        if key == "enter" and self.place != before:
            self.left.append(before)
        self.show()

    def play(self) -> None:
        """Go on by itself: from the first step again where it stands at the last."""
        if self.walk.go("right", self.place) == self.place:
            self.go("home")
        self.timer = self.set_interval(self.seconds, self.next)

    def next(self) -> None:
        """Take one step, and stop at the last."""
        before = self.place
        self.go("right")
        if self.place == before:
            self.stop()

    def stop(self) -> None:
        """Play no longer."""
        if self.timer:
            self.timer.stop()
        self.timer = None
