"""Whatever is sent, by its description or against it: the API answers as described, and never fails."""

from __future__ import annotations

import re

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case, Config
from schemathesis.checks import CHECKS

from rosterbridge.api.bodies import ID
from tests.support.api import FakeWorld, belongings, populate
from tests.support.api_wsgi import TOKEN, WsgiApi

OWN = belongings("north")
# A description cannot say everything: a name that is all spaces, a key that is none
NOT_CLAIMED = {"positive_data_acceptance"}


def _world() -> FakeWorld:
    world = FakeWorld()
    populate(world, "north")
    return world


# A missing If-Match is answered by 428, as RFC 6585 has it; parameters that nobody knows are ignored, as is usual
CONFIG = Config.from_dict(
    {
        "checks": {"missing_required_header": {"expected-statuses": [422, 428]}},
        "generation": {"allow-extra-parameters": False},
    }
)
schema = schemathesis.openapi.from_wsgi("/openapi.json", WsgiApi(_world, OWN["organization_id"]), config=CONFIG)


@schema.parametrize()
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(case: Case) -> None:
    for name, value in (case.path_parameters or {}).items():
        if name in OWN and isinstance(value, str) and re.fullmatch(ID, value):
            case.path_parameters[name] = OWN[name]  # what is there, so that more than 404 is seen
    case.call_and_validate(
        headers={"Authorization": f"Bearer {TOKEN}"},
        excluded_checks=[CHECKS.get_one(name) for name in NOT_CLAIMED],
    )
