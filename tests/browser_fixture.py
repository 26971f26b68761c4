"""A real browser for the tests of the site: where it is, how it is started, and what it must not do."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from functools import cache
from importlib import resources
from importlib.util import find_spec

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_MISSING = [name for name in ("playwright", "axe_playwright_python") if find_spec(name) is None]
needs_browser = pytest.mark.skipif(
    CHROMIUM is None or bool(_MISSING),
    reason=f"a browser is needed: {'apt-get install chromium' if CHROMIUM is None else ''} "
    f"{'pip install ' + ' '.join(_MISSING) if _MISSING else ''}".strip(),
)

_QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
"""The rules of axe-core for levels A and AA."""


@contextmanager
def chromium():
    """Start Debian's Chromium without a window, on a profile of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_QUIET)
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """Opens pages of one site, and notes what none of them may do.

    Attributes:
        home: address that every request must begin with.
        wrongs: what happened that must not: messages on the console, errors, dialogs, foreign requests.
    """

    def __init__(self, browser, home):
        self.browser, self.home, self.wrongs, self._contexts = browser, home, [], []

    def open(self, path="index.html", scheme="light", width=1280, scripts=True):
        """Return the page at `path`, loaded."""
        context = self.browser.new_context(
            color_scheme=scheme, viewport={"width": width, "height": 900}, java_script_enabled=scripts
        )
        self._contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda message: self.wrongs.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.wrongs.append(f"error: {error}"))
        page.on("dialog", self._refuse)
        page.on("request", self._check)
        page.goto(self.home + path)
        return page

    def _refuse(self, dialog):
        self.wrongs.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _check(self, request):
        if not request.url.startswith((self.home, "data:")):
            self.wrongs.append(f"request: {request.url}")

    def close(self):
        """Close every page."""
        for context in self._contexts:
            context.close()


@cache
def _axe():
    return (resources.files("axe_playwright_python") / "axe.min.js").read_text()


def violations(page):
    """Return the accessibility rules that a page breaks, each with the elements that do."""
    page.evaluate(_axe())
    # Preloading would fetch the style sheet, which the page's policy forbids.
    found = page.evaluate("tags => axe.run({runOnly: tags, preload: false})", WCAG)
    assert found["passes"], "no rule was tried"
    return [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found["violations"]]
