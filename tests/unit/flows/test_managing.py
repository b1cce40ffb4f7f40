from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from rosterbridge.errors import ConflictError, InvalidRequestError, NotFoundError, TransientError
from rosterbridge.flows.access import Caller
from rosterbridge.flows.asm_accounts import AsmAccounts
from rosterbridge.flows.changes import Changes
from rosterbridge.flows.file_accounts import FileAccounts
from rosterbridge.flows.hosts import HostCheck
from rosterbridge.flows.managing import CreatedFlow, Flows
from rosterbridge.flows.models import AsmAccount, FileAccount, Flow
from rosterbridge.flows.public_keys import NewPublicKey
from rosterbridge.roster.options import ConversionOptions
from tests.support import flows
from tests.support.fakes import Calls, Failing
from tests.support.use_cases import KEEP, OTHER, UseCases, request, resolve

CALLER = flows.caller()
OWN = (CALLER, flows.ORGANIZATION)


class Wizard(UseCases):
    """The use cases with a project ``project-1``."""

    def __init__(self) -> None:
        super().__init__()
        self.accounts.put(flows.project(id="project-1"), flows.project(id="project-2", organization_id=OTHER))

    def create(self, **changes: Any) -> CreatedFlow:
        return self.flows.create(*OWN, flows.new_flow(**changes))

    def with_crashes(self, calls: Calls) -> Flows:
        accounts, hasher, box = (Failing(port, calls) for port in (self.accounts, self.hasher, self.box))
        changes = Changes(accounts, lambda: self.now, KEEP)
        asm_accounts = AsmAccounts(changes, box, self.delivery, HostCheck(resolve=resolve))
        return Flows(changes, FileAccounts(changes, hasher), asm_accounts)

    def kept(self) -> tuple[int, ...]:
        return tuple(len(self.accounts.list(kind, flows.ORGANIZATION)) for kind in (Flow, FileAccount, AsmAccount))


def test_a_flow_is_created_with_its_two_accounts() -> None:
    wizard = Wizard()

    created = wizard.create()

    flow, file_account, asm_account = created.flow, created.file_account, created.asm_account
    assert (flow.file_account_id, flow.asm_account_id) == (file_account.id, asm_account.id)
    assert (flow.name, flow.project_id, flow.template, flow.enabled) == ("Roster", "project-1", "oneroster-csv", True)
    assert flow.id.startswith("flow-")
    assert flow.options == ConversionOptions()
    assert {thing.organization_id for thing in (flow, file_account, asm_account)} == {flows.ORGANIZATION}
    assert wizard.flows.get(*OWN, flow.id) == flow
    assert wizard.accounts.flows_of_file_account(file_account.id) == [flow]
    assert wizard.file_accounts.get(*OWN, file_account.id) == file_account
    assert wizard.asm_accounts.get(*OWN, asm_account.id) == asm_account
    assert file_account.flow_ids == asm_account.flow_ids == {flow.id}
    assert wizard.told == [("create", "flow", ("file_account", "asm_account"))]


def test_the_password_of_a_new_account_is_shown_once() -> None:
    wizard = Wizard()

    created = wizard.create()

    assert created.password is not None
    assert created.file_account.password_hash == wizard.hasher.hash(created.password)
    assert created.password not in f"{created} {created!r} {wizard.audit.entries}"
    assert created.file_account.password_hash not in repr(created)
    assert "apple-secret" not in repr(created)


def test_with_a_key_there_is_no_password() -> None:
    account = flows.new_file_account(authentication="public_key", public_keys=(NewPublicKey(text=flows.KEY),))

    assert Wizard().create(file_account=account).password is None


def test_a_flow_may_use_accounts_that_exist() -> None:
    wizard = Wizard()
    first = wizard.create()

    second = wizard.create(name="Second", file_account=first.file_account.id, asm_account=first.asm_account.id)

    assert (second.flow.file_account_id, second.flow.asm_account_id) == (first.file_account.id, first.asm_account.id)
    assert second.password is None
    assert second.file_account.flow_ids == second.asm_account.flow_ids == {first.flow.id, second.flow.id}
    assert wizard.kept() == (2, 1, 1)
    assert wizard.told[-1] == ("create", "flow", ())
    assert wizard.accounts.flows_of_file_account(first.file_account.id) == sorted(
        (first.flow, second.flow), key=lambda flow: flow.id
    )


def test_one_account_may_be_new_and_the_other_not() -> None:
    wizard = Wizard()
    first = wizard.create()

    wizard.create(file_account=flows.new_file_account(username="other"), asm_account=first.asm_account.id)
    wizard.create(file_account=first.file_account.id)

    assert wizard.kept() == (3, 2, 2)
    assert [fields for _, _, fields in wizard.told[1:]] == [("file_account",), ("asm_account",)]


def test_a_flow_keeps_its_options_and_may_begin_switched_off() -> None:
    options = ConversionOptions(profile="strict", schools=("school-1",))

    created = Wizard().create(options=options, enabled=False)

    assert (created.flow.options, created.flow.enabled) == (options, False)


def test_a_taken_user_name_is_refused_and_nothing_is_created() -> None:
    wizard = Wizard()
    wizard.create()

    with pytest.raises(ConflictError, match="username-taken"):
        wizard.create()

    assert wizard.kept() == (1, 1, 1)
    assert len(wizard.told) == 1


@pytest.mark.parametrize("number", range(4))
def test_a_crash_at_any_point_creates_nothing(number: int) -> None:
    wizard = Wizard()

    with pytest.raises(TransientError):
        wizard.with_crashes(Calls(number, TransientError("away"))).create(*OWN, flows.new_flow())

    assert wizard.kept() == (0, 0, 0)


def test_a_new_flow_asks_its_ports_for_as_much_as_the_crashes_cover() -> None:
    calls = Calls(None, TransientError("away"))

    Wizard().with_crashes(calls).create(*OWN, flows.new_flow())

    assert calls.names == ["get", "hash", "encrypt", "commit"]


def test_the_same_request_creates_one_flow_and_shows_its_password_once() -> None:
    wizard = Wizard()

    first = wizard.flows.create(*OWN, flows.new_flow(), request())
    again = wizard.flows.create(*OWN, flows.new_flow(), request())

    assert (again.flow, again.file_account, again.asm_account) == (first.flow, first.file_account, first.asm_account)
    assert (first.password is None, again.password) == (False, None)
    assert wizard.kept() == (1, 1, 1)
    with pytest.raises(ConflictError, match="idempotency-key-reused"):
        wizard.flows.create(*OWN, flows.new_flow(), request(fingerprint="content-2"))


@pytest.mark.parametrize("project_id", ["project-2", "project-unknown"])
def test_a_project_of_another_organization_is_refused(project_id: str) -> None:
    wizard = Wizard()

    with pytest.raises(NotFoundError, match="project-missing"):
        wizard.create(project_id=project_id)

    assert wizard.kept() == (0, 0, 0)


def test_accounts_of_another_organization_are_refused() -> None:
    wizard = Wizard()
    wizard.accounts.put(
        flows.file_account(id="fa-2", organization_id=OTHER), flows.asm_account(id="asm-2", organization_id=OTHER)
    )

    for changes, code in (
        ({"file_account": "fa-2"}, "file-account-missing"),
        ({"asm_account": "asm-2"}, "asm-account-missing"),
    ):
        with pytest.raises(NotFoundError, match=code):
            wizard.create(**changes)
    assert wizard.kept() == (0, 0, 0)


def test_what_is_wrong_with_a_new_account_is_named_by_its_place() -> None:
    wizard = Wizard()

    for changes, field in (
        ({"file_account": flows.new_file_account(authentication="public_key")}, "file_account.public_keys"),
        ({"asm_account": flows.new_asm_account(host="inside.example")}, "asm_account.host"),
        ({"asm_account": flows.new_asm_account(host_keys=())}, "asm_account.host_keys"),
    ):
        with pytest.raises(InvalidRequestError) as refused:
            wizard.create(**changes)
        assert refused.value.field == field
    assert wizard.kept() == (0, 0, 0)


def test_a_wrong_request_does_not_tell_its_secrets() -> None:
    asm_account = {"name": "Apple", "username": "district", "password": ["planted"]}

    with pytest.raises(ValidationError) as refused:
        flows.new_flow(asm_account=asm_account, options={"planted": 1}, name="planted\n")

    assert "planted" not in re_fields(str(refused.value))
    assert "planted" not in repr(flows.new_flow(asm_account=flows.new_asm_account(password="planted")))


def re_fields(text: str) -> str:
    """Leave out the lines that name a field: an unknown option is named, its value is not."""
    return "\n".join(line for line in text.splitlines() if line.startswith(" "))


def test_flows_are_listed_by_organization_or_by_project() -> None:
    wizard = Wizard()
    wizard.accounts.put(flows.project(id="project-3"))
    first = wizard.create().flow
    wizard.wait(seconds=1)
    second = wizard.create(project_id="project-3", file_account=first.file_account_id).flow

    assert wizard.flows.list(*OWN) == [first, second]
    assert wizard.flows.list(*OWN, "project-3") == [second]
    with pytest.raises(NotFoundError, match="project-missing"):
        wizard.flows.list(*OWN, "project-2")


def test_a_flow_is_renamed_switched_off_and_given_other_options() -> None:
    wizard = Wizard()
    flow = wizard.create().flow
    options = ConversionOptions(empty_classes="drop")

    changed = wizard.flows.update(*OWN, flow.id, 1, name="Rosters", enabled=False, options=options)

    assert (changed.name, changed.enabled, changed.options, changed.version) == ("Rosters", False, options, 2)
    assert wizard.flows.get(*OWN, flow.id) == changed
    assert wizard.last.fields == ("enabled", "name", "options")
    assert wizard.flows.update(*OWN, flow.id, 2, enabled=True).options == options


def test_a_deleted_flow_frees_its_accounts() -> None:
    wizard = Wizard()
    created = wizard.create()

    wizard.flows.delete(*OWN, created.flow.id, created.flow.version)

    assert wizard.kept() == (0, 1, 1)
    assert wizard.told[-1] == ("delete", "flow", ())
    account = wizard.file_accounts.get(*OWN, created.file_account.id)
    wizard.file_accounts.delete(*OWN, account.id, account.version)
    assert wizard.kept() == (0, 0, 1)


def test_a_flow_that_was_changed_meanwhile_is_not_changed() -> None:
    wizard = Wizard()
    flow = wizard.create().flow
    changed = wizard.flows.update(*OWN, flow.id, 1, name="Rosters")

    with pytest.raises(ConflictError, match="version-changed"):
        wizard.flows.update(*OWN, flow.id, 1, enabled=False)
    with pytest.raises(ConflictError, match="version-changed"):
        wizard.flows.delete(*OWN, flow.id, 1)
    assert wizard.flows.get(*OWN, flow.id) == changed


@pytest.mark.parametrize(
    ("caller", "organization_id", "code"),
    [
        (CALLER, OTHER, "organization-missing"),
        (flows.caller(organization_id=OTHER), flows.ORGANIZATION, "organization-missing"),
        (flows.caller(organization_id=OTHER), OTHER, "flow-missing"),
        (flows.operator(), OTHER, "flow-missing"),
    ],
)
def test_another_organizations_flow_is_not_there(caller: Caller, organization_id: str, code: str) -> None:
    wizard = Wizard()
    flow = wizard.create().flow
    who = (caller, organization_id, flow.id)

    for call in (
        lambda: wizard.flows.get(*who),
        lambda: wizard.flows.update(*who, 1, name="Ours"),
        lambda: wizard.flows.delete(*who, 1),
    ):
        with pytest.raises(NotFoundError, match=code):
            call()
    assert wizard.flows.get(*OWN, flow.id) == flow


def test_flows_of_another_organization_are_neither_listed_nor_created() -> None:
    wizard = Wizard()

    with pytest.raises(NotFoundError, match="organization-missing"):
        wizard.flows.list(CALLER, OTHER)
    with pytest.raises(NotFoundError, match="organization-missing"):
        wizard.flows.create(CALLER, OTHER, flows.new_flow(project_id="project-2"))


def test_the_templates_are_those_of_the_catalogue() -> None:
    assert [template.id for template in Wizard().flows.templates()] == ["oneroster-csv", "asm-csv"]
