"""An administrator at the command line, who has made a flow, and the client of the SIS that uploads to it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh

from local.sample import write_sample
from tests.support.administration import Administration, User
from tests.support.sftp_clients import Login, openssh
from tests.support.stack import StackUnderTest, wait_for
from tests.support.terminal import CommandLine


@dataclass(frozen=True)
class Administrator:
    """Somebody who has signed in; ``organization`` and ``project`` are ids, and the project's the only one."""

    stack: StackUnderTest
    user: User
    line: CommandLine
    organization: str
    project: str

    @property
    def folder(self) -> Path:
        return self.line.folder

    def make_key(self, name: str) -> Path:
        """Make a pair of keys and return where the private one is; the public one ends in ``.pub``."""
        path, key = self.folder / name, asyncssh.generate_private_key("ssh-ed25519", comment=f"{name}@sis.example")
        path.touch(0o600)
        key.write_private_key(path)
        key.write_public_key(path.with_suffix(".pub"))
        return path

    def sftp(
        self, username: str, *commands: str, password: str = "", key: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Sign in with OpenSSH's ``sftp`` and run commands; it knows the host key from the stack."""
        login = Login(self.stack.sftp_port, self.stack.sftp_host_key, username, password, key)
        return openssh(login, *commands, folder=self.folder)

    def comes_in(self, username: str, **secret: Any) -> bool:
        """Tell whether a file account may sign in."""
        done = self.sftp(username, "ls", **secret)
        assert done.returncode == 0 or "Permission denied" in done.stderr, done
        return done.returncode == 0

    def upload(self, username: str, name: str = "roster.zip", **secret: Any) -> Path:
        """Upload a good roster and return it."""
        path = write_sample(self.folder / name)
        done = self.sftp(username, f"put {name}", **secret)
        assert done.returncode == 0, done
        return path

    def runs(self) -> list[dict[str, Any]]:
        """Return the history, newest first."""
        found: list[dict[str, Any]] = self.line.told("runs", "list")["items"]
        return found

    def new_run(self, known: int) -> str:
        """Return the id of the newest run as soon as there are more than ``known``."""
        return wait_for(lambda: runs[0]["id"] if len(runs := self.runs()) > known else None, "the run is there")

    def again(self, run: str) -> str:
        """Run a file again, wait for its success, and return the id of the new run."""
        made: str = self.line.told("runs", "rerun", run)["id"]
        self.line.done("runs", "watch", made)
        return made

    def steps(self, run: str) -> dict[str, dict[str, Any]]:
        """Return the steps of a run by their names."""
        return {step["name"]: step for step in self.line.told("runs", "show", run)["steps"]}


def signed_in(administration: Administration, stack: StackUnderTest, folder: Path) -> Administrator:
    """Have an organization with an administrator, who signs in and makes a project."""
    organization = administration.operator().made("/v1/organizations", {"name": "Springfield"})["id"]
    user, line = administration.user(organization_id=organization), CommandLine(administration.api, folder)
    line.done("sign-in", "--username", user.email, "--password-stdin", typed=f"{user.password}\n")
    project = line.told("projects", "create", "Rosters")["id"]
    return Administrator(stack, user, line, organization, project)


def fingerprint(public_key: str) -> str:
    """Return a key's fingerprint."""
    return str(asyncssh.import_public_key(public_key).get_fingerprint())
