"""The deployed API keeps its description over HTTP, whatever is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import CHECKS

from rosterbridge.api.bodies import ID
from tests.support import isolation
from tests.support.administration import Administration, Tenant, tenant
from tests.unit.api.test_schema import CONFIG, NOT_CLAIMED

# It connects to the host that it is given, and what is made up shall not be reached for
OUTWARD = "test_new_asm_account"
UNKNOWN = "x-schemathesis-unknown-property"
schema = schemathesis.openapi.from_dict(isolation.described(), config=CONFIG).exclude(operation_id=OUTWARD)


@pytest.fixture(scope="module")
def owner(administration: Administration, tmp_path_factory: pytest.TempPathFactory) -> Tenant:
    return tenant(administration, administration.operator(), tmp_path_factory.mktemp("schema"))


@pytest.fixture(scope="module")
def session(administration: Administration, owner: Tenant) -> Iterator[requests.Session]:
    """What keeps connections, with the owner's token."""
    with requests.Session() as found:
        found.trust_env = False
        yield found


@schema.parametrize()
@settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(
    case: Case, administration: Administration, owner: Tenant, session: requests.Session
) -> None:
    for name, value in (case.path_parameters or {}).items():
        if name in owner.ids and isinstance(value, str) and re.fullmatch(ID, value):
            case.path_parameters[name] = owner.ids[name]  # what is there, so that more than 404 is seen
    _point_home(case.body)
    # a parameter in the query that nobody knows is passed over, as everywhere on the web
    passed_over = {"negative_data_rejection"} if UNKNOWN in (case.query or {}) else set()
    case.call_and_validate(
        base_url=administration.api,
        session=session,
        headers={"Authorization": f"Bearer {owner.token}"},
        excluded_checks=[CHECKS.get_one(name) for name in NOT_CLAIMED | passed_over],
    )


def _point_home(body: Any) -> None:
    """Have a connection lead to this machine, since the stored one may be tested."""
    if isinstance(body, dict):
        if isinstance(body.get("host"), str):
            body["host"] = "127.0.0.1"
        _point_home(body.get("asm_account"))
