"""A flow weighs the codes of the report itself: what then is rejected, dropped, left out and told."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from rosterbridge.roster import ConversionOptions
from rosterbridge.roster.codes import CODES
from rosterbridge.roster.documents import options_from_json
from rosterbridge.roster.report import FileCounts
from tests.support.rosters import Files, added, asm, oneroster_1_1, process, replaced


def weighed(code: str, severity: str, **options: object) -> ConversionOptions:
    return ConversionOptions(severities={code: severity}, **options)  # type: ignore[arg-type, dict-item]


def with_two_unknown_classes() -> Files:
    return added(oneroster_1_1(), "enrollments.csv", "e7,,,gone,s1,p1,student,,,", "e8,,,gone,s1,p2,student,,,")


@pytest.mark.parametrize(
    ("file", "old", "new", "code"),
    [
        ("manifest.csv", "manifest.version,1.0", "manifest.version,1", "manifest-version"),
        ("users.csv", "Cy,Holm,Q", "Cy,Holm,NULL", "null-word"),
        ("users.csv", "s1,parent", "s1,mascot", "unknown-role"),
        ("users.csv", "P-2", "P-1", "shared-value"),
        ("orgs.csv", "South School", "North School", "same-name-location"),
        ("classes.csv", "c1,,,Algebra A", "c1,active,,Algebra A", "status-in-bulk"),
    ],
)
def test_a_warning_raised_to_error_rejects(tmp_path: Path, file: str, old: str, new: str, code: str) -> None:
    files = replaced(oneroster_1_1(), file, old, new)
    usual = process(tmp_path, files)
    assert [(entry.code, entry.severity) for entry in usual.report.entries] == [(code, "warning")]
    raised = process(tmp_path, files, weighed(code, "error"))
    assert raised.report.rejected_by == code
    assert [(entry.code, entry.severity) for entry in raised.report.entries] == [(code, "error")]
    assert raised.report.sent == {}


@pytest.mark.parametrize(
    ("file", "old", "new", "code"),
    [
        ("manifest.csv", "manifest.version,1.0", "manifest.version,1", "manifest-version"),
        ("users.csv", "Cy,Holm,Q", "Cy,Holm,NULL", "null-word"),
        ("users.csv", "P-2", "P-1", "shared-value"),
    ],
)
def test_an_ignored_warning_is_not_told_and_its_repair_is_made(
    tmp_path: Path, file: str, old: str, new: str, code: str
) -> None:
    files = replaced(oneroster_1_1(), file, old, new)
    usual = process(tmp_path, files).rows("students.csv")
    ignored = process(tmp_path, files, weighed(code, "ignore"))
    assert ignored.report.entries == ()
    assert ignored.report.totals == ()
    assert ignored.rows("students.csv") == usual


class TestLoweredRowErrors:
    """The row still does not go to Apple, but nobody's limit counts it."""

    @pytest.mark.parametrize("severity", ["warning", "ignore"])
    @pytest.mark.parametrize("repair", [None, False])
    def test_the_row_is_left_out_and_not_dropped(self, tmp_path: Path, severity: str, repair: bool | None) -> None:
        files = with_two_unknown_classes()
        rejected = process(tmp_path, files, ConversionOptions(repair=repair)).report
        assert rejected.rejected_by == ("too-many-dropped" if repair is None else "rows-dropped")
        assert rejected.counts["enrollments.csv"].dropped == 2
        outcome = process(tmp_path, files, weighed("unknown-class", severity, repair=repair))
        assert outcome.column("rosters.csv", "roster_id") == ["e3", "e4", "e5"]
        told = [("unknown-class", "warning", 8), ("unknown-class", "warning", 9)] if severity == "warning" else []
        assert [(entry.code, entry.severity, entry.line) for entry in outcome.report.entries] == told
        assert outcome.report.counts["enrollments.csv"] == FileCounts(
            read=8, sent=6, left_out=2, dropped=0, reasons={"unknown-class": 2}
        )
        assert "wrong" not in outcome.report.summary

    @pytest.mark.parametrize("severity", ["warning", "ignore"])
    @pytest.mark.parametrize(
        ("file", "old", "new", "code", "line"),
        [
            ("users.csv", "Ed,Ek", ",Ek", "missing-value", 6),
            ("users.csv", ",10,\n", ",10,,surplus\n", "surplus-values", 6),
            ("classes.csv", ",s2,term2", ",gone,term2", "unknown-school", 3),
            ("enrollments.csv", "c2,s2,p3", "c2,s2,gone", "unknown-user", 6),
        ],
    )
    def test_what_refers_to_the_row_is_left_out_with_it(
        self, tmp_path: Path, file: str, old: str, new: str, code: str, line: int, severity: str
    ) -> None:
        outcome = process(tmp_path, replaced(oneroster_1_1(), file, old, new), weighed(code, severity))
        assert outcome.found == ([(code, file, line)] if severity == "warning" else [])
        assert outcome.report.counts[file].reasons[code] == 1
        assert all(counts.dropped == 0 for counts in outcome.report.counts.values())
        assert "e5" not in outcome.column("rosters.csv", "roster_id")
        assert process(tmp_path, outcome.zip.read_bytes() if outcome.zip else b"").report.accepted

    def test_a_row_error_that_is_called_an_error_still_drops_its_row_only(self, tmp_path: Path) -> None:
        outcome = process(tmp_path, with_two_unknown_classes(), weighed("unknown-class", "error", max_dropped=0.5))
        assert outcome.report.accepted
        assert outcome.report.counts["enrollments.csv"].dropped == 2


def test_severities_hold_for_apples_own_format_too(tmp_path: Path) -> None:
    files = replaced(asm(), "locations.csv", "South", "North")
    assert process(tmp_path, files).report.accepted
    assert process(tmp_path, files, weighed("same-name-location", "error")).report.rejected_by == "same-name-location"


def test_a_flow_may_forgive_in_strict_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    files = oneroster_1_1()
    del files["manifest.csv"]
    strict = process(tmp_path, files, ConversionOptions(profile="strict")).report
    assert "no-manifest" in strict.codes
    forgiven = process(tmp_path, files, weighed("no-manifest", "warning", profile="strict")).report
    assert set(forgiven.codes) == set(strict.codes) - {"no-manifest"}


@pytest.mark.parametrize("severity", ["ignore", "warning", "error"])
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("made-up", "there is no code made-up"),
        *((code, f"{code} makes an upload unusable: its severity is fixed") for code in ("not-utf8", "no-students")),
    ],
)
def test_an_unknown_or_fixed_code_is_refused_by_a_sentence_that_names_it(code: str, words: str, severity: str) -> None:
    with pytest.raises(ValidationError, match=words):
        options_from_json(f'{{"severities": {{"{code}": "{severity}"}}}}')


def test_every_code_is_either_fixed_or_taken_from_json() -> None:
    for code, known in CODES.items():
        text = f'{{"severities": {{"{code}": "warning"}}}}'
        if known.adjustable:
            assert options_from_json(text).severities == {code: "warning"}
        else:
            with pytest.raises(ValidationError, match=code):
                options_from_json(text)


def test_a_severity_of_another_name_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"severities\.null-word"):
        options_from_json('{"severities": {"null-word": "fatal"}}')
