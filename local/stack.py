"""The local stack as one thing: embedded AWS, deployed stacks, the SFTP front and the stand-in for Apple."""

from __future__ import annotations

import json
import os
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from local import deploy, processes
from local.clients import REGION, Aws, clean, environment, variables
from local.host_key import host_key, public_text
from local.processes import LOOPBACK, ROOT, Lock, Processes
from rosterbridge.adapters.dynamodb import DynamoAccountStore, DynamoRunStore
from rosterbridge.adapters.kms import KmsSecretBox
from rosterbridge.adapters.passwords import Argon2Hasher
from rosterbridge.adapters.s3 import S3ObjectStore
from rosterbridge.errors import ConfigurationError
from rosterbridge.flows.creating import CreatedFlow, FlowRequest, create_flow, create_project, generate_password
from rosterbridge.flows.models import Project

STATE = ROOT / ".local"
EMULATOR_PYTHON = ROOT / ".venv-local" / "bin" / "python"
ORGANIZATION = "local"
APPLE_USERNAME = "local@sftp.apple.example"
APPLE_FOLDER = "dropbox"


@dataclass(frozen=True)
class Ports:
    """Where the three listen, all on loopback."""

    emulator: int
    sftp: int
    apple: int

    @classmethod
    def choose(cls) -> Self:
        """Take the usual ports, or the next free ones, or those that the environment names."""
        chosen: list[int] = []
        for variable, usual in (("EMULATOR_PORT", 4566), ("SFTP_PORT", 2222), ("APPLE_PORT", 2223)):
            chosen.append(processes.choose_port(variable, usual, chosen))
        return cls(*chosen)


@dataclass(frozen=True)
class Stores:
    """Rosterbridge's own adapters, bound to the embedded AWS."""

    accounts: DynamoAccountStore
    runs: DynamoRunStore
    objects: S3ObjectStore
    secrets: KmsSecretBox


@dataclass
class LocalStack:
    """A running stack on a state folder; use it as a context, which stops everything at its end.

    ``context`` overrides CDK settings. Raises LocalStackError or DeployError when it cannot start.
    """

    state: Path
    ports: Ports
    context: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.aws = Aws(f"http://{LOOPBACK}:{self.ports.emulator}", REGION)
        self.outputs: dict[str, str] = {}
        self._lock = Lock(self.state)
        self.processes = Processes(
            self.state / "logs", {**clean(dict(os.environ)), **variables(self.aws.endpoint, self.aws.region)}
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
        plan = deploy.plan(self.state, **self.context)
        with ThreadPoolExecutor(1) as background:
            digest = background.submit(deploy.prepare, plan)
            self._start_emulator()
            self.start_apple()
            self.processes.wait_for("emulator", lambda: processes.connects(self.ports.emulator))
            self.outputs = deploy.deploy(plan, digest.result(), self.aws)
        self._start_front()
        self.wait_until_listening("apple", self.ports.apple)
        self.wait_until_listening("sftp", self.ports.sftp)
        with environment(self.aws.endpoint, self.aws.region):
            self.stores = Stores(
                accounts=DynamoAccountStore(self.outputs["AccountTable"]),
                runs=DynamoRunStore(self.outputs["RunTable"]),
                objects=S3ObjectStore(),
                secrets=KmsSecretBox(self.outputs["KeyArn"]),
            )

    def _start_emulator(self) -> None:
        arguments = ("--port", self.ports.emulator, "--state", self.state / "aws", "--region", self.aws.region)
        self.processes.start("emulator", EMULATOR_PYTHON, "local.emulator", *arguments)

    def _start_front(self) -> None:
        arguments = ("--endpoint", self.aws.endpoint, "--region", self.aws.region, "--port", self.ports.sftp)
        self.processes.start(
            "sftp", Path(sys.executable), "local.sftp_front", *arguments, "--host-key", self.state / "sftp_host_key"
        )

    def start_apple(self, name: str = "apple", *, port: int | None = None, fault: str | None = None) -> None:
        """Start a stand-in for Apple's server, by default the stack's own; ``fault`` makes it misbehave."""
        self.apple_password_file.touch(0o600)
        if not self.apple_password:
            self.apple_password_file.write_text(generate_password())
        self.processes.start(
            name,
            Path(sys.executable),
            "local.apple",
            *("--port", port or self.ports.apple, "--host-key", self.state / "apple_host_key"),
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
        return public_text(host_key(self.state / f"{name}_host_key"))

    def create_project(self, name: str, *, save_data: bool = True) -> Project:
        """Create a project of the local organization."""
        return create_project(self.stores.accounts, ORGANIZATION, name, save_data=save_data)

    def create_flow(self, project_id: str, username: str, **changes: Any) -> CreatedFlow:
        """Create a flow to the stand-in, with its accounts; ``changes`` override the request's fields."""
        request = {
            "project_id": project_id,
            "organization_id": ORGANIZATION,
            "name": "Roster to Apple School Manager",
            "template": "oneroster-csv",
            "username": username,
            "asm_host": LOOPBACK,
            "asm_port": self.ports.apple,
            "asm_username": APPLE_USERNAME,
            "asm_password": self.apple_password,
            "asm_host_keys": (self.host_key("apple"),),
            "asm_folder": APPLE_FOLDER,
            **changes,
        }
        stores = self.stores
        return create_flow(
            FlowRequest.model_validate(request),
            stores.accounts,
            Argon2Hasher(),
            stores.secrets,
            lambda: datetime.now(UTC),
        )


class Account:
    """The file account that ``make run`` offers, kept with its password in ``stack.json`` (mode 0600)."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self._path = stack.state / "stack.json"
        kept = json.loads(self._path.read_text()) if self._path.is_file() else {}
        if not kept or stack.stores.accounts.flow(kept["account"]["flow_id"]) is None:
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
        except ConfigurationError:  # the name is left from a state whose password is lost
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
        flow = self._stack.stores.accounts.flow(self.flow_id)
        assert flow is not None  # noqa: S101 created or seen above
        encrypted = self._stack.stores.secrets.encrypt(self._stack.apple_password, organization_id=ORGANIZATION)
        self._stack.aws.client("dynamodb").update_item(
            TableName=self._stack.outputs["AccountTable"],
            Key={"pk": {"S": f"asm-account#{flow.asm_account_id}"}, "sk": {"S": "asm-account"}},
            UpdateExpression="SET port = :port, host_keys = :keys, encrypted_password = :password",
            ExpressionAttributeValues={
                ":port": {"N": str(self._stack.ports.apple)},
                ":password": {"S": encrypted},
                ":keys": {"L": [{"S": self._stack.host_key("apple")}]},
            },
        )

    def _save(self) -> None:
        stack = self._stack
        content = {
            "endpoint": stack.aws.endpoint,
            "region": stack.aws.region,
            "outputs": stack.outputs,
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
        }
        self._path.touch(0o600)
        self._path.write_text(json.dumps(content, indent=2) + "\n")
