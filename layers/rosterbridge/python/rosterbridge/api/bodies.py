"""What requests hold: JSON taken literally, without unknown fields; what is left out or null stays as it is."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeVar

from aws_lambda_powertools.event_handler.openapi.params import Body
from pydantic import BaseModel, ConfigDict, Discriminator, Field, GetCoreSchemaHandler, StringConstraints, Tag
from pydantic_core import CoreSchema, core_schema

from rosterbridge.flows import asm_accounts, file_accounts, managing, public_keys
from rosterbridge.flows.asm_accounts import MAX_HOST_KEYS, Folder, Text
from rosterbridge.flows.file_accounts import MAX_NETWORKS, Authentication
from rosterbridge.flows.models import (
    MAX_ADDRESSES,
    EmailAddress,
    FileName,
    GuardRules,
    Model,
    Name,
    Network,
    TimeOfDay,
    TimeZone,
)
from rosterbridge.roster.options import ConversionOptions

ID = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
Id = Annotated[str, StringConstraints(pattern=ID)]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8WzRB1qFbLnKIYhBpHSCfQFEsOd3AbGvvgzQcMmRgn"

B = TypeVar("B", bound=BaseModel)


class _Literally:
    """Checks a body as the JSON that it was: pydantic takes "yes" for true, and a list for a tuple only in JSON."""

    def __get_pydantic_core_schema__(self, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        def check(value: Any) -> BaseModel:
            return source.model_validate_json(json.dumps(value), strict=True)

        plain = core_schema.no_info_plain_validator_function(check)
        return core_schema.json_or_python_schema(json_schema=handler(source), python_schema=plain)


Sent = Annotated[B, _Literally(), Body()]


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [values]})


class Changes(Model):
    """What is to be changed of a thing."""

    def given(self) -> dict[str, Any]:
        """Return what is neither left out nor null."""
        return {name: value for name, value in self if value is not None}


class NewOrganization(Model):
    """An organization to be created."""

    model_config = _example(name="Springfield Schools")

    name: Name


class OrganizationChanges(Changes):
    """What is to be changed of an organization; ``notify`` are the e-mail addresses that hear what went wrong."""

    model_config = _example(notify=["rosters@example.org"])

    name: Name | None = None
    notify: Annotated[tuple[EmailAddress, ...], Field(max_length=MAX_ADDRESSES)] | None = None


class NewErasure(Model):
    """The name of the organization that is to be erased, so that it is surely the one that is meant."""

    model_config = _example(name="Springfield Schools")

    name: str = Field(max_length=100)


class NewUser(Model):
    """Somebody to be invited as an administrator of the organization."""

    model_config = _example(email="administrator@example.org")

    email: str = Field(min_length=5, max_length=254)


class NewProject(Model):
    """A project to be created."""

    model_config = _example(name="Rosters", save_data=False)

    name: Name
    save_data: bool = Field(default=False, description="Whether runs keep request and response of each step.")


class ProjectChanges(Changes):
    """What is to be changed of a project."""

    model_config = _example(save_data=True)

    name: Name | None = None
    save_data: bool | None = None


class NewFileAccount(file_accounts.NewFileAccount):
    """A file account to be created; with ``password`` one is generated, with ``public_key`` a key is needed."""

    model_config = _example(username="springfield-sis", authentication="password", networks=["192.0.2.0/24"])


class FileAccountChanges(Changes):
    """What is to be changed; switched to ``password``, the account gets one, which the answer shows this once."""

    model_config = _example(networks=["192.0.2.0/24", "2001:db8::/32"])

    networks: tuple[Network, ...] | None = Field(default=None, max_length=MAX_NETWORKS)
    enabled: bool | None = None
    authentication: Authentication | None = None


class NewPublicKey(public_keys.NewPublicKey):
    """A key to be added: one line of OpenSSH, with or without a comment."""

    model_config = _example(text=KEY, label="SIS")


class AsmConnection(asm_accounts.AsmConnection):
    """How to reach Apple's server; without ``host_keys`` the test ends at the key that the server shows."""

    model_config = _example(username="user-name-from-apple", password="password-from-apple")  # noqa: S106


class NewAsmAccount(asm_accounts.NewAsmAccount):
    """An ASM account to be created; at least one host key is accepted beforehand."""

    model_config = _example(
        name="Apple School Manager",
        username="user-name-from-apple",
        password="password-from-apple",  # noqa: S106
        host_keys=[KEY],
    )


class AsmAccountChanges(Changes):
    """What is to be changed; another ``host`` needs the password again."""

    model_config = _example(password="password-from-apple")  # noqa: S106

    name: Name | None = None
    host: str | None = Field(default=None, max_length=253)
    port: int | None = Field(default=None, ge=1, le=65535)
    username: Text | None = None
    password: Text | None = Field(default=None, repr=False)
    host_keys: tuple[str, ...] | None = Field(default=None, max_length=MAX_HOST_KEYS)
    folder: Folder | None = None


# Which of the two is meant is told by the form, so that an error is told of that one alone
_ID_OR_NEW = Discriminator(lambda value: "id" if isinstance(value, str) else "new")


class NewFlow(managing.NewFlow):
    """A flow to be created; each account is the id of one of the organization's, or a new one."""

    model_config = _example(
        project_id="project-0123456789abcdef0123",
        name="Roster of the district",
        template="oneroster-csv",
        file_account={"username": "springfield-sis"},
        asm_account="asm-0123456789abcdef0123",
    )

    project_id: Id
    file_account: Annotated[Annotated[Id, Tag("id")] | Annotated[NewFileAccount, Tag("new")], _ID_OR_NEW]
    asm_account: Annotated[Annotated[Id, Tag("id")] | Annotated[NewAsmAccount, Tag("new")], _ID_OR_NEW]


class FlowChanges(Changes):
    """What is to be changed; ``options`` and ``guard`` replace all that the flow had of them.

    An empty ``expected_by`` misses no upload any more.
    """

    model_config = _example(enabled=False, guard={"removed_share": 0.2}, time_zone="Europe/Berlin", expected_by="06:00")

    name: Name | None = None
    enabled: bool | None = None
    options: ConversionOptions | None = None
    guard: GuardRules | None = None
    time_zone: TimeZone | None = None
    expected_by: TimeOfDay | Literal[""] | None = None


class NewDryRun(Model):
    """A file that is to be looked at as a flow would; it is posted to the form of the answer."""

    model_config = _example(flow_id="flow-0123456789abcdef0123", file_name="roster.zip", file_bytes=482113)

    flow_id: Id
    file_name: FileName
    file_bytes: int = Field(ge=1)


class Decision(Model):
    """Why a held run is approved or rejected: one line, which the run shows."""

    model_config = _example(reason="The leavers of this school year.")

    reason: str = Field(min_length=1, max_length=500)


MODELS: tuple[type[Model], ...] = (
    NewOrganization,
    OrganizationChanges,
    NewUser,
    NewProject,
    ProjectChanges,
    NewFileAccount,
    FileAccountChanges,
    NewPublicKey,
    AsmConnection,
    NewAsmAccount,
    AsmAccountChanges,
    NewFlow,
    FlowChanges,
    NewDryRun,
    Decision,
)
