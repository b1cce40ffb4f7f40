"""Changes of accounts: whole or not at all, in the fake as in DynamoDB, also when two come at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from rosterbridge.errors import ConflictError, PermanentError, RepeatedRequestError, TransientError
from rosterbridge.flows.models import AsmAccount, FileAccount, Flow, Organization, Project, Thing
from rosterbridge.flows.ports import Change, RepeatedRequest, Request
from tests.support import flows
from tests.support.stores import HOME_GRACE, Stores, change, entry

ROUNDS = 30


@pytest.fixture(params=["fake", "dynamodb"])
def stores(request: pytest.FixtureRequest) -> Stores:
    return Stores.fake() if request.param == "fake" else Stores.in_dynamodb(request.getfixturevalue("stack"))


class Made:
    """A flow with its accounts, of an organization of its own."""

    def __init__(self, stores: Stores, *, flow: bool = True) -> None:
        self.stores = stores
        self.owner = flows.unique("org")
        self.file_account = flows.file_account(organization_id=self.owner)
        self.asm_account = flows.asm_account(organization_id=self.owner)
        self.flow = self.another_flow()
        stores.create(self.file_account, self.asm_account, *((self.flow,) if flow else ()))

    def another_flow(self) -> Flow:
        accounts = {"file_account_id": self.file_account.id, "asm_account_id": self.asm_account.id}
        return flows.flow(organization_id=self.owner, **accounts)

    def stored(self, thing: Thing) -> Thing | None:
        return self.stores.accounts.get(type(thing), self.owner, thing.id)

    def flow_ids(self) -> list[frozenset[str]]:
        stored = (self.stored(self.file_account), self.stored(self.asm_account))
        return [account.flow_ids for account in stored if isinstance(account, FileAccount | AsmAccount)]


def refused(stores: Stores, attempt: Change, code: str) -> None:
    """Check that the change is refused for this reason and that the audit trail does not tell of it."""
    with pytest.raises(ConflictError, match=f"^{code}"):
        stores.accounts.commit(attempt)
    assert attempt.audit not in stores.trail(attempt.audit.organization_id)


def test_the_audit_trail_tells_of_what_was_changed(stores: Stores) -> None:
    done = change(flows.project(organization_id=flows.unique("org")))

    stores.accounts.commit(done)

    assert stores.trail(done.audit.organization_id) == [done.audit]


def test_a_taken_user_name_is_refused_and_nothing_of_the_rest_is_stored(stores: Stores) -> None:
    first, second = Made(stores), Made(stores, flow=False)
    named = flows.file_account(organization_id=second.owner, username=first.file_account.username)
    flow = second.another_flow().model_copy(update={"file_account_id": named.id})

    refused(stores, change(flow, named), "username-taken")

    assert (second.stored(flow), second.stored(named)) == (None, None)
    assert second.flow_ids() == [frozenset(), frozenset()]
    assert list(stores.accounts.flows_of_file_account(named.id)) == []
    kept = stores.accounts.file_account_by_username(named.username)
    assert kept is not None
    assert kept.id == first.file_account.id


def test_an_id_that_is_there_already_is_not_overwritten_nor_taken_for_a_user_name(stores: Stores) -> None:
    made = Made(stores)
    before = made.stored(made.asm_account)
    named = flows.file_account(organization_id=made.owner)

    with pytest.raises(PermanentError, match=r"^aws-refused") as refusal:
        stores.create(named, made.asm_account.model_copy(update={"host": "other.example"}))

    assert not isinstance(refusal.value, ConflictError)
    assert made.stored(made.asm_account) == before
    assert stores.accounts.file_account_by_username(named.username) is None


def test_a_change_is_stored_under_the_next_version_and_what_is_cleared_is_gone(stores: Stores) -> None:
    project = flows.project(
        organization_id=flows.unique("org"), save_data=True, save_data_since=flows.AT, save_data_by="user-1"
    )
    stores.create(project)
    off = {"save_data": False, "save_data_since": None, "save_data_by": None, "name": "South"}

    stores.accounts.commit(change(updates=(project.model_copy(update=off),)))

    stored = stores.accounts.get(Project, project.organization_id, project.id)
    assert stored == project.model_copy(update={**off, "version": 2})


def test_an_organization_is_renamed(stores: Stores) -> None:
    organization = Organization(id=flows.unique("org"), name="North", created_at=flows.AT)
    stores.create(organization)

    stores.accounts.commit(change(updates=(organization.model_copy(update={"name": "South"}),)))

    renamed = organization.model_copy(update={"name": "South", "version": 2})
    assert stores.accounts.get(Organization, organization.id, organization.id) == renamed
    assert renamed in stores.accounts.organizations()


def test_a_change_of_what_has_changed_meanwhile_is_refused(stores: Stores) -> None:
    made = Made(stores)
    stores.accounts.commit(change(updates=(made.flow.model_copy(update={"name": "First"}),)))
    before = made.stored(made.flow)

    refused(stores, change(updates=(made.flow.model_copy(update={"name": "Second"}),)), "version-changed")
    refused(stores, change(removes=(made.flow,)), "version-changed")

    assert made.stored(made.flow) == before
    assert made.flow_ids() == [frozenset({made.flow.id})] * 2


def test_what_is_removed_is_not_brought_back_by_a_change(stores: Stores) -> None:
    made = Made(stores, flow=False)
    stores.accounts.commit(change(removes=(made.asm_account,)))

    refused(stores, change(updates=(made.asm_account,)), "version-changed")
    refused(stores, change(removes=(made.asm_account,)), "version-changed")

    assert made.stored(made.asm_account) is None


def test_a_change_leaves_the_user_name_the_flows_and_the_last_use_as_they_are_stored(stores: Stores) -> None:
    made = Made(stores, flow=False)
    read = made.file_account
    stores.create(made.flow)
    stores.accounts.note_login(read, flows.AT)
    stores.accounts.note_upload(read, flows.AT + timedelta(seconds=1))

    stores.accounts.commit(change(updates=(read.model_copy(update={"enabled": False, "username": "other"}),)))

    kept = {
        "flow_ids": frozenset({made.flow.id}),
        "last_login_at": flows.AT,
        "last_upload_at": flows.AT + timedelta(seconds=1),
    }
    assert made.stored(read) == read.model_copy(update={**kept, "enabled": False, "version": 2})
    assert stores.accounts.file_account_by_username("other") is None


def test_an_asm_account_gets_the_user_name_that_apple_shows_now(stores: Stores) -> None:
    made = Made(stores)

    stores.accounts.commit(change(updates=(made.asm_account.model_copy(update={"username": "renamed"}),)))

    stored = made.stored(made.asm_account)
    assert isinstance(stored, AsmAccount)
    assert (stored.username, stored.flow_ids) == ("renamed", frozenset({made.flow.id}))


def test_a_change_cannot_move_a_flow_to_other_accounts(stores: Stores) -> None:
    made = Made(stores)
    moved = made.flow.model_copy(update={"file_account_id": "fa-other", "asm_account_id": "asm-other", "name": "New"})

    stores.accounts.commit(change(updates=(moved,)))

    assert made.stored(made.flow) == made.flow.model_copy(update={"name": "New", "version": 2})


def test_an_account_in_use_is_not_removed(stores: Stores) -> None:
    made = Made(stores)

    for account in (made.file_account, made.asm_account):
        before = made.stored(account)
        refused(stores, change(removes=(account,)), "in-use")
        assert made.stored(account) == before
    assert list(stores.accounts.due_homes(flows.AT + timedelta(days=3650))).count(made.file_account.id) == 0


def test_accounts_can_be_removed_after_the_last_flow_that_uses_them(stores: Stores) -> None:
    made = Made(stores)
    second = made.another_flow()
    stores.create(second)

    stores.accounts.commit(change(removes=(made.flow,)))
    assert made.flow_ids() == [frozenset({second.id})] * 2
    assert list(stores.accounts.flows_of_file_account(made.file_account.id)) == [second]
    refused(stores, change(removes=(made.file_account,)), "in-use")
    stores.accounts.commit(change(removes=(second,)))
    stores.accounts.commit(change(removes=(made.file_account, made.asm_account)))

    assert [made.stored(thing) for thing in (made.flow, second, made.file_account, made.asm_account)] == [None] * 4
    assert list(stores.accounts.flows_of_file_account(made.file_account.id)) == []


def test_the_name_of_a_removed_account_is_free_again(stores: Stores) -> None:
    made = Made(stores, flow=False)
    stores.accounts.commit(change(removes=(made.file_account,)))
    assert stores.accounts.file_account_by_username(made.file_account.username) is None
    successor = flows.file_account(organization_id=made.owner, username=made.file_account.username)

    stores.create(successor)

    assert stores.accounts.file_account_by_username(successor.username) == successor


def test_the_home_of_a_removed_account_is_due_after_the_grace_until_it_is_forgotten(stores: Stores) -> None:
    made, later = Made(stores, flow=False), Made(stores, flow=False)
    at = flows.AT + timedelta(milliseconds=500)
    stores.accounts.commit(change(removes=(made.file_account,), at=at))
    stores.accounts.commit(change(removes=(later.file_account,), at=at + timedelta(hours=1)))
    ours = [made.file_account.id, later.file_account.id]

    def due(after: timedelta) -> list[str]:
        return [home for home in stores.accounts.due_homes(at + HOME_GRACE + after) if home in ours]

    assert due(-timedelta(microseconds=1)) == []
    assert due(timedelta()) == ours[:1]
    assert due(timedelta(days=1)) == ours
    for _ in range(2):
        stores.accounts.forget_home(made.file_account.id)
    assert due(timedelta(days=1)) == ours[1:]


@pytest.mark.parametrize("gone", ["file_account", "asm_account"])
def test_a_flow_whose_account_is_gone_is_not_created(stores: Stores, gone: str) -> None:
    made = Made(stores, flow=False)
    stores.accounts.commit(change(removes=(getattr(made, gone),)))

    refused(stores, change(made.flow), "account-gone")

    assert made.stored(made.flow) is None
    assert made.flow_ids() == [frozenset()]
    assert list(stores.accounts.flows_of_file_account(made.file_account.id)) == []


def test_the_last_login_and_upload_are_noted_without_a_new_version_in_whatever_order(stores: Stores) -> None:
    made = Made(stores)
    account = made.file_account
    for milliseconds in (500, 1500, 0):
        stores.accounts.note_login(account, flows.AT + timedelta(milliseconds=milliseconds))
    stores.accounts.note_upload(account, flows.AT)

    stored = made.stored(account)

    assert isinstance(stored, FileAccount)
    assert stored.last_login_at == flows.AT + timedelta(milliseconds=1500)
    assert (stored.last_upload_at, stored.version) == (flows.AT, 1)


def test_a_note_does_not_bring_a_removed_account_back(stores: Stores) -> None:
    made = Made(stores, flow=False)
    stores.accounts.commit(change(removes=(made.file_account,)))

    stores.accounts.note_login(made.file_account, flows.AT)
    stores.accounts.note_upload(made.file_account, flows.AT)

    assert made.stored(made.file_account) is None
    assert list(stores.accounts.list(FileAccount, made.owner)) == []


def test_a_run_that_is_about_to_start_is_known_until_it_is_forgotten(stores: Stores) -> None:
    early, late = flows.unique("run"), flows.unique("run")
    for _ in range(2):
        stores.accounts.note_start(early, flows.AT + timedelta(milliseconds=500))
        stores.accounts.note_start(late, flows.AT + timedelta(milliseconds=1500))

    def open_starts(milliseconds: float) -> list[str]:
        found = stores.accounts.open_starts(flows.AT + timedelta(milliseconds=milliseconds))
        return [run for run in found if run in {early, late}]

    assert open_starts(499.999) == []
    assert open_starts(500) == [early]
    assert open_starts(10_000) == [early, late]
    for _ in range(2):
        stores.accounts.forget_start(early)
    assert open_starts(10_000) == [late]


def test_what_a_request_created_can_be_asked_for_a_day(stores: Stores) -> None:
    owner, user = flows.unique("org"), flows.unique("user")
    request, other = (Request(key=key, user_id=user, fingerprint="f") for key in ("k", "another"))
    day = timedelta(hours=24)
    made = [flows.file_account(organization_id=owner), flows.asm_account(organization_id=owner)]
    assert stores.accounts.repeated(request, flows.AT) is None

    stores.accounts.commit(change(*made, request=request))

    known = RepeatedRequest("f", tuple(thing.id for thing in made))
    assert stores.accounts.repeated(request, flows.AT + day - timedelta(seconds=1)) == known
    assert stores.accounts.repeated(request, flows.AT + day) is None
    assert stores.accounts.repeated(other, flows.AT) is None
    assert stores.accounts.repeated(Request("k", f"{user}-2", "f"), flows.AT) is None


def test_an_invitation_is_told_and_its_request_kept_although_it_stores_no_thing_of_ours(stores: Stores) -> None:
    owner, request = flows.unique("org"), Request(key="k", user_id=flows.unique("user"), fingerprint="f")
    invitation = Change(entry(organization_id=owner, kind="user"), request=request, user_ids=("user-2",))

    stores.accounts.commit(invitation)

    assert stores.trail(owner) == [invitation.audit]
    assert stores.accounts.repeated(request, flows.AT) == RepeatedRequest("f", ("user-2",))
    with pytest.raises(RepeatedRequestError) as repeated:
        stores.accounts.commit(Change(entry(organization_id=owner), request=request, user_ids=("user-3",)))
    assert repeated.value.target_ids == ("user-2",)


def test_a_repeated_request_creates_nothing_and_tells_what_the_first_created(stores: Stores) -> None:
    owner, request = flows.unique("org"), Request(key="a key #1", user_id=flows.unique("user"), fingerprint="f1")
    first = [flows.file_account(organization_id=owner), flows.asm_account(organization_id=owner)]
    stores.accounts.commit(change(*first, request=request))
    again = change(flows.file_account(organization_id=owner, username=first[0].username), request=request)

    with pytest.raises(RepeatedRequestError) as repeated:
        stores.accounts.commit(again)

    assert repeated.value.fingerprint == "f1"
    assert repeated.value.target_ids == tuple(thing.id for thing in first)
    assert list(stores.accounts.list(FileAccount, owner)) == [first[0]]
    assert again.audit not in stores.trail(owner)


def test_a_repeated_creation_of_an_organization_is_known_although_its_id_is_new(stores: Stores) -> None:
    request = Request(key="k", user_id=flows.unique("user"), fingerprint="f")
    first, second = (Organization(id=flows.unique("org"), name="North", created_at=flows.AT) for _ in range(2))
    stores.accounts.commit(change(first, request=request))

    with pytest.raises(RepeatedRequestError) as repeated:
        stores.accounts.commit(change(second, request=request))

    assert repeated.value.target_ids == (first.id,)
    assert stores.accounts.get(Organization, second.id, second.id) is None


def test_the_same_key_of_another_user_or_a_day_later_is_another_request(stores: Stores) -> None:
    owner, user = flows.unique("org"), flows.unique("user")
    request, other = (Request(key="k", user_id=name, fingerprint="f") for name in (user, f"{user}-2"))
    day = timedelta(hours=24)
    stores.accounts.commit(change(flows.project(organization_id=owner), request=request))

    stores.accounts.commit(change(flows.project(organization_id=owner), request=other))
    late = change(flows.project(organization_id=owner), request=request, at=flows.AT + day - timedelta(seconds=1))
    with pytest.raises(RepeatedRequestError):
        stores.accounts.commit(late)
    stores.accounts.commit(change(flows.project(organization_id=owner), request=request, at=flows.AT + day))

    assert len(stores.accounts.list(Project, owner)) == 3


def test_a_request_that_was_refused_may_be_sent_again(stores: Stores) -> None:
    made = Made(stores)
    request = Request(key="k", user_id=flows.unique("user"), fingerprint="f")
    named = flows.file_account(organization_id=made.owner, username=made.file_account.username)
    refused(stores, change(named, request=request), "username-taken")
    renamed = named.model_copy(update={"username": flows.unique("sis")})

    stores.accounts.commit(change(renamed, request=request))

    assert made.stored(renamed) == renamed


def at_once(*attempts: Callable[[], None]) -> list[bool]:
    """Make all attempts at the same time; return which succeeded."""
    barrier = Barrier(len(attempts))

    def make(attempt: Callable[[], None]) -> bool:
        barrier.wait()
        try:
            attempt()
        except (ConflictError, TransientError):
            return False
        return True

    with ThreadPoolExecutor(len(attempts)) as pool:
        return list(pool.map(make, attempts))


@pytest.mark.parametrize("removed", ["file_account", "asm_account"])
def test_a_flow_is_never_left_without_its_account_when_both_change_at_once(stores: Stores, removed: str) -> None:
    for number in range(ROUNDS):
        made = Made(stores, flow=False)
        account = getattr(made, removed)
        attempts = [
            lambda made=made: stores.accounts.commit(change(made.flow)),
            lambda account=account: stores.accounts.commit(change(removes=(account,))),
        ]

        # either may come first
        done = at_once(*attempts) if number % 2 else at_once(*reversed(attempts))[::-1]

        there = (made.stored(made.flow) is not None, made.stored(account) is None)
        assert there == tuple(done)
        assert there != (True, True)
        if made.stored(made.flow):
            assert made.flow_ids() == [frozenset({made.flow.id})] * 2


def test_of_changes_at_once_to_one_version_one_is_stored(stores: Stores) -> None:
    for _ in range(ROUNDS // 3):
        made = Made(stores)
        renamed = [made.flow.model_copy(update={"name": f"Name {number}"}) for number in range(4)]

        done = at_once(*(lambda flow=flow: stores.accounts.commit(change(updates=(flow,))) for flow in renamed))

        stored = made.stored(made.flow)
        assert sum(done) == 1
        assert stored == renamed[done.index(True)].model_copy(update={"version": 2})


def test_of_requests_at_once_with_one_key_one_is_fulfilled(stores: Stores) -> None:
    for _ in range(ROUNDS // 3):
        owner = flows.unique("org")
        request = Request(key="k", user_id=flows.unique("user"), fingerprint="f")
        projects = [flows.project(organization_id=owner) for _ in range(4)]
        attempts = [change(project, request=request) for project in projects]

        done = at_once(*(lambda attempt=attempt: stores.accounts.commit(attempt) for attempt in attempts))

        assert sum(done) == 1
        assert list(stores.accounts.list(Project, owner)) == [projects[done.index(True)]]
