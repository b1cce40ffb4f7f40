"""Accounts, history and audit trail in DynamoDB; ``docs/data-model.md`` has keys and access patterns."""

from __future__ import annotations

from rosterbridge.adapters.dynamodb_accounts import DynamoAccountStore, DynamoAuditStore
from rosterbridge.adapters.dynamodb_runs import DynamoRunStore

__all__ = ["DynamoAccountStore", "DynamoAuditStore", "DynamoRunStore"]
