from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from pydantic import ValidationError

from rosterbridge.errors import ConflictError, InUseError, InvalidRequestError, NotFoundError
from rosterbridge.flows.access import Caller
from rosterbridge.flows.file_accounts import NewFileAccount
from rosterbridge.flows.models import FileAccount, Flow
from rosterbridge.flows.passwords import PASSWORD_ALPHABET
from rosterbridge.flows.ports import Change
from rosterbridge.flows.public_keys import NewPublicKey
from tests.support import flows
from tests.support.fakes import FakeAccountStore
from tests.support.use_cases import OTHER, UseCases, request

CALLER = flows.caller()
OWN = (CALLER, flows.ORGANIZATION)
KEY, SECOND_KEY = NewPublicKey(text=flows.KEY, label="SIS"), NewPublicKey(text=flows.HOST_KEY, label="Backup")


def create(service: UseCases, **changes: Any) -> FileAccount:
    return service.file_accounts.create(*OWN, flows.new_file_account(**changes))[0]


def by_key(service: UseCases, *keys: NewPublicKey) -> FileAccount:
    return create(service, authentication="public_key", public_keys=keys or (KEY,))


def expiring(days: int = 1, key: NewPublicKey = SECOND_KEY) -> NewPublicKey:
    return key.model_copy(update={"expires_at": flows.AT + timedelta(days=days)})


def update(service: UseCases, account: FileAccount, **changes: Any) -> tuple[FileAccount, str | None]:
    return service.file_accounts.update(*OWN, account.id, account.version, **changes)


def stored(service: UseCases, account: FileAccount) -> FileAccount:
    return service.file_accounts.get(*OWN, account.id)


def test_the_password_is_shown_once_and_only_its_hash_is_kept() -> None:
    service = UseCases()

    account, password = service.file_accounts.create(*OWN, flows.new_file_account())

    assert password is not None
    assert len(password) == 24
    assert set(password) <= set(PASSWORD_ALPHABET)
    assert account.password_hash == service.hasher.hash(password)
    assert account.password_set_at == flows.AT
    assert account.id.startswith("fa-")
    assert stored(service, account) == account
    assert service.file_accounts.list(*OWN) == [account]
    assert password not in f"{account!r} {account.model_dump_json()} {service.audit.entries}"
    assert account.password_hash not in f"{account!r} {service.audit.entries}"
    assert service.told == [("create", "file-account", ())]


def test_with_keys_there_is_no_password() -> None:
    service = UseCases()

    account, password = service.file_accounts.create(
        *OWN, flows.new_file_account(authentication="public_key", public_keys=(KEY,))
    )

    assert (password, account.password_hash, account.password_set_at) == (None, None, None)
    assert [(key.text, key.label, key.added_at) for key in account.public_keys] == [(flows.KEY, "SIS", flows.AT)]


def test_an_account_that_signs_in_by_key_needs_one() -> None:
    with pytest.raises(InvalidRequestError, match="key-needed") as refused:
        create(UseCases(), authentication="public_key")
    assert refused.value.field == "public_keys"


def test_a_refused_key_is_named_by_its_place_and_nothing_is_created() -> None:
    service = UseCases()

    with pytest.raises(InvalidRequestError, match="key-malformed") as refused:
        create(service, public_keys=(KEY, {"text": "ssh-ed25519 AAAA"}))
    assert refused.value.field == "public_keys.1.text"
    with pytest.raises(ConflictError, match="key-known"):
        create(service, public_keys=(KEY, KEY))
    assert service.file_accounts.list(*OWN) == []


def test_a_taken_user_name_is_refused_in_every_organization() -> None:
    service = UseCases()
    create(service)

    for caller, organization_id in (OWN, (flows.caller(organization_id=OTHER), OTHER)):
        with pytest.raises(ConflictError, match="username-taken"):
            service.file_accounts.create(caller, organization_id, flows.new_file_account())


@pytest.mark.parametrize("username", ["ab", "-abc", "a b c", "a/b/c", "", "x" * 101, "größe"])
def test_a_user_name_that_transfer_family_refuses_is_refused(username: str) -> None:
    with pytest.raises(ValidationError, match="username"):
        flows.new_file_account(username=username)


def test_too_many_keys_or_networks_are_refused() -> None:
    with pytest.raises(ValidationError, match="public_keys"):
        flows.new_file_account(public_keys=(KEY,) * 11)
    with pytest.raises(ValidationError, match="networks"):
        flows.new_file_account(networks=("192.0.2.0/24",) * 51)
    service = UseCases()
    account = create(service, networks=("192.0.2.0/24",) * 50)
    with pytest.raises(InvalidRequestError, match="too-many-networks"):
        update(service, account, networks=(ip_network("192.0.2.0/24"),) * 51)


def test_the_same_request_creates_one_account_and_shows_its_password_once() -> None:
    service = UseCases()
    new = flows.new_file_account()

    first, password = service.file_accounts.create(*OWN, new, request())
    again, nothing = service.file_accounts.create(*OWN, new, request())

    assert (again, nothing) == (first, None)
    assert password is not None
    with pytest.raises(ConflictError, match="idempotency-key-reused"):
        service.file_accounts.create(*OWN, new, request(fingerprint="content-2"))


def test_networks_change_and_an_account_is_switched_off_and_on() -> None:
    service = UseCases()
    networks = (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32"))

    account, password = update(service, create(service), networks=networks, enabled=False)

    assert (account.networks, account.enabled, account.version, password) == (networks, False, 2, None)
    assert stored(service, account) == account
    assert service.last.fields == ("networks", "enabled")
    account, _ = update(service, account, networks=[], enabled=True)
    assert (account.networks, account.enabled) == ((), True)


def test_a_regenerated_password_replaces_the_old_one() -> None:
    service = UseCases()
    account, old = service.file_accounts.create(*OWN, flows.new_file_account())
    service.wait(days=1)

    changed, new = service.file_accounts.regenerate_password(*OWN, account.id, account.version)

    assert new != old
    assert stored(service, account).password_hash == service.hasher.hash(new)
    assert changed.password_set_at == flows.AT + timedelta(days=1)
    assert service.told[-1] == ("regenerate-password", "file-account", ("password",))
    assert new not in f"{changed!r} {service.audit.entries}"


def test_an_account_that_signs_in_by_key_has_no_password_to_regenerate() -> None:
    service = UseCases()
    account = by_key(service)

    with pytest.raises(ConflictError, match="password-not-used"):
        service.file_accounts.regenerate_password(*OWN, account.id, account.version)


def test_switched_to_keys_the_password_is_forgotten() -> None:
    service = UseCases()
    account = create(service, public_keys=(KEY,))

    changed, password = update(service, account, authentication="public_key")

    assert (changed.authentication, changed.password_hash, changed.password_set_at, password) == (
        "public_key",
        None,
        None,
        None,
    )
    assert stored(service, account).password_hash is None
    assert service.last.fields == ("authentication",)


def test_without_a_key_that_works_an_account_is_not_switched_to_keys() -> None:
    service = UseCases()
    without, expired = create(service), create(service, username="other", public_keys=(expiring(),))
    service.wait(days=1)

    for account in (without, expired):
        with pytest.raises(ConflictError, match="key-needed"):
            update(service, account, authentication="public_key")
        assert stored(service, account) == account


def test_switched_to_a_password_it_is_returned_this_once_and_the_keys_stay() -> None:
    service = UseCases()
    account = by_key(service)

    changed, password = update(service, account, authentication="password", enabled=False)

    assert password is not None
    assert (changed.authentication, changed.enabled) == ("password", False)
    assert changed.password_hash == service.hasher.hash(password)
    assert changed.public_keys == account.public_keys
    assert service.last.fields == ("enabled", "authentication")


def test_the_authentication_that_an_account_has_already_changes_nothing() -> None:
    service = UseCases()
    account = create(service)

    assert update(service, account, authentication="password") == (account, None)
    assert len(service.told) == 1


def test_a_key_is_added_and_removed() -> None:
    service = UseCases()
    account = by_key(service)

    added = service.file_accounts.add_key(*OWN, account.id, account.version, expiring())

    assert [key.label for key in added.public_keys] == ["SIS", "Backup"]
    assert service.told[-1] == ("add-key", "file-account", ("public_keys",))
    removed = service.file_accounts.remove_key(*OWN, account.id, added.version, added.public_keys[0].id)
    assert [key.label for key in removed.public_keys] == ["Backup"]
    assert service.told[-1] == ("remove-key", "file-account", ("public_keys",))
    assert stored(service, account) == removed


def test_a_known_key_is_not_added_again() -> None:
    service = UseCases()
    account = by_key(service)

    with pytest.raises(ConflictError, match="key-known"):
        service.file_accounts.add_key(*OWN, account.id, account.version, KEY)


def test_the_last_key_of_an_account_that_signs_in_by_key_stays() -> None:
    service = UseCases()
    account = by_key(service)

    with pytest.raises(ConflictError, match="last-key"):
        service.file_accounts.remove_key(*OWN, account.id, account.version, account.public_keys[0].id)
    assert stored(service, account) == account


def test_the_last_key_that_has_not_expired_stays_but_an_expired_one_may_go() -> None:
    service = UseCases()
    account = by_key(service, KEY, expiring())
    good, expired = (key.id for key in account.public_keys)
    service.wait(days=1)

    with pytest.raises(ConflictError, match="last-key"):
        service.file_accounts.remove_key(*OWN, account.id, account.version, good)
    changed = service.file_accounts.remove_key(*OWN, account.id, account.version, expired)
    assert [key.id for key in changed.public_keys] == [good]


def test_when_every_key_has_expired_all_but_one_may_go() -> None:
    service = UseCases()
    account = by_key(service, expiring(key=KEY), expiring())
    service.wait(days=1)

    changed = service.file_accounts.remove_key(*OWN, account.id, account.version, account.public_keys[0].id)

    with pytest.raises(ConflictError, match="last-key"):
        service.file_accounts.remove_key(*OWN, account.id, changed.version, changed.public_keys[0].id)


def test_with_a_password_every_key_may_go() -> None:
    service = UseCases()
    account = create(service, public_keys=(KEY,))

    changed = service.file_accounts.remove_key(*OWN, account.id, account.version, account.public_keys[0].id)

    assert changed.public_keys == ()


def test_an_unknown_key_is_not_there() -> None:
    service = UseCases()
    account = by_key(service)

    with pytest.raises(NotFoundError, match="key-missing"):
        service.file_accounts.remove_key(*OWN, account.id, account.version, "key-unknown")


def test_a_deleted_account_is_gone_and_its_home_is_due_after_the_grace() -> None:
    service = UseCases()
    account = create(service)

    service.file_accounts.delete(*OWN, account.id, account.version)

    with pytest.raises(NotFoundError, match="file-account-missing"):
        stored(service, account)
    assert service.told[-1] == ("delete", "file-account", ())
    assert service.accounts.due_homes(flows.AT + timedelta(days=7)) == [account.id]


def used(service: UseCases) -> FileAccount:
    account = create(service)
    service.accounts.put(
        flows.asm_account(id="asm-1"),
        flows.flow(id="flow-2", name="Secondary", file_account_id=account.id),
        flows.flow(id="flow-1", name="Primary", file_account_id=account.id),
        flows.flow(id="flow-3", name="Another"),
    )
    return stored(service, account)


def test_an_account_in_use_is_not_deleted_and_the_refusal_names_its_flows_but_not_in_its_text() -> None:
    service = UseCases()
    account = used(service)

    with pytest.raises(InUseError, match="in-use") as refused:
        service.file_accounts.delete(*OWN, account.id, account.version)

    assert refused.value.flows == (("flow-1", "Primary"), ("flow-2", "Secondary"))
    assert not {"Primary", "Secondary"} & set(f"{refused.value} {refused.value!r}".split())
    assert stored(service, account) == account


def test_a_flow_that_comes_while_its_account_is_deleted_is_named_too() -> None:
    service = UseCases()
    account = create(service)
    service.accounts.put(flows.asm_account(id="asm-1"))

    class Races(FakeAccountStore):
        def commit(self, change: Change) -> None:
            service.accounts.put(flows.flow(id="flow-1", name="Primary", file_account_id=account.id))
            service.accounts.commit(change)

        def get(self, *arguments: Any) -> Any:
            return service.accounts.get(*arguments)

    accounts = replace(service.file_accounts, changes=replace(service.changes, accounts=Races()))

    with pytest.raises(InUseError) as refused:
        accounts.delete(*OWN, account.id, account.version)
    assert refused.value.flows == (("flow-1", "Primary"),)
    assert service.accounts.get(Flow, flows.ORGANIZATION, "flow-1") is not None


def calls(service: UseCases, caller: Caller, organization_id: str, account: FileAccount, version: int) -> list[Any]:
    """Return each change of an existing account."""
    accounts, key_id = service.file_accounts, account.public_keys[0].id
    who, what = (caller, organization_id), (account.id, version)
    return [
        lambda: accounts.update(*who, *what, enabled=False),
        lambda: accounts.regenerate_password(*who, *what),
        lambda: accounts.add_key(*who, *what, SECOND_KEY),
        lambda: accounts.remove_key(*who, *what, key_id),
        lambda: accounts.delete(*who, *what),
    ]


@pytest.mark.parametrize("number", range(5))
def test_an_account_that_was_changed_meanwhile_is_not_changed(number: int) -> None:
    service = UseCases()
    account = create(service, public_keys=(KEY,))
    changed, _ = update(service, account, enabled=False)

    with pytest.raises(ConflictError, match="version-changed"):
        calls(service, *OWN, account, account.version)[number]()
    assert stored(service, account) == changed


@pytest.mark.parametrize(
    ("caller", "organization_id", "code"),
    [
        (CALLER, OTHER, "organization-missing"),
        (flows.caller(organization_id=OTHER), flows.ORGANIZATION, "organization-missing"),
        (flows.caller(organization_id=OTHER), OTHER, "file-account-missing"),
        (flows.operator(), OTHER, "file-account-missing"),
    ],
)
def test_another_organizations_account_is_not_there(caller: Caller, organization_id: str, code: str) -> None:
    service = UseCases()
    account = create(service, public_keys=(KEY,))

    for call in (
        *calls(service, caller, organization_id, account, account.version),
        lambda: service.file_accounts.get(caller, organization_id, account.id),
    ):
        with pytest.raises(NotFoundError, match=code):
            call()
    assert stored(service, account) == account
    assert len(service.told) == 1


def test_accounts_of_another_organization_are_neither_listed_nor_created() -> None:
    service = UseCases()

    with pytest.raises(NotFoundError, match="organization-missing"):
        service.file_accounts.list(CALLER, OTHER)
    with pytest.raises(NotFoundError, match="organization-missing"):
        service.file_accounts.create(CALLER, OTHER, flows.new_file_account())


def test_a_wrong_request_does_not_tell_what_it_held() -> None:
    with pytest.raises(ValidationError) as refused:
        NewFileAccount.model_validate({"username": "no name", "networks": ["planted"], "public_keys": ["planted"]})

    assert "planted" not in str(refused.value)
    assert "no name" not in str(refused.value)
