"""The things that the service keeps: accounts, flows, runs and steps."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from rosterbridge.roster.options import ConversionOptions

Template = Literal["oneroster-csv", "asm-csv"]
Network = IPv4Network | IPv6Network
# What Transfer Family accepts as a user name, and never a name of one or two characters
Username = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.@-]{2,99}$")]

# What people call a thing: one line, nothing that commands a terminal or turns the text around, not blank
ONE_LINE = r"[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]"
Name = Annotated[str, StringConstraints(pattern=f"^{ONE_LINE}+$", min_length=1, max_length=100, strip_whitespace=True)]
Label = Annotated[str, StringConstraints(pattern=f"^{ONE_LINE}*$", max_length=100, strip_whitespace=True)]
FileName = Annotated[str, StringConstraints(pattern=f"^{ONE_LINE}+$", min_length=1, max_length=255)]
# Plain addresses only: neither names beside them nor quoted parts nor other alphabets, which mail services refuse
EmailAddress = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+$", max_length=254
    ),
]
MAX_ADDRESSES = 10

APPLE_HOST = "upload.appleschoolcontent.com"


class Role(StrEnum):
    """What a user may do: everything of one organization, or of all."""

    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"


class Model(BaseModel):
    """Immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Thing(Model):
    """What an administrator creates; ``version`` grows by one with each change of theirs."""

    id: str
    organization_id: str
    created_at: datetime
    version: int = 1


class Organization(Model):
    """A district or group of schools; every other thing belongs to exactly one. ``notify`` hear what went wrong.

    One with ``erasing_since`` is being erased with all that it has: nothing can be done with it any more.
    """

    id: str
    name: Name
    notify: Annotated[tuple[EmailAddress, ...], Field(max_length=MAX_ADDRESSES)] = ()
    erasing_since: datetime | None = None
    created_at: datetime
    version: int = 1

    @property
    def organization_id(self) -> str:
        """Its own id, so that it is found as its things are."""
        return self.id


class Project(Thing):
    """An organization's group of flows, with the switch that saves request and response data."""

    name: Name
    save_data: bool = False
    save_data_since: datetime | None = None
    save_data_by: str | None = None


class PublicKey(Model):
    """One of the keys that a file account signs in with; ``text`` is OpenSSH's type and key without a comment."""

    id: str
    label: Label
    text: str
    fingerprint: str
    added_at: datetime
    expires_at: datetime | None = None


class FileAccount(Thing):
    """An SFTP user of ours; its home folder is named by its id. ``flow_ids`` are the flows that use it."""

    username: Username
    authentication: Literal["password", "public_key"]
    password_hash: str | None = Field(default=None, repr=False)
    password_set_at: datetime | None = None
    public_keys: tuple[PublicKey, ...] = ()
    networks: tuple[Network, ...] = ()
    enabled: bool = True
    flow_ids: frozenset[str] = frozenset()
    last_login_at: datetime | None = None
    last_upload_at: datetime | None = None


class AsmAccount(Thing):
    """The connection to Apple School Manager, its password kept encrypted; ``flow_ids`` are the flows that use it."""

    name: Name
    host: str = APPLE_HOST
    port: int = Field(default=22, ge=1, le=65535)
    username: str
    encrypted_password: str = Field(repr=False)
    host_keys: tuple[str, ...]
    folder: str = "dropbox"
    flow_ids: frozenset[str] = frozenset()


class Window(Model):
    """Some days, the first and the last of them included, in the time zone of their flow."""

    first: date
    last: date

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.last < self.first:
            message = "a window ends before it begins"
            raise ValueError(message)
        return self

    def has(self, day: date) -> bool:
        """Tell whether a day lies in the window."""
        return self.first <= day <= self.last


class GuardRules(Model):
    """What an upload may change at Apple's side before somebody has to approve it.

    ``removed_share`` and ``changed_share`` are of the rows of a file that Apple has, if it has ``least_rows`` of them.
    In the windows of ``additions_only`` nothing may be removed, in those of ``blackouts`` nothing may be sent.
    """

    removed_share: float = Field(default=0.10, ge=0, le=1)
    changed_share: float = Field(default=0.75, ge=0, le=1)
    least_rows: int = Field(default=20, ge=1, le=1_000_000)
    additions_only: tuple[Window, ...] = Field(default=(), max_length=50)
    blackouts: tuple[Window, ...] = Field(default=(), max_length=50)


def _known_zone(name: str) -> str:
    from zoneinfo import ZoneInfo  # only here: not every function that knows flows needs it

    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # its own error is a KeyError
        message = "not a time zone"
        raise ValueError(message) from None
    return name


# A name of the IANA database, such as Europe/Berlin
_ZONE = StringConstraints(pattern=r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$", max_length=64)
TimeZone = Annotated[str, _ZONE, AfterValidator(_known_zone)]
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Flow(Thing):
    """A file account, an ASM account, a template and its options, on or off.

    ``expected_by`` is the time of day, in ``time_zone``, by which an upload is missed.
    """

    project_id: str
    name: Name
    template: Template
    file_account_id: str
    asm_account_id: str
    options: ConversionOptions = ConversionOptions()
    enabled: bool = True
    guard: GuardRules = GuardRules()
    time_zone: TimeZone = "UTC"
    expected_by: TimeOfDay | None = None


class DryRun(Thing):
    """A file that is looked at as its flow would, without anything being sent.

    ``counts`` compare it with what was last sent, ``verdict`` tells what a run of it would come to. Its place in S3 is
    known by its ids; it ends a day after it was asked for.
    """

    flow_id: str
    file_name: FileName
    file_bytes: int = Field(ge=1)
    status: Literal["waiting", "checking", "done", "failed"] = "waiting"
    verdict: Literal["send", "hold", "reject"] | None = None
    summary: str = ""
    error: str | None = None
    counts: dict[str, int] = Field(default_factory=dict)
    expires_at: datetime


class AuditEntry(Model):
    """Who did what, when and from where; ``fields`` are the names of what was changed, never the values."""

    id: str
    organization_id: str
    at: datetime
    actor: str
    role: Role
    source_ip: str
    action: str
    kind: str
    target_id: str
    fields: tuple[str, ...] = ()
    expires_at: datetime


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
    """One stage of a run.

    Request and response are ``saved`` only while the project wants it: apart from the record, where they are empty.
    """

    name: StepName
    started_at: datetime
    ended_at: datetime | None = None
    outcome: Literal["running", "succeeded", "rejected", "held", "superseded", "failed"] = "running"
    attempts: int = 1
    code: str | None = None
    message: str = ""
    counts: dict[str, int] = Field(default_factory=dict)
    request: dict[str, Any] = Field(default_factory=dict)
    response: dict[str, Any] = Field(default_factory=dict)
    saved: bool = False


class Hold(Model):
    """Why a run waits for somebody, and what was decided; ``reasons`` are codes, ``sentence`` tells in Apple's terms.

    ``compared`` is the run with which it was compared: what was approved is the difference to that one.
    """

    reasons: tuple[str, ...]
    sentence: str
    compared: str | None = None
    since: datetime
    until: datetime
    decision: Literal["approved", "rejected", "superseded"] | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    reason: str = ""


class RunSummary(Model):
    """A run as a line of the history; ``rows`` are those that Apple gets, by file, once it is converted."""

    id: str
    organization_id: str
    project_id: str
    flow_id: str
    flow_name: str
    status: RunStatus
    received_at: datetime
    ended_at: datetime | None = None
    file_name: str
    file_bytes: int
    summary: str = ""
    error: str | None = None
    rerun_of: str | None = None
    rows: dict[str, int] | None = None


class Run(RunSummary):
    """One upload's way through a flow.

    ``full_set`` is what a delta package gave with the full set of the run ``base``; ``compared`` is the run whose
    rows Apple had when the guard looked.
    """

    file_account_id: str
    source: ObjectRef
    full_set: ObjectRef | None = None
    base: str | None = None
    result: ObjectRef | None = None
    provenance: ObjectRef | None = None
    report: ObjectRef | None = None
    changes: ObjectRef | None = None
    compared: str | None = None
    hold: Hold | None = None
    delivered_to: str | None = None
    steps: tuple[Step, ...] = ()
    expires_at: datetime

    def step(self, name: StepName) -> Step | None:
        """Return the step of that name, if it has started."""
        return next((step for step in self.steps if step.name == name), None)


class Entered(Model):
    """A run that was received and is not converted yet; ``at`` is when it was noted."""

    position: str
    at: datetime


class Accepted(Model):
    """The newest full set that was accepted; ``full_set`` is what a delta builds on, None for Apple's own format."""

    position: str
    run_id: str
    full_set: ObjectRef | None = None


class Sent(Model):
    """What Apple holds: the ``fingerprints`` of its rows, and the ``full_set`` of which it was made."""

    position: str
    run_id: str
    fingerprints: ObjectRef
    full_set: ObjectRef | None = None


class Lane(Model):
    """In which order a flow's runs go: those ``entered``, the one ``held``, and the ``holder`` who may send now."""

    entered: dict[str, Entered] = Field(default_factory=dict)
    accepted: Accepted | None = None
    sent: Sent | None = None
    held: str | None = None
    holder: str | None = None
    lease_until: datetime | None = None
