"""A browser for tests of the page, where playwright and a Chromium are installed."""

from __future__ import annotations

import contextlib
import shutil
import time

import pytest

PATIENCE_MS = 20_000


@contextlib.contextmanager
def chromium():
    """A browser without a window; the test is skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as engine:
        path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        try:
            browser = engine.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"no Chromium: {str(error).splitlines()[0]}")
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """One visit of a page, with everything that went wrong in it and all that it asked for.

    Attributes
    ----------
    page : playwright.sync_api.Page
        The page.
    faults : list of str
        Errors of scripts and of the content policy, and answers that were no success.
    urls : list of str
        Every address that was asked for, WebSockets included.
    """

    def __init__(self, browser, url, **context):
        self._context = browser.new_context(**context)
        self.page = self._context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.faults, self.urls = [], []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda line: line.type == "error" and self.faults.append(line.text))
        self.page.on("request", lambda request: self.urls.append(request.url))
        self.page.on("websocket", lambda socket: self.urls.append(socket.url))
        self.page.goto(url)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._context.close()

    def row(self, path):
        """The control of a path among those of the selected track or of the rest."""
        return self.page.locator(f"#details [data-path='{path}'], #rest [data-path='{path}']").first

    def fader(self, path):
        """The slider of a path."""
        return self.row(path).locator("input[type=range]").first

    def open_groups(self):
        """Unfold everything."""
        self.page.evaluate("document.querySelectorAll('details').forEach((group) => (group.open = true))")

    def wait(self, expression):
        """Wait until an expression in the page is true; the page's own policy forbids playwright's way."""
        deadline = time.monotonic() + 1e-3 * PATIENCE_MS
        while not self.page.evaluate(expression):
            assert time.monotonic() < deadline, expression
            self.page.wait_for_timeout(20)

    def wait_text(self, path, text):
        """Wait until the fader of a path, of those of the selected track, says this."""
        fader = f"#details [data-path='{path}'] input[type=range]"
        self.wait(f'document.querySelector("{fader}").ariaValueText === "{text}"')
