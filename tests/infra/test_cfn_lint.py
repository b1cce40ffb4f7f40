"""The templates obey CloudFormation's own schemas and rules, as cfn-lint knows them, before anybody deploys them."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.infra.assembly import Assembly
from tests.infra.offline import BIN

# What CDK writes by itself: a dependency that a reference says already, and an output that repeats an import
CDKS_OWN = ("W3005", "W6001")


def start(templates: Iterable[Path]) -> subprocess.Popen[str]:
    command = (str(BIN / "cfn-lint"), "--format", "parseable", "--ignore-checks", *CDKS_OWN, "--")
    return subprocess.Popen(
        [*command, *map(str, templates)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def test_every_template_is_clean(assembly: Assembly, browser_assembly: Assembly) -> None:
    templates = [sorted(one.folder.glob("*.template.json")) for one in (assembly, browser_assembly)]

    running = [start(paths) for paths in templates]  # one on each processor
    said = [process.communicate()[0] for process in running]

    assert [len(paths) for paths in templates] == [2, 2]
    assert said == ["", ""]
    assert [process.returncode for process in running] == [0, 0]


def test_a_property_that_cloudformation_does_not_know_is_found(tmp_path: Path) -> None:
    template = tmp_path / "wrong.template.json"
    template.write_text('{"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"Encrypted": true}}}}')

    process = start([template])

    assert "E3002" in process.communicate()[0]
    assert process.returncode != 0
