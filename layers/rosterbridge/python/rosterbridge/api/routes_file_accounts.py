"""The file accounts of an organization: the SFTP users that upload."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import Response

from rosterbridge.api.bodies import FileAccountChanges, NewFileAccount, NewPublicKey, Sent
from rosterbridge.api.requests import (
    IdempotencyKey,
    IfMatch,
    OrganizationId,
    Routes,
    ThingId,
    answered,
    nothing,
    version_of,
)
from rosterbridge.api.views import FileAccountView, FileAccountWithPasswordView, Items
from rosterbridge.flows.models import FileAccount

ALL = "/v1/organizations/<organization_id>/file-accounts"
ONE = "/v1/organizations/<organization_id>/file-accounts/<file_account_id>"
routes = Routes("file accounts")


@routes.answer("GET", ALL)
def list_file_accounts(organization_id: OrganizationId) -> Response[Items[FileAccountView]]:
    """List the organization's file accounts."""
    found = routes.service.file_accounts.list(routes.caller, organization_id)
    told = routes.service.sftp.told()
    return answered(
        Items[FileAccountView](items=[FileAccountView.of(account, **told(account.id)) for account in found])
    )


@routes.answer("POST", ALL, status=201, etag=True)
def create_file_account(
    organization_id: OrganizationId,
    body: Sent[NewFileAccount],
    idempotency_key: IdempotencyKey = None,
) -> Response[FileAccountWithPasswordView]:
    """Create a file account; a generated password is shown this once."""
    told = _told_first()
    request = routes.repeatable(idempotency_key, body)
    made, password = routes.service.file_accounts.create(routes.caller, organization_id, body, request)
    return _with_password(made, password, told, status=201)


@routes.answer("GET", ONE, etag=True)
def get_file_account(organization_id: OrganizationId, file_account_id: ThingId) -> Response[FileAccountView]:
    """Show a file account with all that an SFTP client must be told but the secret."""
    return _shown(routes.service.file_accounts.get(routes.caller, organization_id, file_account_id))


@routes.answer("PATCH", ONE, etag=True)
def update_file_account(
    organization_id: OrganizationId,
    file_account_id: ThingId,
    body: Sent[FileAccountChanges],
    if_match: IfMatch = None,
) -> Response[FileAccountWithPasswordView]:
    """Change networks, switch off and on, or switch the authentication."""
    told = _told_first()
    changed, password = routes.service.file_accounts.update(
        routes.caller, organization_id, file_account_id, version_of(if_match), **body.given()
    )
    return _with_password(changed, password, told)


@routes.answer("DELETE", ONE, status=204)
def delete_file_account(
    organization_id: OrganizationId, file_account_id: ThingId, if_match: IfMatch = None
) -> Response[None]:
    """Delete a file account that no flow uses; its home folder goes after a time of grace."""
    routes.service.file_accounts.delete(routes.caller, organization_id, file_account_id, version_of(if_match))
    return nothing()


@routes.answer("POST", f"{ONE}/password", etag=True)
def regenerate_password(
    organization_id: OrganizationId, file_account_id: ThingId, if_match: IfMatch = None
) -> Response[FileAccountWithPasswordView]:
    """Replace the password; the new one is shown this once, the old one stops working at once."""
    told = _told_first()
    changed, password = routes.service.file_accounts.regenerate_password(
        routes.caller, organization_id, file_account_id, version_of(if_match)
    )
    return _with_password(changed, password, told)


@routes.answer("POST", f"{ONE}/keys", status=201, etag=True)
def add_key(
    organization_id: OrganizationId,
    file_account_id: ThingId,
    body: Sent[NewPublicKey],
    if_match: IfMatch = None,
) -> Response[FileAccountView]:
    """Add a public key to a file account."""
    changed = routes.service.file_accounts.add_key(
        routes.caller, organization_id, file_account_id, version_of(if_match), body
    )
    return _shown(changed, status=201)


@routes.answer("DELETE", f"{ONE}/keys/<key_id>", etag=True)
def remove_key(
    organization_id: OrganizationId, file_account_id: ThingId, key_id: ThingId, if_match: IfMatch = None
) -> Response[FileAccountView]:
    """Remove a public key; answers the file account without it."""
    changed = routes.service.file_accounts.remove_key(
        routes.caller, organization_id, file_account_id, version_of(if_match), key_id
    )
    return _shown(changed)


def _shown(account: FileAccount, *, status: int = 200) -> Response[FileAccountView]:
    view = FileAccountView.of(account, **routes.service.sftp.told()(account.id))
    return answered(view, status=status, version=account.version)


def _told_first() -> Callable[[str], dict[str, Any]]:
    """Ask what clients are told before anything is changed: if that fails later, the password is lost with it."""
    return routes.service.sftp.told()


def _with_password(
    account: FileAccount, password: str | None, told: Callable[[str], dict[str, Any]], *, status: int = 200
) -> Response[FileAccountWithPasswordView]:
    view = FileAccountWithPasswordView.of(account, **told(account.id), password=password)
    return answered(view, status=status, version=account.version)
