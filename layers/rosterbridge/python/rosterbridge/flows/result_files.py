"""The results that lie in a file account's home: whoever has nothing but an SFTP client reads there what happened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from rosterbridge.errors import NotFoundError
from rosterbridge.flows.models import FileAccount, ObjectRef, Run, RunStatus
from rosterbridge.flows.ports import AccountStore, ObjectStore
from rosterbridge.flows.signing_in import home_prefix
from rosterbridge.roster.report import Entry, Report
from rosterbridge.roster.report_forms import one_line, report_to_csv, report_to_lines

REPORTS = "reports"
KEPT = 30
SHOWN_LINES = 200
LONGEST_NAME = 60
BYTE_ORDER_MARK = "\ufeff"  # without it, Excel takes a CSV for Windows-1252
# What stands in a file's name as it is, on every system
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
OURS = re.compile(r"\d{4}-\d\d-\d\d \d\d-\d\d-\d\d [a-z]+ [A-Za-z0-9._-]+ [0-9a-f]{8}\.(csv|txt)")
NEXT = {
    RunStatus.SUCCEEDED: "Nothing is to be done.",
    RunStatus.REJECTED: "Mend what is listed here and upload the file again. Apple School Manager stays as it is.",
    RunStatus.FAILED: "Do what the sentence above says, then upload the file again.",
    RunStatus.HELD: "Nothing is sent until an administrator of Rosterbridge approves or rejects this upload.",
    RunStatus.SUPERSEDED: "Nothing is to be done: the newer upload counts.",
}


@dataclass(frozen=True)
class ResultFiles:
    """Writes the results of runs; ``home_bucket`` holds the homes."""

    accounts: AccountStore
    objects: ObjectStore
    home_bucket: str

    def write(self, run: Run) -> None:
        """Write how a run ended, or that it is held, as text and CSV, and remove all but the last 30 results.

        May be repeated. Nothing is written for an account that is gone: its home is to be empty.
        """
        if self.accounts.get(FileAccount, run.organization_id, run.file_account_id) is None:
            return
        report = self._report(run)
        name = result_name(run)
        folder = f"{home_prefix(run.file_account_id)}/{REPORTS}/"
        for suffix, text in ((".csv", BYTE_ORDER_MARK + report_to_csv(report)), (".txt", result_text(run, report))):
            self.objects.put_text(text, ObjectRef(bucket=self.home_bucket, key=f"{folder}{name}{suffix}"))
        self._remove_old(folder)

    def _report(self, run: Run) -> Report:
        """Return the report; without one, a report of nothing but the run's own sentence."""
        from rosterbridge.roster.documents import report_from_json

        try:
            if run.report is not None:
                return report_from_json(self.objects.get_text(run.report))
        except NotFoundError:  # files are kept for a shorter time than a run may be held
            pass
        code = run.error or run.status.value
        went_wrong = run.status in {RunStatus.REJECTED, RunStatus.FAILED}
        entries = (Entry(code, "error", run.summary, ""),) if went_wrong else ()
        return Report(accepted=not went_wrong, format="unknown", summary=run.summary, entries=entries)

    def _remove_old(self, folder: str) -> None:
        """Remove every version of all but the newest results; other files in the folder are the client's."""
        keys = [key for key in self.objects.keys(self.home_bucket, folder) if OURS.fullmatch(key.removeprefix(folder))]
        results = sorted({key.rsplit(".", 1)[0] for key in keys}, reverse=True)
        old = set(results[KEPT:])
        for key in keys:
            if key.rsplit(".", 1)[0] in old:
                self.objects.erase(ObjectRef(bucket=self.home_bucket, key=key))


def is_result_place(path: tuple[str, ...]) -> bool:
    """Tell whether a path in a home lies in the folder of results, however the client spells it."""
    return len(path) > 1 and path[0].casefold() == REPORTS


def result_name(run: Run) -> str:
    """Return the name of a run's result without its suffix: names sort by time, in UTC."""
    at = told_at(run).astimezone(UTC)
    uploaded = re.sub(r"\.zip$", "", run.file_name, flags=re.IGNORECASE)
    safe = UNSAFE.sub("_", uploaded)[:LONGEST_NAME].strip("._-") or "upload"
    return f"{at:%Y-%m-%d %H-%M-%S} {run.status.value} {safe} {run.id[:8]}"


def told_at(run: Run) -> datetime:
    """Return when that happened which there is to tell: the run's end, or that it was held."""
    if run.ended_at is not None:
        return run.ended_at
    return run.hold.since if run.hold else run.received_at


def result_text(run: Run, report: Report) -> str:
    """Return what happened: one sentence, what to do, the counts, and the first 200 lines of the report."""
    lines = [
        f"{run.status.value.capitalize()}: {one_line(_sentence(run))}",
        NEXT.get(run.status, ""),
        "",
        f"File      {one_line(run.file_name)} ({run.file_bytes:,} bytes)",
        f"Received  {_moment(run.received_at)}",
        f"{'Held    ' if run.status is RunStatus.HELD else 'Ended   '}  {_moment(told_at(run))}",
        f"Flow      {run.flow_name}",
        f"Run       {run.id}",
        *_counts(report),
        *_findings(report),
    ]
    return "".join(f"{line}\r\n" for line in lines)  # an old editor of Windows shows a line feed alone as no break


def _sentence(run: Run) -> str:
    """Return the run's sentence, which may begin with the status itself."""
    status = run.status.value.capitalize()
    return run.summary.removeprefix(f"{status}: ") or "there is nothing more to tell."


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _counts(report: Report) -> list[str]:
    if not report.counts:
        return []
    rows = [
        f"  {one_line(file)}: {count.read:,} read, {count.sent:,} sent, {count.left_out:,} left out, "
        f"{count.dropped:,} with errors"
        for file, count in report.counts.items()
    ]
    return ["", "Rows", *rows]


def _findings(report: Report) -> list[str]:
    """Return the lines of the report, errors first."""
    entries = sorted(report.entries, key=lambda entry: entry.severity != "error")
    if not entries:
        return []
    shown = tuple(entries[:SHOWN_LINES])
    found = sum(total.count for total in report.totals) or len(entries)
    title = f"Errors and warnings, the first {len(shown):,} of {found:,}"
    text = report_to_lines(Report(accepted=report.accepted, format=report.format, summary="", entries=shown))
    return ["", title if found > len(shown) else "Errors and warnings", *text.splitlines()]
