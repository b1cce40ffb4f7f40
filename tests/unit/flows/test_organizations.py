from __future__ import annotations

import pytest

from rosterbridge.errors import ConflictError, ForbiddenError, InvalidRequestError, NotFoundError
from rosterbridge.flows.organizations import Organizations
from tests.support import flows
from tests.support.fakes import FakeNotifications
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

    renamed = service.organizations.update(flows.caller(), flows.ORGANIZATION, 1, name="Springfield Schools")

    assert (renamed.name, renamed.version) == ("Springfield Schools", 2)
    assert service.told == [("update", "organization", ("name",))]
    with pytest.raises(ConflictError, match="version-changed"):
        service.organizations.update(flows.caller(), flows.ORGANIZATION, 1, name="Springfield")


def test_a_blank_name_is_refused() -> None:
    service = UseCases()

    with pytest.raises(InvalidRequestError, match="value-invalid"):
        service.organizations.create(flows.operator(), "  ")
    with pytest.raises(InvalidRequestError, match="value-invalid"):
        service.organizations.update(flows.caller(), flows.ORGANIZATION, 1, name="")


def test_another_organization_is_not_there() -> None:
    organizations = UseCases().organizations

    for organization_id in (OTHER, "district-3"):
        with pytest.raises(NotFoundError, match="organization-missing"):
            organizations.get(flows.caller(), organization_id)
        with pytest.raises(NotFoundError, match="organization-missing"):
            organizations.update(flows.caller(), organization_id, 1, name="Ours")
    with pytest.raises(NotFoundError, match="organization-missing"):
        organizations.get(flows.operator(), "district-3")


def test_an_organization_says_who_is_told_each_address_once() -> None:
    service = UseCases()

    changed = service.organizations.update(
        flows.caller(), flows.ORGANIZATION, 1, notify=["a@example.org", "b@example.org", "a@example.org"]
    )

    assert changed.notify == ("a@example.org", "b@example.org")
    assert service.told == [("update", "organization", ("notify",))]
    ended = service.organizations.update(flows.caller(), flows.ORGANIZATION, 2, notify=[])
    assert (ended.notify, ended.name) == ((), "Springfield")


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@b", "Petra <p@example.org>", "a@example.org,b@example.org", "a@example.org\r\nBcc: b"]
)
def test_what_is_no_plain_address_is_refused(address: str) -> None:
    service = UseCases()

    with pytest.raises(InvalidRequestError, match="value-invalid"):
        service.organizations.update(flows.caller(), flows.ORGANIZATION, 1, notify=[address])
    assert service.told == []


def test_more_than_ten_addresses_are_refused() -> None:
    addresses = [f"a{number}@example.org" for number in range(11)]

    with pytest.raises(InvalidRequestError, match="value-invalid"):
        UseCases().organizations.update(flows.caller(), flows.ORGANIZATION, 1, notify=addresses)


def test_a_new_address_is_subscribed_and_one_that_is_there_is_not_asked_again() -> None:
    service, mail = UseCases(), FakeNotifications()
    organizations = Organizations(service.changes, mail)

    organizations.update(flows.caller(), flows.ORGANIZATION, 1, notify=["a@example.org"])
    organizations.update(flows.caller(), flows.ORGANIZATION, 2, notify=["a@example.org", "b@example.org"])
    with pytest.raises(InvalidRequestError):
        organizations.update(flows.caller(), flows.ORGANIZATION, 3, notify=["c@example.org", "wrong"])

    assert mail.subscribed == ["a@example.org", "b@example.org"]
