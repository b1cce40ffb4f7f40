"""The steps of a run after it was received: validate, convert, forward."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rosterbridge.errors import (
    ConfigurationError,
    InvalidRequestError,
    NotFoundError,
    PermanentError,
    RosterbridgeError,
    TransientError,
    at_boundary,
)
from rosterbridge.flows.hosts import HostCheck
from rosterbridge.flows.messages import message
from rosterbridge.flows.models import AsmAccount, Flow, Model, ObjectRef, Project, Run, RunStatus, Step, StepName
from rosterbridge.flows.ports import AccountStore, Delivery, ObjectStore, RunStore, SecretBox
from rosterbridge.flows.run_files import put_aside, run_object
from rosterbridge.roster.report import Report, counted

MOST_OPTIONS = 32 * 1024  # characters of JSON


class Validation(Model):
    """What the state machine learns from validation."""

    accepted: bool
    report: ObjectRef


class Conversion(Model):
    """What the state machine learns from conversion."""

    result: ObjectRef


class Forwarding(Model):
    """What the state machine learns from forwarding; ``sent_bytes`` is the size at Apple's side."""

    remote_name: str
    sent_bytes: int


@dataclass(frozen=True)
class Processor:
    """What every step needs; ``now`` is the clock."""

    accounts: AccountStore
    runs: RunStore
    objects: ObjectStore
    now: Callable[[], datetime]

    def validate(self, run_id: str) -> Validation:
        """Check the upload by all rules and store the report; a bad upload is an answer, not an error."""
        from rosterbridge.roster import validate
        from rosterbridge.roster.documents import report_to_json

        with self._step(run_id, "validate", RunStatus.VALIDATING) as work:
            source = work.fetch(work.run.source)
            work.requests(method="validate", **_asked(work, source))
            report = validate(source, work.flow.options, as_of=work.run.received_at.date())
            stored = run_object(work.run.source.bucket, run_id, "report.json")
            self.objects.put_text(report_to_json(report), stored)
            work.ended(
                outcome="succeeded" if report.accepted else "rejected",
                code=report.rejected_by,
                message=report.summary,
                counts=_counts(report),
                response={
                    "format": report.format,
                    "accepted": report.accepted,
                    "codes": list(report.codes),
                    "target": stored.key,
                },
            )
            work.produced(report=stored, summary=report.summary)
        return Validation(accepted=report.accepted, report=stored)

    def convert(self, run_id: str) -> Conversion:
        """Write the ZIP that Apple gets; raises PermanentError if conversion disagrees with validation."""
        from rosterbridge.roster import convert

        with self._step(run_id, "convert", RunStatus.CONVERTING) as work:
            source, target = work.fetch(work.run.source), work.folder / "result.zip"
            origins = work.folder / "provenance.csv.gz"
            work.requests(method="convert", **_asked(work, source))
            as_of = work.run.received_at.date()
            report = convert(source, target, work.flow.options, as_of=as_of, provenance=origins)
            if not report.accepted:
                raise PermanentError("conversion-differs")
            stored = run_object(work.run.source.bucket, run_id, "result.zip")
            self.objects.upload(target, stored)
            provenance = run_object(work.run.source.bucket, run_id, "provenance.csv.gz")
            self.objects.upload(origins, provenance)
            size = target.stat().st_size
            work.ended(
                outcome="succeeded",
                counts={**report.sent, "bytes": size},
                message="Passed on unchanged." if report.unchanged else "Converted to Apple School Manager CSV.",
                response={"format": "asm", "unchanged": report.unchanged, "target": stored.key, "bytes": size},
            )
            work.produced(result=stored, provenance=provenance)
        return Conversion(result=stored)

    def forward(self, run_id: str, delivery: Delivery, secrets: SecretBox, hosts: HostCheck) -> Forwarding:
        """Send the ZIP to Apple, to the address that was checked; raises TransientError or PermanentError."""
        with self._step(run_id, "forward", RunStatus.FORWARDING) as work:
            account = self._asm_account(work.flow)
            password = secrets.decrypt(account.encrypted_password, organization_id=account.organization_id)
            result = run_object(work.run.source.bucket, run_id, "result.zip")
            local = work.fetch(result)
            name, size = remote_name(run_id), local.stat().st_size
            server = {"host": account.host, "port": account.port, "folder": account.folder}
            work.requests(method="put", source=result.key, **server, name=name, bytes=size)
            checked = account.model_copy(update={"host": _address(hosts, account.host)})
            sent = {**delivery.send(local, checked, password, name), "outcome": "stored"}
            converted = work.run.step("convert")
            work.ended(outcome="succeeded", counts={"bytes": size}, message="Handed over to Apple.", response=sent)
            work.produced(
                summary=f"Sent to Apple School Manager: {counted(converted.counts if converted else {})}.",
                delivered_to=f"{account.host}:{account.port}/{account.folder}/{name}",
            )
        return Forwarding(remote_name=name, sent_bytes=size)

    def _asm_account(self, flow: Flow) -> AsmAccount:
        account = self.accounts.get(AsmAccount, flow.organization_id, flow.asm_account_id)
        if account is None:
            raise ConfigurationError("asm-account-missing", flow.asm_account_id)
        return account

    @contextmanager
    def _step(self, run_id: str, name: StepName, status: RunStatus) -> Iterator[_Work]:
        run = self.runs.get(run_id)
        if run is None:
            raise NotFoundError("run-missing", run_id)
        earlier = run.step(name)
        step = Step(name=name, started_at=self.now(), attempts=earlier.attempts + 1 if earlier else 1)
        self.runs.start_step(run_id, status, step)
        with tempfile.TemporaryDirectory(prefix="run-") as folder:
            work = _Work(self, run, Path(folder), step)
            try:
                work.flow = self._flow(run)
                yield work
            except Exception as error:
                work.failed(at_boundary(error).code)
                with suppress(RosterbridgeError):  # what went wrong first decides whether the step is tried again
                    work.save()
                raise
            work.save()

    def _flow(self, run: Run) -> Flow:
        flow = self.accounts.get(Flow, run.organization_id, run.flow_id)
        if flow is None:
            raise ConfigurationError("flow-missing", run.flow_id)
        return flow


class _Work:
    """One step in progress: its folder, what it recorded, what it produced."""

    flow: Flow

    def __init__(self, processor: Processor, run: Run, folder: Path, step: Step) -> None:
        self.run = run
        self.folder = folder
        self._processor = processor
        self._step = step
        self._produced: dict[str, Any] = {}

    def fetch(self, ref: ObjectRef) -> Path:
        path = self.folder / "input.zip"
        self._processor.objects.download(ref, path)
        return path

    def requests(self, **request: Any) -> None:
        self._step = self._step.model_copy(update={"request": request})

    def ended(self, **outcome: Any) -> None:
        self._step = self._step.model_copy(update=outcome)

    def produced(self, **produced: Any) -> None:
        self._produced.update(produced)

    def failed(self, code: str) -> None:
        self.ended(outcome="failed", code=code, message=message(code), response={"outcome": "failed", "code": code})
        self.produced(summary=message(code))

    def save(self) -> None:
        step = self._step.model_copy(update={"ended_at": self._processor.now()})
        project = self._processor.accounts.get(Project, self.run.organization_id, self.run.project_id)
        if project is not None and project.save_data:
            with suppress(RosterbridgeError):  # a file is not sent once more because this could not be kept
                step = put_aside(self._processor.objects, self.run.source.bucket, self.run.id, step)
        step = step.model_copy(update={"request": {}, "response": {}})
        self._processor.runs.end_step(self.run.id, step, **self._produced)


def remote_name(run_id: str) -> str:
    """Return the name that a run's ZIP has on Apple's server: plain ASCII, and the same for every try."""
    return f"rosterbridge-{run_id}.zip"


def _address(hosts: HostCheck, host: str) -> str:
    """Return what to connect to; a name may lead elsewhere by now than when the account was stored."""
    try:
        return hosts.check(host)
    except InvalidRequestError as error:
        if error.code == "asm-host-unresolved":  # names fail to resolve for a while, too
            raise TransientError("asm-unreachable", "unresolved") from None
        raise


def _asked(work: _Work, source: Path) -> dict[str, Any]:
    """Return what a step works on; options of unusual length are left out, since a run is shown whole."""
    asked = {"source": work.run.source.key, "bytes": source.stat().st_size}
    options = asdict(work.flow.options)
    return asked if len(json.dumps(options)) > MOST_OPTIONS else {**asked, "options": options}


def _counts(report: Report) -> dict[str, int]:
    rows = {f"{file.removesuffix('.csv')}_read": count.read for file, count in report.counts.items()}
    return {**rows, **report.sent}
