"""The store of accounts: the fake finds what DynamoDB finds, and nothing of another organization."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rosterbridge.errors import ConflictError
from rosterbridge.flows.models import AsmAccount, FileAccount, Flow, Organization, Project, PublicKey
from rosterbridge.roster.options import ConversionOptions
from tests.support import flows
from tests.support.stores import Stores, change

KINDS = (Project, FileAccount, AsmAccount, Flow)


@pytest.fixture(params=["fake", "dynamodb"])
def stores(request: pytest.FixtureRequest) -> Stores:
    return Stores.fake() if request.param == "fake" else Stores.in_dynamodb(request.getfixturevalue("stack"))


@pytest.fixture
def owner() -> str:
    """An organization of the test's own."""
    return flows.unique("org")


def a_flow(owner: str, file_account: FileAccount, asm_account: AsmAccount, **changes: object) -> Flow:
    accounts = {"file_account_id": file_account.id, "asm_account_id": asm_account.id}
    return flows.flow(organization_id=owner, **accounts, **changes)


def test_nothing_is_found_where_nothing_is(stores: Stores, owner: str) -> None:
    unknown = flows.unique("unknown")

    assert stores.accounts.file_account_by_username(unknown) is None
    assert list(stores.accounts.flows_of_file_account(unknown)) == []
    for kind in (*KINDS, Organization):
        assert stores.accounts.get(kind, owner, unknown) is None
        assert list(stores.accounts.list(kind, owner)) == []


@pytest.mark.parametrize("text", ["", "#", "x" * 3000, "名簿", "a/b", "a b"])
def test_what_is_no_id_names_nothing(stores: Stores, owner: str, text: str) -> None:
    for kind in (*KINDS, Organization):
        assert stores.accounts.get(kind, owner, text) is None
        assert stores.accounts.get(kind, text, text) is None
        assert list(stores.accounts.list(kind, text)) == []
    assert list(stores.accounts.flows_of_file_account(text)) == []
    assert stores.trail(text) == []


def test_a_flow_and_its_accounts_come_back_as_they_were_stored(stores: Stores, owner: str) -> None:
    key = PublicKey(id="key-1", label="sis", text="ssh-ed25519 AAAA", fingerprint="SHA256:x", added_at=flows.AT)
    file_account = flows.file_account(
        organization_id=owner,
        networks=("192.0.2.0/24", "2001:db8::/32"),
        public_keys=(key, key.model_copy(update={"id": "key-2", "expires_at": flows.AT})),
    )
    asm_account = flows.asm_account(organization_id=owner, port=2222, folder="")
    options = ConversionOptions(max_dropped=0.25, schools=("s1", "s2"))
    flow = a_flow(owner, file_account, asm_account, name="Größe & 名簿", options=options)
    project = flows.project(organization_id=owner, save_data=True, save_data_since=flows.AT, save_data_by="user-1")

    stores.create(project, flow, file_account, asm_account)

    used = {"flow_ids": frozenset({flow.id})}
    stored = (project, file_account.model_copy(update=used), asm_account.model_copy(update=used), flow)
    for kind, thing in zip(KINDS, stored, strict=True):
        assert stores.accounts.get(kind, owner, thing.id) == thing
        assert list(stores.accounts.list(kind, owner)) == [thing]
    assert stores.accounts.file_account_by_username(file_account.username) == stored[1]
    assert list(stores.accounts.flows_of_file_account(file_account.id)) == [flow]


def test_an_upload_starts_every_flow_of_its_account(stores: Stores, owner: str) -> None:
    file_account, asm_account = flows.file_account(organization_id=owner), flows.asm_account(organization_id=owner)
    created = [a_flow(owner, file_account, asm_account) for _ in range(3)]
    stores.create(file_account, asm_account, created[0])
    for flow in created[1:]:
        stores.create(flow)

    found = stores.accounts.flows_of_file_account(file_account.id)

    assert list(found) == sorted(created, key=lambda flow: flow.id)


def test_things_are_listed_in_the_order_of_their_creation(stores: Stores, owner: str) -> None:
    at = [flows.AT + timedelta(milliseconds=step) for step in (0, 1, 999, 1000, -1)]
    projects = [flows.project(organization_id=owner, created_at=time) for time in at]
    for project in projects:
        stores.create(project)
    twin = projects[0].model_copy(update={"id": flows.unique("project")})
    stores.create(twin)

    listed = list(stores.accounts.list(Project, owner))

    assert listed == sorted([*projects, twin], key=lambda project: (project.created_at, project.id))


def test_a_list_longer_than_one_answer_of_the_database_is_whole(stores: Stores, owner: str) -> None:
    # DynamoDB answers at most 1 MB at once
    keys = ("ssh-ed25519 " + "A" * 200_000,)
    accounts = [flows.asm_account(organization_id=owner, host_keys=keys) for _ in range(7)]
    for account in accounts:
        stores.create(account)

    assert {account.id for account in stores.accounts.list(AsmAccount, owner)} == {account.id for account in accounts}


def test_a_user_name_is_told_apart_by_case(stores: Stores, owner: str) -> None:
    account = flows.file_account(organization_id=owner)
    stores.create(account)

    assert stores.accounts.file_account_by_username(account.username.upper()) is None


def test_organizations_are_listed_in_the_order_of_their_creation(stores: Stores) -> None:
    at = [flows.AT + timedelta(seconds=step) for step in (5, 3, 4)]
    created = [Organization(id=flows.unique("org"), name="North", created_at=time) for time in at]
    for organization in created:
        stores.create(organization)

    ours = [found for found in stores.accounts.organizations() if found in created]

    assert ours == sorted(created, key=lambda organization: organization.created_at)
    for organization in created:
        assert stores.accounts.get(Organization, organization.id, organization.id) == organization
        assert list(stores.accounts.list(Organization, organization.id)) == [organization]
    assert stores.accounts.get(Organization, created[0].id, created[1].id) is None


def test_nothing_of_another_organization_is_found_listed_changed_or_removed(stores: Stores, owner: str) -> None:
    other = flows.unique("org")
    project, file_account = flows.project(organization_id=owner), flows.file_account(organization_id=owner)
    asm_account = flows.asm_account(organization_id=owner)
    flow = a_flow(owner, file_account, asm_account)
    stores.create(project, file_account, asm_account, flow)

    for thing in (project, file_account, asm_account, flow):
        before = stores.accounts.get(type(thing), owner, thing.id)
        disguised = thing.model_copy(update={"organization_id": other})
        assert stores.accounts.get(type(thing), other, thing.id) is None
        assert list(stores.accounts.list(type(thing), other)) == []
        for attempt in (change(updates=(disguised,)), change(removes=(disguised,))):
            with pytest.raises(ConflictError, match=r"^version-changed"):
                stores.accounts.commit(attempt)
        assert stores.accounts.get(type(thing), owner, thing.id) == before
    assert stores.trail(other) == []


def test_a_flow_cannot_use_accounts_of_another_organization(stores: Stores, owner: str) -> None:
    other = flows.unique("org")
    file_account, asm_account = flows.file_account(organization_id=owner), flows.asm_account(organization_id=owner)
    stores.create(file_account, asm_account)
    flow = a_flow(other, file_account, asm_account)

    with pytest.raises(ConflictError, match=r"^account-gone"):
        stores.accounts.commit(change(flow))

    assert stores.accounts.get(Flow, other, flow.id) is None
    assert list(stores.accounts.flows_of_file_account(file_account.id)) == []
    assert stores.accounts.get(FileAccount, owner, file_account.id) == file_account
