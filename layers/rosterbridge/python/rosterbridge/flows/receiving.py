"""An object has appeared in a home folder: is it an upload, and which runs does it start?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from rosterbridge.errors import NotFoundError
from rosterbridge.flows.broken_uploads import BrokenUpload, BrokenUploads, StoredVersion
from rosterbridge.flows.lanes import position
from rosterbridge.flows.messages import message
from rosterbridge.flows.models import FileAccount, Flow, ObjectRef, Project, Run, RunStatus, Step
from rosterbridge.flows.notice_ports import Outcomes
from rosterbridge.flows.ports import AccountStore, LaneStore, ObjectStore, RunStore, Workflow
from rosterbridge.flows.result_files import is_result_place
from rosterbridge.flows.run_files import all_put_aside, run_object
from rosterbridge.flows.signing_in import HOME_PREFIX
from rosterbridge.flows.upload_limits import LimitCheck, OverLimit

# What SFTP clients call a file that they have not finished
TEMPORARY_SUFFIXES = (".filepart", ".part", ".tmp", ".partial", ".crdownload")
HOME_DEPTH = 2  # home/<file account id>/<the client's own path>
SWITCHED_OFF = "flow-switched-off"


@dataclass(frozen=True)
class Uploaded:
    """One version of an object that S3 says was created; ``size`` in bytes, ``etag`` is S3's tag of its content."""

    ref: ObjectRef
    size: int
    at: datetime
    etag: str = ""


@dataclass(frozen=True)
class Receiver:
    """What receiving needs; ``run_bucket`` keeps the runs' files, ``keep_runs`` is the time that a record lives."""

    accounts: AccountStore
    runs: RunStore
    objects: ObjectStore
    lanes: LaneStore
    workflow: Workflow
    outcomes: Outcomes
    limits: LimitCheck
    broken: BrokenUploads
    run_bucket: str
    keep_runs: timedelta
    now: Callable[[], datetime]

    def receive(self, uploaded: Uploaded) -> list[str]:
        """Start a run for each flow of the account and take the object out of the home; return the run ids.

        The same event, delivered again at any point, changes nothing more: ids come from the object version, each
        step may be repeated, and the object is removed last.
        """
        if not is_upload(uploaded.ref.key, uploaded.size):
            return []
        flows = self.accounts.flows_of_file_account(_file_account_id(uploaded.ref.key))
        if not flows or not self.objects.exists(uploaded.ref):
            return []
        try:
            over = self.limits.check(flows[0].file_account_id, run_id(uploaded.ref, ""), uploaded.size, uploaded.at)
            runs = [self._record(uploaded, flow, over) for flow in flows]
        except NotFoundError:  # a repeated event finished between the check and the copy
            return []
        self._start(uploaded, runs)
        self._note(uploaded, flows[0])
        self.objects.delete(uploaded.ref)
        return [run.id for run in runs]

    def hear_of_failure(self, broken: BrokenUpload) -> list[str]:
        """End the runs of an upload that broke off, but those that are being sent; return the ids of those ended.

        May be repeated, and may come before the upload itself.
        """
        if not is_upload(broken.ref.key, broken.size):
            return []
        ended = self.broken.hear(broken, self.now())
        for identity in ended:
            self.outcomes.tell(identity)
        return ended

    def _record(self, uploaded: Uploaded, flow: Flow, over: OverLimit | None) -> Run:
        project = self.accounts.get(Project, flow.organization_id, flow.project_id)
        save_data = bool(project and project.save_data)
        run = new_run(uploaded, flow, self.run_bucket, self.keep_runs, save_data=save_data)
        if over is not None:
            run = rejected(run, over.code, over.sentence)
        self.objects.copy(uploaded.ref, run.source)
        if not run.status.final:
            self.lanes.enter(flow.id, run.id, position(run), self.now())  # first: or a later run could pass it unseen
        # the flow may have been switched since an earlier try: its record counts
        stored = self.runs.create(all_put_aside(self.objects, run))
        if stored.status.final or stored.step("convert") is not None:  # a repeated event has entered it again
            self.lanes.leave(flow.id, run.id)
        return stored

    def _start(self, uploaded: Uploaded, runs: list[Run]) -> None:
        """Start the runs, but those that have ended, and all of them if the upload broke off."""
        ids = tuple(run.id for run in runs)
        version = StoredVersion(uploaded.ref, uploaded.etag, uploaded.size, ids)
        now = self.now()
        ended = self.broken.end(ids, now) if self.broken.is_broken(version, now) else []
        for run in runs:
            if run.status.final or run.id in ended:
                self.outcomes.tell(run.id)
            else:
                self.workflow.start(run.id, run.source)

    def _note(self, uploaded: Uploaded, flow: Flow) -> None:
        account = self.accounts.get(FileAccount, flow.organization_id, flow.file_account_id)
        if account is not None:
            self.accounts.note_upload(account, uploaded.at)


def is_upload(key: str, size: int) -> bool:
    """Tell an upload from a folder, an empty object, a hidden or an unfinished file, and from a result of ours."""
    parts = key.split("/")
    if key.endswith("/") or size == 0 or len(parts) <= HOME_DEPTH or parts[0] != HOME_PREFIX:
        return False
    if is_result_place(tuple(parts[HOME_DEPTH:])):
        return False
    hidden = any(part.startswith((".", "~")) for part in parts[HOME_DEPTH:])
    return not hidden and not key.lower().endswith(TEMPORARY_SUFFIXES)


def _file_account_id(key: str) -> str:
    return key.split("/")[1]


def run_id(ref: ObjectRef, flow_id: str) -> str:
    """Return the id that this object version has as a run of this flow, always the same."""
    identity = "\n".join((ref.bucket, ref.key, ref.version_id or "", flow_id))
    return hashlib.sha256(identity.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Opening:
    """What a run begins with; ``size`` in bytes, ``origin`` is where its file comes from."""

    identity: str
    flow: Flow
    file_name: str
    size: int
    at: datetime
    origin: ObjectRef
    rerun_of: str | None = None


def new_run(uploaded: Uploaded, flow: Flow, run_bucket: str, keep: timedelta, *, save_data: bool) -> Run:
    """Return the record of a run that starts now; that of a switched-off flow is final at once."""
    opening = Opening(
        identity=run_id(uploaded.ref, flow.id),
        flow=flow,
        file_name=uploaded.ref.key.rsplit("/", 1)[-1],
        size=uploaded.size,
        at=uploaded.at,
        origin=uploaded.ref,
    )
    run = open_run(opening, run_bucket, keep, save_data=save_data)
    return run if flow.enabled else rejected(run, SWITCHED_OFF, message(SWITCHED_OFF))


def open_run(opening: Opening, run_bucket: str, keep: timedelta, *, save_data: bool) -> Run:
    """Return a run whose file was received, with its first step's request and response if they are to be saved."""
    flow = opening.flow
    source = run_object(run_bucket, opening.identity, "source.zip")
    return Run(
        id=opening.identity,
        organization_id=flow.organization_id,
        project_id=flow.project_id,
        flow_id=flow.id,
        flow_name=flow.name,
        file_account_id=flow.file_account_id,
        status=RunStatus.RECEIVED,
        received_at=opening.at,
        file_name=opening.file_name,
        file_bytes=opening.size,
        source=source,
        steps=(_step(opening, source, save_data=save_data),),
        expires_at=opening.at + keep,
        rerun_of=opening.rerun_of,
    )


def _step(opening: Opening, source: ObjectRef, *, save_data: bool) -> Step:
    saved = {
        "request": {
            "method": "rerun" if opening.rerun_of else "upload",
            "source": opening.origin.key,
            "bytes": opening.size,
        },
        "response": {"target": source.key, "bytes": opening.size},
    }
    return Step(
        name="receive",
        started_at=opening.at,
        ended_at=opening.at,
        outcome="succeeded",
        counts={"bytes": opening.size},
        **(saved if save_data else {}),
    )


def rejected(run: Run, code: str, sentence: str) -> Run:
    """Return the record of a run that ends before its first step."""
    update = {"outcome": "rejected", "code": code, "message": sentence}
    steps = tuple(step.model_copy(update=update) for step in run.steps)
    return run.model_copy(
        update={
            "status": RunStatus.REJECTED,
            "ended_at": run.received_at,
            "summary": sentence,
            "error": code,
            "steps": steps,
        }
    )
