"""What answers hold: never a hash, never a password except the one that is shown once, never a place in S3."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from rosterbridge.flows.models import GuardRules, Network, Role, RunStatus, StepName, Template
from rosterbridge.roster.options import ConversionOptions
from rosterbridge.roster.report import Report

V = TypeVar("V", bound="View")
# A set has another order in each process, and an answer the same one each time
Ordered = Annotated[list[str], BeforeValidator(sorted)]
Downloadable = Literal["source", "result", "errors", "provenance", "changes"]


class View(BaseModel):
    """Those parts of a thing that its organization sees."""

    model_config = ConfigDict(frozen=True, from_attributes=True, extra="ignore", hide_input_in_errors=True)

    @classmethod
    def of(cls, thing: object, **more: Any) -> Self:
        """Return the view of a thing; ``more`` is what the thing itself does not know."""
        known = {name: getattr(thing, name) for name in cls.model_fields if hasattr(thing, name)}
        return cls.model_validate({**known, **more})


class Items(View, Generic[V]):
    """A list, or a page of one: it goes on where there is a cursor."""

    items: list[V]
    cursor: str | None = None


def listed(kind: type[V], things: Iterable[object], cursor: str | None = None) -> Items[V]:
    """Return the views of things."""
    return Items[kind](items=[kind.of(thing) for thing in things], cursor=cursor)  # type: ignore[valid-type]


class SignInView(View):
    """The user pool and the client id with which a user signs in by Amazon Cognito."""

    region: str
    user_pool_id: str
    client_id: str


class MeView(View):
    """The signed-in user."""

    user_id: str
    role: Role
    organization_id: str | None


class OrganizationView(View):
    """A district or group of schools; ``notify`` are the e-mail addresses that hear what went wrong."""

    id: str
    name: str
    notify: list[str]
    erasing_since: datetime | None = None
    created_at: datetime
    version: int


class ErasureView(View):
    """The erasing of an organization; once it has ended this is its certificate.

    ``counts`` tells how much was removed, by its kind; ``remains`` until when that is kept which nobody can remove.
    """

    organization_id: str
    requested_at: datetime
    requested_by: str
    quiet_until: datetime | None
    ended_at: datetime | None
    counts: dict[str, int]
    remains: dict[str, datetime]
    expires_at: datetime


class UserView(View):
    """Somebody who may sign in; ``status`` is Cognito's own word."""

    id: str
    email: str
    role: Role
    status: str
    created_at: datetime


class ProjectView(View):
    """A group of flows, with the switch that saves request and response data."""

    id: str
    name: str
    save_data: bool
    save_data_since: datetime | None
    save_data_by: str | None
    created_at: datetime
    version: int


class PublicKeyView(View):
    """A key that a file account signs in with."""

    id: str
    label: str
    text: str
    fingerprint: str
    added_at: datetime
    expires_at: datetime | None


class FileAccountView(View):
    """A file account, with all that an SFTP client must be told but the secret."""

    id: str
    host: str
    port: int
    host_key_fingerprints: list[str]
    username: str
    authentication: Literal["password", "public_key"]
    password_set_at: datetime | None
    public_keys: list[PublicKeyView]
    networks: list[Network]
    enabled: bool
    flow_ids: Ordered
    last_login_at: datetime | None
    last_upload_at: datetime | None
    created_at: datetime
    version: int


class FileAccountWithPasswordView(FileAccountView):
    """A file account; a password that was generated just now is here this once, and null ever after."""

    password: str | None = Field(default=None, repr=False)


class AsmAccountView(View):
    """The connection to Apple School Manager."""

    id: str
    name: str
    host: str
    port: int
    username: str
    host_keys: list[str]
    folder: str
    flow_ids: Ordered
    created_at: datetime
    version: int


class ProbeView(View):
    """How far a connection test came, and the code of what stopped it."""

    reached: bool
    host_key: str | None
    fingerprint: str | None
    server: str | None
    accepted: bool
    signed_in: bool
    folder_found: bool
    code: str | None


class FlowView(View):
    """A file account, an ASM account, a template and its options, on or off."""

    id: str
    project_id: str
    name: str
    template: Template
    file_account_id: str
    asm_account_id: str
    options: ConversionOptions
    enabled: bool
    guard: GuardRules
    time_zone: str
    expected_by: str | None
    created_at: datetime
    version: int


class CreatedFlowView(View):
    """A new flow with its accounts."""

    flow: FlowView
    file_account: FileAccountWithPasswordView
    asm_account: AsmAccountView


class TemplateView(View):
    """What a flow can be made from; ``needs`` are sentences, ``files`` what the ZIP must hold."""

    id: Template
    name: str
    description: str
    needs: list[str]
    files: list[str]
    options: ConversionOptions


class RunSummaryView(View):
    """A run as a line of the history; ``rows`` are those that Apple gets, by file, once it is converted."""

    id: str
    project_id: str
    flow_id: str
    flow_name: str
    status: RunStatus
    received_at: datetime
    ended_at: datetime | None
    file_name: str
    file_bytes: int
    summary: str
    error: str | None
    rerun_of: str | None
    rows: dict[str, int] | None = None


class StepView(View):
    """One stage of a run; request and response are empty unless the project saves them."""

    name: StepName
    started_at: datetime
    ended_at: datetime | None
    outcome: Literal["running", "succeeded", "rejected", "held", "superseded", "failed"]
    attempts: int
    code: str | None
    message: str
    counts: dict[str, int]
    request: dict[str, Any]
    response: dict[str, Any]


class HoldView(View):
    """Why a run waits for somebody until when, and what was decided; ``reasons`` are codes."""

    reasons: list[str]
    sentence: str
    since: datetime
    until: datetime
    decision: Literal["approved", "rejected", "superseded"] | None
    decided_at: datetime | None
    decided_by: str | None
    reason: str


class RunView(RunSummaryView):
    """A run with its steps; ``links`` lead to what there is of it, ``console`` lets an operator see it in AWS."""

    file_account_id: str
    hold: HoldView | None
    delivered_to: str | None
    steps: list[StepView]
    expires_at: datetime
    links: dict[str, str]
    console: dict[str, str]


class RunStatusView(View):
    """As much of a run as somebody who waits for it needs."""

    id: str
    status: RunStatus
    final: bool
    ended_at: datetime | None
    summary: str
    error: str | None


class NeighboursView(View):
    """The runs before and after one in its project."""

    previous: str | None
    next: str | None


class DownloadView(View):
    """An address from which a file can be downloaded until it expires, by anybody who has the address."""

    url: str
    expires_at: datetime


class UploadFormView(View):
    """Where a file is posted to, as ``multipart/form-data``: each field, then the file itself as ``file``."""

    url: str
    fields: dict[str, str]
    expires_at: datetime


class DryRunView(View):
    """What a file would do; ``counts`` compare it with what was last sent, named as those of the guard's step.

    ``upload`` takes the file, and stands in the answer to the creation alone.
    """

    id: str
    flow_id: str
    file_name: str
    status: Literal["waiting", "checking", "done", "failed"]
    verdict: Literal["send", "hold", "reject"] | None
    summary: str
    error: str | None
    counts: dict[str, int]
    created_at: datetime
    expires_at: datetime
    upload: UploadFormView | None = None
    report: Report | None = None


class AuditEntryView(View):
    """Who did what, when and from where; ``fields`` are names of what was changed, never values."""

    id: str
    at: datetime
    actor: str
    role: Role
    source_ip: str
    action: str
    kind: str
    target_id: str
    fields: Sequence[str]
