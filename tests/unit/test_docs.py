"""The documentation names what the code has, and nothing else."""

from __future__ import annotations

import re
from collections import Counter
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


PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), *(ROOT / ".github").rglob("*.md")]
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]*)\)")


def prose(page: Path) -> str:
    """Return a page without its blocks of code, in which nothing is a link or a heading."""
    return re.sub(r"^(```|~~~).*?^\1", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Return the names under which GitHub finds a page's headings."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in re.findall(r"^#+ +(.+?) *#*$", prose(page), re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


def dead_links(page: Path) -> list[str]:
    """Return the links of a page to files that are not there, and to headings that a page does not have."""
    dead = []
    for link in LINK.findall(re.sub(r"`[^`\n]*`", "", prose(page))):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            dead.append(f"{page.name}: {link}")
    return dead


def test_links_of_the_documentation_lead_somewhere() -> None:
    assert [link for page in PAGES for link in dead_links(page)] == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    page, other = tmp_path / "page.md", tmp_path / "other.md"
    other.write_text("# One\n\n## When `it` fails, twice\n\n## One\n\n```\n# no heading\n```\n")
    links = ("other.md", "other.md#one", "other.md#one-1", "other.md#when-it-fails-twice")
    dead = ("gone.md", "other.md#two", "other.md#no-heading", "#here")
    page.write_text("".join(f"[to]({link})\n" for link in links + dead) + "`[a](b)`\n")

    assert dead_links(page) == [f"page.md: {link}" for link in dead]
