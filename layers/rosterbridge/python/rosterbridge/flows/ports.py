"""What the use cases need from outside; ``rosterbridge.adapters`` fulfils it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from rosterbridge.flows.models import AsmAccount, FileAccount, Flow, ObjectRef, Project, Run, RunStatus, Step


class AccountStore(Protocol):
    """Keeps organizations' accounts and flows."""

    def file_account_by_username(self, username: str) -> FileAccount | None:
        """Return the file account that signs in with ``username``."""

    def flows_of_file_account(self, file_account_id: str) -> Sequence[Flow]:
        """Return the flows that an upload to this file account starts."""

    def flow(self, flow_id: str) -> Flow | None:
        """Return the flow."""

    def asm_account(self, asm_account_id: str) -> AsmAccount | None:
        """Return the ASM account."""

    def project(self, project_id: str) -> Project | None:
        """Return the project."""

    def put_project(self, project: Project) -> None:
        """Store the project."""

    def create_flow(self, flow: Flow, file_account: FileAccount, asm_account: AsmAccount) -> None:
        """Store the three together or none; raises ConfigurationError ``username-taken``."""


class RunStore(Protocol):
    """Keeps the history."""

    def create(self, run: Run) -> Run:
        """Store a new run and return it; one that is known already stays as it is and is returned instead."""

    def get(self, run_id: str) -> Run | None:
        """Return the run with its steps."""

    def list(self, project_id: str, *, limit: int) -> Sequence[Run]:
        """Return a project's runs, newest first."""

    def start_step(self, run_id: str, status: RunStatus, step: Step) -> None:
        """Record that a step begins and what the run is doing.

        Raises NotFoundError ``run-missing``, or PermanentError ``run-ended``: an ended run is not opened again.
        """

    def end_step(
        self,
        run_id: str,
        step: Step,
        *,
        summary: str = "",
        report: ObjectRef | None = None,
        result: ObjectRef | None = None,
        provenance: ObjectRef | None = None,
        delivered_to: str | None = None,
    ) -> None:
        """Record how a step ended, with what it produced; an ended run keeps its summary.

        Raises NotFoundError ``run-missing``.
        """


class ObjectStore(Protocol):
    """Keeps uploads, results and reports."""

    def exists(self, ref: ObjectRef) -> bool:
        """Tell whether the object (this version of it, if named) is there."""

    def copy(self, source: ObjectRef, target: ObjectRef) -> None:
        """Copy; overwrites; raises NotFoundError when the source is gone."""

    def delete(self, ref: ObjectRef) -> None:
        """Delete this version; a missing one is no error."""

    def download(self, ref: ObjectRef, path: Path) -> None:
        """Write the object to ``path``; raises NotFoundError."""

    def upload(self, path: Path, ref: ObjectRef) -> None:
        """Store the file."""

    def put_text(self, text: str, ref: ObjectRef) -> None:
        """Store a small text, such as a report in JSON."""

    def get_text(self, ref: ObjectRef) -> str:
        """Return a small text; raises NotFoundError."""


class SecretBox(Protocol):
    """Encrypts what must be read again, bound to its organization."""

    def encrypt(self, secret: str, *, organization_id: str) -> str:
        """Return the ciphertext as text."""

    def decrypt(self, ciphertext: str, *, organization_id: str) -> str:
        """Return the secret; raises PermanentError ``secret-unreadable`` when it is not this organization's."""


class Workflow(Protocol):
    """Starts what happens to a received upload."""

    def start(self, run_id: str, source: ObjectRef) -> None:
        """Start the run's execution; starting it again is no error."""


class Delivery(Protocol):
    """Puts a file on Apple's server."""

    def send(self, path: Path, account: AsmAccount, password: str, remote_name: str) -> dict[str, object]:
        """Send the file and return what is worth recording (sizes, path, banner; never credentials).

        Raises TransientError (away, slow, broken off) or PermanentError (sign-in or host key refused).
        """
