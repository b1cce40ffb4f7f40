"""In-memory fakes of every port; ``tests/contract`` holds them to what the real adapters do."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from rosterbridge.errors import ConflictError, NotFoundError, PermanentError, RosterbridgeError
from rosterbridge.flows.delivery_ports import Probe
from rosterbridge.flows.models import AsmAccount, ObjectRef, Role
from rosterbridge.flows.ports import Form, User
from tests.support.fake_dry_runs import FakeDryRunStore
from tests.support.fake_erasing import FakeBelongings, FakeErasureJob, FakeErasureStore, FakeExecutions
from tests.support.fake_lanes import FakeLaneStore
from tests.support.fake_notices import FakeNoticeStore, FakeNotifications, FakeOutcomes
from tests.support.fake_scores import FakeScoreStore
from tests.support.fake_stores import FakeAccountStore, FakeAuditStore, FakeRunStore
from tests.support.fake_uploads import FakeBrokenUploadStore, FakeUploadCounter

__all__ = [
    "Calls",
    "Failing",
    "FakeAccountStore",
    "FakeAuditStore",
    "FakeBelongings",
    "FakeBrokenUploadStore",
    "FakeDelivery",
    "FakeDryRunStore",
    "FakeErasureJob",
    "FakeErasureStore",
    "FakeExecutions",
    "FakeHasher",
    "FakeLaneStore",
    "FakeNoticeStore",
    "FakeNotifications",
    "FakeObjectStore",
    "FakeOutcomes",
    "FakeRunStore",
    "FakeScoreStore",
    "FakeSecretBox",
    "FakeSftpServer",
    "FakeUploadCounter",
    "FakeUserDirectory",
    "FakeWaiting",
    "FakeWorkflow",
]


class FakeObjectStore:
    """A versioned bucket of every name; a reference without a version means the newest one.

    ``links`` holds what each link leads to: the object, its file name and for how many seconds.
    """

    def __init__(self) -> None:
        self.links: dict[str, tuple[ObjectRef, str, int]] = {}
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

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        found = (key for (name, key), versions in self._versions.items() if name == bucket and versions)
        return sorted(key for key in found if key.startswith(prefix))

    def erase(self, ref: ObjectRef) -> None:
        self._versions.pop((ref.bucket, ref.key), None)

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

    def link(self, ref: ObjectRef, *, file_name: str, seconds: int) -> str:
        link = f"https://objects.invalid/{len(self.links)}"
        self.links[link] = (ref, file_name, seconds)
        return link

    def form(self, ref: ObjectRef, *, most_bytes: int, seconds: int) -> Form:
        fields = {"key": ref.key, "policy": f"up to {most_bytes} bytes for {seconds} s"}
        return Form(f"https://objects.invalid/{ref.bucket}", fields)

    def empty(self, bucket: str, prefix: str) -> int:
        if not prefix.endswith("/"):
            raise PermanentError("prefix-not-a-folder")
        gone = [key for key in self._versions if key[0] == bucket and key[1].startswith(prefix)]
        return sum(len(self._versions.pop(key)) for key in gone)


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


class FakeWaiting:
    """Knows what each waiting execution was told, the first word only."""

    def __init__(self) -> None:
        self.resumed: dict[str, str] = {}

    def resume(self, task_token: str, decision: str) -> None:
        self.resumed.setdefault(task_token, decision)


class FakeDelivery:
    """Keeps what was sent by its remote name; raises ``error`` instead, if it is set.

    A probe meets a server with ``host_key``, which takes the user and has the folder, unless ``error`` is set: then
    it is not reached.
    """

    def __init__(self, host_key: str = "ssh-ed25519 AAAA") -> None:
        self.host_key = host_key
        self.probed_with: list[tuple[str, str]] = []
        self.received: dict[str, bytes] = {}
        self.signed_in_with: list[tuple[str, str]] = []
        self.error: Exception | None = None

    def send(self, path: Path, account: AsmAccount, password: str, remote_name: str) -> dict[str, object]:
        self.signed_in_with.append((account.username, password))
        if self.error:
            raise self.error
        self.received[remote_name] = path.read_bytes()
        return {"method": "put", "remote_path": f"{account.folder}/{remote_name}", "bytes": path.stat().st_size}

    def probe(self, account: AsmAccount, password: str) -> Probe:
        if isinstance(self.error, RosterbridgeError):
            return Probe(code=self.error.code)
        digest = hashlib.sha256(self.host_key.encode()).digest()
        fingerprint = f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"
        met = Probe(host_key=self.host_key, fingerprint=fingerprint, server="SSH-2.0-fake", reached=True)
        if not account.host_keys:
            return replace(met, code="host-key-unknown")
        if self.host_key not in {" ".join(key.split()[:2]) for key in account.host_keys}:
            return replace(met, code="asm-host-key-refused")
        self.probed_with.append((account.username, password))
        return replace(met, accepted=True, signed_in=True, folder_found=True)


class FakeUserDirectory:
    """Knows users by id, each e-mail address once; ``waiting`` are those who were not admitted yet."""

    def __init__(self) -> None:
        self.known: dict[str, User] = {}
        self.waiting: set[str] = set()

    def create(self, email: str, organization_id: str | None) -> User:
        for user in self.known.values():
            if user.email == email.lower():
                if user.organization_id == organization_id and user.id in self.waiting:
                    return user
                raise ConflictError("user-known")
        role = Role.ADMINISTRATOR if organization_id else Role.OPERATOR
        at = datetime.now(UTC)
        user = User(str(uuid4()), email.lower(), role, organization_id, "FORCE_CHANGE_PASSWORD", at)
        self.known[user.id] = user
        self.waiting.add(user.id)
        return user

    def admit(self, user: User) -> None:
        self.waiting.discard(user.id)

    def find(self, user_id: str, organization_id: str | None) -> User | None:
        user = self.known.get(user_id)
        return user if user and user.organization_id == organization_id else None

    def users(self, organization_id: str | None) -> Sequence[User]:
        members = [user for user in self.known.values() if user.id not in self.waiting]
        found = [user for user in members if user.organization_id == organization_id]
        return sorted(found, key=lambda user: (user.created_at, user.id))

    def remove(self, user_id: str) -> None:
        if self.known.pop(user_id, None) is None:
            raise NotFoundError("user-missing")


class FakeSftpServer:
    def __init__(self, *fingerprints: str) -> None:
        self.fingerprints = fingerprints or ("SHA256:fake",)

    def host_key_fingerprints(self) -> Sequence[str]:
        return self.fingerprints


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
    """Passes every call on to a fake, except one, which fails: ``Calls`` counts them over many fakes.

    With ``only``, calls of these names alone are counted.
    """

    def __init__(self, fake: Any, calls: Calls, *, only: tuple[str, ...] = ()) -> None:
        self._fake = fake
        self._calls = calls
        self._only = only

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._fake, name)
        if self._only and name not in self._only:
            return method

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
