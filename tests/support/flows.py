"""A flow with its accounts, and times, for tests of the use cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from rosterbridge.flows.access import Caller
from rosterbridge.flows.asm_accounts import NewAsmAccount
from rosterbridge.flows.file_accounts import NewFileAccount
from rosterbridge.flows.managing import NewFlow
from rosterbridge.flows.models import (
    AsmAccount,
    DryRun,
    FileAccount,
    Flow,
    ObjectRef,
    Organization,
    Project,
    PublicKey,
    Role,
    Run,
    RunStatus,
    Step,
)

AT = datetime(2026, 10, 1, 6, 30, tzinfo=UTC)
ORGANIZATION = "district-1"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFOUFBtI2QXw5ZnrkmATf7adQiy6aJXYCy+ufd3sq2z2"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILTBbUZnLBWdAycbvKBpOpIyZ4jpWHjmJFu8i3InRsU5"


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid4().hex[:20]}"


def project(**changes: Any) -> Project:
    values = {"id": unique("project"), "organization_id": ORGANIZATION, "name": "North", "created_at": AT}
    return Project(**{**values, **changes})


def organization(**changes: Any) -> Organization:
    return Organization(**{"id": ORGANIZATION, "name": "Springfield", "created_at": AT, **changes})


def public_key(**changes: Any) -> PublicKey:
    values = {"id": unique("key"), "label": "SIS", "text": KEY, "fingerprint": unique("SHA256:"), "added_at": AT}
    return PublicKey(**{**values, **changes})


def file_account(**changes: Any) -> FileAccount:
    values = {
        "id": unique("fa"),
        "organization_id": ORGANIZATION,
        "username": unique("sis"),
        "authentication": "password",
        "password_hash": "hashed:terces",
        "created_at": AT,
    }
    return FileAccount(**{**values, **changes})


def asm_account(**changes: Any) -> AsmAccount:
    values = {
        "id": unique("asm"),
        "organization_id": ORGANIZATION,
        "name": "Apple",
        "host": "apple.example",
        "username": "district@sftp.apple.example",
        "encrypted_password": "c2VjcmV0",
        "host_keys": ("ssh-ed25519 AAAA",),
        "created_at": AT,
    }
    return AsmAccount(**{**values, **changes})


def flow(**changes: Any) -> Flow:
    values = {
        "id": unique("flow"),
        "organization_id": ORGANIZATION,
        "project_id": "project-1",
        "name": "Roster",
        "template": "oneroster-csv",
        "file_account_id": "fa-1",
        "asm_account_id": "asm-1",
        "created_at": AT,
    }
    return Flow(**{**values, **changes})


def dry_run(**changes: Any) -> DryRun:
    values = {
        "id": unique("dry-run"),
        "organization_id": ORGANIZATION,
        "flow_id": "flow-1",
        "file_name": "roster.zip",
        "file_bytes": 4711,
        "created_at": AT,
        "expires_at": AT + timedelta(days=1),
    }
    return DryRun(**{**values, **changes})


def new_file_account(**changes: Any) -> NewFileAccount:
    return NewFileAccount.model_validate({"username": "district", **changes})


def new_asm_account(**changes: Any) -> NewAsmAccount:
    values = {
        "name": "Apple",
        "host": "apple.example",
        "username": "district@sftp.apple.example",
        "password": "apple-secret",
        "host_keys": (HOST_KEY,),
    }
    return NewAsmAccount.model_validate({**values, **changes})


def new_flow(**changes: Any) -> NewFlow:
    values = {
        "project_id": "project-1",
        "name": "Roster",
        "template": "oneroster-csv",
        "file_account": new_file_account(),
        "asm_account": new_asm_account(),
    }
    return NewFlow.model_validate({**values, **changes})


def caller(**changes: Any) -> Caller:
    values = {"user_id": "user-1", "role": Role.ADMINISTRATOR, "organization_id": ORGANIZATION}
    return Caller(**{**values, "source_ip": "192.0.2.7", **changes})


def operator(**changes: Any) -> Caller:
    return caller(**{"user_id": "operator-1", "role": Role.OPERATOR, "organization_id": None, **changes})


def run(**changes: Any) -> Run:
    identity = uuid4().hex
    values = {
        "id": identity,
        "organization_id": ORGANIZATION,
        "project_id": "project-1",
        "flow_id": "flow-1",
        "flow_name": "Roster",
        "file_account_id": "fa-1",
        "status": RunStatus.RECEIVED,
        "received_at": AT,
        "file_name": "roster.zip",
        "file_bytes": 4711,
        "source": ObjectRef(bucket="runs", key=f"runs/{identity}/source.zip"),
        "steps": (Step(name="receive", started_at=AT, ended_at=AT, outcome="succeeded", counts={"bytes": 4711}),),
        "expires_at": AT + timedelta(days=400),
    }
    return Run(**{**values, **changes})
