from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from rosterbridge.errors import ConflictError, InUseError, InvalidRequestError, NotFoundError
from rosterbridge.flows.access import Caller
from rosterbridge.flows.asm_accounts import AsmAccounts, AsmConnection, NewAsmAccount
from rosterbridge.flows.hosts import HostCheck
from rosterbridge.flows.models import AsmAccount
from tests.support import flows
from tests.support.fakes import FakeDelivery
from tests.support.use_cases import OTHER, UseCases, request

CALLER = flows.caller()
OWN = (CALLER, flows.ORGANIZATION)


def create(service: UseCases, **changes: Any) -> AsmAccount:
    return service.asm_accounts.create(*OWN, flows.new_asm_account(**changes))


def update(service: UseCases, account: AsmAccount, **changes: Any) -> AsmAccount:
    return service.asm_accounts.update(*OWN, account.id, account.version, **changes)


def stored(service: UseCases, account: AsmAccount) -> AsmAccount:
    return service.asm_accounts.get(*OWN, account.id)


def password_of(service: UseCases, account: AsmAccount) -> str:
    return service.box.decrypt(account.encrypted_password, organization_id=flows.ORGANIZATION)


def test_apples_server_is_filled_in() -> None:
    new = NewAsmAccount(name="Apple", username="district", password="apple-secret")

    assert (new.host, new.port, new.folder) == ("upload.appleschoolcontent.com", 22, "dropbox")


def test_the_password_is_kept_encrypted_for_the_organization() -> None:
    service = UseCases()

    account = create(service)

    assert password_of(service, account) == "apple-secret"
    assert "apple-secret" not in f"{account!r} {account.model_dump_json()} {service.audit.entries}"
    assert account.id.startswith("asm-")
    assert stored(service, account) == account
    assert service.asm_accounts.list(*OWN) == [account]
    assert service.told == [("create", "asm-account", ())]


def test_accepted_host_keys_are_kept_each_once_without_comments() -> None:
    account = create(UseCases(), host_keys=(f"{flows.HOST_KEY} apple", flows.HOST_KEY, flows.KEY))

    assert account.host_keys == (flows.HOST_KEY, flows.KEY)


def test_without_an_accepted_host_key_nothing_is_created() -> None:
    service = UseCases()

    with pytest.raises(InvalidRequestError, match="host-key-needed") as refused:
        create(service, host_keys=())
    assert refused.value.field == "host_keys"
    with pytest.raises(InvalidRequestError, match="key-malformed") as malformed:
        create(service, host_keys=("apple",))
    assert malformed.value.field == "host_keys.text"
    assert service.asm_accounts.list(*OWN) == []


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("inside.example", "host-not-public"),
        ("both.example", "host-not-public"),
        ("127.0.0.1", "host-not-public"),
        ("nowhere.example", "asm-host-unresolved"),
        ("no host", "host-malformed"),
    ],
)
def test_a_host_that_is_not_public_is_neither_stored_nor_tested(host: str, code: str) -> None:
    service = UseCases()
    account = create(service)

    for call in (
        lambda: create(service, host=host),
        lambda: update(service, account, host=host, password="apple-secret"),
        lambda: service.asm_accounts.test_new(*OWN, flows.new_asm_account(host=host)),
    ):
        with pytest.raises(InvalidRequestError, match=code) as refused:
            call()
        assert refused.value.field == "host"
    assert service.asm_accounts.list(*OWN) == [account]
    assert service.delivery.probed_with == []


def test_where_private_hosts_are_allowed_they_are_stored() -> None:
    service = UseCases()
    accounts = AsmAccounts(service.changes, service.box, service.delivery, HostCheck(private_allowed=True))

    assert accounts.create(*OWN, flows.new_asm_account(host="127.0.0.1")).host == "127.0.0.1"


@pytest.mark.parametrize(
    "changes",
    [
        {"name": " "},
        {"port": 0},
        {"port": 65536},
        {"username": ""},
        {"username": "a\nb"},
        {"password": ""},
        {"folder": "a\x00b"},
        {"host_keys": (flows.KEY,) * 11},
        {"encrypted_password": "planted"},
    ],
)
def test_what_makes_no_sense_is_refused_without_its_text(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        flows.new_asm_account(**changes)
    assert "planted" not in str(refused.value)
    assert "apple-secret" not in f"{refused.value} {flows.new_asm_account()!r}"


def test_the_same_request_creates_one_account() -> None:
    service = UseCases()

    created = [service.asm_accounts.create(*OWN, flows.new_asm_account(), request()) for _ in range(2)]

    assert service.asm_accounts.list(*OWN) == [created[0]] == [created[1]]


def test_an_account_changes_and_the_trail_names_the_fields_alone() -> None:
    service = UseCases()
    account = create(service)

    changed = update(
        service, account, name="Apple 2", port=2222, username="new@apple.example", password="new-secret", folder=""
    )

    assert (changed.name, changed.port, changed.username, changed.folder, changed.version) == (
        "Apple 2",
        2222,
        "new@apple.example",
        "",
        2,
    )
    assert password_of(service, stored(service, account)) == "new-secret"
    assert service.last.fields == ("folder", "name", "password", "port", "username")
    assert not {"new-secret", "new@apple.example", "Apple 2"} & set(service.last.model_dump_json().split('"'))


def test_a_second_host_key_is_accepted_for_rotation_and_the_last_one_stays() -> None:
    service = UseCases()
    account = create(service)

    changed = update(service, account, host_keys=(flows.HOST_KEY, flows.KEY))

    assert changed.host_keys == (flows.HOST_KEY, flows.KEY)
    assert password_of(service, changed) == "apple-secret"
    with pytest.raises(InvalidRequestError, match="host-key-needed"):
        update(service, changed, host_keys=())
    with pytest.raises(InvalidRequestError, match="too-many-host-keys"):
        update(service, changed, host_keys=(flows.KEY,) * 11)


def test_the_stored_password_goes_to_no_other_host() -> None:
    service = UseCases()
    account = create(service)

    with pytest.raises(InvalidRequestError, match="password-needed") as refused:
        update(service, account, host="17.0.0.2")
    assert refused.value.field == "password"
    assert stored(service, account) == account
    assert update(service, account, host="apple.example") == account
    assert update(service, account, host="17.0.0.2", password="another").host == "17.0.0.2"


def test_a_wrong_value_is_refused_by_its_field() -> None:
    service = UseCases()
    account = create(service)

    with pytest.raises(InvalidRequestError, match="value-invalid") as refused:
        update(service, account, port=0)
    assert refused.value.field == "port"


def test_a_deleted_account_is_gone() -> None:
    service = UseCases()
    account = create(service)

    service.asm_accounts.delete(*OWN, account.id, account.version)

    assert service.asm_accounts.list(*OWN) == []
    assert service.told[-1] == ("delete", "asm-account", ())


def test_an_account_in_use_is_not_deleted_and_the_refusal_names_its_flows() -> None:
    service = UseCases()
    account = create(service)
    service.accounts.put(flows.flow(id="flow-1", name="Primary", asm_account_id=account.id))

    with pytest.raises(InUseError, match="in-use: 1 flows") as refused:
        service.asm_accounts.delete(*OWN, account.id, account.version)

    assert refused.value.flows == (("flow-1", "Primary"),)


def test_a_stored_account_is_tested_with_its_password_at_the_address_that_was_looked_at() -> None:
    service = UseCases()
    service.delivery.host_key = flows.HOST_KEY
    account = create(service)

    class Remembers(FakeDelivery):
        def probe(self, account: AsmAccount, password: str) -> Any:
            self.host = account.host
            return service.delivery.probe(account, password)

    delivery = Remembers()
    found = replace(service.asm_accounts, delivery=delivery).test(*OWN, account.id)

    assert (found.accepted, found.signed_in, found.folder_found, found.code) == (True, True, True, None)
    assert service.delivery.probed_with == [("district@sftp.apple.example", "apple-secret")]
    assert delivery.host == "17.0.0.1"
    assert service.delivery.received == {}
    assert len(service.told) == 1


def test_a_stored_host_that_leads_inside_by_now_is_not_tested() -> None:
    service = UseCases()
    account = flows.asm_account(id="asm-1", host="inside.example")
    service.accounts.put(account)

    with pytest.raises(InvalidRequestError, match="host-not-public"):
        service.asm_accounts.test(*OWN, "asm-1")
    assert service.delivery.probed_with == []


def test_before_creation_the_test_shows_the_host_key_and_signs_in_once_it_is_accepted() -> None:
    service = UseCases()
    service.delivery.host_key = flows.HOST_KEY
    connection = AsmConnection(host="apple.example", username="district", password="apple-secret")

    shown = service.asm_accounts.test_new(*OWN, connection)
    accepted = service.asm_accounts.test_new(
        *OWN, connection.model_copy(update={"host_keys": (f"{shown.host_key} apple",)})
    )

    assert (shown.host_key, shown.reached, shown.accepted, shown.code) == (
        flows.HOST_KEY,
        True,
        False,
        "host-key-unknown",
    )
    assert (accepted.signed_in, accepted.code) == (True, None)
    assert service.delivery.probed_with == [("district", "apple-secret")]
    assert service.asm_accounts.list(*OWN) == []


@pytest.mark.parametrize(
    ("caller", "organization_id", "code"),
    [
        (CALLER, OTHER, "organization-missing"),
        (flows.caller(organization_id=OTHER), flows.ORGANIZATION, "organization-missing"),
        (flows.caller(organization_id=OTHER), OTHER, "asm-account-missing"),
        (flows.operator(), OTHER, "asm-account-missing"),
    ],
)
def test_another_organizations_account_is_not_there(caller: Caller, organization_id: str, code: str) -> None:
    service = UseCases()
    account = create(service)
    who = (caller, organization_id, account.id)

    for call in (
        lambda: service.asm_accounts.get(*who),
        lambda: service.asm_accounts.update(*who, account.version, name="Ours"),
        lambda: service.asm_accounts.delete(*who, account.version),
        lambda: service.asm_accounts.test(*who),
    ):
        with pytest.raises(NotFoundError, match=code):
            call()
    assert stored(service, account) == account
    assert service.delivery.probed_with == []


@pytest.mark.parametrize(("caller", "organization_id"), [(CALLER, OTHER), (flows.operator(), "district-3")])
def test_accounts_of_another_organization_are_neither_listed_nor_created_nor_tested(
    caller: Caller, organization_id: str
) -> None:
    accounts = UseCases().asm_accounts

    for call in (
        lambda: accounts.list(caller, organization_id),
        lambda: accounts.create(caller, organization_id, flows.new_asm_account()),
        lambda: accounts.test_new(caller, organization_id, flows.new_asm_account()),
    ):
        with pytest.raises(NotFoundError, match="organization-missing"):
            call()


def test_an_account_that_was_changed_meanwhile_is_not_changed() -> None:
    service = UseCases()
    account = create(service)
    changed = update(service, account, name="Apple 2")

    with pytest.raises(ConflictError, match="version-changed"):
        update(service, account, name="Apple 3")
    with pytest.raises(ConflictError, match="version-changed"):
        service.asm_accounts.delete(*OWN, account.id, account.version)
    assert stored(service, account) == changed
