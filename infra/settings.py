"""Every setting of a deployment, read from CDK context (``cdk.json`` or ``-c key=value``) and checked at synth."""

from __future__ import annotations

from typing import Literal

import aws_cdk as cdk
from pydantic import BaseModel, ConfigDict, Field, ValidationError

SecurityPolicy = Literal[
    "TransferSecurityPolicy-2025-03",
    "TransferSecurityPolicy-SshAuditCompliant-2025-02",
    "TransferSecurityPolicy-2024-01",
    "TransferSecurityPolicy-2022-03",
    "TransferSecurityPolicy-2020-06",
]


class Settings(BaseModel):
    """A deployment's settings; each has its default in ``cdk.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    stage: str = Field(pattern=r"^[a-z][a-z0-9]{1,15}$", description="Names the deployment and its stacks.")
    local: bool = Field(description="True on the embedded AWS: layers point to builds on disk, retries take seconds.")
    security_policy: SecurityPolicy = Field(description="Algorithms that the SFTP endpoint offers.")
    run_retention_days: int = Field(ge=1, le=3650, description="How long the record of a run is kept.")
    data_retention_days: int = Field(ge=1, le=400, description="How long uploads, results and reports are kept.")
    log_retention_days: Literal[1, 3, 5, 7, 14, 30, 60, 90, 180, 365, 400] = Field(description="How long logs live.")
    forward_retry_seconds: int = Field(ge=1, le=3600, description="The wait before the first repeat of a delivery.")
    forward_retry_rate: float = Field(ge=1, le=10, description="By what each further wait grows.")
    forward_retry_attempts: int = Field(ge=0, le=10, description="How often a delivery is repeated.")

    @property
    def keeps_data(self) -> bool:
        """Whether buckets, tables and the key outlive their stack."""
        return not self.local

    def stack_name(self, part: str) -> str:
        """Return the name of a stack of this deployment."""
        return f"Rosterbridge-{self.stage}-{part}"


class WrongSettingError(ValueError):
    """A context value is missing or wrong; the message names its key."""


def from_context(app: cdk.App) -> Settings:
    """Read the settings; raises WrongSettingError naming each wrong key."""
    given = {name: app.node.try_get_context(name) for name in Settings.model_fields}
    try:
        return Settings.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        message = f"wrong setting in the CDK context: {faults}"
        raise WrongSettingError(message) from None
