from __future__ import annotations

import pytest

from rosterbridge.errors import ConflictError, ForbiddenError, InvalidRequestError, NotFoundError
from tests.support import flows
from tests.support.use_cases import OTHER, UseCases, request


def test_an_operator_sees_all_organizations_and_an_administrator_their_own() -> None:
    organizations = UseCases().organizations

    assert [one.id for one in organizations.list(flows.operator())] == [flows.ORGANIZATION, OTHER]
    assert [one.id for one in organizations.list(flows.caller())] == [flows.ORGANIZATION]
    assert list(organizations.list(flows.caller(organization_id=None))) == []


def test_an_operator_creates_an_organization() -> None:
    service = UseCases()

    created = service.organizations.create(flows.operator(), " Capital City ")

    assert (created.name, created.version, created.created_at) == ("Capital City", 1, flows.AT)
    assert created.id.startswith("org-")
    assert service.organizations.get(flows.operator(), created.id) == created
    assert (service.last.organization_id, service.last.actor) == (created.id, "operator-1")


def test_the_same_request_creates_one_organization() -> None:
    service = UseCases()

    created = [service.organizations.create(flows.operator(), "Capital City", request()) for _ in range(2)]

    assert created[0] == created[1]
    assert len(service.organizations.list(flows.operator())) == 3


def test_nobody_else_creates_an_organization() -> None:
    service = UseCases()

    with pytest.raises(ForbiddenError, match="operators-only"):
        service.organizations.create(flows.caller(), "Capital City")
    assert service.told == []


def test_an_organization_names_itself() -> None:
    service = UseCases()

    renamed = service.organizations.rename(flows.caller(), flows.ORGANIZATION, "Springfield Schools", 1)

    assert (renamed.name, renamed.version) == ("Springfield Schools", 2)
    assert service.told == [("update", "organization", ("name",))]
    with pytest.raises(ConflictError, match="version-changed"):
        service.organizations.rename(flows.caller(), flows.ORGANIZATION, "Springfield", 1)


def test_a_blank_name_is_refused() -> None:
    service = UseCases()

    with pytest.raises(InvalidRequestError, match="value-invalid"):
        service.organizations.create(flows.operator(), "  ")
    with pytest.raises(InvalidRequestError, match="value-invalid"):
        service.organizations.rename(flows.caller(), flows.ORGANIZATION, "", 1)


def test_another_organization_is_not_there() -> None:
    organizations = UseCases().organizations

    for organization_id in (OTHER, "district-3"):
        with pytest.raises(NotFoundError, match="organization-missing"):
            organizations.get(flows.caller(), organization_id)
        with pytest.raises(NotFoundError, match="organization-missing"):
            organizations.rename(flows.caller(), organization_id, "Ours", 1)
    with pytest.raises(NotFoundError, match="organization-missing"):
        organizations.get(flows.operator(), "district-3")
