from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rosterbridge.errors import ConflictError, InvalidRequestError, NotFoundError
from rosterbridge.flows.changes import MISSING, checked, inside, kind_of, new_id
from rosterbridge.flows.models import FileAccount, Model, Name, Project, Role
from rosterbridge.flows.ports import Change
from tests.support import flows
from tests.support.use_cases import KEEP, UseCases, request


def test_an_id_tells_what_it_names_and_is_never_given_twice() -> None:
    ids = {new_id("flow") for _ in range(1000)}

    assert len(ids) == 1000
    assert all(identity.startswith("flow-") and len(identity) == 25 for identity in ids)


def test_an_entry_tells_who_did_what_when_from_where_and_until_when_it_lives() -> None:
    service = UseCases()
    account = flows.file_account()

    entry = service.changes.entry(flows.caller(), "update", account, ["enabled"])

    assert (entry.actor, entry.role, entry.source_ip) == ("user-1", Role.ADMINISTRATOR, "192.0.2.7")
    assert (entry.action, entry.kind, entry.target_id, entry.fields) == (
        "update",
        "file-account",
        account.id,
        ("enabled",),
    )
    assert (entry.organization_id, entry.at, entry.expires_at) == (flows.ORGANIZATION, flows.AT, flows.AT + KEEP)


def test_each_kind_of_thing_has_its_name_and_its_code() -> None:
    things = (flows.organization(), flows.project(), flows.file_account(), flows.asm_account(), flows.flow())

    assert [f"{kind_of(thing)}-missing" for thing in things] == [MISSING[type(thing)] for thing in things]


def test_another_version_is_a_conflict_and_a_missing_thing_is_none() -> None:
    service = UseCases()
    service.accounts.put(flows.project(id="project-1", version=3))

    assert service.changes.current(Project, flows.ORGANIZATION, "project-1", 3).version == 3
    for version in (2, 4):
        with pytest.raises(ConflictError, match="version-changed"):
            service.changes.current(Project, flows.ORGANIZATION, "project-1", version)
    with pytest.raises(NotFoundError, match="project-missing"):
        service.changes.current(Project, flows.ORGANIZATION, "project-2", 3)


def test_a_change_is_stored_under_the_next_version_with_its_entry() -> None:
    service = UseCases()
    project = flows.project(id="project-1")
    service.accounts.put(project)

    changed = service.changes.update(flows.caller(), project, {"name": "South"})

    assert (changed.name, changed.version) == ("South", 2)
    assert service.accounts.get(Project, flows.ORGANIZATION, "project-1") == changed
    assert service.told == [("update", "project", ("name",))]


def test_what_stays_as_it_is_is_neither_stored_nor_told() -> None:
    service = UseCases()
    project = flows.project(id="project-1")
    service.accounts.put(project)

    assert service.changes.update(flows.caller(), project, {"name": "North"}) == project
    assert service.told == []


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101, 7])
def test_a_value_that_makes_no_sense_is_refused_by_its_field_and_not_repeated(name: Any) -> None:
    service = UseCases()
    project = flows.project(id="project-1")
    service.accounts.put(project)

    with pytest.raises(InvalidRequestError, match="value-invalid") as refused:
        service.changes.update(flows.caller(), project, {"name": name})

    assert refused.value.field == "name"
    assert service.accounts.get(Project, flows.ORGANIZATION, "project-1") == project


def test_a_refused_value_does_not_stand_in_the_refusal() -> None:
    class Row(Model):
        name: Name

    with pytest.raises(InvalidRequestError) as refused, checked():
        Row.model_validate({"name": "planted\n", "other": "planted"})

    assert "planted" not in f"{refused.value} {refused.value!r} {refused.value.__cause__}"


def test_a_field_is_named_as_the_caller_knows_it() -> None:
    with pytest.raises(InvalidRequestError) as refused, inside("file_account"), inside("public_keys.2"):
        raise InvalidRequestError("key-malformed", field="text")
    with pytest.raises(InvalidRequestError) as whole, inside("file_account"):
        raise InvalidRequestError("key-needed")

    assert (refused.value.field, whole.value.field) == ("file_account.public_keys.2.text", "file_account")


def test_the_same_request_creates_once_and_returns_what_it_created() -> None:
    service = UseCases()
    first, again = flows.project(), flows.project()

    assert service.changes.create(flows.caller(), first, request()) == (first, True)
    assert service.changes.create(flows.caller(), again, request()) == (first, False)
    assert service.accounts.list(Project, flows.ORGANIZATION) == [first]
    assert len(service.told) == 1


def test_a_used_key_with_another_content_is_refused() -> None:
    service = UseCases()
    service.changes.create(flows.caller(), flows.project(), request())

    with pytest.raises(ConflictError, match="idempotency-key-reused"):
        service.changes.create(flows.caller(), flows.project(), request(fingerprint="content-2"))
    assert service.changes.create(flows.caller(), flows.project(), request(key="key-2"))[1]
    assert service.changes.create(flows.caller(), flows.project(), request(user_id="user-2"))[1]


def test_a_repeated_request_whose_thing_is_gone_says_so() -> None:
    service = UseCases()
    account = flows.file_account()
    service.changes.create(flows.caller(), account, request())
    service.changes.remove(flows.caller(), account)

    with pytest.raises(NotFoundError, match="file-account-missing"):
        service.changes.create(flows.caller(), flows.file_account(), request())
    assert service.accounts.list(FileAccount, flows.ORGANIZATION) == []


def test_an_operator_enters_no_organization_that_is_not_there() -> None:
    service = UseCases()

    service.changes.enter(flows.operator(), flows.ORGANIZATION)
    service.changes.enter(flows.caller(), flows.ORGANIZATION)
    for caller, organization_id in ((flows.operator(), "district-3"), (flows.caller(), "district-2")):
        with pytest.raises(NotFoundError, match="organization-missing"):
            service.changes.enter(caller, organization_id)


def test_a_conflict_of_the_store_reaches_the_caller() -> None:
    service = UseCases()
    project = flows.project(version=2)
    service.accounts.put(project)
    stale = project.model_copy(update={"version": 1})
    entry = service.changes.entry(flows.caller(), "update", stale)

    with pytest.raises(ConflictError, match="version-changed"):
        service.changes.commit(Change(audit=entry, updates=(stale,)))
    assert entry.expires_at - entry.at == timedelta(days=400)
