"""Every page of the console: whoever sees little, sees it narrow or uses no mouse can work with it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from local.users import give_password
from tests.console.conftest import Made
from tests.support.administration import Administration
from tests.support.browser import Desk, desk
from tests.support.flows import unique
from tests.support.stack import StackUnderTest

LISTS = {"/flows": "Flows", "/file-accounts": "File accounts", "/asm-accounts": "ASM accounts"}
THINGS = {"/flows": "General", "/file-accounts": "What an SFTP client needs", "/asm-accounts": "Accepted host keys"}
PAGES = {"/dry-run": "Dry run", "/settings": "Settings", "/nowhere": "Rosterbridge", "/runs/nothing": "Run"}


@pytest.mark.parametrize("path", LISTS)
def test_a_list_and_what_is_in_it_are_for_everybody(anna: Desk, flow: Made, path: str) -> None:
    page = anna.go(path)
    expect(anna.heading(LISTS[path])).to_have_count(1)
    link = page.get_by_role("grid").get_by_role("link").first
    link.wait_for()
    anna.look(path[1:])

    name = link.inner_text()
    link.click()

    expect(page.get_by_text(THINGS[path]).first).to_be_visible()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_focused()
    expect(page).to_have_title(f"{name} – Rosterbridge")
    anna.look(f"{path[1:]}-one")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_for_everybody(anna: Desk, flow: Made, path: str) -> None:
    page = anna.go(path)

    expect(page.get_by_role("heading", level=1)).to_have_text(PAGES[path])
    expect(page.get_by_text("Loading")).to_have_count(0)
    anna.look(path[1:].replace("/", "-"))


def test_an_operator_sees_the_organizations_too(
    browser: Browser, stack: StackUnderTest, administration: Administration, anna: Desk
) -> None:
    with desk(browser, stack.local.console, anna.pictures) as operator:
        operator.page.goto(stack.local.console)
        expect(operator.page.get_by_role("heading", level=1)).to_have_text("Rosterbridge")
        operator.look("sign-in")
        user = administration.user()
        operator.sign_in(user.email, user.password)
        operator.heading("Templates").wait_for()
        operator.go("/settings")
        expect(operator.page.get_by_role("button", name="New organization")).to_be_visible()
        operator.look("settings-operator")


def test_somebody_without_a_role_is_told_whom_to_ask(browser: Browser, stack: StackUnderTest) -> None:
    email = f"{unique('nobody')}@school.example"
    pool = stack.outputs["UserPoolId"]
    stack.client("cognito-idp").admin_create_user(UserPoolId=pool, Username=email, MessageAction="SUPPRESS")
    with desk(browser, stack.local.console) as nobody:
        nobody.sign_in(email, give_password(stack.local.aws, stack.outputs, email))

        expect(nobody.page.get_by_text("You have no role here yet.")).to_be_visible()
        expect(nobody.page.get_by_role("heading", level=1)).to_have_count(1)
        nobody.look("no-role")


def test_the_browser_keeps_tokens_in_the_session_and_nothing_else(anna: Desk, flow: Made) -> None:
    page = anna.go("/")

    kept = page.evaluate("[Object.keys(sessionStorage), Object.keys(localStorage), document.cookie]")

    assert kept == [["rosterbridge.tokens"], [], ""]


def test_a_flow_is_made_by_the_keyboard_alone(anna: Desk, flow: Made) -> None:
    page = anna.go("/")
    press, kind = page.keyboard.press, page.keyboard.type

    anna.tab_to(page.get_by_role("link", name="Use this template: OneRoster CSV"))
    press("Enter")
    anna.heading("What you need").wait_for()
    anna.tab_to(anna.button("Next"))
    press("Enter")
    anna.heading("Connect").wait_for()
    for choice in page.get_by_role("button", name="Choose an account").all():
        anna.tab_to(choice)
        press("Enter")
        page.get_by_role("option").first.wait_for()
        press("ArrowDown")
        press("Enter")
    anna.tab_to(anna.button("Next"))
    press("Enter")
    page.get_by_label("Name of the flow").wait_for()
    anna.tab_to(page.get_by_label("Name of the flow"))
    press("Control+A")
    kind("By keyboard")
    anna.tab_to(anna.button("Next"))
    press("Enter")
    anna.heading("Finish").wait_for()
    anna.tab_to(anna.button("Go to project"))
    press("Enter")
    anna.tab_to(anna.button("Not now"))
    press("Enter")

    expect(page.get_by_role("heading", level=1, name="By keyboard")).to_be_focused()
