"""ASM accounts: the connections to Apple School Manager, and their tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints

from rosterbridge.errors import InvalidRequestError
from rosterbridge.flows.access import Caller
from rosterbridge.flows.changes import Changes, given_only, inside, new_id
from rosterbridge.flows.delivery_ports import Delivery, Probe
from rosterbridge.flows.hosts import HostCheck
from rosterbridge.flows.models import APPLE_HOST, AsmAccount, Model, Name
from rosterbridge.flows.ports import Request, SecretBox
from rosterbridge.flows.public_keys import accept_host_key
from rosterbridge.flows.using import in_use_named

MAX_HOST_KEYS = 10
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=255)]
Folder = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=255)]


class AsmConnection(Model):
    """How to reach Apple's server; without ``host_keys`` a test ends at the key that the server shows."""

    host: str = Field(default=APPLE_HOST, max_length=253)
    port: int = Field(default=22, ge=1, le=65535)
    username: Text
    password: Text = Field(repr=False)
    host_keys: tuple[str, ...] = Field(default=(), max_length=MAX_HOST_KEYS)
    folder: Folder = "dropbox"


class NewAsmAccount(AsmConnection):
    """An ASM account to be created; at least one host key is accepted beforehand."""

    name: Name


@dataclass(frozen=True)
class AsmAccounts:
    """What can be done with ASM accounts."""

    changes: Changes
    box: SecretBox
    delivery: Delivery
    hosts: HostCheck

    def list(self, caller: Caller, organization_id: str) -> Sequence[AsmAccount]:
        """Return the organization's ASM accounts, in the order of their creation."""
        self.changes.enter(caller, organization_id)
        return self.changes.accounts.list(AsmAccount, organization_id)

    def get(self, caller: Caller, organization_id: str, asm_account_id: str) -> AsmAccount:
        """Return an ASM account; raises NotFoundError ``asm-account-missing``."""
        caller.check_organization(organization_id)
        return self.changes.find(AsmAccount, organization_id, asm_account_id)

    def create(
        self, caller: Caller, organization_id: str, new: NewAsmAccount, request: Request | None = None
    ) -> AsmAccount:
        """Create an ASM account.

        Raises InvalidRequestError ``host-key-needed``, those of ``HostCheck.check`` and of ``accept_host_key``.
        """
        self.changes.enter(caller, organization_id)
        if earlier := self.changes.created_before(AsmAccount, organization_id, request):
            return earlier
        return self.changes.create(caller, self.build(organization_id, new), request)[0]

    def build(self, organization_id: str, new: NewAsmAccount) -> AsmAccount:
        """Return a new ASM account, not stored yet."""
        self.hosts.check(new.host)
        return AsmAccount(
            id=new_id("asm"),
            organization_id=organization_id,
            created_at=self.changes.now(),
            name=new.name,
            host=new.host,
            port=new.port,
            username=new.username,
            encrypted_password=self.box.encrypt(new.password, organization_id=organization_id),
            host_keys=_some(_host_keys(new.host_keys)),
            folder=new.folder,
        )

    def update(
        self,
        caller: Caller,
        organization_id: str,
        asm_account_id: str,
        version: int,
        *,
        name: str | None = None,
        host: str | None = None,
        port: int | None = None,
        username: str | None = None,
        password: str | None = None,
        host_keys: Sequence[str] | None = None,
        folder: str | None = None,
    ) -> AsmAccount:
        """Change the account; the stored password goes to no other host, so a new host needs the password again.

        Raises InvalidRequestError as ``create`` does, and ``password-needed``; ConflictError ``version-changed``.
        """
        caller.check_organization(organization_id)
        account = self.changes.current(AsmAccount, organization_id, asm_account_id, version)
        changes = given_only(name=name, host=host, port=port, username=username, folder=folder)
        if host not in {None, account.host}:
            self.hosts.check(host or "")
            if password is None:
                raise InvalidRequestError("password-needed", field="password")
        if host_keys is not None:
            changes["host_keys"] = _some(_host_keys(host_keys))
        fields = [field for field, value in changes.items() if value != getattr(account, field)]
        if password is not None:
            changes["encrypted_password"] = self.box.encrypt(password, organization_id=organization_id)
            fields.append("password")
        return self.changes.update(caller, account, changes, fields=sorted(fields))

    def delete(self, caller: Caller, organization_id: str, asm_account_id: str, version: int) -> None:
        """Delete the account; raises InUseError, or ConflictError ``version-changed``."""
        caller.check_organization(organization_id)
        account = self.changes.current(AsmAccount, organization_id, asm_account_id, version)
        with in_use_named(self.changes.accounts, account):
            self.changes.remove(caller, account)

    def test(self, caller: Caller, organization_id: str, asm_account_id: str) -> Probe:
        """Connect with what is stored and tell how far it came; nothing is left at the other side."""
        account = self.get(caller, organization_id, asm_account_id)
        address = self.hosts.check(account.host)
        password = self.box.decrypt(account.encrypted_password, organization_id=organization_id)
        return self.delivery.probe(account.model_copy(update={"host": address}), password)

    def test_new(self, caller: Caller, organization_id: str, connection: AsmConnection) -> Probe:
        """Connect with what may be stored later; raises InvalidRequestError for a wrong host or host key."""
        self.changes.enter(caller, organization_id)
        account = AsmAccount(
            id="asm-test",
            organization_id=organization_id,
            created_at=self.changes.now(),
            name="test",
            host=self.hosts.check(connection.host),
            port=connection.port,
            username=connection.username,
            encrypted_password="",
            host_keys=_host_keys(connection.host_keys),
            folder=connection.folder,
        )
        return self.delivery.probe(account, connection.password)


def _host_keys(given: Sequence[str]) -> tuple[str, ...]:
    """Return the keys as they are kept, each once."""
    if len(given) > MAX_HOST_KEYS:
        raise InvalidRequestError("too-many-host-keys", field="host_keys")
    with inside("host_keys"):
        return tuple(dict.fromkeys(accept_host_key(text) for text in given))


def _some(host_keys: tuple[str, ...]) -> tuple[str, ...]:
    if not host_keys:
        raise InvalidRequestError("host-key-needed", field="host_keys")
    return host_keys
