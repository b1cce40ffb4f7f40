"""An administrator's first day at the console, by clicking: a flow, uploads by SFTP, and what comes of them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from local.sample import sample_files, write_sample
from local.upload import upload
from tests.console.conftest import Made
from tests.support.browser import Desk
from tests.support.flows import unique
from tests.support.openssh import any_client
from tests.support.sftp_clients import Login, by_paramiko, put_and_get_by_openssh


def first_row(anna: Desk) -> Locator:
    """Return the newest run's line in the history."""
    return anna.page.get_by_role("row").nth(1)


def arrives(anna: Desk, flow: Made, path: Path) -> Locator:
    """Upload while the history is looked at, and return the line that appears there by itself."""
    anna.go("/runs")
    upload(path, flow.server, any_client())
    row = first_row(anna)
    expect(row).to_contain_text(path.name)
    return row


def opened(anna: Desk, row: Locator, name: str) -> None:
    row.get_by_role("link").click()
    anna.heading(name).wait_for()
    anna.heading("What was found").wait_for()


@pytest.fixture(scope="module")
def sent(anna: Desk, flow: Made, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The flow after its first upload has reached Apple."""
    row = arrives(anna, flow, write_sample(tmp_path_factory.mktemp("first") / "roster.zip"))
    expect(row).to_contain_text("Sent to Apple School Manager: 120 students")
    return flow


def test_the_wizard_ends_with_a_flow_that_is_on(anna: Desk, flow: Made) -> None:
    page = anna.go(flow.path)

    expect(anna.heading("Nightly roster")).to_be_visible()
    expect(page.get_by_text(flow.server.username).first).to_be_visible()
    expect(page.get_by_text("On", exact=True).first).to_be_visible()
    anna.go("/settings")
    expect(page.get_by_text("Since")).to_be_visible()  # the data of each step is kept


def test_an_upload_appears_while_the_history_is_looked_at_and_its_run_tells_all(anna: Desk, sent: Made) -> None:
    anna.go("/runs")
    expect(first_row(anna)).to_contain_text("Nobody")

    opened(anna, first_row(anna), "roster.zip")

    page = anna.page
    expect(page.get_by_text("The first upload of this flow").first).to_be_visible()
    expect(page.get_by_role("img", name="Rows per file").or_(page.get_by_label("Rows per file")).first).to_be_visible()
    page.get_by_role("button", name="Send", exact=True).click()
    expect(anna.heading("Response")).to_be_visible()


def test_a_rejected_upload_says_in_which_file_and_line_and_how_to_mend_it(
    anna: Desk, sent: Made, tmp_path: Path
) -> None:
    row = arrives(anna, sent, broken(tmp_path / "broken.zip"))
    expect(row).to_contain_text("Rejected: not sent")
    expect(row).to_contain_text("You: mend the files and upload again")

    opened(anna, row, "broken.zip")

    table = anna.page.get_by_role("table").first
    expect(table).to_contain_text("users.csv")
    expect(table).to_contain_text("givenName")
    anna.look("run-rejected")
    anna.page.get_by_label("Find by code, file, column or text").fill("nothing that is there")
    expect(anna.page.get_by_text("Nothing matches.")).to_be_visible()


def test_an_upload_that_removes_much_waits_until_it_is_approved_with_a_reason(
    anna: Desk, sent: Made, tmp_path: Path
) -> None:
    row = arrives(anna, sent, write_sample(tmp_path / "half.zip", students=60))
    expect(row).to_contain_text("Waits for approval")
    anna.look("history")
    opened(anna, row, "half.zip")
    page = anna.page
    expect(page.get_by_text("60 students would be deactivated").first).to_be_visible()
    anna.look("run-held")

    anna.button("Approve").click()
    anna.button("Approve").click()
    expect(page.get_by_text("Say in one line why.")).to_be_visible()
    page.get_by_label("Reason").fill("The leavers of this year.")
    anna.look("run-approve")
    page.keyboard.press("Enter")

    expect(page.get_by_text("Approved: The leavers of this year.")).to_be_visible()
    expect(page.get_by_text("Sent to Apple School Manager: 60 students").first).to_be_visible()
    page.reload()
    expect(page.get_by_label("students.csv: from 120 to 60 rows over 2 runs")).to_be_visible()
    anna.take("run")


def test_a_dry_run_says_what_would_happen_and_nothing_is_sent(anna: Desk, sent: Made, tmp_path: Path) -> None:
    page = anna.go("/dry-run")
    page.get_by_role("button", name="Flow").click()
    page.get_by_role("option", name="Nightly roster").click()
    page.locator("input[type=file]").set_input_files(write_sample(tmp_path / "next-year.zip", students=20))
    anna.take("dry-run-file")

    anna.button("Start dry run").click()

    expect(page.get_by_text("It would wait for your approval.")).to_be_visible()
    expect(page.get_by_text("students would be deactivated").first).to_be_visible()
    anna.look("dry-run-outcome")
    anna.go("/runs")
    expect(first_row(anna)).to_be_visible()
    expect(page.get_by_text("next-year.zip")).to_have_count(0)


def test_a_key_pair_made_in_the_browser_signs_in(anna: Desk, flow: Made, tmp_path: Path) -> None:
    page, username = anna.go("/file-accounts"), unique("meadowlark-key")
    anna.button("Create file account").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("User name", exact=True).fill(username)
    dialog.get_by_role("radio", name="Public key").check()

    with page.expect_download() as download:
        anna.button("Make a key pair").click()
    anna.look("file-account-key")
    anna.button("Create").click()
    page.get_by_text("The file account is there").wait_for()
    key = tmp_path / "rosterbridge_ed25519"
    download.value.save_as(key)
    key.chmod(0o600)

    login = Login(flow.server.port, flow.server.host_key, username, key=key)
    assert put_and_get_by_openssh(login, b"with a key", tmp_path) == b"with a key"
    with by_paramiko(login) as sftp:
        assert sftp.listdir() == ["openssh.part"]


def broken(path: Path) -> Path:
    """Write a roster in which every third person has no given name."""
    files = sample_files()
    header, *rows = files["users.csv"].splitlines()
    place = header.split(",").index("givenName")
    rows[::3] = [without(row, place) for row in rows[::3]]
    files["users.csv"] = "\r\n".join([header, *rows])
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def without(row: str, place: int) -> str:
    """Return a row with one of its cells emptied; no cell before it is quoted."""
    cells = row.split(",")
    cells[place] = ""
    return ",".join(cells)
