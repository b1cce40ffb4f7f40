import json
from collections import Counter

import pytest

from infra import build
from tests.infra.assembly import Assembly, Template
from tests.infra.offline import ROOT, Offline


def test_synth_asks_no_network_and_needs_no_credentials(assembly: Assembly, offline: Offline) -> None:
    manifest = json.loads((assembly.folder / "manifest.json").read_text())

    assert offline.attempts == []
    assert not manifest.get("missing"), "synth wants to look something up in an account"


def test_the_guard_of_these_tests_notices_python_and_node(tmp_path) -> None:
    offline = Offline(tmp_path)

    python = offline.run("python3", "-c", "import socket; socket.create_connection(('127.0.0.1', 9))")
    node = offline.run("node", "-e", "require('http').get('http://127.0.0.1:9')")

    assert python.returncode != 0
    assert node.returncode != 0
    assert {attempt.split()[0] for attempt in offline.attempts} == {"python", "node"}


def test_both_stacks_are_free_of_account_and_region(assembly: Assembly) -> None:
    artifacts = json.loads((assembly.folder / "manifest.json").read_text())["artifacts"]
    stacks = {name: found for name, found in artifacts.items() if found["type"] == "aws:cloudformation:stack"}

    assert set(stacks) == {"Rosterbridge-prod-Data", "Rosterbridge-prod-Service"}
    assert {found["environment"] for found in stacks.values()} == {"aws://unknown-account/unknown-region"}
    assert stacks["Rosterbridge-prod-Data"]["properties"]["terminationProtection"] is True


def test_the_service_tells_what_an_operator_and_the_command_line_need(service: Template) -> None:
    assert set(service.outputs) == {
        "ApiUrl",
        "ApiId",
        "UserPoolId",
        "CliClientId",
        "ConsoleClientId",
        "ConsoleHost",
        "ConsoleUrl",
        "SignInDomain",
        "SftpHost",
        "SftpServerId",
        "AccountTable",
        "RunTable",
        "AuditTable",
        "RunBucket",
        "HomeBucket",
        "KeyArn",
        "RunsStateMachine",
        "HostKeyFingerprints",
        "RunsDashboard",
        "InternalsDashboard",
        "TestSignIn",
        "FirstOperator",
        "ClosingStateMachine",
        "DeadEndings",
        "RunRetentionDays",
        "AuditRetentionDays",
    }


def test_a_missing_layer_is_said_in_one_line_with_what_to_run(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(build, "BUILD", tmp_path)

    with pytest.raises(build.NotBuiltError, match=r"layer base is not built for .*: run `python3 -m infra.build`$"):
        build.layer_path("base")


def test_a_console_that_is_not_built_is_said_likewise(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(build, "BUILD", tmp_path)

    with pytest.raises(build.NotBuiltError, match=r"^the console is not built: run `python3 -m infra.build`$"):
        build.console_path()


def test_what_the_build_of_the_console_failed_with_is_told() -> None:
    with pytest.raises(build.ConsoleBuildError, match=r"^the console cannot be built:\n  why$"):
        build._in_console("node", "-e", "console.error('why'); process.exit(3)")


def test_the_console_is_built_anew_when_its_sources_change_and_only_then(tmp_path, monkeypatch) -> None:
    for name in ("src/main.tsx", "node_modules/react/index.js", "dist/index.html", "public/config.json"):
        path = tmp_path / "web" / name
        path.parent.mkdir(parents=True)
        path.write_text("1")
    left_out = {tmp_path / "web" / path.relative_to(build.CONSOLE) for path in build.NO_SOURCES}
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "CONSOLE", tmp_path / "web")
    monkeypatch.setattr(build, "NO_SOURCES", left_out)
    monkeypatch.setattr(build, "TEMPLATES", [])
    first = build._console_target()

    (tmp_path / "web" / "dist" / "index.html").write_text("2")
    (tmp_path / "web" / "public" / "config.json").write_text("2")
    (tmp_path / "web" / "node_modules" / "react" / "index.js").write_text("2")
    assert build._console_target() == first
    (tmp_path / "web" / "src" / "main.tsx").write_text("2")
    assert build._console_target() != first


def test_our_own_code_is_packed_as_it_is_now_without_a_build_step(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(build, "BUILD", tmp_path)

    packed = build.layer_path("rosterbridge")

    assert (packed / "python" / "rosterbridge" / "errors.py").read_text() == (
        ROOT / "layers/rosterbridge/python/rosterbridge/errors.py"
    ).read_text()


# Where the console is served by CloudFront
SERVED = ("ConsoleAccess", "ConsoleBucket", "ConsoleDistribution", "ConsoleHeaders", "ConsoleToTheStart", "Publishing")
ON_AWS_ONLY = ("Canary", "SftpEndpointHostKeys", *SERVED)


def parts(template: Template) -> Counter[tuple[str, str]]:
    """Count the resources by type and name, as far as it is free of the stage, and of what a version holds."""
    names = ((name.partition("Rosterbridge")[0], found["Type"]) for name, found in template.resources.items())
    return Counter(
        (name.partition("CurrentVersion")[0], kind) for name, kind in names if not name.startswith(ON_AWS_ONLY)
    )


class TestOnTheEmbeddedAws:
    def test_plain_python_has_the_defaults_of_cdk_json_and_what_is_given_wins(self, local_assembly: Assembly) -> None:
        given = local_assembly.definition("PipelineRuns")["States"]["Forward"]["Retry"][-1]

        assert local_assembly.service.one("Transfer::Server")["SecurityPolicyName"] == "TransferSecurityPolicy-2025-03"
        assert (given["IntervalSeconds"], given["BackoffRate"], given["MaxAttempts"]) == (1, 2, 5)

    def test_nothing_outlives_its_stack(self, local_assembly: Assembly) -> None:
        resources = local_assembly.data.resources.values()

        assert "Retain" not in {found.get("DeletionPolicy") for found in resources}
        assert not [table for table in local_assembly.data.all("DynamoDB::Table").values()
                    if table["Properties"]["DeletionProtectionEnabled"]]  # fmt: skip

    def test_a_layer_only_points_to_its_build_on_this_machine(self, local_assembly: Assembly) -> None:
        for layer in local_assembly.service.all("Lambda::LayerVersion").values():
            folder = local_assembly.asset_of(layer["Properties"])

            assert [file.name for file in folder.iterdir()] == ["layer.path"]
            assert (folder / "layer.path").read_text().strip().startswith(str(build.BUILD / "layers"))

    def test_the_stacks_are_otherwise_those_of_aws(self, assembly: Assembly, local_assembly: Assembly) -> None:
        assert local_assembly.data.resources.keys() == assembly.data.resources.keys()
        assert parts(local_assembly.service) == parts(assembly.service)
