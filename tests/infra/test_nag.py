"""cdk-nag runs at each synth; here it runs without our acknowledgements, to see what each of them answers."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import aws_cdk as cdk
import pytest
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import IConstruct

import app as application
from infra.settings import default_context
from tests.infra.assembly import UNCOPIED, Assembly

CARELESS = "Careless"
CDKS_OWN = "CloudFormation-Validate::"  # what CDK compares with CloudFormation's schemas
PACKS = ("AwsSolutions-", "Serverless-", "NIST.800.53.R5-", CDKS_OWN)


class Finding(NamedTuple):
    rule: str
    path: str


class Acknowledged(NamedTuple):
    rule: str
    path: str
    reason: str

    def answers(self, finding: Finding) -> bool:
        return self.rule == finding.rule and f"{finding.path}/".startswith(f"{self.path}/")


@dataclass
class Unexplained:
    """What nag finds when nothing is acknowledged, and what would have been."""

    findings: list[Finding] = field(default_factory=list)
    acknowledged: list[Acknowledged] = field(default_factory=list)
    error: str = ""


class Notebook:
    """Stands where CDK's Validations do, and notes an acknowledgement instead of giving it."""

    def __init__(self, scope: IConstruct, notes: list[Acknowledged]) -> None:
        self._path, self._notes = scope.node.path, notes

    def acknowledge(self, *rules: cdk.Acknowledgment) -> None:
        self._notes.extend(Acknowledged(rule.id, self._path, rule.reason) for rule in rules)


@pytest.fixture(scope="module")
def unexplained(layers: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Unexplained:
    folder = tmp_path_factory.mktemp("unexplained")
    seen = Unexplained()
    given = cdk.Validations.of

    def of(scope: IConstruct) -> Any:
        return given(scope) if isinstance(scope, cdk.App) else Notebook(scope, seen.acknowledged)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cdk.Validations, "of", staticmethod(of))
        unsafe = cdk.App(outdir=str(folder), context=default_context() | UNCOPIED)
        application.build(unsafe)
        careless = cdk.Stack(unsafe, CARELESS)
        sqs.Queue(careless, "Plain", encryption=sqs.QueueEncryption.UNENCRYPTED)
        logs.LogGroup(careless, "Readable")
        with pytest.raises(RuntimeError) as refused:
            unsafe.synth()
    seen.error = str(refused.value)
    seen.findings = findings(folder)
    return seen


def findings(assembly: Path) -> list[Finding]:
    report = json.loads((assembly / "validation-report.json").read_text())
    return [
        Finding(rule, where["constructPath"])
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        for where in violation["violatingConstructs"]
        if (rule := rule_of(plugin, violation)).startswith(PACKS)
    ]


def rule_of(plugin: dict[str, Any], violation: dict[str, Any]) -> str:
    """Return the name by which a rule is acknowledged."""
    own = plugin["pluginName"] == "CloudFormation Validate"
    return f"{CDKS_OWN if own else ''}{violation['ruleName']}"


def test_no_finding_is_left_open(assembly: Assembly, browser_assembly: Assembly) -> None:
    assert findings(assembly.folder) == []
    assert findings(browser_assembly.folder) == []


def test_synth_refuses_a_careless_stack_by_each_pack(unexplained: Unexplained) -> None:
    rules = {found.rule for found in unexplained.findings if found.path.startswith(CARELESS)}

    assert "ValidationFailed" in unexplained.error
    assert {"AwsSolutions-SQS3", "AwsSolutions-SQS4", "Serverless-SQSRedrivePolicy"} <= rules
    assert "NIST.800.53.R5-CloudWatchLogGroupEncrypted" in rules


def test_every_finding_is_answered_where_it_arises(unexplained: Unexplained) -> None:
    ours = [found for found in unexplained.findings if not found.path.startswith(CARELESS)]

    assert ours
    assert [found for found in ours if not any(note.answers(found) for note in unexplained.acknowledged)] == []


def test_no_acknowledgement_outlives_its_finding(unexplained: Unexplained) -> None:
    assert [
        note for note in unexplained.acknowledged if not any(note.answers(found) for found in unexplained.findings)
    ] == []


def test_nothing_is_acknowledged_for_a_whole_stack_or_a_whole_rule(unexplained: Unexplained) -> None:
    for note in unexplained.acknowledged:
        assert note.path.count("/") >= 1, f"{note.rule} is acknowledged for all of {note.path}"
        assert "IAM5" not in note.rule or "[Resource::" in note.rule
        assert len(note.reason) > 30, f"{note.rule} at {note.path} has no reason that a reader could check"
