"""The local stack as one thing: embedded AWS, deployed stacks, SFTP front, console and the stand-in for Apple."""

from __future__ import annotations

import json
import os
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from infra import build
from local import deploy, processes
from local.certificate import certificate
from local.clients import REGION, Aws, clean, environment, variables
from local.host_key import host_key, public_text
from local.processes import LOOPBACK, ROOT, Lock, Processes
from local.users import provide_users
from rosterbridge.adapters.dynamodb import DynamoAccountStore, DynamoAuditStore, DynamoRunStore
from rosterbridge.adapters.dynamodb_lanes import DynamoLaneStore
from rosterbridge.adapters.kms import KmsSecretBox
from rosterbridge.adapters.passwords import Argon2Hasher
from rosterbridge.adapters.s3 import S3ObjectStore
from rosterbridge.adapters.sftp import SftpDelivery
from rosterbridge.adapters.stepfunctions import StepFunctionsWaiting
from rosterbridge.errors import ConflictError
from rosterbridge.flows.access import Caller
from rosterbridge.flows.asm_accounts import AsmAccounts
from rosterbridge.flows.changes import Changes
from rosterbridge.flows.file_accounts import FileAccounts
from rosterbridge.flows.holding import Holds
from rosterbridge.flows.hosts import HostCheck
from rosterbridge.flows.managing import CreatedFlow, Flows, NewFlow
from rosterbridge.flows.models import Flow, Project, Role
from rosterbridge.flows.organizations import Organizations
from rosterbridge.flows.passwords import generate_password
from rosterbridge.flows.projects import Projects

STATE = ROOT / ".local"
EMULATOR_PYTHON = ROOT / ".venv-local" / "bin" / "python"
ORGANIZATION = "Local"
OPERATOR = Caller(user_id="local", role=Role.OPERATOR, organization_id=None, source_ip=LOOPBACK)
KEEP_AUDIT = timedelta(days=400)
PROBE_SECONDS = 60.0
USUAL_PORTS = {"EMULATOR_PORT": 4566, "SFTP_PORT": 2222, "APPLE_PORT": 2223, "CONSOLE_PORT": 8080}
APPLE_USERNAME = "local@sftp.apple.example"
APPLE_FOLDER = "dropbox"


@dataclass(frozen=True)
class Ports:
    """Where they listen, all on loopback; without a port of its own there is no console."""

    emulator: int
    sftp: int
    apple: int
    console: int | None = None

    @classmethod
    def choose(cls) -> Self:
        """Take the usual ports, or the next free ones, or those that the environment names."""
        chosen: list[int] = []
        for variable, usual in USUAL_PORTS.items():
            chosen.append(processes.choose_port(variable, usual, chosen))
        return cls(*chosen)


@dataclass(frozen=True)
class Stores:
    """Rosterbridge's own adapters, bound to the embedded AWS."""

    accounts: DynamoAccountStore
    runs: DynamoRunStore
    objects: S3ObjectStore
    secrets: KmsSecretBox
    lanes: DynamoLaneStore
    audit: DynamoAuditStore
    waiting: StepFunctionsWaiting

    @property
    def changes(self) -> Changes:
        """What every use case changes things with."""
        return Changes(self.accounts, lambda: datetime.now(UTC), KEEP_AUDIT)

    @property
    def holds(self) -> Holds:
        """The use cases of held runs."""
        return Holds(self.changes, self.runs, self.lanes, self.waiting, self.audit)

    @property
    def flows(self) -> Flows:
        """The use cases of flows and their accounts; the stand-in for Apple is on this machine."""
        delivery = SftpDelivery(lambda: PROBE_SECONDS)
        asm_accounts = AsmAccounts(self.changes, self.secrets, delivery, HostCheck(private_allowed=True))
        return Flows(self.changes, FileAccounts(self.changes, Argon2Hasher()), asm_accounts)


@dataclass
class LocalStack:
    """A running stack on a state folder; use it as a context, which stops everything at its end.

    ``context`` overrides CDK settings; ``enforces_iam`` lets every role do what its policies say and no more, over TLS.
    Raises LocalStackError, DeployError or ConsoleBuildError when it cannot start.
    """

    state: Path
    ports: Ports
    context: dict[str, Any] = field(default_factory=dict)
    enforces_iam: bool = False

    def __post_init__(self) -> None:
        ca = self.certificate if self.enforces_iam else None
        self.aws = Aws(f"{'https' if ca else 'http'}://{LOOPBACK}:{self.ports.emulator}", REGION, ca)
        self.outputs: dict[str, str] = {}
        self._lock = Lock(self.state)
        self.processes = Processes(
            self.state / "logs", {**clean(dict(os.environ)), **variables(self.aws.endpoint, self.aws.region, ca)}
        )

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything; call ``stop`` also when this fails."""
        self.state.mkdir(parents=True, exist_ok=True)
        self.state.chmod(0o700)
        self._lock.take()
        self._start()

    def stop(self) -> None:
        """End every process."""
        self.processes.stop()
        self._lock.release()

    def _start(self) -> None:
        """Synthesize while the emulator and the stand-in start; the front asks the deployed stack at its own start."""
        with ThreadPoolExecutor(1) as background:
            digest = background.submit(deploy.prepare, self.plan)
            pages = background.submit(build.build_console) if self.ports.console else None
            self._start_emulator()
            self.start_apple()
            self.processes.wait_for("emulator", lambda: processes.connects(self.ports.emulator))
            self.outputs = deploy.deploy(self.plan, digest.result(), self.aws)
        self._start_front()
        if pages:
            self._start_console(pages.result())
        self.wait_until_listening("apple", self.ports.apple)
        self.wait_until_listening("sftp", self.ports.sftp)
        if self.ports.console:
            self.wait_until_listening("console", self.ports.console)
        with environment(self.aws.endpoint, self.aws.region, self.aws.ca):
            self.stores = Stores(
                accounts=DynamoAccountStore(self.outputs["AccountTable"], audit_table=self.outputs["AuditTable"]),
                runs=DynamoRunStore(self.outputs["RunTable"]),
                objects=S3ObjectStore(),
                secrets=KmsSecretBox(self.outputs["KeyArn"]),
                lanes=DynamoLaneStore(self.outputs["AccountTable"]),
                audit=DynamoAuditStore(self.outputs["AuditTable"]),
                waiting=StepFunctionsWaiting(),
            )
        self._release_lanes()

    def _release_lanes(self) -> None:
        """Let the flows send at once: whatever held a lane before this start does not run any more."""
        for flow in self.stores.accounts.list(Flow, self.organization_id):
            if holder := self.stores.lanes.get(flow.id).holder:
                self.stores.lanes.release(flow.id, holder)

    @property
    def plan(self) -> deploy.Plan:
        """What is deployed; its clients find the SFTP front where Transfer Family's server would be."""
        page = {"console_origin": self.console, "console_callback_urls": [f"{self.console}/"]} if self.console else {}
        return deploy.plan(self.state, sftp_host=LOOPBACK, sftp_port=self.ports.sftp, **{**page, **self.context})

    @property
    def console(self) -> str | None:
        """The console's address, if there is one."""
        return f"http://{LOOPBACK}:{self.ports.console}" if self.ports.console else None

    def _start_emulator(self) -> None:
        self.host_key("sftp")  # there before the emulator reads it
        arguments = ("--port", self.ports.emulator, "--state", self.state / "aws", "--region", self.aws.region)
        if self.enforces_iam:
            crt, key = certificate(self.certificate)
            arguments += ("--certificate", crt, "--key", key, "--decisions", self.decisions)
        self.processes.start(
            *("emulator", EMULATOR_PYTHON, "local.emulator", *arguments),
            *("--sftp-host-key", self.host_key_file("sftp")),
        )

    def _start_front(self) -> None:
        arguments = ("--endpoint", self.aws.endpoint, "--region", self.aws.region, "--port", self.ports.sftp)
        arguments += ("--ca", self.aws.ca) if self.aws.ca else ()
        self.processes.start(
            "sftp", Path(sys.executable), "local.sftp_front", *arguments, "--host-key", self.host_key_file("sftp")
        )

    def _start_console(self, pages: Path) -> None:
        """Start what serves the pages, and tell them where this stack's API and sign-in are."""
        config = self.state / "console.json"
        known = {name: self.api[name] for name in ("region", "user_pool_id")}
        own = {"api": self.api["url"], "sign_in": self.aws.endpoint, "client_id": self.outputs["ConsoleClientId"]}
        config.write_text(json.dumps(known | own))
        arguments = ("--port", self.ports.console, "--pages", pages, "--config", config, "--connect", self.aws.endpoint)
        self.processes.start("console", Path(sys.executable), "local.console", *arguments)

    def start_apple(self, name: str = "apple", *, port: int | None = None, fault: str | None = None) -> None:
        """Start a stand-in for Apple's server, by default the stack's own; ``fault`` makes it misbehave."""
        self.apple_password_file.touch(0o600)
        if not self.apple_password:
            self.apple_password_file.write_text(generate_password())
        self.processes.start(
            name,
            Path(sys.executable),
            "local.apple",
            *("--port", port or self.ports.apple, "--host-key", self.host_key_file("apple")),
            *("--root", self.state / "apple", "--username", APPLE_USERNAME),
            *("--password-file", self.apple_password_file),
            *(("--fault", fault) if fault else ()),
        )

    def wait_until_listening(self, name: str, port: int) -> None:
        """Wait for a server's ready line."""
        self.processes.wait_for(name, lambda: self.processes.printed(name, f"listening {LOOPBACK}:{port}"))

    @property
    def apple_password_file(self) -> Path:
        """The password that the stand-in for Apple takes."""
        return self.state / "apple_password"

    @property
    def apple_password(self) -> str:
        """The password that the stand-in for Apple takes."""
        return self.apple_password_file.read_text().strip()

    @property
    def received(self) -> Path:
        """Where the stand-in for Apple keeps what it took."""
        return self.state / "apple" / "received"

    def host_key(self, name: str) -> str:
        """Return a server's public key as in ``known_hosts``: ``sftp`` or ``apple``."""
        return public_text(host_key(self.host_key_file(name)))

    def host_key_file(self, name: str) -> Path:
        """Return where a server's private key is."""
        return self.state / f"{name}_host_key"

    @property
    def certificate(self) -> Path:
        """The certificate of the embedded AWS where IAM is enforced."""
        return self.state / "aws.crt"

    @property
    def decisions(self) -> Path:
        """Where the embedded AWS notes what roles did by which statement, and what they were denied."""
        return self.state / "decisions.jsonl"

    @property
    def api(self) -> dict[str, str]:
        """Where the API is, and where its users sign in."""
        return {
            # the name that AWS gives the API does not resolve everywhere
            "url": f"{self.aws.endpoint}/_aws/execute-api/{self.outputs['ApiId']}/$default",
            "user_pool_id": self.outputs["UserPoolId"],
            "client_id": self.outputs["CliClientId"],
            "cognito_endpoint": self.aws.endpoint,
            "region": self.aws.region,
        }

    @cached_property
    def organization_id(self) -> str:
        """The local organization, which is created when it is first asked for."""
        organizations = Organizations(self.stores.changes)
        known = (organization for organization in organizations.list(OPERATOR) if organization.name == ORGANIZATION)
        return (next(known, None) or organizations.create(OPERATOR, ORGANIZATION)).id

    def create_project(self, name: str, *, save_data: bool = True) -> Project:
        """Create a project of the local organization."""
        return Projects(self.stores.changes).create(OPERATOR, self.organization_id, name, save_data)

    def create_flow(self, project_id: str, username: str, **changes: Any) -> CreatedFlow:
        """Create a flow to the stand-in, with its accounts; ``changes`` override fields, ``asm_…`` the connection's."""
        connection = {
            "name": "Apple's stand-in",
            "host": LOOPBACK,
            "port": self.ports.apple,
            "username": APPLE_USERNAME,
            "password": self.apple_password,
            "host_keys": (self.host_key("apple"),),
            "folder": APPLE_FOLDER,
        }
        asm = {name: changes.pop(f"asm_{name}", value) for name, value in connection.items()}
        keys = [{"text": text} for text in changes.pop("public_keys", ())]
        account = {
            "username": username,
            "authentication": "public_key" if keys else "password",
            "public_keys": keys,
            "networks": changes.pop("networks", ()),
        }
        flow = {"name": "Roster to Apple School Manager", "template": "oneroster-csv", "project_id": project_id}
        new = NewFlow.model_validate({**flow, "file_account": account, "asm_account": asm, **changes})
        return self.stores.flows.create(OPERATOR, self.organization_id, new)


class Account:
    """What ``make run`` offers: a file account and users, kept with passwords in ``stack.json`` (mode 0600)."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self._path = stack.state / "stack.json"
        kept = json.loads(self._path.read_text()) if self._path.is_file() else {}
        self.organization_id = stack.organization_id
        self.users = provide_users(stack.aws, stack.outputs, self.organization_id, kept)
        if not kept or stack.stores.accounts.get(Flow, self.organization_id, kept["account"]["flow_id"]) is None:
            kept = self._create()
        self.project_id: str = kept["project_id"]
        self.username: str = kept["account"]["username"]
        self.password: str = kept["account"]["password"]
        self.flow_id: str = kept["account"]["flow_id"]
        self.file_account_id: str = kept["account"]["file_account_id"]
        self._point_to_the_stand_in()
        self._save()

    def _create(self) -> dict[str, Any]:
        project = self._stack.create_project("Local")
        try:
            created = self._stack.create_flow(project.id, "district")
        except ConflictError:  # the name is left from a state whose password is lost
            created = self._stack.create_flow(project.id, f"district-{secrets.token_hex(2)}")
        return {
            "project_id": project.id,
            "account": {
                "username": created.file_account.username,
                "password": created.password,
                "flow_id": created.flow.id,
                "file_account_id": created.file_account.id,
            },
        }

    def _point_to_the_stand_in(self) -> None:
        """Correct the ASM account: the stand-in may have another port, key or password than at the last start."""
        stack, organization_id = self._stack, self.organization_id
        flows = stack.stores.flows
        flow = flows.get(OPERATOR, organization_id, self.flow_id)
        account = flows.asm_accounts.get(OPERATOR, organization_id, flow.asm_account_id)
        known = stack.stores.secrets.decrypt(account.encrypted_password, organization_id=organization_id)
        flows.asm_accounts.update(
            OPERATOR,
            organization_id,
            account.id,
            account.version,
            port=stack.ports.apple,
            host_keys=(stack.host_key("apple"),),
            password=None if known == stack.apple_password else stack.apple_password,
        )

    def _save(self) -> None:
        stack = self._stack
        content = {
            "endpoint": stack.aws.endpoint,
            "region": stack.aws.region,
            "outputs": stack.outputs,
            "organization_id": self.organization_id,
            "project_id": self.project_id,
            "sftp": {"host": LOOPBACK, "port": stack.ports.sftp, "host_key": stack.host_key("sftp")},
            "apple": {
                "host": LOOPBACK,
                "port": stack.ports.apple,
                "host_key": stack.host_key("apple"),
                "received": str(stack.received),
            },
            "account": {
                "username": self.username,
                "password": self.password,
                "flow_id": self.flow_id,
                "file_account_id": self.file_account_id,
            },
            "api": stack.api,
            "console": stack.console,
            **self.users,
        }
        self._path.touch(0o600)
        self._path.write_text(json.dumps(content, indent=2) + "\n")
