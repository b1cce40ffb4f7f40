"""A flow with its accounts, and times, for tests of the use cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from rosterbridge.flows.creating import FlowRequest
from rosterbridge.flows.models import AsmAccount, FileAccount, Flow, ObjectRef, Project, Run, RunStatus, Step

AT = datetime(2026, 10, 1, 6, 30, tzinfo=UTC)
ORGANIZATION = "district-1"


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid4().hex[:20]}"


def project(**changes: Any) -> Project:
    return Project(**{"id": unique("project"), "organization_id": ORGANIZATION, "name": "North", **changes})


def file_account(**changes: Any) -> FileAccount:
    values = {
        "id": unique("fa"),
        "organization_id": ORGANIZATION,
        "project_id": "project-1",
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
        "project_id": "project-1",
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


def flow_request(**changes: Any) -> FlowRequest:
    values = {
        "project_id": "project-1",
        "organization_id": ORGANIZATION,
        "name": "Roster",
        "template": "oneroster-csv",
        "username": "district",
        "asm_username": "district@sftp.apple.example",
        "asm_password": "apple-secret",
        "asm_host_keys": ("ssh-ed25519 AAAA",),
    }
    return FlowRequest(**{**values, **changes})


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
