"""Which question: how does one see that training goes on?

A bar on stderr with the epoch, the loss and the time that is left; nothing where it is not wanted, or a function
of the caller's own.  Source: rich's documentation of Progress.
"""

from collections.abc import Callable

from minicnn import check


class Bar:
    """Gives a function (epoch, loss) to call after every step; `shown` is True, False or such a function."""

    def __init__(self, shown, epochs: int, steps: int):
        self.told = shown if callable(shown) else None
        self.shown, self.total = self.told is None and check.flag(shown, "progress", "fit") and epochs > 0, epochs * steps

    def __enter__(self) -> Callable[[int, float], object]:
        if not self.shown:
            return self.told or (lambda epoch, value: None)
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f}%"), TimeRemainingColumn())
        self.progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self.progress.start()
        task = self.progress.add_task("compiling", total=self.total)
        return lambda epoch, value: self.progress.update(task, advance=1, description=f"epoch {epoch}, loss {value:.4f}")

    def __exit__(self, *_) -> None:
        if self.shown:
            self.progress.stop()
