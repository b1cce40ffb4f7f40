"""The times of docs/privacy.md are those of the templates."""

from __future__ import annotations

from infra.api import LOGGED
from infra.queues import RETENTION
from rosterbridge.flows.dry_runs import KEPT
from tests.infra.assembly import Assembly, Template
from tests.infra.test_functions import settings_of
from tests.support import privacy


def lifecycle(data: Template, bucket: str, prefix: str) -> tuple[int | None, int | None]:
    """Return after how many days newest and older versions end below a prefix."""
    rules = data.one("S3::Bucket", bucket)["LifecycleConfiguration"]["Rules"]
    found = [rule for rule in rules if rule.get("Prefix", "") == prefix and "ExpiredObjectDeleteMarker" not in rule]
    newest = [rule["ExpirationInDays"] for rule in found if "ExpirationInDays" in rule]
    # a rule for a place, or one for all of the bucket
    older = [
        rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
        for rule in rules
        if rule.get("Prefix", "") in {prefix, ""} and "NoncurrentVersionExpiration" in rule
    ]
    return (newest[0] if newest else None), (older[0] if older else None)


def test_files_end_when_it_is_said(data: Template) -> None:
    said = {cells[0]: cells for cells in privacy.rows("## How long")}

    for what, bucket, prefix in (
        ("uploads in homes, and results there", "Home", "home/"),
        ("files of runs", "RunFiles", "runs/"),
        ("files made for a download", "RunFiles", "made/"),
        ("files of dry runs", "RunFiles", "dry-runs/"),
    ):
        newest, older = lifecycle(data, bucket, prefix)
        assert newest is not None
        assert older is not None, f"older versions below {prefix} never end"
        assert said[what][1] == str(newest + older)
        assert f"as newest version for {newest}, as older one for {older}" in said[what][3]
    newest, older = lifecycle(data, "RunFiles", "lanes/")
    assert newest is None
    assert f"as older version for {older} more" in said["what Apple has, of each flow"][3]
    newest, _ = lifecycle(data, "AccessLogs", "")
    assert said["access logs of the buckets"][1] == str(newest)


def test_records_end_when_it_is_said(assembly: Assembly) -> None:
    said, service = privacy.days(), assembly.service

    assert {
        table["Properties"]["TimeToLiveSpecification"]["AttributeName"]
        for table in assembly.data.all("DynamoDB::Table").values()
    } == {"expires_at"}
    assert said["records of dry runs"] == f"{KEPT.days}"
    assert said["records of runs"] == settings_of(service, "receive")["RUN_RETENTION_DAYS"]
    assert said["records of runs"] == settings_of(service, "api")["RUN_RETENTION_DAYS"]
    assert said["audit trail"] == settings_of(service, "api")["AUDIT_RETENTION_DAYS"]
    assert said["certificates of erasures"] == settings_of(service, "erase")["AUDIT_RETENTION_DAYS"]
    assert said["home of a deleted file account"] == settings_of(service, "api")["HOME_GRACE_DAYS"]


def test_backups_end_when_it_is_said(data: Template) -> None:
    tables = data.all("DynamoDB::Table").values()
    recovery = [table["Properties"]["PointInTimeRecoverySpecification"] for table in tables]

    # without RecoveryPeriodInDays it is AWS's default, 35
    assert {str(found.get("RecoveryPeriodInDays", 35)) for found in recovery} == {privacy.days()["tables as they were"]}


def test_every_log_and_queue_ends_when_it_is_said(assembly: Assembly) -> None:
    said = privacy.days()
    stacks = (assembly.data, assembly.service)
    groups = [group for stack in stacks for group in stack.all("Logs::LogGroup").values()]
    queues = [queue for stack in stacks for queue in stack.all("SQS::Queue").values()]

    (logs,) = (days for name, days in said.items() if name.startswith("logs of functions"))
    assert {str(group["Properties"]["RetentionInDays"]) for group in groups} == {logs}
    assert {str(queue["Properties"]["MessageRetentionPeriod"] // 86_400) for queue in queues} == {
        said["messages in queues"]
    }
    assert f"{RETENTION.to_days():g}" == said["messages in queues"]


def test_the_certificate_of_an_erasure_tells_the_same(service: Template) -> None:
    (logs,) = (days for name, days in privacy.days().items() if name.startswith("logs of functions"))

    assert settings_of(service, "erase")["LOG_RETENTION_DAYS"] == logs
    quiet = int(settings_of(service, "erase")["QUIET_SECONDS"])
    assert quiet == 11 * 60
    assert "Eleven minutes later" in privacy.section("## Erase an organization")


def test_every_field_of_the_access_log_is_told() -> None:
    assert privacy.words(privacy.section("## Logs")) >= LOGGED.keys()


def test_every_bucket_table_and_group_of_attributes_is_told(data: Template) -> None:
    for name in ("Home", "RunFiles"):
        assert data.one("S3::Bucket", name)
        assert f"`{name}`" in privacy.section("## Files")
    for name in ("Accounts", "Runs", "Audit"):
        assert data.one("DynamoDB::Table", name)
        assert privacy.TEXT.count(f"\n## Table `{name}`\n") == 1
    assert len(data.all("DynamoDB::Table")) == 3
    assert len(data.all("S3::Bucket")) == 3
    attributes = {found["Name"] for found in data.one("Cognito::UserPool")["Schema"]}
    assert attributes == {"email", "organization_id"}
