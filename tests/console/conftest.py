"""What the tests of the console have in common: a browser, and an administrator who has made a flow by clicking."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser

from local.stack import APPLE_USERNAME
from local.upload import Server
from tests.support.administration import Administration
from tests.support.browser import Desk, chromium, desk, find_chromium
from tests.support.flows import unique
from tests.support.stack import StackUnderTest

NO_BROWSER = "no Chromium: set CHROMIUM to the path of one, or install the package chromium (make browser)"


# Not longer than the package: while Playwright runs, no other test may have an event loop of its own
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A Chromium, started once."""
    path = find_chromium()
    if not path:
        pytest.skip(NO_BROWSER)
    with chromium(path) as found:
        yield found


@pytest.fixture(scope="package")
def anna(browser: Browser, stack: StackUnderTest, administration: Administration) -> Iterator[Desk]:
    """The administrator of a new organization, signed in."""
    organization = administration.operator().made("/v1/organizations", {"name": "Meadowlark Unified"})["id"]
    pictures = os.environ.get("PICTURES")
    with desk(browser, stack.local.console, Path(pictures) if pictures else None) as found:
        user = administration.user(organization_id=organization)
        found.sign_in(user.email, user.password)
        found.heading("Templates").wait_for()
        yield found


class Made(NamedTuple):
    """A flow that was made by clicking: its page, and how its file account is uploaded to."""

    path: str
    server: Server


@pytest.fixture(scope="package")
def flow(anna: Desk, stack: StackUnderTest, administration: Administration) -> Made:
    """The flow that comes of the wizard, each step of which is looked at."""
    page = anna.go("/")
    anna.look("templates")
    page.get_by_role("link", name="Use this template: OneRoster CSV").click()
    anna.heading("What you need").wait_for()
    anna.look("wizard-need")
    anna.button("Next").click()
    anna.button("Next").click()  # nothing is connected yet
    page.get_by_text("Activate a file account, or choose one.").wait_for()
    username = unique("meadowlark")[:16]
    password = activate(anna, username)
    connect(anna, stack)
    anna.look("wizard-connect")
    anna.button("Next").click()
    page.get_by_text("Trigger: File uploaded to file account").wait_for()
    page.get_by_role("button", name="Options", exact=True).click()
    anna.look("wizard-configure")
    anna.button("Next").click()
    anna.heading("Finish").wait_for()
    anna.look("wizard-finish")
    settings = [anna.copied(name) for name in ("Host", "Port", "User name", "Password")]
    assert settings == [stack.sftp_host, str(stack.sftp_port), username, password]
    anna.button("Go to project").click()
    page.get_by_text("Save request and response data?").wait_for()
    anna.look("wizard-save-data")
    anna.button("Start").click()
    page.wait_for_url("**/flows/*")
    return Made(page.url.removeprefix(anna.address), administration.server(username, password))


def activate(anna: Desk, username: str) -> str:
    """Make a file account in the wizard and return its password, which is shown once."""
    anna.button("Activate new account").click()
    dialog = anna.page.get_by_role("dialog")
    dialog.get_by_label("User name", exact=True).fill(username)
    anna.look("file-account-new")
    anna.button("Create").click()
    anna.page.get_by_text("The file account is there").wait_for()
    anna.look("file-account-made")
    password = anna.copied("Password")
    anna.button("Done").click()
    dialog.wait_for(state="detached")
    return password


def connect(anna: Desk, stack: StackUnderTest) -> None:
    """Connect Apple's stand-in in the wizard: compare its key, be refused, and come in."""
    anna.button("Connect new account").click()
    dialog = anna.page.get_by_role("dialog")
    assert dialog.get_by_label("SFTP domain").input_value() == "upload.appleschoolcontent.com"
    anna.look("asm-account-new")
    dialog.get_by_label("SFTP domain").fill(stack.sftp_host)
    anna.button("Port and folder").click()
    dialog.get_by_label("Port", exact=True).fill(str(stack.local.ports.apple))
    dialog.get_by_label("User name", exact=True).fill(APPLE_USERNAME)
    dialog.get_by_label("Password", exact=True).fill("not the password")
    anna.button("Test connection").click()
    dialog.get_by_text("The server shows this host key").wait_for()
    anna.look("asm-account-host-key")
    dialog.get_by_label("I accept this host key").check()
    anna.button("Sign in").click()
    dialog.get_by_text("Apple refused the user name or the password").wait_for()
    dialog.get_by_label("Password", exact=True).fill(stack.local.apple_password)
    anna.button("Sign in").click()
    dialog.wait_for(state="detached")
