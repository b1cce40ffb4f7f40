"""``rosterbridge`` as its users run it: the installed command, by pipes or in a terminal of its own."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

COMMAND = Path(sys.executable).with_name("rosterbridge")
SECONDS = 60
STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class CommandLine:
    """The command of one person: ``folder`` is where it is called, and where sessions are kept."""

    api: str
    folder: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment of the tests, without its AWS, its keyring and its other stacks."""
        named = ("AWS_", "ROSTERBRIDGE_")
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(named)},
            "ROSTERBRIDGE_API": self.api,
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }

    def call(self, *words: object, typed: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command; ``typed`` comes by a pipe."""
        return subprocess.run(
            [str(COMMAND), *map(str, words)],
            env=self.environment,
            cwd=self.folder,
            input=typed,
            stdin=subprocess.DEVNULL if typed is None else None,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def done(self, *words: object, typed: str | None = None) -> str:
        """Run a command that succeeds, and return what it prints."""
        ended = self.call(*words, typed=typed)
        assert ended.returncode == 0, (words, ended)
        return ended.stdout

    def told(self, *words: object, typed: str | None = None) -> Any:
        """Run a command that succeeds, and return the JSON that it prints."""
        return json.loads(self.done(*words, "--json", typed=typed))

    def refused(self, *words: object) -> str:
        """Run a command that is refused, and return why."""
        ended = self.call(*words)
        assert ended.returncode == 2, (words, ended)
        return ended.stderr


class Terminal:
    """A command in a terminal; what it shows is read until a text comes, then something is typed."""

    def __init__(self, line: CommandLine, *words: object) -> None:
        self._master, slave = pty.openpty()
        # a session without a controlling terminal: passwords are read from standard input
        self._process = subprocess.Popen(
            [str(COMMAND), *map(str, words)],
            env={**line.environment, "COLUMNS": "200"},
            cwd=line.folder,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def answer(self, question: str, typed: str) -> str:
        """Wait for a question, type, and return all that was shown before."""
        before, _, self.shown = self._read_until(question).partition(question)
        os.write(self._master, f"{typed}\n".encode())
        return before

    def ends(self) -> tuple[int, str]:
        """Return the exit code and what was shown since the last question."""
        self._read_until(None)
        return self._process.wait(SECONDS), self.shown

    def _read_until(self, text: str | None) -> str:
        until = time.monotonic() + SECONDS
        while text is None or text not in self.shown:
            ready, _, _ = select.select([self._master], [], [], max(until - time.monotonic(), 0))
            assert ready, f"{text} does not come after {self.shown}"
            piece = self._piece()
            assert piece or text is None, f"the command ended before {text}: {self.shown}"
            if not piece:
                break
            self.shown = STYLE.sub("", self.shown + piece)
        return self.shown

    def _piece(self) -> str:
        """Return what is there; an empty text when nobody writes any more, which Linux tells by an error."""
        try:
            return os.read(self._master, 65536).decode(errors="replace").replace("\r\n", "\n")
        except OSError:
            return ""
