from __future__ import annotations

import re
from pathlib import Path

import rosterbridge
from rosterbridge.api.codes import CODES
from rosterbridge.errors import at_boundary
from rosterbridge.flows.changes import MISSING
from rosterbridge.flows.messages import FAILURES, message

PACKAGE = Path(rosterbridge.__file__).parent
# an error is raised where it is met, or its class is chosen first
RAISED = re.compile(r"\b(?:[A-Z]\w+Error|kind)\(\s*f?\"([^\"]+)\"")
CHOSEN = set(MISSING.values()) | {"key-malformed", "key-type-refused"}
# what a state machine writes by itself (infra/run_states.py), and what receiving writes
WRITTEN = {"gave-up", "step-stopped", "run-stopped", "flow-switched-off", "hold-rejected", "hold-expired"}
# what a dry run says that broke off
BROKEN_OFF = {"dry-run-interrupted"}
# why an upload is not taken
LIMITS = {"too-many-uploads", "too-many-bytes", "upload-too-large"}
# why a run is held, and how one ends that was overtaken
JUDGED = {
    *("file-emptied", "too-many-removed", "too-many-changed", "additions-only", "blackout"),
    *("run-overtaken", "delta-overtaken"),
}
# what only a mistake in our own code can raise
OURS = {"prefix-not-a-folder"}


def raised() -> set[str]:
    sources = [*(PACKAGE / "flows").glob("*.py"), *(PACKAGE / "adapters").glob("*.py"), *PACKAGE.glob("*.py")]
    codes = {code for source in sources for code in RAISED.findall(source.read_text(encoding="utf-8"))}
    return {code for code in codes if re.fullmatch(r"[a-z]+(-[a-z]+)+", code)} | CHOSEN


def test_every_code_that_is_raised_has_its_sentence_for_a_run_or_for_the_api() -> None:
    codes = raised()

    assert len(codes) > 40
    assert sorted(codes - set(FAILURES) - set(CODES) - OURS) == []


def test_every_sentence_for_a_run_has_its_code() -> None:
    assert sorted(set(FAILURES) - raised() - WRITTEN - JUDGED - LIMITS - BROKEN_OFF) == []


def test_no_code_is_put_together_when_it_is_raised() -> None:
    sources = (PACKAGE / "flows").glob("*.py"), (PACKAGE / "adapters").glob("*.py")

    assert [source.name for found in sources for source in found if re.search(r"Error\(f\"", source.read_text())] == []


def test_each_sentence_says_what_to_do_in_one_line() -> None:
    for code, sentence in FAILURES.items():
        assert re.fullmatch(r"[A-Z].*[^.]\.", sentence), code
        assert re.search(r": |again|Switch", sentence), code


def test_an_unknown_code_is_named() -> None:
    assert message("something-new") == "The run failed (something-new): tell your operator."


def test_what_is_not_ours_leaves_as_a_permanent_error_without_its_text() -> None:
    error = at_boundary(ValueError("could not parse 'planted' as a date"))

    assert (type(error).__name__, str(error)) == ("PermanentError", "unexpected-error: ValueError")
