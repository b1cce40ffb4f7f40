from __future__ import annotations

from datetime import timedelta

import pytest

from rosterbridge.errors import ConflictError, InvalidRequestError, NotFoundError
from rosterbridge.flows.access import Caller
from rosterbridge.flows.models import Project
from tests.support import flows
from tests.support.use_cases import OTHER, UseCases, request

CALLER = flows.caller()


def update(service: UseCases, project: Project, **changes: object) -> Project:
    return service.projects.update(CALLER, flows.ORGANIZATION, project.id, project.version, **changes)


def test_a_new_project_saves_no_data() -> None:
    service = UseCases()

    created = service.projects.create(CALLER, flows.ORGANIZATION, "North")

    assert (created.name, created.save_data, created.save_data_since, created.save_data_by) == (
        "North",
        False,
        None,
        None,
    )
    assert created.id.startswith("project-")
    assert service.projects.get(CALLER, flows.ORGANIZATION, created.id) == created
    assert service.projects.list(CALLER, flows.ORGANIZATION) == [created]
    assert service.told == [("create", "project", ())]


def test_the_same_request_creates_one_project() -> None:
    service = UseCases()

    created = [service.projects.create(CALLER, flows.ORGANIZATION, "North", False, request()) for _ in range(2)]

    assert service.projects.list(CALLER, flows.ORGANIZATION) == [created[0]] == [created[1]]


def test_turning_saving_on_keeps_when_and_by_whom_and_off_forgets_it() -> None:
    service = UseCases()
    project = service.projects.create(CALLER, flows.ORGANIZATION, "North")
    service.wait(hours=1)

    on = update(service, project, save_data=True)

    assert (on.save_data, on.save_data_since, on.save_data_by) == (True, flows.AT + timedelta(hours=1), "user-1")
    service.wait(hours=1)
    assert update(service, on, save_data=True) == on
    off = update(service, on, save_data=False)
    assert (off.save_data, off.save_data_since, off.save_data_by, off.version) == (False, None, None, 3)
    assert service.told[1:] == [("update", "project", ("save_data",))] * 2


def test_a_project_may_be_created_with_saving_on() -> None:
    created = UseCases().projects.create(CALLER, flows.ORGANIZATION, "North", True)

    assert (created.save_data, created.save_data_since, created.save_data_by) == (True, flows.AT, "user-1")


def test_a_project_is_renamed_and_its_saving_stays() -> None:
    service = UseCases()
    project = service.projects.create(CALLER, flows.ORGANIZATION, "North", True)
    service.wait(hours=1)

    renamed = update(service, project, name="South")

    assert (renamed.name, renamed.save_data_since) == ("South", flows.AT)
    assert service.last.fields == ("name",)
    both = update(service, renamed, name="East", save_data=False)
    assert (both.name, both.save_data, service.last.fields) == ("East", False, ("name", "save_data"))


def test_a_project_that_was_changed_meanwhile_is_not_overwritten() -> None:
    service = UseCases()
    project = service.projects.create(CALLER, flows.ORGANIZATION, "North")
    update(service, project, name="South")

    with pytest.raises(ConflictError, match="version-changed"):
        update(service, project, name="East")


def test_a_blank_name_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="value-invalid"):
        UseCases().projects.create(CALLER, flows.ORGANIZATION, "\t")


@pytest.mark.parametrize(
    ("caller", "organization_id", "code"),
    [
        (CALLER, OTHER, "organization-missing"),
        (flows.caller(organization_id=OTHER), flows.ORGANIZATION, "organization-missing"),
        (flows.caller(organization_id=OTHER), OTHER, "project-missing"),
        (flows.operator(), OTHER, "project-missing"),
    ],
)
def test_another_organizations_project_is_not_there(caller: Caller, organization_id: str, code: str) -> None:
    service = UseCases()
    project = service.projects.create(CALLER, flows.ORGANIZATION, "North")

    with pytest.raises(NotFoundError, match=code):
        service.projects.get(caller, organization_id, project.id)
    with pytest.raises(NotFoundError, match=code):
        service.projects.update(caller, organization_id, project.id, 1, name="Ours")
    assert service.projects.get(CALLER, flows.ORGANIZATION, project.id) == project


def test_projects_of_an_organization_that_is_not_there_are_neither_listed_nor_created() -> None:
    service = UseCases()

    for caller, organization_id in ((CALLER, OTHER), (flows.operator(), "district-3")):
        with pytest.raises(NotFoundError, match="organization-missing"):
            service.projects.list(caller, organization_id)
        with pytest.raises(NotFoundError, match="organization-missing"):
            service.projects.create(caller, organization_id, "North")
