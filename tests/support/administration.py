"""The users of the deployed service, and organizations that have one of every kind of thing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from local.clients import Aws
from local.sample import write_sample
from local.stack import APPLE_FOLDER, APPLE_USERNAME
from local.upload import Server, upload
from local.users import give_password, invite
from rosterbridge.cli.cognito import SignIn
from rosterbridge.cli.deployment import Pool
from rosterbridge.cli.session import Tokens
from tests.support.api import belongings
from tests.support.authenticator import Person
from tests.support.flows import unique
from tests.support.http_client import HttpClient, connections
from tests.support.openssh import any_client
from tests.support.stack import StackUnderTest, wait_for

KEYS = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFOUFBtI2QXw5ZnrkmATf7adQiy6aJXYCy+ufd3sq2z2",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILTBbUZnLBWdAycbvKBpOpIyZ4jpWHjmJFu8i3InRsU5",
)


@dataclass(frozen=True)
class User:
    """Somebody who may sign in; ``id`` is what the audit trail tells."""

    id: str
    email: str
    password: str


class Administration:
    """Invites users, signs them in and gives them the API."""

    def __init__(self, stack: StackUnderTest) -> None:
        self._stack = stack
        self._cognito: Any = stack.client("cognito-idp")
        told = stack.local.api
        self.api = told["url"]
        self._connections = connections(self.api)
        self.pool = Pool(told["region"], told["user_pool_id"], told["client_id"], told["cognito_endpoint"])

    def close(self) -> None:
        self._connections.close()

    @property
    def _aws(self) -> Aws:
        return self._stack.local.aws

    def user(self, organization_id: str | None = None) -> User:
        """Invite somebody, an operator if of no organization, whose password is good from the start."""
        email = f"{unique('user')}@school.example"
        assert invite(self._aws, self._stack.outputs, email, organization_id)
        return User(self.id_of(email), email, give_password(self._aws, self._stack.outputs, email))

    def id_of(self, email: str) -> str:
        found: str = self._cognito.admin_get_user(UserPoolId=self.pool.user_pool_id, Username=email)["Username"]
        return found

    def first_password(self, email: str) -> str:
        """Return a password that is good for the first sign-in, as the invitation tells it."""
        password = f"invitation {uuid4().hex}"
        self._cognito.admin_set_user_password(
            UserPoolId=self.pool.user_pool_id, Username=email, Password=password, Permanent=False
        )
        return password

    def sign_in(self, user: User, pool: Pool | None = None) -> Tokens:
        """Prove the password and return the tokens."""
        return SignIn(pool or self.pool, user.email, Person(user.password)).sign_in()

    def client(self, user: User) -> HttpClient:
        return self.with_token(self.sign_in(user).id_token)

    def with_token(self, token: str | None) -> HttpClient:
        return HttpClient(self._connections, token)

    def operator(self) -> HttpClient:
        """Return the client of a new operator."""
        return self.client(self.user())

    def asm_account(self, **changes: Any) -> dict[str, Any]:
        """Return the request for a connection to the stand-in for Apple."""
        stack = self._stack.local
        return {
            "name": "Apple",
            "host": "127.0.0.1",
            "port": stack.ports.apple,
            "username": APPLE_USERNAME,
            "password": stack.apple_password,
            "host_keys": [stack.host_key("apple")],
            "folder": APPLE_FOLDER,
            **changes,
        }

    def server(self, username: str, password: str = "") -> Server:
        """Return how to upload."""
        stack = self._stack
        return Server(stack.sftp_host, stack.sftp_port, stack.sftp_host_key, username, password)

    def ended_run(self, client: HttpClient, project: str, number: int = 1) -> dict[str, Any]:
        """Return the newest run of a project, by its address, when there are ``number`` and that one has ended."""
        organization = project.partition("/projects/")[0]

        def ended() -> dict[str, Any] | None:
            runs = client.read(f"{project}/runs")["items"]
            if len(runs) < number or not client.read(f"{organization}/runs/{runs[0]['id']}/status")["final"]:
                return None
            found: dict[str, Any] = client.read(f"{organization}/runs/{runs[0]['id']}")
            return found

        return wait_for(ended, "the run ends")


@dataclass(frozen=True)
class Tenant:
    """An organization with one of every kind of thing.

    ``ids`` are by the names of the API's parameters, ``mark`` is in each name of it, ``base`` its address.
    """

    mark: str
    ids: dict[str, str]
    user: User
    token: str = field(repr=False)
    client: HttpClient
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def base(self) -> str:
        return f"/v1/organizations/{self.ids['organization_id']}"

    @property
    def told(self) -> tuple[str, ...]:
        """What nobody else is ever told."""
        return (self.mark, *self.ids.values(), *self.secrets)


def tenant(administration: Administration, operator: HttpClient, folder: Path) -> Tenant:
    """Create an organization with everything, by the API alone, and have it upload."""
    mark = f"quill{uuid4().hex[:10]}"
    owner = operator.made("/v1/organizations", {"name": f"Schools of {mark}"})["id"]
    user = administration.user(organization_id=owner)
    token, base = administration.sign_in(user).id_token, f"/v1/organizations/{owner}"
    client = administration.with_token(token)
    project = client.made(f"{base}/projects", {"name": f"Project of {mark}", "save_data": True})["id"]
    keys = [{"text": text, "label": f"{place} of {mark}"} for place, text in enumerate(KEYS)]
    asked = {
        "project_id": project,
        "name": f"Flow of {mark}",
        "template": "oneroster-csv",
        "file_account": {"username": f"sis-{mark}", "authentication": "password", "public_keys": keys},
        "asm_account": administration.asm_account(name=f"Apple of {mark}"),
    }
    made = client.made(f"{base}/flows", asked)
    account, password = made["file_account"], made["file_account"]["password"]
    roster = write_sample(folder / f"{mark}.zip")
    upload(roster, administration.server(account["username"], password), any_client())
    run = administration.ended_run(client, f"{base}/projects/{project}")
    assert run["status"] == "succeeded", run
    tried = {"flow_id": made["flow"]["id"], "file_name": roster.name, "file_bytes": roster.stat().st_size}
    ids = {
        "organization_id": owner,
        "project_id": project,
        "file_account_id": account["id"],
        "key_id": account["public_keys"][0]["id"],
        "asm_account_id": made["asm_account"]["id"],
        "flow_id": made["flow"]["id"],
        "run_id": run["id"],
        "dry_run_id": client.made(f"{base}/dry-runs", tried)["id"],
        "user_id": user.id,
    }
    return Tenant(mark, ids, user, token, client, (user.email, password))


def real(text: str, **tenants: Tenant) -> str:
    """Return a text with the ids of ``belongings`` replaced by those of the tenants that have their marks."""
    known = {symbol: found.ids[name] for mark, found in tenants.items() for name, symbol in belongings(mark).items()}
    return re.sub("|".join(sorted(known, key=len, reverse=True)), lambda match: known[match[0]], text)
