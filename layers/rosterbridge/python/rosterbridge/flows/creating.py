"""Create a flow with its file account and its ASM account, all three or none."""

from __future__ import annotations

import secrets
import string
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from pydantic import Field

from rosterbridge.errors import NotFoundError
from rosterbridge.flows.models import (
    APPLE_HOST,
    AsmAccount,
    FileAccount,
    Flow,
    Model,
    Network,
    Project,
    Template,
    Username,
)
from rosterbridge.flows.ports import AccountStore, SecretBox
from rosterbridge.roster.options import ConversionOptions

PASSWORD_LENGTH = 24
# No characters that look alike or that a shell would take for its own
PASSWORD_ALPHABET = "".join(sorted(set(string.ascii_letters + string.digits) - set("Il1O0o")))


class PasswordHash(Protocol):
    """Makes the hash that is kept instead of a password."""

    def hash(self, password: str) -> str:
        """Return the hash."""


class FlowRequest(Model):
    """What the wizard asks: a template, how the SIS signs in, and the connection to Apple.

    Without ``public_keys`` a password is generated.
    """

    project_id: str
    organization_id: str
    name: str
    template: Template
    username: Username
    public_keys: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    asm_host: str = APPLE_HOST
    asm_port: int = 22
    asm_username: str
    asm_password: str = Field(repr=False)
    asm_host_keys: tuple[str, ...]
    asm_folder: str = "dropbox"
    options: ConversionOptions = ConversionOptions()


@dataclass(frozen=True)
class CreatedFlow:
    """The flow and its accounts, with the generated password, which is shown this once."""

    flow: Flow
    file_account: FileAccount
    asm_account: AsmAccount
    password: str | None = field(repr=False)


def new_id(prefix: str) -> str:
    """Return a new id that tells what it names."""
    return f"{prefix}-{uuid.uuid4().hex[:20]}"


def generate_password() -> str:
    """Return 24 random characters that are easy to copy."""
    return "".join(secrets.choice(PASSWORD_ALPHABET) for _ in range(PASSWORD_LENGTH))


def create_project(accounts: AccountStore, organization_id: str, name: str, *, save_data: bool = False) -> Project:
    """Create a project of an organization."""
    project = Project(id=new_id("project"), organization_id=organization_id, name=name, save_data=save_data)
    accounts.put_project(project)
    return project


def create_flow(
    request: FlowRequest,
    accounts: AccountStore,
    hasher: PasswordHash,
    box: SecretBox,
    now: Callable[[], datetime],
) -> CreatedFlow:
    """Create the flow with its two accounts.

    Raises ConfigurationError ``username-taken``, or NotFoundError when the organization has no such project.
    """
    project = accounts.project(request.project_id)
    if project is None or project.organization_id != request.organization_id:
        raise NotFoundError("project-missing", request.project_id)
    owner = {"organization_id": request.organization_id, "project_id": request.project_id, "created_at": now()}
    password = None if request.public_keys else generate_password()
    file_account = _file_account(request, hasher.hash(password) if password else None, owner)
    asm_account = _asm_account(request, box, owner)
    flow = Flow(
        id=new_id("flow"),
        name=request.name,
        template=request.template,
        file_account_id=file_account.id,
        asm_account_id=asm_account.id,
        options=request.options,
        **owner,
    )
    accounts.create_flow(flow, file_account, asm_account)
    return CreatedFlow(flow, file_account, asm_account, password)


def _file_account(request: FlowRequest, password_hash: str | None, owner: Mapping[str, Any]) -> FileAccount:
    return FileAccount(
        id=new_id("fa"),
        username=request.username,
        authentication="password" if password_hash else "public_key",
        password_hash=password_hash,
        public_keys=request.public_keys,
        networks=request.networks,
        **owner,
    )


def _asm_account(request: FlowRequest, box: SecretBox, owner: Mapping[str, Any]) -> AsmAccount:
    return AsmAccount(
        id=new_id("asm"),
        host=request.asm_host,
        port=request.asm_port,
        username=request.asm_username,
        encrypted_password=box.encrypt(request.asm_password, organization_id=request.organization_id),
        host_keys=request.asm_host_keys,
        folder=request.asm_folder,
        **owner,
    )
