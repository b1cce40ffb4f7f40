from pathlib import Path
from typing import Any

import pytest

from infra import build
from rosterbridge.settings import (
    ApiEnvironment,
    AuthenticateEnvironment,
    Environment,
    EraseEnvironment,
    ForwardEnvironment,
    HostKeysEnvironment,
    NotifyEnvironment,
    ReceiveEnvironment,
    StepEnvironment,
    SweepEnvironment,
    WatchEnvironment,
)
from tests.infra.assembly import Assembly, Template

USES = {
    "api": {"rosterbridge", "base", "sftp"},
    "authenticate": {"rosterbridge", "base"},
    "receive": {"rosterbridge", "base"},
    "sweep": {"rosterbridge", "base"},
    "erase": {"rosterbridge", "base"},
    "host_keys": {"rosterbridge", "base", "sftp"},
    "notify": {"rosterbridge", "base"},
    "publish": {"rosterbridge", "base"},
    "watch": {"rosterbridge", "base"},
    "validate": {"rosterbridge", "base", "roster"},
    "convert": {"rosterbridge", "base", "roster"},
    "guard": {"rosterbridge", "base", "roster"},
    "dry_run": {"rosterbridge", "base", "roster"},
    "forward": {"rosterbridge", "base", "sftp"},
}


def function_of(service: Template, name: str) -> dict[str, Any]:
    (found,) = [
        function["Properties"]
        for function in service.all("Lambda::Function").values()
        if function["Properties"]["FunctionName"] == f"rosterbridge-prod-{name}"
    ]
    return found


def contents(layer: Path) -> list[str]:
    return sorted(path.name for path in (layer / "python").iterdir())


def test_there_is_one_function_a_folder_and_no_other(service: Template) -> None:
    folders = {handler.parent.name for handler in (build.ROOT / "functions").glob("*/handler.py")}

    assert folders == USES.keys()
    assert len(service.all("Lambda::Function")) == len(USES)


@pytest.mark.parametrize("name", USES)
def test_it_runs_on_arm_with_the_python_that_built_it_and_is_traced(service: Template, name: str) -> None:
    function = function_of(service, name)

    assert function["Architectures"] == ["arm64"]
    assert function["Runtime"] == "python{}.{}".format(*build.python_version())
    assert function["Handler"] == "handler.lambda_handler"
    assert function["TracingConfig"] == {"Mode": "Active"}


@pytest.mark.parametrize("name", USES)
def test_its_log_ends(service: Template, name: str) -> None:
    group = function_of(service, name)["LoggingConfig"]["LogGroup"]["Ref"]

    assert service.resources[group]["Properties"]["RetentionInDays"] == 90


@pytest.mark.parametrize("name", USES)
def test_its_environment_holds_names_of_resources_and_no_secret(service: Template, name: str) -> None:
    environment = function_of(service, name)["Environment"]["Variables"]
    plain = {key: value for key, value in environment.items() if isinstance(value, str)}

    assert plain.pop("POWERTOOLS_SERVICE_NAME") == f"rosterbridge-{name}"
    assert (
        plain.items()
        <= {
            "POWERTOOLS_LOG_LEVEL": "INFO",
            "PYTHONSAFEPATH": "1",
            "STAGE": "prod",
            "FLOW_METRICS": "true",
            "HOLD_DAYS": "7",
            "SIGN_IN_THRESHOLD": "15",
            "SIGN_IN_WINDOW_MINUTES": "30",
            "BAN_MINUTES": "30",
            "CIRCUIT_FAILURES": "3",
            "CIRCUIT_OPEN_SECONDS": "300",
            "CIRCUIT_LONGEST_SECONDS": "3600",
            "UPLOADS_PER_DAY": "100",
            "UPLOAD_BYTES_PER_DAY": "10000000000",
            "MAX_UPLOAD_BYTES": "2000000000",
            "DRY_RUNS_PER_DAY": "100",
            "MAX_DRY_RUN_BYTES": "600000000",
            "RUN_RETENTION_DAYS": "400",
            "AUDIT_RETENTION_DAYS": "400",
            "LOG_RETENTION_DAYS": "90",
            "QUIET_SECONDS": "660",
            "HOME_GRACE_DAYS": "7",
            "SFTP_PORT": "22",
            "SFTP_HOST_PER_ACCOUNT": "false",
            "PRIVATE_ASM_HOSTS": "false",
            "CHANGES_PER_MINUTE": "60",
            "NOTIFY_BY": "none",
            "NOTIFY_FROM": "",
        }.items()
    )


def settings_of(service: Template, name: str) -> dict[str, Any]:
    environment: dict[str, Any] = function_of(service, name)["Environment"]["Variables"]
    return environment


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("authenticate", AuthenticateEnvironment),
        ("receive", ReceiveEnvironment),
        ("validate", StepEnvironment),
        ("convert", StepEnvironment),
        ("dry_run", StepEnvironment),
        ("forward", ForwardEnvironment),
        ("api", ApiEnvironment),
        ("sweep", SweepEnvironment),
        ("erase", EraseEnvironment),
        ("host_keys", HostKeysEnvironment),
        ("notify", NotifyEnvironment),
        ("watch", WatchEnvironment),
    ],
)
def test_it_is_told_what_it_asks_for(service: Template, name: str, settings: type[Environment]) -> None:
    told = {key.lower() for key in settings_of(service, name)}

    assert {setting for setting, field in settings.model_fields.items() if field.is_required()} <= told


def test_the_steps_have_room_for_a_large_district(service: Template) -> None:
    for name in ("validate", "convert", "guard", "forward", "dry_run"):
        function = function_of(service, name)

        assert function["Timeout"] == 600
        assert function["EphemeralStorage"]["Size"] == 4096


def test_no_function_is_slowed_down_by_polars_that_does_not_use_it(assembly: Assembly) -> None:
    with_polars = {
        name
        for name in USES
        if any((layer / "python/polars").is_dir() for layer in assembly.layers_of(function_of(assembly.service, name)))
    }

    assert with_polars == {"validate", "convert", "guard", "dry_run"}


@pytest.mark.parametrize("name", USES)
def test_it_is_packed_with_the_layers_that_it_uses(assembly: Assembly, layers: dict[str, Path], name: str) -> None:
    packed = assembly.layers_of(function_of(assembly.service, name))
    used = [layers[layer] for layer in USES[name]]

    assert sorted(map(contents, packed)) == sorted(map(contents, used))


@pytest.mark.parametrize("name", USES)
def test_it_fits_into_lambda_with_its_layers(assembly: Assembly, name: str) -> None:
    function = function_of(assembly.service, name)
    folders = [assembly.asset_of(function), *assembly.layers_of(function)]

    assert sum(map(build.megabytes, folders)) * 2**20 < 250_000_000


def test_a_batch_fails_by_its_bad_notices_only(service: Template) -> None:
    (mapping,) = [
        found["Properties"]
        for found in service.all("Lambda::EventSourceMapping").values()
        if "Uploads" in found["Properties"]["EventSourceArn"].get("Fn::ImportValue", "")
    ]

    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert service.called(mapping["FunctionName"])["FunctionName"].endswith("-receive")
