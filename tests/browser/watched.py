"""A page that is watched: what it says, what goes wrong in it and what it asks the network for is written down."""

from pathlib import Path
from urllib.parse import urlencode


class Watched:
    """One open page (`page` is Playwright's), its console messages, its errors and its requests.

    The context is offline, and any request but the page's own file, data: and blob: counts as a fault.
    """

    def __init__(self, page, path: Path, *, ready: str = ".minicnn .panel > *", viewport: dict | None = None, color_scheme: str = "light"):
        self.page, self.url = page, Path(path).resolve().as_uri()
        self.said, self.errors, self.asked = [], [], []
        self._hears = {
            "console": lambda message: self.said.append(f"{message.type}: {message.text}"),
            "pageerror": lambda error: self.errors.append(str(error)),
            "request": lambda request: self.asked.append(request.url),
        }
        page.goto("about:blank")
        for event, hear in self._hears.items():
            page.on(event, hear)
        page.set_default_timeout(10_000)
        page.set_viewport_size(viewport or {"width": 1280, "height": 900})
        page.emulate_media(media="screen", color_scheme=color_scheme, reduced_motion="reduce")
        page.goto(self.url)
        if ready:
            page.wait_for_selector(ready)

    def tab(self, words: str):
        """Turn to a tab by clicking it; return the panel."""
        self.page.get_by_role("tab", name=words, exact=True).click()
        return self.page.locator(".panel")

    def node(self, name: str):
        """Open the maps of a node from the overview; return the panel."""
        self.tab("Overview").locator(f'[data-key="node-{name}"]').click()
        return self.page.locator(".panel .maps")

    def at(self, tab: str, node: str, channel: int = 0, at: tuple = ()):
        """Follow a link to one number, as the page's own address writes it; return the panel."""
        place = {"at": ",".join(map(str, at))} if at else {}
        self.page.goto(f"{self.url}#{urlencode({'tab': tab, 'node': node, 'channel': channel, **place})}")
        return self.page.locator(".panel")

    @property
    def strangers(self) -> list[str]:
        """The requests that leave the page."""
        own = self.url.partition("#")[0]
        return [url for url in self.asked if url.partition("#")[0] != own and not url.startswith(("data:", "blob:"))]

    def assert_peaceful(self) -> None:
        assert not self.errors, f"errors in the page: {self.errors}"
        assert not self.said, f"messages in the console: {self.said}"
        assert not self.strangers, f"requests to elsewhere: {self.strangers}"

    def leave(self) -> None:
        """Stop watching, and forget what the page may have left behind."""
        for event, hear in self._hears.items():
            self.page.remove_listener(event, hear)
        self.page.goto("about:blank")
