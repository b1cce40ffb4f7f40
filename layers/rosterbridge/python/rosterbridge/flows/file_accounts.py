"""File accounts: the SFTP users that upload, with a password or with keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from rosterbridge.errors import ConflictError, InvalidRequestError, NotFoundError
from rosterbridge.flows.access import Caller
from rosterbridge.flows.changes import Changes, given_only, inside, new_id
from rosterbridge.flows.models import FileAccount, Model, Network, PublicKey, Username
from rosterbridge.flows.passwords import PasswordHash, generate_password
from rosterbridge.flows.ports import Request
from rosterbridge.flows.public_keys import MAX_KEYS, NewPublicKey, accept_key
from rosterbridge.flows.signing_in import usable
from rosterbridge.flows.using import in_use_named

Authentication = Literal["password", "public_key"]
MAX_NETWORKS = 50


class NewFileAccount(Model):
    """A file account to be created; with ``password`` one is generated, with ``public_key`` a key is needed."""

    username: Username
    authentication: Authentication = "password"
    public_keys: tuple[NewPublicKey, ...] = Field(default=(), max_length=MAX_KEYS)
    networks: tuple[Network, ...] = Field(default=(), max_length=MAX_NETWORKS)


@dataclass(frozen=True)
class FileAccounts:
    """What can be done with file accounts."""

    changes: Changes
    hasher: PasswordHash

    def list(self, caller: Caller, organization_id: str) -> Sequence[FileAccount]:
        """Return the organization's file accounts, in the order of their creation."""
        self.changes.enter(caller, organization_id)
        return self.changes.accounts.list(FileAccount, organization_id)

    def get(self, caller: Caller, organization_id: str, file_account_id: str) -> FileAccount:
        """Return a file account; raises NotFoundError ``file-account-missing``."""
        caller.check_organization(organization_id)
        return self.changes.find(FileAccount, organization_id, file_account_id)

    def create(
        self, caller: Caller, organization_id: str, new: NewFileAccount, request: Request | None = None
    ) -> tuple[FileAccount, str | None]:
        """Create a file account; return it with the generated password, which is shown this once.

        Raises InvalidRequestError ``key-needed`` and those of ``accept_key``, or ConflictError ``username-taken``.
        """
        self.changes.enter(caller, organization_id)
        if earlier := self.changes.created_before(FileAccount, organization_id, request):
            return earlier, None
        account, password = self.build(organization_id, new)
        stored, is_new = self.changes.create(caller, account, request)
        return stored, password if is_new else None

    def build(self, organization_id: str, new: NewFileAccount) -> tuple[FileAccount, str | None]:
        """Return a new file account, not stored yet, and its password."""
        now = self.changes.now()
        keys: tuple[PublicKey, ...] = ()
        for place, given in enumerate(new.public_keys):
            with inside(f"public_keys.{place}"):
                keys = (*keys, accept_key(given, keys, now))
        if new.authentication == "public_key" and not keys:
            raise InvalidRequestError("key-needed", field="public_keys")
        secret, password = self._new_password() if new.authentication == "password" else ({}, None)
        account = FileAccount(
            id=new_id("fa"),
            organization_id=organization_id,
            created_at=now,
            username=new.username,
            authentication=new.authentication,
            public_keys=keys,
            networks=new.networks,
            **secret,
        )
        return account, password

    def update(
        self,
        caller: Caller,
        organization_id: str,
        file_account_id: str,
        version: int,
        *,
        networks: Sequence[Network] | None = None,
        enabled: bool | None = None,
        authentication: Authentication | None = None,
    ) -> tuple[FileAccount, str | None]:
        """Change the account; switched to ``password``, it gets one, which is returned this once.

        Raises InvalidRequestError ``too-many-networks``, or ConflictError ``version-changed``, ``key-needed``.
        """
        account = self._current(caller, organization_id, file_account_id, version)
        if networks is not None and len(networks) > MAX_NETWORKS:
            raise InvalidRequestError("too-many-networks", field="networks")
        changes = given_only(networks=None if networks is None else tuple(networks), enabled=enabled)
        password = None
        if authentication not in {None, account.authentication}:
            switched, password = self._switch(account, to_password=authentication == "password")
            changes |= switched
        shown = ("networks", "enabled", "authentication")
        fields = [name for name in shown if changes.get(name, getattr(account, name)) != getattr(account, name)]
        return self.changes.update(caller, account, changes, fields=fields), password

    def regenerate_password(
        self, caller: Caller, organization_id: str, file_account_id: str, version: int
    ) -> tuple[FileAccount, str]:
        """Replace the password, which stops working at once; return the new one, which is shown this once.

        Raises ConflictError ``version-changed``, or ``password-not-used`` for an account that signs in by key.
        """
        account = self._current(caller, organization_id, file_account_id, version)
        if account.authentication != "password":
            raise ConflictError("password-not-used")
        secret, password = self._new_password()
        action = "regenerate-password"
        return self.changes.update(caller, account, secret, action=action, fields=["password"]), password

    def add_key(
        self, caller: Caller, organization_id: str, file_account_id: str, version: int, key: NewPublicKey
    ) -> FileAccount:
        """Add a public key; raises ConflictError ``version-changed`` and those errors of ``accept_key``."""
        account = self._current(caller, organization_id, file_account_id, version)
        keys = (*account.public_keys, accept_key(key, account.public_keys, self.changes.now()))
        return self.changes.update(caller, account, {"public_keys": keys}, action="add-key")

    def remove_key(
        self, caller: Caller, organization_id: str, file_account_id: str, version: int, key_id: str
    ) -> FileAccount:
        """Remove a public key.

        Raises NotFoundError ``key-missing``, or ConflictError ``version-changed``, ``last-key``: an account that signs
        in by key keeps one that it can sign in with.
        """
        account = self._current(caller, organization_id, file_account_id, version)
        kept = tuple(key for key in account.public_keys if key.id != key_id)
        if len(kept) == len(account.public_keys):
            raise NotFoundError("key-missing")
        now = self.changes.now()
        locks_out = bool(usable(account.public_keys, now)) and not usable(kept, now)
        if account.authentication == "public_key" and (locks_out or not kept):
            raise ConflictError("last-key")
        return self.changes.update(caller, account, {"public_keys": kept}, action="remove-key")

    def delete(self, caller: Caller, organization_id: str, file_account_id: str, version: int) -> None:
        """Delete the account; its home folder goes later. Raises InUseError, or ConflictError ``version-changed``."""
        account = self._current(caller, organization_id, file_account_id, version)
        with in_use_named(self.changes.accounts, account):
            self.changes.remove(caller, account)

    def _current(self, caller: Caller, organization_id: str, file_account_id: str, version: int) -> FileAccount:
        caller.check_organization(organization_id)
        return self.changes.current(FileAccount, organization_id, file_account_id, version)

    def _switch(self, account: FileAccount, *, to_password: bool) -> tuple[dict[str, Any], str | None]:
        if to_password:
            secret, password = self._new_password()
            return {"authentication": "password", **secret}, password
        if not usable(account.public_keys, self.changes.now()):
            raise ConflictError("key-needed")
        return {"authentication": "public_key", "password_hash": None, "password_set_at": None}, None

    def _new_password(self) -> tuple[dict[str, Any], str]:
        password = generate_password()
        return {"password_hash": self.hasher.hash(password), "password_set_at": self.changes.now()}, password
