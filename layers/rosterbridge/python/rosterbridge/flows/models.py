"""The things that the service keeps: accounts, flows, runs and steps."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from rosterbridge.roster.options import ConversionOptions

Template = Literal["oneroster-csv", "asm-csv"]
Network = IPv4Network | IPv6Network
# What Transfer Family accepts as a user name, and never a name of one or two characters
Username = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.@-]{2,99}$")]

APPLE_HOST = "upload.appleschoolcontent.com"


class Model(BaseModel):
    """Immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Project(Model):
    """An organization's group of flows, with the switch that saves request and response data."""

    id: str
    organization_id: str
    name: str
    save_data: bool = False


class FileAccount(Model):
    """An SFTP user of ours; its home folder is named by its id."""

    id: str
    organization_id: str
    project_id: str
    username: Username
    authentication: Literal["password", "public_key"]
    password_hash: str | None = Field(default=None, repr=False)
    public_keys: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    enabled: bool = True
    created_at: datetime


class AsmAccount(Model):
    """The connection to Apple School Manager; the password is kept encrypted."""

    id: str
    organization_id: str
    project_id: str
    host: str = APPLE_HOST
    port: int = Field(default=22, ge=1, le=65535)
    username: str
    encrypted_password: str = Field(repr=False)
    host_keys: tuple[str, ...]
    folder: str = "dropbox"
    created_at: datetime


class Flow(Model):
    """A file account, an ASM account, a template and its options, on or off."""

    id: str
    organization_id: str
    project_id: str
    name: str
    template: Template
    file_account_id: str
    asm_account_id: str
    options: ConversionOptions = ConversionOptions()
    enabled: bool = True
    created_at: datetime


class RunStatus(StrEnum):
    """Where a run is; the last four are final."""

    RECEIVED = "received"
    VALIDATING = "validating"
    CONVERTING = "converting"
    HELD = "held"
    FORWARDING = "forwarding"
    SUCCEEDED = "succeeded"
    REJECTED = "rejected"
    FAILED = "failed"
    SUPERSEDED = "superseded"

    @property
    def final(self) -> bool:
        """Whether nothing more happens to the run."""
        return self in FINAL


FINAL = frozenset({RunStatus.SUCCEEDED, RunStatus.REJECTED, RunStatus.FAILED, RunStatus.SUPERSEDED})

StepName = Literal["receive", "validate", "convert", "guard", "forward"]
STEPS: tuple[StepName, ...] = ("receive", "validate", "convert", "guard", "forward")


class ObjectRef(Model):
    """Where an object lies in S3."""

    bucket: str
    key: str
    version_id: str | None = None


class Step(Model):
    """One stage of a run; request and response are kept only while the project saves them."""

    name: StepName
    started_at: datetime
    ended_at: datetime | None = None
    outcome: Literal["running", "succeeded", "rejected", "failed"] = "running"
    attempts: int = 1
    code: str | None = None
    message: str = ""
    counts: dict[str, int] = Field(default_factory=dict)
    request: dict[str, Any] = Field(default_factory=dict)
    response: dict[str, Any] = Field(default_factory=dict)


class Run(Model):
    """One upload's way through a flow."""

    id: str
    organization_id: str
    project_id: str
    flow_id: str
    flow_name: str
    file_account_id: str
    status: RunStatus
    received_at: datetime
    ended_at: datetime | None = None
    file_name: str
    file_bytes: int
    source: ObjectRef
    result: ObjectRef | None = None
    provenance: ObjectRef | None = None
    report: ObjectRef | None = None
    delivered_to: str | None = None
    summary: str = ""
    error: str | None = None
    steps: tuple[Step, ...] = ()
    expires_at: datetime

    def step(self, name: StepName) -> Step | None:
        """Return the step of that name, if it has started."""
        return next((step for step in self.steps if step.name == name), None)
