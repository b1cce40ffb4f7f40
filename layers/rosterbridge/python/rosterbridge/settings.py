"""What a function is told through its environment, checked when it starts."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rosterbridge.errors import ConfigurationError
from rosterbridge.flows.sign_in_scores import ScoreRules
from rosterbridge.flows.upload_limits import UploadLimits


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
    sign_in_threshold: int = Field(ge=1)
    sign_in_window_minutes: int = Field(ge=1)
    ban_minutes: int = Field(ge=1)

    @property
    def score_rules(self) -> ScoreRules:
        """From when on somebody who guesses passwords is banned."""
        window, ban = (timedelta(minutes=minutes) for minutes in (self.sign_in_window_minutes, self.ban_minutes))
        return ScoreRules(self.sign_in_threshold, window, ban)


class ReceiveEnvironment(Environment):
    """Settings of the receive function."""

    account_table: str = Field(min_length=3)
    run_table: str = Field(min_length=3)
    run_bucket: str = Field(min_length=3)
    state_machine_arn: str = Field(pattern=r"^arn:")
    outcomes_queue_url: str = Field(pattern=r"^https?://")
    dry_run_function: str = Field(pattern=r"^arn:")
    home_bucket: str = Field(min_length=3)
    run_retention_days: int = Field(ge=1)
    uploads_per_day: int = Field(ge=1)
    upload_bytes_per_day: int = Field(ge=1)
    max_upload_bytes: int = Field(ge=1)

    @property
    def keep_runs(self) -> timedelta:
        """How long a run's record lives."""
        return timedelta(days=self.run_retention_days)

    @property
    def upload_limits(self) -> UploadLimits:
        """The most that is taken of one account."""
        return UploadLimits(self.uploads_per_day, self.upload_bytes_per_day, self.max_upload_bytes)


class StepEnvironment(Environment):
    """Settings of validate, convert and dry_run."""

    account_table: str = Field(min_length=3)
    run_table: str = Field(min_length=3)


class GuardEnvironment(StepEnvironment):
    """Settings of the guard."""

    hold_days: int = Field(ge=1, le=30)
    outcomes_queue_url: str = Field(pattern=r"^https?://")

    @property
    def hold_for(self) -> timedelta:
        """How long a held run waits for somebody."""
        return timedelta(days=self.hold_days)


class ForwardEnvironment(StepEnvironment):
    """Settings of forward."""

    key_arn: str = Field(pattern=r"^arn:")
    private_asm_hosts: bool
    circuit_failures: int = Field(ge=1)
    circuit_open_seconds: int = Field(ge=1)
    circuit_longest_seconds: int = Field(ge=1)


class ApiEnvironment(Environment):
    """Settings of the API."""

    account_table: str = Field(min_length=3)
    run_table: str = Field(min_length=3)
    audit_table: str = Field(min_length=3)
    run_bucket: str = Field(min_length=3)
    key_arn: str = Field(pattern=r"^arn:")
    state_machine_arn: str = Field(pattern=r"^arn:")
    erasures_arn: str = Field(pattern=r"^arn:")
    user_pool_id: str = Field(pattern=r"^[\w-]+_[0-9A-Za-z]+$")
    cli_client_id: str = Field(min_length=3)
    sftp_host: str = Field(min_length=3)
    sftp_port: int = Field(ge=1, le=65535)
    sftp_server_id: str = Field(pattern=r"^s-[0-9a-z]+$")
    sftp_host_per_account: bool = False
    run_retention_days: int = Field(ge=1)
    audit_retention_days: int = Field(ge=1)
    home_grace_days: int = Field(ge=1)
    private_asm_hosts: bool
    changes_per_minute: int = Field(default=60, ge=1)
    dry_runs_per_day: int = Field(ge=1)
    max_dry_run_bytes: int = Field(ge=1)
    identity_provider: str = ""
    identity_provider_email: str = ""
    notice_topic_arn: str = Field(default="", pattern=r"^(arn:.+)?$")
    run_log_groups: str = ""

    @property
    def dry_run_limits(self) -> UploadLimits:
        """The most that is looked at for one organization."""
        most = self.max_dry_run_bytes
        return UploadLimits(self.dry_runs_per_day, self.dry_runs_per_day * most, most)

    @property
    def region(self) -> str:
        """Where the user pool is, which its id begins with."""
        return self.user_pool_id.split("_")[0]

    @property
    def log_groups(self) -> tuple[str, ...]:
        """The log groups in which a run leaves something."""
        return tuple(filter(None, self.run_log_groups.split(",")))

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
    run_bucket: str = Field(min_length=3)


class HostKeysEnvironment(Environment):
    """Settings of the host_keys function."""

    host_key_secret: str = Field(pattern=r"^arn:")
    sftp_server_id: str = Field(pattern=r"^s-[0-9a-z]+$")


class EraseEnvironment(Environment):
    """Settings of the erase function."""

    account_table: str = Field(min_length=3)
    run_table: str = Field(min_length=3)
    audit_table: str = Field(min_length=3)
    home_bucket: str = Field(min_length=3)
    run_bucket: str = Field(min_length=3)
    state_machine_arn: str = Field(pattern=r"^arn:")
    user_pool_id: str = Field(pattern=r"^[\w-]+_[0-9A-Za-z]+$")
    notice_topic_arn: str = Field(default="", pattern=r"^(arn:.+)?$")
    audit_retention_days: int = Field(ge=1)
    log_retention_days: int = Field(ge=1)
    quiet_seconds: int = Field(ge=1)


class WatchEnvironment(Environment):
    """Settings of what tells people: of the watch for uploads that do not come."""

    account_table: str = Field(min_length=3)
    run_table: str = Field(min_length=3)
    console_origin: str = ""
    notify_by: Literal["none", "ses", "sns"]
    notify_from: str = ""
    notice_topic_arn: str = Field(default="", pattern=r"^(arn:.+)?$")
    flow_metrics: bool = False


class NotifyEnvironment(WatchEnvironment):
    """Settings of the notify function, which also writes results into homes."""

    home_bucket: str = Field(min_length=3)
