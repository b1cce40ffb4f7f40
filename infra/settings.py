"""Every setting of a deployment, read from CDK context (``cdk.json`` or ``-c key=value``) and checked at synth."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import aws_cdk as cdk
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

CDK_JSON = Path(__file__).resolve().parent.parent / "cdk.json"
# CDK's own context keys have a colon, a slash or a hyphen (``@aws-cdk/core:...``, ``availability-zones:...``)
OURS = re.compile(r"[a-z_]+")

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


class Settings(BaseModel):
    """A deployment's settings; each has its default in ``cdk.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str = Field(pattern=r"^[a-z][a-z0-9]{1,15}$", description="Names the deployment and its stacks.")
    local: bool = Field(description="True on the embedded AWS: layers point to builds on disk, retries take seconds.")
    security_policy: SecurityPolicy = Field(description="Algorithms that the SFTP endpoint offers.")
    run_retention_days: int = Field(ge=1, le=3650, description="How long the record of a run is kept.")
    data_retention_days: int = Field(ge=2, le=400, description="How long uploads, results and reports are kept.")
    log_retention_days: LogRetention = Field(description="How long logs live.")
    forward_retry_seconds: int = Field(ge=1, le=3600, description="The wait before the first repeat of a delivery.")
    forward_retry_rate: float = Field(ge=1, le=10, description="By what each further wait grows.")
    forward_retry_attempts: int = Field(ge=0, le=10, description="How often a delivery is repeated.")

    @model_validator(mode="after")
    def _ladder_ends_in_time(self) -> Self:
        waits = (self.forward_retry_seconds * self.forward_retry_rate**n for n in range(self.forward_retry_attempts))
        if sum(waits) > MAX_LADDER_SECONDS:
            message = (
                "forward_retry_seconds, forward_retry_rate and forward_retry_attempts make repeats last over 7 days"
            )
            raise ValueError(message)
        return self

    @property
    def keeps_data(self) -> bool:
        """Whether buckets, tables and the key outlive their stack."""
        return not self.local

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
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        message = f"wrong setting in the CDK context: {faults}"
        raise WrongSettingError(message) from None
