"""Every setting of a deployment, read from CDK context (``cdk.json`` or ``-c key=value``) and checked at synth.

What is given as such wins; then what ``stages`` of ``cdk.json`` says of the stage; then what it says by ``default``.
"""

from __future__ import annotations

import json
import re
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import aws_cdk as cdk
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from infra import build

CDK_JSON = Path(__file__).resolve().parent.parent / "cdk.json"
# CDK's own context keys have a colon, a slash or a hyphen (``@aws-cdk/core:...``, ``availability-zones:...``)
OURS = re.compile(r"[a-z_]+")
STAGES, DEFAULT = "stages", "default"

SNAP_START_PYTHON = (3, 12)
MAX_LADDER_SECONDS = 7 * 86_400  # the execution itself ends after 8 days

SecurityPolicy = Literal[
    "TransferSecurityPolicy-2025-03",
    "TransferSecurityPolicy-SshAuditCompliant-2025-02",
    "TransferSecurityPolicy-2024-01",
    "TransferSecurityPolicy-2022-03",
    "TransferSecurityPolicy-2020-06",
]
# The numbers that CloudWatch Logs knows; ``-c`` gives them as text
LogRetention = Annotated[Literal[1, 3, 5, 7, 14, 30, 60, 90, 180, 365, 400], BeforeValidator(int)]
DOMAIN_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
URL = r"^(https://[^\s/?#@*]+|http://(localhost|127\.0\.0\.1)(:\d+)?)"
ORIGIN = rf"{URL}$"
SECRET_ARN = r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:\S+"  # noqa: S105 a pattern
# The ports that Transfer Family takes: 22 and from 2000 on, or these in a network
SSH, LEAST_PORT, PORTS_OF_A_VPC = 22, 2000, (22, 2222, 2223, 22_000)
# Cognito keeps these words for itself
RESERVED_IN_DOMAINS = ("aws", "amazon", "cognito")


def _listed(given: Any) -> Any:
    """Split what ``-c`` gives as text, with commas between."""
    return [part.strip() for part in given.split(",") if part.strip()] if isinstance(given, str) else given


def _network(given: str) -> str:
    """Return a network of IPv4, which the addresses of an endpoint belong to; raises ValueError."""
    return str(IPv4Network(given))


Network = Annotated[str, AfterValidator(_network)]
Networks = Annotated[tuple[Network, ...], Field(max_length=50), BeforeValidator(_listed)]
CallbackUrl = Annotated[str, Field(pattern=rf"{URL}(/[^\s#]*)?$", max_length=1024)]
CallbackUrls = Annotated[tuple[CallbackUrl, ...], Field(max_length=20), BeforeValidator(_listed)]

EmailAddress = Annotated[str, Field(pattern=r"^[A-Za-z0-9.+_-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$", max_length=254)]
EmailAddresses = Annotated[tuple[EmailAddress, ...], Field(max_length=20), BeforeValidator(_listed)]


class Settings(BaseModel):
    """A deployment's settings; each has its default in ``cdk.json``, and its line in ``docs/operations.md``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str = Field(pattern=r"^[a-z][a-z0-9]{1,15}$", description="Names the deployment and its stacks.")
    local: bool = Field(description="True on the embedded AWS: layers point to builds on disk, retries take seconds.")
    keep_data: bool = Field(
        description="Whether buckets, tables, key and users outlive their stack, and are protected against deletion."
    )
    security_policy: SecurityPolicy = Field(description="Algorithms that the SFTP endpoint offers.")
    run_retention_days: int = Field(ge=1, le=3650, description="How long the record of a run is kept.")
    data_retention_days: int = Field(ge=2, le=400, description="How long uploads, results and reports are kept.")
    log_retention_days: LogRetention = Field(description="How long logs live.")
    forward_retry_seconds: int = Field(ge=1, le=3600, description="The wait before the first repeat of a delivery.")
    forward_retry_rate: float = Field(ge=1, le=10, description="By what each further wait grows.")
    forward_retry_attempts: int = Field(ge=0, le=10, description="How often a delivery is repeated.")
    circuit_failures: int = Field(ge=1, le=100, description="After how many failures an Apple host counts as away.")
    circuit_open_seconds: int = Field(ge=1, le=3600, description="How long nothing is sent to a host that is away.")
    circuit_longest_seconds: int = Field(
        ge=1, le=7200, description="The most to which that time is doubled while the host stays away."
    )
    apple_connections: int = Field(
        ge=0, le=10_000, description="How many files are sent to Apple at once, at most; 0 for any number."
    )
    large_packages: bool = Field(
        description="Whether uploads that are too large for a Lambda function go to a container of Fargate."
    )
    large_package_bytes: int = Field(
        ge=1, le=10**12, description="From how many bytes on a ZIP goes to the container at once."
    )
    hold_days: int = Field(ge=1, le=30, description="How long a held run waits for somebody to approve or reject it.")
    sign_in_threshold: int = Field(
        ge=2, le=100_000, description="From how many points on an address or account may not sign in for a while."
    )
    sign_in_window_minutes: int = Field(ge=1, le=1440, description="In how many minutes these points come together.")
    ban_minutes: int = Field(ge=1, le=1440, description="For how many minutes it may not sign in at first.")
    uploads_per_day: int = Field(ge=1, le=5000, description="How many files of an account are taken in a UTC day.")
    upload_bytes_per_day: int = Field(ge=1, le=10**14, description="How many bytes of an account, likewise.")
    max_upload_bytes: int = Field(ge=1, le=10**12, description="How many bytes a file may have.")
    dry_runs_per_day: int = Field(
        ge=1, le=5000, description="How many dry runs an organization may start in a UTC day."
    )
    home_grace_days: int = Field(ge=1, le=90, description="How long the home of a deleted file account stays.")
    audit_retention_days: int = Field(ge=1, le=3650, description="How long an entry of the audit trail is kept.")
    sftp_host: str = Field(
        pattern=rf"^({DOMAIN_LABEL}(\.{DOMAIN_LABEL})*)?$",
        max_length=253,
        description="The name under which clients find the SFTP endpoint; empty for the server's own.",
    )
    sftp_host_per_account: bool = Field(description="Whether each file account has a name of its own below sftp_host.")
    hosted_zone_id: str = Field(
        pattern=r"^(Z[0-9A-Z]{1,31})?$",
        description="The zone in Route 53 that gets the records of sftp_host; empty if you make them elsewhere.",
    )
    hosted_zone_name: str = Field(
        pattern=rf"^({DOMAIN_LABEL}(\.{DOMAIN_LABEL})+)?$", max_length=253, description="The domain of that zone."
    )
    sftp_port: int = Field(ge=1, le=65_535, description="The port of the SFTP endpoint.")
    sftp_endpoint: Literal["public", "vpc"] = Field(
        description="Whether the SFTP endpoint has addresses of AWS's that change, or its own in a network (vpc)."
    )
    sftp_networks: Networks = Field(
        description="From which networks clients may connect to an endpoint in a network of its own; empty for all."
    )
    sftp_banner: str = Field(
        pattern=r"^[\t\r\n\x20-\x7E]*$", max_length=512, description="What a client is shown before it signs in."
    )
    host_key_secret: str = Field(
        pattern=rf"^({SECRET_ARN})?$",
        description="ARN of your own secret with the SFTP endpoint's host keys; empty for keys that are made for you.",
    )
    fixed_egress: bool = Field(description="Whether what is sent to Apple comes from one address that stays.")
    private_asm_hosts: bool = Field(description="Whether an ASM account may name a host that is not on the internet.")
    changes_per_minute: int = Field(ge=1, le=6000, description="How many changes a user may make by the API.")
    api_rate: int = Field(ge=1, le=10_000, description="How many requests the API takes each second, on average.")
    api_burst: int = Field(ge=1, le=5000, description="How many requests the API takes at once.")
    console: bool = Field(description="Whether the console is served, by CloudFront.")
    console_domain: str = Field(
        pattern=rf"^({DOMAIN_LABEL}(\.{DOMAIN_LABEL})+)?$",
        max_length=253,
        description="The console's own name, for which console_certificate is good; empty for one of CloudFront's.",
    )
    console_certificate: str = Field(
        pattern=r"^(arn:aws:acm:us-east-1:\d{12}:certificate/[0-9a-f-]+)?$",
        description="ARN of the certificate of that name in ACM, in us-east-1, where CloudFront looks for it.",
    )
    console_origin: str = Field(
        pattern=rf"{ORIGIN}|^$",
        description="A web page of your own that may call the API from a browser; empty for none but the console.",
    )
    notify_by: Literal["none", "ses", "sns"] = Field(
        description="How organizations are told of what went wrong: by Amazon SES, by Amazon SNS, or not at all."
    )
    notify_from: str = Field(
        pattern=r"^([A-Za-z0-9.+_-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+)?$",
        max_length=254,
        description="The sender of these e-mails, which is verified in Amazon SES.",
    )
    alarm_emails: EmailAddresses = Field(description="Who hears by e-mail of alarms and of their end.")
    sign_in_failures: int = Field(
        ge=1, le=1_000_000, description="From how many failed SFTP sign-ins in 15 minutes on there is an alarm."
    )
    flow_metrics: bool = Field(
        description="Whether the age of the last success is measured for each flow that expects an upload by a time."
    )
    console_callback_urls: CallbackUrls = Field(
        description="Where Cognito sends a user after the sign-in at a page of your own; the console has its own."
    )
    second_factor: Literal["required", "optional"] = Field(description="Whether users need an authenticator app.")
    sign_in_domain: str = Field(
        pattern=rf"^({DOMAIN_LABEL})?$",
        description="Prefix of the sign-in page's address, unique in the region; empty for one of stage and account.",
    )
    token_minutes: int = Field(
        ge=5, le=1440, description="How long a user's ID and access tokens are good, also those of a removed user."
    )
    refresh_days: int = Field(ge=1, le=3650, description="After how many days a user must sign in again.")
    identity_provider: str = Field(
        pattern=r"^([A-Za-z][A-Za-z0-9_.-]{2,31})?$",
        description="Name of the OIDC or SAML provider that users may sign in with; empty for none.",
    )
    oidc_issuer: str = Field(pattern=r"^(https://[^\s?#]+)?$", description="The OIDC provider's issuer.")
    oidc_client_id: str = Field(max_length=255, description="What the OIDC provider calls this deployment.")
    oidc_client_secret: str = Field(
        pattern=rf"^({SECRET_ARN})?$",
        description="ARN of the secret in Secrets Manager that holds the OIDC client's secret, as plain text.",
    )
    saml_metadata_url: str = Field(pattern=r"^(https://\S+)?$", description="Where the SAML provider's metadata is.")
    identity_provider_email: str = Field(
        description="The provider's claim or attribute that holds the e-mail address; empty for the usual one."
    )

    deployment: Literal["canary", "all-at-once"] = Field(
        description="Whether a new version answers every tenth call for five minutes before it answers all of them."
    )
    snap_start: bool = Field(
        description="Whether functions that somebody waits for start from a snapshot, which is paid for by the hour."
    )

    @model_validator(mode="after")
    def _snapshots_need_a_newer_python(self) -> Self:
        if self.snap_start and build.python_version() < SNAP_START_PYTHON:
            message = "snap_start needs Python 3.12 or newer: the functions run the Python that builds them"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _ladder_ends_in_time(self) -> Self:
        waits = (self.forward_retry_seconds * self.forward_retry_rate**n for n in range(self.forward_retry_attempts))
        if sum(waits) > MAX_LADDER_SECONDS:
            message = (
                "forward_retry_seconds, forward_retry_rate and forward_retry_attempts make repeats last over 7 days"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _mail_has_a_sender(self) -> Self:
        if (self.notify_by == "ses") != bool(self.notify_from):
            message = "notify_by ses needs notify_from, and notify_from needs notify_by ses"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _held_runs_keep_their_files(self) -> Self:
        if self.hold_days >= self.data_retention_days:
            message = "hold_days must be less than data_retention_days, or the files of a held run would be gone"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _trail_tells_of_every_home(self) -> Self:
        if self.audit_retention_days < self.home_grace_days:
            message = (
                "audit_retention_days must not be less than home_grace_days, or the home of a deleted file account "
                "would not be found when its organization is erased"
            )
            raise ValueError(message)
        return self

    @field_validator("sign_in_domain")
    @classmethod
    def _domain_is_not_reserved(cls, domain: str) -> str:
        if any(word in domain for word in RESERVED_IN_DOMAINS):
            message = f"Cognito refuses a prefix with one of {', '.join(RESERVED_IN_DOMAINS)}"
            raise ValueError(message)
        return domain

    @model_validator(mode="after")
    def _identity_provider_is_whole(self) -> Self:
        oidc = (self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret)
        kinds = (bool(self.saml_metadata_url), all(oidc))
        whole = sum(kinds) == 1 and any(oidc) == all(oidc) if self.identity_provider else not any((*kinds, *oidc))
        if not whole:
            message = (
                "identity_provider needs either oidc_issuer, oidc_client_id and oidc_client_secret, "
                "or saml_metadata_url, and these need identity_provider"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _host_names_are_whole(self) -> Self:
        if bool(self.hosted_zone_id) != bool(self.hosted_zone_name):
            message = "hosted_zone_id and hosted_zone_name need each other"
            raise ValueError(message)
        if self.hosted_zone_name and not self.sftp_host.endswith(f".{self.hosted_zone_name}"):
            message = "hosted_zone_name must be a domain that sftp_host is below"
            raise ValueError(message)
        if self.sftp_host_per_account and not self.sftp_host:
            message = "sftp_host_per_account needs sftp_host"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _console_has_name_and_certificate(self) -> Self:
        if bool(self.console_domain) != bool(self.console_certificate):
            message = "console_domain and console_certificate need each other"
            raise ValueError(message)
        if self.console_domain and not self.console:
            message = "console_domain needs console"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _endpoint_can_be_reached(self) -> Self:
        if self.sftp_networks and self.sftp_endpoint != "vpc":
            message = "sftp_networks needs sftp_endpoint vpc"
            raise ValueError(message)
        port = self.sftp_port
        taken = port in PORTS_OF_A_VPC if self.sftp_endpoint == "vpc" else port == SSH or port >= LEAST_PORT
        if not (taken or self.local):  # on the embedded AWS it is the port of the front
            message = "sftp_port must be 22, 2222, 2223 or 22000 with sftp_endpoint vpc, otherwise 22 or at least 2000"
            raise ValueError(message)
        return self

    @property
    def max_dry_run_bytes(self) -> int:
        """How many bytes the file of a dry run may have, which one function looks at."""
        return min(self.max_upload_bytes, self.large_package_bytes)

    @property
    def posting_origins(self) -> tuple[str, ...]:
        """The pages that may post a file for a dry run; a name of CloudFront's is not known beforehand.

        It is the signature of the form that allows to post, not the page.
        """
        own = (f"https://{self.console_domain or '*.cloudfront.net'}",) if self.console and not self.local else ()
        return (*own, *((self.console_origin,) if self.console_origin else ()))

    @property
    def needs_network(self) -> bool:
        """Whether there is a network of the deployment's own."""
        return self.sftp_endpoint == "vpc" or self.fixed_egress or self.large_packages

    def stack_name(self, part: str) -> str:
        """Return the name of a stack of this deployment."""
        return f"Rosterbridge-{self.stage}-{part}"


class WrongSettingError(ValueError):
    """A context value is missing, unknown or wrong; the message names its key."""


def default_context() -> dict[str, Any]:
    """Return the context of ``cdk.json``, so that ``python app.py`` has the CLI's defaults; what is given wins."""
    context: dict[str, Any] = json.loads(CDK_JSON.read_text())["context"]
    return context


def from_context(app: cdk.App) -> Settings:
    """Read the settings; raises WrongSettingError naming each wrong key."""
    given = {name: value for name, value in app.node.get_all_context().items() if OURS.fullmatch(name)}
    stages = given.pop(STAGES, {})
    defaults = stages.get(DEFAULT, {}) | stages.get(given.get("stage"), {})
    try:
        return Settings.model_validate(defaults | given)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        message = f"wrong setting in the CDK context: {faults}"
        raise WrongSettingError(message) from None
