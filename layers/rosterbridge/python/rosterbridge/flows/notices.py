"""What people are told of a run that did not go as usual: one sentence, the next step, and where to look.

Never pupil data, no values of files, and no name that a client chose; a flow's name is its administrator's own word.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date

from rosterbridge.flows.messages import FAILURES, message
from rosterbridge.flows.models import Flow, Run, RunStatus
from rosterbridge.flows.notice_ports import Notice

HOST_KEY_CHANGED = "asm-host-key-refused"
MISSED = "missed"
# Subjects are plain ASCII: a service that sends them may take nothing else
SUBJECTS = {
    "failed": "Rosterbridge: an upload failed",
    "rejected": "Rosterbridge: an upload was rejected",
    "held": "Rosterbridge: an upload waits for your approval",
    "superseded": "Rosterbridge: an upload was overtaken by a newer one",
    "host-key": "Rosterbridge: Apple's server shows another host key",
    MISSED: "Rosterbridge: an upload is missing",
}
WHAT = {
    "failed": "failed on its way to Apple School Manager.",
    "rejected": "was rejected: nothing of it was sent to Apple School Manager.",
    "held": "is held: nothing of it is sent until somebody approves it.",
    "superseded": "was overtaken by a newer one and not sent to Apple School Manager.",
    "host-key": "failed, because Apple's server showed another host key than the accepted one.",
}
MEND = "Its report names each error with file, line and mend: mend them in the SIS and upload again."
NOTHING_TO_DO = "Nothing is to be done as long as the newer upload arrives."
LOOK_AT_SIS = "Look whether the SIS has exported and uploaded; Apple School Manager stays as it is until then."


@dataclass(frozen=True)
class Places:
    """Where people look: in the console at this address, or by the command line where there is none."""

    console: str = ""

    def run(self, run_id: str) -> str:
        """Return where a run is shown."""
        return f"{self.console}/runs/{run_id}" if self.console else f"rosterbridge runs show {run_id}"

    def flow(self, flow_id: str) -> str:
        """Return where the runs of a flow are shown."""
        return f"{self.console}/flows/{flow_id}" if self.console else f"rosterbridge runs list --flow {flow_id}"


def run_notice(run: Run, places: Places) -> Notice | None:
    """Return what is told of a run that has ended or is held; None for one that went well or is under way."""
    kind = _kind(run)
    if kind is None:
        return None
    when = f"{run.received_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    sentence = f'The upload of {when} to the flow "{run.flow_name}" {WHAT[kind]}'
    return Notice(kind, SUBJECTS[kind], _text(sentence, _next_step(run), places.run(run.id)))


def missed_notice(flow: Flow, day: date, places: Places) -> Notice:
    """Return what is told when no upload came by the time of day at which the flow expects one."""
    by = f"{flow.expected_by} ({flow.time_zone}) on {day.isoformat()}"
    sentence = f'No upload to the flow "{flow.name}" came by {by}.'
    return Notice(MISSED, SUBJECTS[MISSED], _text(sentence, LOOK_AT_SIS, places.flow(flow.id)))


def _kind(run: Run) -> str | None:
    if run.error == HOST_KEY_CHANGED:
        return "host-key"
    return run.status.value if run.status.value in WHAT else None


def _next_step(run: Run) -> str:
    """Return what to do, by the code alone: the run's own sentence may show a value of a file."""
    if run.status is RunStatus.HELD and run.hold is not None:  # made of counts and codes
        until = f"{run.hold.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return f"{run.hold.sentence} It waits until {until}."
    if run.status is RunStatus.SUPERSEDED:
        return NOTHING_TO_DO
    if run.error in FAILURES:
        return message(run.error)
    return MEND if run.status is RunStatus.REJECTED else message(run.error or "unexpected-error")


def _text(sentence: str, next_step: str, place: str) -> str:
    return f"{sentence}\n\n{next_step}\n\n{place}\n"
