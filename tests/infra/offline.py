"""An environment in which neither Python nor Node can reach a network; every attempt is written to a file."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent

PYTHON_GUARD = """
import os, sys

def refuse(event, arguments):
    unix = event == "socket.connect" and isinstance(arguments[1], (str, bytes))
    if event in {"socket.connect", "socket.sendto", "socket.getaddrinfo"} and not unix:
        with open(os.environ["NETWORK_ATTEMPTS"], "a") as attempts:
            attempts.write(f"python {event}\\n")
        raise OSError("no network here")

sys.addaudithook(refuse)
"""

NODE_GUARD = """
const dns = require("dns"), fs = require("fs"), net = require("net");
const refuse = (what) => {
  fs.appendFileSync(process.env.NETWORK_ATTEMPTS, `node ${what}\\n`);
  throw new Error("no network here");
};
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...given) {
  const options = Array.isArray(given[0]) ? given[0][0] : given[0];
  const pipe = options?.path ?? (typeof options === "string" && isNaN(options) ? options : undefined);
  return pipe ? connect.apply(this, given) : refuse("connect");
};
dns.lookup = () => refuse("lookup");
"""


class Offline:
    """Runs commands without network, AWS settings or a home folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._log = folder / "attempts"
        (folder / "sitecustomize.py").write_text(PYTHON_GUARD)
        (folder / "guard.js").write_text(NODE_GUARD)

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self._folder),
            "TMPDIR": str(self._folder),
            "PYTHONPATH": str(self._folder),
            "NODE_OPTIONS": f"--require {self._folder / 'guard.js'}",
            "NETWORK_ATTEMPTS": str(self._log),
            **variables,
        }
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False
        )

    @property
    def attempts(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []
