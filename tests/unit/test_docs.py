"""The documentation names what the code has, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from rosterbridge.flows.messages import FAILURES
from rosterbridge.roster.codes import CODES, LEFT_OUT

ROOT = Path(__file__).parents[2]
ERRORS = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")


def test_each_code_has_its_section_and_each_section_its_code() -> None:
    sections = re.findall(r"^### (\S+)$", ERRORS, re.MULTILINE)
    assert sorted(sections) == sorted([*CODES, *FAILURES])


def test_codes_are_kebab_case_and_say_how_to_mend() -> None:
    for code, known in CODES.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)
        assert known.message.endswith(".")
        assert known.mend.endswith(".")


def test_each_reason_for_leaving_a_row_out_is_listed() -> None:
    assert re.findall(r"^\| `(\S+)` \|", ERRORS, re.MULTILINE) == list(LEFT_OUT)


def test_the_mend_in_the_documentation_is_the_one_that_the_report_gives() -> None:
    for code, known in CODES.items():
        section = ERRORS.split(f"### {code}\n", 1)[1].split("\n#", 1)[0]
        start = known.mend.split("{", 1)[0]
        assert f"**Mend.** {start}" in section, code
        assert "**Cause.** " in section, code


def test_links_of_the_documentation_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
