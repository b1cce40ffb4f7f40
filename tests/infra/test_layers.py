import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.cold_start import FUNCTIONS
from infra import build
from infra.alarms import DEPLOYING
from tests.infra.test_functions import USES

# What a function loads only when it is called
LAZY = {
    "api": [
        *(f"rosterbridge.adapters.{name}" for name in ("cognito", "dynamodb", "kms", "passwords", "s3", "sftp")),
        "rosterbridge.adapters.dynamodb_erasing",
        *(f"rosterbridge.adapters.{name}" for name in ("stepfunctions", "throttle", "transfer")),
        *(f"rosterbridge.roster.{name}" for name in ("documents", "formats", "report_forms", "schemas")),
        "paramiko.sftp_client",
    ],
    "authenticate": ["rosterbridge.adapters.passwords", "_argon2_cffi_bindings"],
    "receive": ["botocore.session"],
    "sweep": ["botocore.session"],
    "erase": ["botocore.session"],
    "host_keys": ["botocore.session", "cryptography.hazmat.primitives.asymmetric.rsa"],
    "notify": ["botocore.session", "rosterbridge.roster.documents"],
    "watch": ["botocore.session"],
    "publish": ["botocore.session"],
    "validate": ["rosterbridge.roster.packages", "polars", "isal.isal_zlib"],
    "convert": ["rosterbridge.roster.packages", "polars", "isal.isal_zlib"],
    "guard": ["rosterbridge.roster.comparison", "polars", "isal.isal_zlib", "tzdata"],
    "dry_run": ["rosterbridge.roster.packages", "rosterbridge.roster.comparison", "polars", "isal.isal_zlib", "tzdata"],
    "forward": ["rosterbridge.adapters.sftp", "paramiko", "paramiko.sftp_client"],
}
SERVICES = [
    "s3",
    "dynamodb",
    "kms",
    "stepfunctions",
    "cognito-idp",
    "transfer",
    "sqs",
    "sesv2",
    "sns",
    "secretsmanager",
    "lambda",
]

START = """
import importlib, json, sys
paths, modules, services = json.loads(sys.argv[1])
sys.path[:0] = paths
handler = importlib.import_module("handler")
assert callable(handler.lambda_handler)
for module in modules:
    importlib.import_module(module)
import boto3
for service in services:
    boto3.client(service, region_name="eu-west-1", aws_access_key_id="test", aws_secret_access_key="test")
outside = {
    name: module.__file__
    for name, module in sys.modules.items()
    if "site-packages" in (getattr(module, "__file__", None) or "")
}
assert not outside, outside
"""

UNCHECKED_HASH = 0b01
AARCH64 = 0xB7
ELF_MACHINE = slice(18, 20)


def start(name: str, folders: list[Path]) -> subprocess.CompletedProcess[str]:
    """Start the handler as Lambda does: with the standard library, its own code and these layers."""
    paths = [str(build.build_function(name)), *(str(folder / "python") for folder in folders)]
    given = json.dumps([paths, LAZY[name], SERVICES])
    command = [sys.executable, "-I", "-S", "-B", "-c", START, given]
    return subprocess.run(command, capture_output=True, text=True, env={}, check=False)


@pytest.mark.parametrize("name", USES)
def test_a_handler_starts_with_nothing_but_its_own_code_and_layers(host_layers: dict[str, Path], name: str) -> None:
    done = start(name, [host_layers[layer] for layer in build.LAYERS if layer in USES[name]])

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("name", "layer"), [(name, layer) for name, uses in USES.items() for layer in sorted(uses)])
def test_a_forgotten_layer_cannot_hide(host_layers: dict[str, Path], name: str, layer: str) -> None:
    done = start(name, [host_layers[other] for other in build.LAYERS if other in USES[name] - {layer}])

    assert done.returncode != 0
    assert "ModuleNotFoundError" in done.stderr


def test_cold_starts_are_measured_with_the_layers_that_each_function_has() -> None:
    measured = {name: {"rosterbridge", "base", layer} - {None} for name, (layer, _) in FUNCTIONS.items()}

    assert measured == {name: uses for name, uses in USES.items() if name not in DEPLOYING}, "those start in a deploy"


@pytest.mark.parametrize("layer", build.LAYERS)
def test_every_module_is_shipped_compiled_and_never_checked_again(layers: dict[str, Path], layer: str) -> None:
    modules = list((layers[layer] / "python").rglob("*.py"))

    assert modules
    assert [module for module in modules if _flags(module) != UNCHECKED_HASH] == []


@pytest.mark.parametrize("name", USES)
def test_every_handler_is_shipped_compiled(name: str) -> None:
    assert _flags(build.build_function(name) / "handler.py") == UNCHECKED_HASH


@pytest.mark.parametrize("layer", ["base", "roster", "sftp"])
def test_every_binary_is_built_for_the_functions_processor(layers: dict[str, Path], layer: str) -> None:
    libraries = [path for path in (layers[layer] / "python").rglob("*.so*") if path.is_file()]

    assert libraries
    assert {int.from_bytes(_head(library)[ELF_MACHINE], "little") for library in libraries} == {AARCH64}


@pytest.mark.parametrize("layer", ["base", "roster", "sftp"])
def test_a_layer_brings_what_its_lock_names(layers: dict[str, Path], layer: str) -> None:
    lock = (build.ROOT / "layers/dependencies" / layer / "requirements.txt").read_text().splitlines()
    locked = {line.split("==")[0].lower().replace("-", "_") for line in lock if "==" in line and line[0].isalnum()}
    brought = {path.name.split("-")[0].lower() for path in (layers[layer] / "python").glob("*.dist-info")}

    assert brought
    assert brought <= locked


def test_a_changed_lock_is_another_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = build._target("base", build.LAMBDA_PLATFORM)
    lock = tmp_path / "layers/dependencies/base/requirements.txt"
    lock.parent.mkdir(parents=True)
    lock.write_text("boto3==1\n")
    monkeypatch.setattr(build, "ROOT", tmp_path)

    assert build._target("base", build.LAMBDA_PLATFORM) != before


def test_a_build_that_broke_off_is_never_taken_for_a_whole_one(tmp_path: Path) -> None:
    target = tmp_path / "layer"

    def break_off() -> None:
        with build._fresh(target) as fresh:
            fresh.mkdir()
            (fresh / "half").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()

    assert list(tmp_path.iterdir()) == []


def test_a_python_that_lambda_lacks_is_refused_by_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 1, "final", 0))

    with pytest.raises(RuntimeError, match=r"Lambda has no Python 3\.10: use one of 3\.11, "):
        build.python_version()


def _flags(module: Path) -> int | None:
    compiled = module.parent / "__pycache__" / f"{module.stem}.{sys.implementation.cache_tag}.pyc"
    return int.from_bytes(_head(compiled)[4:8], "little") if compiled.is_file() else None


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(20)
