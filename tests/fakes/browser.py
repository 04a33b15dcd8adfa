"""Debian's Chromium under Playwright, with pages that report what their content security policy refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.fakes.llmproxy_server import ADMIN_KEY, LLMProxy
from tests.tools import require_chromium

PHONE = {"width": 375, "height": 800}
SCREEN = {"width": 1280, "height": 900}
_PATIENCE_MS = 30_000


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser."""
    path = require_chromium()
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        expect.set_options(timeout=_PATIENCE_MS)
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


class AdminBrowser:
    """A browser profile that is signed in to a server under test.

    Args:
        browser: runs it.
        proxy: the server.
        key: of the administrator; None to stay signed out.
        options: of the profile: ``locale``, ``color_scheme``, ``java_script_enabled`` ...
    """

    def __init__(self, browser: Browser, proxy: LLMProxy, key: str | None = ADMIN_KEY, **options: Any) -> None:
        self.base = proxy.url
        self.context = browser.new_context(**{"locale": "en-US", "viewport": SCREEN, **options})
        self.context.set_default_timeout(_PATIENCE_MS)
        self.page: Page = self.context.new_page()
        self.refused: list[str] = []
        """Messages about what the policy of a page refused, and requests to other hosts."""
        self.page.on("console", self._note)
        self.page.on("request", self._check)
        if key is not None:
            self.sign_in(key)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            self.refused.append(message.text)

    def _check(self, request: Request) -> None:
        if not request.url.startswith((self.base, "data:")):
            self.refused.append(request.url)

    def sign_in(self, key: str) -> None:
        """Sign in by the form."""
        self.open("/admin/login")
        self.page.fill("#key", key)
        self.page.click("button.primary")

    def open(self, path: str) -> None:
        """Open a page."""
        self.page.goto(self.base + path)

    def violations(self) -> list[str]:
        """Return what axe finds wrong with the page, one line for each element."""
        found = Axe().run(self.page).response["violations"]
        return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]

    def overflow(self) -> int:
        """Return by how many pixels the page can be scrolled sideways."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    def close(self) -> None:
        """Close the profile."""
        self.context.close()
