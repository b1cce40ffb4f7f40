from __future__ import annotations

import pytest
from pydantic import ValidationError

from rosterbridge.errors import ConfigurationError, NotFoundError, TransientError
from rosterbridge.flows.creating import PASSWORD_ALPHABET, CreatedFlow, create_flow, create_project, generate_password
from rosterbridge.flows.models import Project
from tests.support import flows
from tests.support.fakes import Calls, Failing, FakeAccountStore, FakeHasher, FakeSecretBox

KEY = "ssh-ed25519 AAAA sis"


class Wizard:
    def __init__(self) -> None:
        self.accounts = FakeAccountStore()
        self.box = FakeSecretBox()
        self.project: Project = create_project(self.accounts, flows.ORGANIZATION, "North")

    def create(self, *, calls: Calls | None = None, **changes: object) -> CreatedFlow:
        request = flows.flow_request(**{"project_id": self.project.id, **changes})
        accounts, hasher, box = self.accounts, FakeHasher(), self.box
        if calls:
            accounts, hasher, box = (Failing(port, calls) for port in (accounts, hasher, box))
        return create_flow(request, accounts, hasher, box, lambda: flows.AT)

    def kept(self) -> tuple[int, int, int]:
        return len(self.accounts.flows), len(self.accounts.file_accounts), len(self.accounts.asm_accounts)


def test_a_flow_is_created_with_its_two_accounts() -> None:
    wizard = Wizard()

    created = wizard.create()

    flow, file_account, asm_account = created.flow, created.file_account, created.asm_account
    assert (flow.file_account_id, flow.asm_account_id) == (file_account.id, asm_account.id)
    assert {thing.project_id for thing in (flow, file_account, asm_account)} == {wizard.project.id}
    assert {thing.organization_id for thing in (flow, file_account, asm_account)} == {flows.ORGANIZATION}
    assert (asm_account.host, asm_account.port, asm_account.folder) == ("upload.appleschoolcontent.com", 22, "dropbox")
    assert wizard.accounts.flows_of_file_account(file_account.id) == [flow]
    assert wizard.accounts.file_account_by_username("district") == file_account
    assert wizard.accounts.asm_account(asm_account.id) == asm_account


def test_the_password_is_shown_once_and_only_its_hash_is_kept() -> None:
    wizard = Wizard()

    created = wizard.create()

    assert created.password is not None
    assert len(created.password) == 24
    assert set(created.password) <= set(PASSWORD_ALPHABET)
    assert created.file_account.password_hash == FakeHasher().hash(created.password)
    assert created.password not in f"{wizard.accounts.file_accounts} {created} {created!r}"
    assert created.file_account.password_hash not in repr(created)


def test_each_password_is_another_and_easy_to_copy() -> None:
    passwords = [generate_password() for _ in range(200)]

    assert len(set(passwords)) == 200
    assert set("".join(passwords)) == set(PASSWORD_ALPHABET)
    assert not set("Il1O0o$`'\"\\ ") & set(PASSWORD_ALPHABET)


def test_with_keys_there_is_no_password() -> None:
    created = Wizard().create(public_keys=(KEY,))

    assert created.password is None
    assert (created.file_account.authentication, created.file_account.password_hash) == ("public_key", None)
    assert created.file_account.public_keys == (KEY,)


def test_apples_password_is_kept_encrypted_for_the_organization() -> None:
    wizard = Wizard()

    created = wizard.create()

    encrypted = created.asm_account.encrypted_password
    assert "apple-secret" not in f"{created!r} {wizard.accounts.asm_accounts} {encrypted}"
    assert wizard.box.decrypt(encrypted, organization_id=flows.ORGANIZATION) == "apple-secret"


def test_a_taken_user_name_is_refused_and_nothing_is_created() -> None:
    wizard = Wizard()
    wizard.create()

    with pytest.raises(ConfigurationError, match="username-taken"):
        wizard.create()

    assert wizard.kept() == (1, 1, 1)


@pytest.mark.parametrize("number", range(4))
def test_a_crash_at_any_point_creates_nothing(number: int) -> None:
    wizard = Wizard()

    with pytest.raises(TransientError):
        wizard.create(calls=Calls(number, TransientError("away")))

    assert wizard.kept() == (0, 0, 0)


def test_a_project_of_another_organization_is_refused() -> None:
    wizard = Wizard()
    other = create_project(wizard.accounts, "district-2", "South")

    for project_id in (other.id, "project-unknown"):
        with pytest.raises(NotFoundError, match="project-missing"):
            wizard.create(project_id=project_id)

    assert wizard.kept() == (0, 0, 0)


@pytest.mark.parametrize("username", ["ab", "-abc", "a b c", "a/b/c", "", "x" * 101, "größe"])
def test_a_user_name_that_transfer_family_refuses_is_refused(username: str) -> None:
    with pytest.raises(ValidationError, match="username"):
        flows.flow_request(username=username)


def test_a_wrong_request_does_not_tell_its_secrets() -> None:
    with pytest.raises(ValidationError) as refused:
        flows.flow_request(username="no name", asm_password=["planted"], networks=("planted",))
    request = flows.flow_request(asm_password="planted")

    assert "planted" not in f"{refused.value} {request} {request!r}"
    assert "no name" not in str(refused.value)
