"""In-memory fakes of every port; ``tests/contract`` holds them to what the real adapters do."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

from rosterbridge.errors import ConfigurationError, NotFoundError, PermanentError
from rosterbridge.flows.models import STEPS, AsmAccount, FileAccount, Flow, ObjectRef, Project, Run, RunStatus, Step


class FakeAccountStore:
    def __init__(self) -> None:
        self.projects: dict[str, Project] = {}
        self.file_accounts: dict[str, FileAccount] = {}
        self.asm_accounts: dict[str, AsmAccount] = {}
        self.flows: dict[str, Flow] = {}

    def file_account_by_username(self, username: str) -> FileAccount | None:
        return next((account for account in self.file_accounts.values() if account.username == username), None)

    def flows_of_file_account(self, file_account_id: str) -> Sequence[Flow]:
        return [flow for _, flow in sorted(self.flows.items()) if flow.file_account_id == file_account_id]

    def flow(self, flow_id: str) -> Flow | None:
        return self.flows.get(flow_id)

    def asm_account(self, asm_account_id: str) -> AsmAccount | None:
        return self.asm_accounts.get(asm_account_id)

    def project(self, project_id: str) -> Project | None:
        return self.projects.get(project_id)

    def put_project(self, project: Project) -> None:
        self.projects[project.id] = project

    def create_flow(self, flow: Flow, file_account: FileAccount, asm_account: AsmAccount) -> None:
        if self.file_account_by_username(file_account.username):
            raise ConfigurationError("username-taken")
        if flow.id in self.flows or file_account.id in self.file_accounts or asm_account.id in self.asm_accounts:
            raise PermanentError("aws-refused")
        self.file_accounts[file_account.id] = file_account
        self.asm_accounts[asm_account.id] = asm_account
        self.flows[flow.id] = flow


class FakeRunStore:
    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}

    def create(self, run: Run) -> Run:
        return self.runs.setdefault(run.id, run)

    def get(self, run_id: str) -> Run | None:
        return self.runs.get(run_id)

    def list(self, project_id: str, *, limit: int) -> Sequence[Run]:
        found = [run for run in self.runs.values() if run.project_id == project_id]
        return sorted(found, key=lambda run: run.received_at.astimezone(UTC), reverse=True)[:limit]

    def start_step(self, run_id: str, status: RunStatus, step: Step) -> None:
        run = self._known(run_id)
        if run.ended_at:
            raise PermanentError("run-ended", run_id)
        self._put(run, step, status=status)

    def end_step(self, run_id: str, step: Step, *, summary: str = "", **produced: Any) -> None:
        run = self._known(run_id)
        given = {name: value for name, value in produced.items() if value is not None}
        if summary and not run.ended_at:
            given["summary"] = summary
        self._put(run, step, **given)

    def end(self, run_id: str, **how: Any) -> None:
        """Close a record, as the state machine does."""
        self.runs[run_id] = self._known(run_id).model_copy(update=how)

    def _known(self, run_id: str) -> Run:
        if run_id not in self.runs:
            raise NotFoundError("run-missing", run_id)
        return self.runs[run_id]

    def _put(self, run: Run, step: Step, **update: Any) -> None:
        steps = {**{known.name: known for known in run.steps}, step.name: step}
        ordered = tuple(steps[name] for name in STEPS if name in steps)
        self.runs[run.id] = run.model_copy(update={**update, "steps": ordered})


class FakeObjectStore:
    """A versioned bucket of every name; a reference without a version means the newest one."""

    def __init__(self) -> None:
        self._versions: dict[tuple[str, str], dict[str, bytes]] = {}
        self._count = 0

    def put(self, ref: ObjectRef, content: bytes) -> ObjectRef:
        """Store a new version and return it."""
        self._count += 1
        version = f"v{self._count}"
        self._versions.setdefault((ref.bucket, ref.key), {})[version] = content
        return ref.model_copy(update={"version_id": version})

    def content(self, ref: ObjectRef) -> bytes:
        versions = self._versions.get((ref.bucket, ref.key), {})
        version = ref.version_id or next(reversed(versions), "")
        if version not in versions:
            raise NotFoundError("object-missing")
        return versions[version]

    def keys(self, bucket: str) -> list[str]:
        return sorted(key for (name, key), versions in self._versions.items() if name == bucket and versions)

    def exists(self, ref: ObjectRef) -> bool:
        try:
            self.content(ref)
        except NotFoundError:
            return False
        return True

    def copy(self, source: ObjectRef, target: ObjectRef) -> None:
        self.put(target, self.content(source))

    def delete(self, ref: ObjectRef) -> None:
        versions = self._versions.get((ref.bucket, ref.key), {})
        versions.pop(ref.version_id or next(reversed(versions), ""), None)

    def download(self, ref: ObjectRef, path: Path) -> None:
        path.write_bytes(self.content(ref))

    def upload(self, path: Path, ref: ObjectRef) -> None:
        self.put(ref, path.read_bytes())

    def put_text(self, text: str, ref: ObjectRef) -> None:
        self.put(ref, text.encode())

    def get_text(self, ref: ObjectRef) -> str:
        return self.content(ref).decode()


class FakeSecretBox:
    def encrypt(self, secret: str, *, organization_id: str) -> str:
        return base64.b64encode(f"{organization_id}\n{secret[::-1]}".encode()).decode()

    def decrypt(self, ciphertext: str, *, organization_id: str) -> str:
        try:
            owner, secret = base64.b64decode(ciphertext, validate=True).decode().split("\n", 1)
        except ValueError:
            raise PermanentError("secret-unreadable") from None
        if owner != organization_id:
            raise PermanentError("secret-unreadable")
        return secret[::-1]


class FakeWorkflow:
    """Knows what was started, each name once, as a Standard state machine does."""

    def __init__(self) -> None:
        self.started: dict[str, ObjectRef] = {}
        self.asked: Counter[str] = Counter()

    def start(self, run_id: str, source: ObjectRef) -> None:
        self.asked[run_id] += 1
        self.started.setdefault(run_id, source)


class FakeDelivery:
    """Keeps what was sent by its remote name; raises ``error`` instead, if it is set."""

    def __init__(self) -> None:
        self.received: dict[str, bytes] = {}
        self.signed_in_with: list[tuple[str, str]] = []
        self.error: Exception | None = None

    def send(self, path: Path, account: AsmAccount, password: str, remote_name: str) -> dict[str, object]:
        self.signed_in_with.append((account.username, password))
        if self.error:
            raise self.error
        self.received[remote_name] = path.read_bytes()
        return {"method": "put", "remote_path": f"{account.folder}/{remote_name}", "bytes": path.stat().st_size}


class FakeHasher:
    """Hashes by turning round; remembers with which hash each password was compared."""

    def __init__(self) -> None:
        self.compared: list[str | None] = []

    def hash(self, password: str) -> str:
        return f"hashed:{password[::-1]}"

    def matches(self, password: str, password_hash: str | None) -> bool:
        self.compared.append(password_hash)
        return password_hash == self.hash(password)


class Failing:
    """Passes every call on to a fake, except one, which fails: ``Calls`` counts them over many fakes."""

    def __init__(self, fake: Any, calls: Calls) -> None:
        self._fake = fake
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._fake, name)

        def call(*arguments: Any, **named: Any) -> Any:
            return self._calls.through(lambda: method(*arguments, **named), name)

        return call


class Calls:
    """Counts calls to ports; the call ``fails_at`` raises ``error``, before it had its effect or ``after`` it."""

    def __init__(self, fails_at: int | None, error: Exception, *, after: bool = False) -> None:
        self.names: list[str] = []
        self._fails_at = fails_at
        self._error = error
        self._after = after

    def through(self, call: Any, name: str) -> Any:
        fails = len(self.names) == self._fails_at
        self.names.append(name)
        if fails and not self._after:
            raise self._error
        result = call()
        if fails:
            raise self._error
        return result
