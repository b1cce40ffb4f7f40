"""The ASM accounts of an organization: its connections to Apple School Manager."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response

from rosterbridge.api.bodies import AsmAccountChanges, AsmConnection, NewAsmAccount, Sent
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
from rosterbridge.api.views import AsmAccountView, Items, ProbeView, listed

ALL = "/v1/organizations/<organization_id>/asm-accounts"
ONE = "/v1/organizations/<organization_id>/asm-accounts/<asm_account_id>"
routes = Routes("ASM accounts")


@routes.answer("GET", ALL)
def list_asm_accounts(organization_id: OrganizationId) -> Response[Items[AsmAccountView]]:
    """List the organization's ASM accounts."""
    return answered(listed(AsmAccountView, routes.service.asm_accounts.list(routes.caller, organization_id)))


@routes.answer("POST", ALL, status=201, etag=True)
def create_asm_account(
    organization_id: OrganizationId,
    body: Sent[NewAsmAccount],
    idempotency_key: IdempotencyKey = None,
) -> Response[AsmAccountView]:
    """Create an ASM account with the host keys that are accepted."""
    request = routes.repeatable(idempotency_key, body)
    made = routes.service.asm_accounts.create(routes.caller, organization_id, body, request)
    return answered(AsmAccountView.of(made), status=201, version=made.version)


@routes.answer("GET", ONE, etag=True)
def get_asm_account(organization_id: OrganizationId, asm_account_id: ThingId) -> Response[AsmAccountView]:
    """Show an ASM account without its password."""
    found = routes.service.asm_accounts.get(routes.caller, organization_id, asm_account_id)
    return answered(AsmAccountView.of(found), version=found.version)


@routes.answer("PATCH", ONE, etag=True)
def update_asm_account(
    organization_id: OrganizationId,
    asm_account_id: ThingId,
    body: Sent[AsmAccountChanges],
    if_match: IfMatch = None,
) -> Response[AsmAccountView]:
    """Change an ASM account; another host needs the password again."""
    changed = routes.service.asm_accounts.update(
        routes.caller, organization_id, asm_account_id, version_of(if_match), **body.given()
    )
    return answered(AsmAccountView.of(changed), version=changed.version)


@routes.answer("DELETE", ONE, status=204)
def delete_asm_account(
    organization_id: OrganizationId, asm_account_id: ThingId, if_match: IfMatch = None
) -> Response[None]:
    """Delete an ASM account that no flow uses."""
    routes.service.asm_accounts.delete(routes.caller, organization_id, asm_account_id, version_of(if_match))
    return nothing()


@routes.answer("POST", f"{ONE}/test")
def test_asm_account(organization_id: OrganizationId, asm_account_id: ThingId) -> Response[ProbeView]:
    """Connect with what is stored and tell how far it came; no file is left behind."""
    return answered(ProbeView.of(routes.service.asm_accounts.test(routes.caller, organization_id, asm_account_id)))


@routes.answer("POST", "/v1/organizations/<organization_id>/asm-account-tests")
def test_new_asm_account(organization_id: OrganizationId, body: Sent[AsmConnection]) -> Response[ProbeView]:
    """Connect with what may be stored later; without host keys it ends at the key that the server shows."""
    return answered(ProbeView.of(routes.service.asm_accounts.test_new(routes.caller, organization_id, body)))
