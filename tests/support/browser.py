"""A browser as an administrator has it: Chromium on the console, and what axe-core finds in what it shows."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright

from tests.support.stack import wait_for

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = {"serious", "critical"}
WIDTH, HEIGHT = 1280, 900
NARROW = 320  # what a page of 1280 is at 400 %
HIGHEST = 1400  # of a picture
SECONDS = 15
MOST_TABS = 80


def find_chromium() -> str | None:
    """Return the path of a Chromium: what CHROMIUM names, or one of the path."""
    return os.environ.get("CHROMIUM") or next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """Start a Chromium."""
    expect.set_options(timeout=SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@cache
def _axe() -> str:
    return AXE.read_text()


@dataclass
class Desk:
    """Somebody at the console; ``complaints`` are the errors that the browser's own console shows.

    With ``pictures``, each view that is looked at is written there.
    """

    page: Page
    address: str
    pictures: Path | None = None
    complaints: list[str] = field(default_factory=list)

    def sign_in(self, email: str, password: str) -> None:
        """Sign in at Cognito's page and come back."""
        self.page.goto(f"{self.address}/")
        self.page.get_by_role("button", name="Sign in").click()
        self.page.locator("input[name=username]").fill(email)
        self.page.locator("input[name=password]").fill(password)
        self.page.locator("button[type=submit],input[type=submit]").first.click()
        self.page.wait_for_url(f"{self.address}/**")

    def go(self, path: str) -> Page:
        """Open a page by its address."""
        self.page.goto(self.address + path)
        self.page.get_by_role("heading", level=1).first.wait_for()
        return self.page

    def heading(self, name: str) -> Locator:
        return self.page.get_by_role("heading", name=name, exact=True)

    def button(self, name: str) -> Locator:
        """Return a button: of the dialog that is open, or of the page."""
        dialog = self.page.get_by_role("dialog")
        return (dialog if dialog.count() else self.page).get_by_role("button", name=name, exact=True)

    def copied(self, name: str) -> str:
        """Press the button that copies something, and return what is in the clipboard then."""
        self.button(f"Copy: {name}").first.click()
        text: str = self.page.evaluate("navigator.clipboard.readText()")
        return text

    def tab_to(self, wanted: Locator) -> None:
        """Press the tabulator until something has the focus."""
        for _ in range(MOST_TABS):
            if wanted.count() and wanted.first.evaluate("one => one === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        message = f"the keyboard does not reach {wanted}"
        raise AssertionError(message)

    def look(self, name: str) -> None:
        """Have axe-core look at what is shown, light and dark, and see that it fits a narrow window."""
        found = [f"light: {one}" for one in self._findings({})]
        self.take(name)
        self.page.emulate_media(color_scheme="dark")
        found += [f"dark: {one}" for one in self._findings({"runOnly": ["color-contrast"]})]
        self.page.emulate_media(color_scheme="light")
        assert not found, "\n".join((name, *found))
        self.page.set_viewport_size({"width": NARROW, "height": HEIGHT})
        wait_for(self._fits, f"{name} fits {NARROW} px", 3)
        self.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})

    def _fits(self) -> bool:
        """Tell whether nothing is to be scrolled sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))

    def _findings(self, options: dict[str, Any]) -> list[str]:
        """Return what is serious; what does not depend on the colours is asked for once."""
        self.page.evaluate(_axe())
        dialog = self.page.get_by_role("dialog")
        shown = dialog if dialog.count() else self.page.locator("html")  # what is behind a dialog is out of reach
        result = shown.evaluate(
            "(shown, options) => axe.run(shown, {resultTypes: ['violations'], ...options})", options
        )
        return [
            f"{violation['id']}: {node['target']} {node['html'][:200]}"
            for violation in result["violations"]
            if violation["impact"] in SERIOUS
            for node in violation["nodes"]
        ]

    def take(self, name: str) -> None:
        """Write a picture, if wanted: of all that there is, or of a dialog in a usual window."""
        if not self.pictures:
            return
        if not self.page.get_by_role("dialog").count():
            for closed in self.page.get_by_role("button", name="Open the navigation", expanded=False).all():
                closed.click()  # a narrow window has closed it
            height = self.page.evaluate("document.documentElement.scrollHeight")
            self.page.set_viewport_size({"width": WIDTH, "height": min(max(height, HEIGHT), HIGHEST)})
        self.page.mouse.move(0, 0)
        self.page.screenshot(path=self.pictures / f"{name}.png", animations="disabled", caret="hide")
        self.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})


@contextmanager
def desk(browser: Browser, address: str, pictures: Path | None = None) -> Iterator[Desk]:
    """Open a window on the console, of somebody in Berlin who wants no animations."""
    with browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT},
        color_scheme="light",
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="Europe/Berlin",
        permissions=["clipboard-read", "clipboard-write"],
    ) as context:
        context.set_default_timeout(SECONDS * 1000)
        found = Desk(context.new_page(), address, pictures)

        def note(message: ConsoleMessage) -> None:
            # the sign-in page is not ours
            if message.type == "error" and message.location["url"].startswith(address):
                found.complaints.append(message.text)

        found.page.on("console", note)
        found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
        yield found
        assert found.complaints == []  # no script failed, and the content security policy refused nothing
