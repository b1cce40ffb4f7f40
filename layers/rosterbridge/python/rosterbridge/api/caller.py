"""Who sends a request, by the claims of the ID token that API Gateway has checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rosterbridge.api.problems import ApiError
from rosterbridge.errors import ForbiddenError
from rosterbridge.flows.access import Caller
from rosterbridge.flows.models import Role


def caller_of(event: Mapping[str, Any]) -> Caller:
    """Return the caller; an operator's organization is none.

    Raises ApiError ``id-token-required`` (no token, or an access token), ForbiddenError ``no-role`` (a user without a
    group, or an administrator without an organization).
    """
    context: Mapping[str, Any] = event.get("requestContext") or {}
    claims: Mapping[str, Any] = ((context.get("authorizer") or {}).get("jwt") or {}).get("claims") or {}
    if claims.get("token_use") != "id" or not claims.get("sub"):
        raise ApiError("id-token-required", headers={"WWW-Authenticate": "Bearer"})
    groups = _groups(claims.get("cognito:groups"))
    role = next((role for role in (Role.OPERATOR, Role.ADMINISTRATOR) if role in groups), None)
    organization_id = str(claims.get("custom:organization_id") or "") or None
    if role is None or (role is Role.ADMINISTRATOR and organization_id is None):
        raise ForbiddenError("no-role")
    return Caller(
        user_id=str(claims["sub"]),
        role=role,
        organization_id=None if role is Role.OPERATOR else organization_id,
        source_ip=str((context.get("http") or {}).get("sourceIp", "")),
    )


def _groups(claim: Any) -> frozenset[str]:
    """Return the groups: API Gateway writes a token's list as text, ``[administrator operator]``."""
    if isinstance(claim, str):
        return frozenset(claim.strip("[]").replace(",", " ").split())
    return frozenset(str(group) for group in claim or ())
