"""What a function is told through its environment, checked when it starts."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rosterbridge.errors import ConfigurationError


class Environment(BaseModel):
    """Base of every function's settings: field ``account_table`` reads ``ACCOUNT_TABLE``."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    @classmethod
    def load(cls) -> Self:
        """Read the settings; raises ConfigurationError ``settings-wrong`` naming what is missing or wrong."""
        given = {name: os.environ[name.upper()] for name in cls.model_fields if name.upper() in os.environ}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            wrong = (f"{str(found['loc'][0]).upper()} {found['type']}" for found in error.errors(include_input=False))
            raise ConfigurationError("settings-wrong", ", ".join(wrong)) from None


class AuthenticateEnvironment(Environment):
    """Settings of the authenticate function."""

    account_table: str = Field(min_length=3)
    home_bucket: str = Field(min_length=3)
    home_role_arn: str = Field(pattern=r"^arn:")
    key_arn: str = Field(pattern=r"^arn:")


class ReceiveEnvironment(Environment):
    """Settings of the receive function."""

    account_table: str = Field(min_length=3)
    run_table: str = Field(min_length=3)
    run_bucket: str = Field(min_length=3)
    state_machine_arn: str = Field(pattern=r"^arn:")
    run_retention_days: int = Field(ge=1)

    @property
    def keep_runs(self) -> timedelta:
        """How long a run's record lives."""
        return timedelta(days=self.run_retention_days)


class StepEnvironment(Environment):
    """Settings of validate and convert."""

    account_table: str = Field(min_length=3)
    run_table: str = Field(min_length=3)


class ForwardEnvironment(StepEnvironment):
    """Settings of forward."""

    key_arn: str = Field(pattern=r"^arn:")
    private_asm_hosts: bool


class ApiEnvironment(Environment):
    """Settings of the API."""

    account_table: str = Field(min_length=3)
    run_table: str = Field(min_length=3)
    audit_table: str = Field(min_length=3)
    run_bucket: str = Field(min_length=3)
    key_arn: str = Field(pattern=r"^arn:")
    state_machine_arn: str = Field(pattern=r"^arn:")
    user_pool_id: str = Field(pattern=r"^[\w-]+_[0-9A-Za-z]+$")
    cli_client_id: str = Field(min_length=3)
    sftp_host: str = Field(min_length=3)
    sftp_port: int = Field(ge=1, le=65535)
    sftp_server_id: str = Field(pattern=r"^s-[0-9a-z]+$")
    run_retention_days: int = Field(ge=1)
    audit_retention_days: int = Field(ge=1)
    home_grace_days: int = Field(ge=1)
    private_asm_hosts: bool
    changes_per_minute: int = Field(default=60, ge=1)
    identity_provider: str = ""
    identity_provider_email: str = ""

    @property
    def region(self) -> str:
        """Where the user pool is, which its id begins with."""
        return self.user_pool_id.split("_")[0]

    @property
    def keep_runs(self) -> timedelta:
        """How long a run's record lives."""
        return timedelta(days=self.run_retention_days)

    @property
    def keep_audit(self) -> timedelta:
        """How long an entry of the audit trail lives."""
        return timedelta(days=self.audit_retention_days)

    @property
    def home_grace(self) -> timedelta:
        """How long the home folder of a deleted file account stays."""
        return timedelta(days=self.home_grace_days)


class SweepEnvironment(Environment):
    """Settings of the sweep function."""

    account_table: str = Field(min_length=3)
    run_table: str = Field(min_length=3)
    state_machine_arn: str = Field(pattern=r"^arn:")
    home_bucket: str = Field(min_length=3)
