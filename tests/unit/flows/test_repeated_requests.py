"""A creation that is sent again after its answer was lost, when what it rested on has changed meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from rosterbridge.errors import ConflictError, NotFoundError
from rosterbridge.flows.models import Project
from rosterbridge.flows.public_keys import NewPublicKey
from tests.support import flows
from tests.support.use_cases import ADDRESSES, UseCases, request

OWN = (flows.caller(), flows.ORGANIZATION)
Create = Callable[[UseCases], Any]


def organization(service: UseCases) -> Any:
    return service.organizations.create(flows.operator(), "North", request())


def project(service: UseCases) -> Any:
    return service.projects.create(*OWN, "North", request=request())


def file_account(service: UseCases) -> Any:
    key = NewPublicKey(label="SIS", text=flows.KEY, expires_at=flows.AT + timedelta(hours=1))
    new = flows.new_file_account(authentication="public_key", public_keys=(key,))
    return service.file_accounts.create(*OWN, new, request())[0]


def asm_account(service: UseCases) -> Any:
    return service.asm_accounts.create(*OWN, flows.new_asm_account(), request())


def flow(service: UseCases) -> Any:
    return service.flows.create(*OWN, flows.new_flow(), request()).flow


EACH = (organization, project, file_account, asm_account, flow)


def service() -> UseCases:
    made = UseCases()
    made.accounts.put(flows.project(id="project-1"))
    return made


@pytest.mark.parametrize("create", EACH)
def test_it_answers_what_was_created_although_it_could_not_be_created_now(
    create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = service()
    first = create(made)
    told = list(made.told)

    made.wait(hours=2)  # the key has expired
    monkeypatch.delitem(ADDRESSES, "apple.example")  # the host is not found
    made.accounts._things.pop((Project, flows.ORGANIZATION, "project-1"))

    assert create(made) == first
    assert made.told == told


@pytest.mark.parametrize("create", EACH)
def test_it_answers_the_thing_as_it_is_now(create: Create) -> None:
    made = service()
    first = create(made)
    made.accounts.put(first.model_copy(update={"version": 2}))

    assert create(made).version == 2


@pytest.mark.parametrize("create", EACH)
def test_what_is_gone_by_now_is_not_created_again(create: Create) -> None:
    made = service()
    first = create(made)
    made.accounts._things.pop((type(first), first.organization_id, first.id))

    with pytest.raises(NotFoundError, match=r"-missing$"):
        create(made)


def test_a_key_of_another_request_is_refused_before_the_content_is_looked_at() -> None:
    made = service()
    project(made)

    with pytest.raises(ConflictError, match="idempotency-key-reused"):
        made.flows.create(*OWN, flows.new_flow(project_id="unknown"), request(fingerprint="content-2"))


def test_a_day_later_it_is_another_request() -> None:
    made = service()
    first = project(made)
    made.wait(days=1)

    assert project(made).id != first.id
