import json
from typing import Any

import pytest

from rosterbridge.flows.dry_runs import REPORT
from rosterbridge.flows.lanes import lane_folder
from rosterbridge.flows.models import AsmAccount, FileAccount, Flow, Organization, Project, RunSummary
from rosterbridge.flows.run_files import dry_run_folder, dry_run_object, made_object
from tests.infra.assembly import Assembly, Template, as_list, as_text

BUCKETS = ("Home", "RunFiles")
EVERY_BUCKET = (*BUCKETS, "AccessLogs")
QUEUES = ("Uploads", "DeadUploads")
TABLES = ("Accounts", "Runs", "Audit")


def test_what_must_survive_outlives_its_stack(data: Template) -> None:
    kinds = ("KMS::Key", "S3::Bucket", "DynamoDB::Table", "SecretsManager::Secret")
    kept = [found for kind in kinds for found in data.all(kind).values()]

    assert len(kept) == 1 + len(EVERY_BUCKET) + len(TABLES) + 1
    assert {(found["DeletionPolicy"], found["UpdateReplacePolicy"]) for found in kept} == {("Retain", "Retain")}


def test_the_key_changes_each_year(data: Template) -> None:
    assert data.one("KMS::Key")["EnableKeyRotation"] is True


def test_every_log_is_encrypted_with_our_key(service: Template) -> None:
    groups = service.all("Logs::LogGroup").values()

    assert len(groups) > 10
    assert all("GetAttKey" in group["Properties"]["KmsKeyId"]["Fn::ImportValue"] for group in groups)


def test_cloudwatch_uses_the_key_for_logs_of_this_account_and_region_alone(data: Template) -> None:
    (logs,) = [
        statement
        for statement in data.one("KMS::Key")["KeyPolicy"]["Statement"]
        if "logs." in json.dumps(statement["Principal"])
    ]

    assert as_text(logs["Principal"]["Service"]) == "logs.Region.amazonaws.com"
    assert as_text(logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]) == (
        "arn:aws:logs:Region:AccountId:log-group:*"
    )


@pytest.mark.parametrize("name", BUCKETS)
def test_files_are_encrypted_with_our_key_and_versioned(data: Template, name: str) -> None:
    bucket = data.one("S3::Bucket", name)
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]

    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]["Fn::GetAtt"][0].startswith("Key")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["LoggingConfiguration"]["DestinationBucketName"]["Ref"].startswith("AccessLogs")


@pytest.mark.parametrize("name", EVERY_BUCKET)
def test_no_bucket_can_be_opened_to_the_public(data: Template, name: str) -> None:
    bucket = data.one("S3::Bucket", name)

    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


@pytest.mark.parametrize("name", EVERY_BUCKET)
def test_no_bucket_answers_without_tls(data: Template, name: str) -> None:
    denied = [
        statement["Condition"]
        for statement in data.one("S3::BucketPolicy", name)["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
    ]

    assert {"Bool": {"aws:SecureTransport": "false"}} in denied
    if name in BUCKETS:
        assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in denied


@pytest.mark.parametrize(("name", "noncurrent"), [("Home", 14), ("RunFiles", 1)])
def test_no_file_stays_longer_than_the_settings_say(data: Template, name: str, noncurrent: int) -> None:
    expiry, markers = data.one("S3::Bucket", name)["LifecycleConfiguration"]["Rules"][:2]

    assert expiry["Prefix"] == {"Home": "home/", "RunFiles": "runs/"}[name]
    assert expiry["NoncurrentVersionExpiration"]["NoncurrentDays"] == noncurrent
    assert expiry["ExpirationInDays"] + noncurrent == 30
    assert expiry["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert markers["ExpiredObjectDeleteMarker"] is True


def test_what_is_made_for_a_download_stays_for_a_day(data: Template) -> None:
    made, *_ = data.one("S3::Bucket", "RunFiles")["LifecycleConfiguration"]["Rules"][2:]

    older = {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}}
    assert made == {"ExpirationInDays": 1, "Prefix": "made/", "Status": "Enabled", **older}
    assert made_object("bucket", "run", "errors.csv").key.startswith(made["Prefix"])
    assert len(data.one("S3::Bucket", "Home")["LifecycleConfiguration"]["Rules"]) == 2


def test_the_files_of_a_dry_run_stay_for_a_day(data: Template) -> None:
    _, dry_runs, _ = data.one("S3::Bucket", "RunFiles")["LifecycleConfiguration"]["Rules"][2:]

    older = {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}}
    assert dry_runs == {"ExpirationInDays": 1, "Prefix": "dry-runs/", "Status": "Enabled", **older}
    assert dry_run_folder("org-1").startswith(dry_runs["Prefix"])


def test_the_file_of_a_dry_run_is_announced_and_its_report_is_not(data: Template) -> None:
    (notice,) = data.one("S3::Bucket", "RunFiles")["NotificationConfiguration"]["QueueConfigurations"]
    places = {rule["Name"]: rule["Value"] for rule in notice["Filter"]["S3Key"]["Rules"]}
    source, report = (dry_run_object("bucket", "org-1", "dry-run-1", name).key for name in ("source.zip", REPORT))

    assert notice["Queue"]["Fn::GetAtt"][0].startswith("Uploads")
    assert source.startswith(places["prefix"])
    assert source.endswith(places["suffix"])
    assert not report.endswith(places["suffix"])


def test_only_the_console_may_post_files_and_only_there(data: Template, browser_assembly: Assembly) -> None:
    def rules(template: Template, bucket: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (
            template.one("S3::Bucket", bucket).get("CorsConfiguration", {}).get("CorsRules", [])
        )
        return found

    (usual,), (named,) = rules(data, "RunFiles"), rules(browser_assembly.data, "RunFiles")

    assert usual == {"AllowedMethods": ["POST"], "AllowedOrigins": ["https://*.cloudfront.net"], "MaxAge": 3600}
    assert named["AllowedOrigins"] == ["https://rosters.district.example", "https://console.example"]
    assert rules(browser_assembly.data, "Home") == []


def test_what_a_flow_needs_for_its_next_run_stays_until_it_is_replaced(data: Template) -> None:
    *_, lanes = data.one("S3::Bucket", "RunFiles")["LifecycleConfiguration"]["Rules"][2:]

    assert lanes["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
    assert "ExpirationInDays" not in lanes
    assert lane_folder("flow-1").startswith(lanes["Prefix"])


def test_access_logs_end_with_the_logs(data: Template) -> None:
    (rule,) = data.one("S3::Bucket", "AccessLogs")["LifecycleConfiguration"]["Rules"]

    assert rule["ExpirationInDays"] == 90


def test_every_object_in_a_home_is_announced_to_the_queue(data: Template) -> None:
    (notice,) = data.one("S3::Bucket", "Home")["NotificationConfiguration"]["QueueConfigurations"]

    assert notice["Event"] == "s3:ObjectCreated:*"
    assert notice["Filter"]["S3Key"]["Rules"] == [{"Name": "prefix", "Value": "home/"}]
    assert notice["Queue"]["Fn::GetAtt"][0].startswith("Uploads")


def test_only_s3_of_this_account_may_announce_and_its_right_is_there_before_the_bucket(data: Template) -> None:
    (policy_id,) = [name for name in data.all("SQS::QueuePolicy") if name.startswith("Uploads")]
    statements = data.resources[policy_id]["Properties"]["PolicyDocument"]["Statement"]
    (allowed,) = [statement for statement in statements if statement["Effect"] == "Allow"]
    (home,) = [found for name, found in data.all("S3::Bucket").items() if name.startswith("Home")]

    assert (allowed["Action"], allowed["Principal"]) == ("sqs:SendMessage", {"Service": "s3.amazonaws.com"})
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert policy_id in home["DependsOn"]


def test_a_notice_that_failed_five_times_waits_in_the_dead_letters(data: Template) -> None:
    redrive = data.one("SQS::Queue", "Uploads")["RedrivePolicy"]

    assert redrive["deadLetterTargetArn"]["Fn::GetAtt"][0].startswith("DeadUploads")
    assert redrive["maxReceiveCount"] == 5


@pytest.mark.parametrize("name", QUEUES)
def test_queues_are_encrypted_refuse_plain_http_and_keep_messages_for_two_weeks(data: Template, name: str) -> None:
    queue = data.one("SQS::Queue", name)
    statements = data.one("SQS::QueuePolicy", name)["PolicyDocument"]["Statement"]

    assert queue["SqsManagedSseEnabled"] is True
    assert queue["MessageRetentionPeriod"] == 14 * 86_400
    assert {"Bool": {"aws:SecureTransport": "false"}} in [
        statement["Condition"] for statement in statements if statement["Effect"] == "Deny"
    ]


def test_a_notice_stays_hidden_longer_than_its_function_may_work(data: Template, service: Template) -> None:
    receive = next(
        found["Properties"]
        for found in service.all("Lambda::Function").values()
        if found["Properties"]["FunctionName"].endswith("-receive")
    )

    assert data.one("SQS::Queue", "Uploads")["VisibilityTimeout"] >= 6 * receive["Timeout"]


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_encrypted_with_our_key_and_can_be_brought_back(data: Template, name: str) -> None:
    table = data.one("DynamoDB::Table", name)

    assert table["SSESpecification"]["KMSMasterKeyId"]["Fn::GetAtt"][0].startswith("Key")
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["DeletionProtectionEnabled"] is True
    assert table["BillingMode"] == "PAY_PER_REQUEST"


@pytest.mark.parametrize("name", TABLES)
def test_what_has_an_end_expires_by_itself(data: Template, name: str) -> None:
    assert data.one("DynamoDB::Table", name)["TimeToLiveSpecification"] == {
        "AttributeName": "expires_at",
        "Enabled": True,
    }


def test_nothing_that_an_administrator_creates_has_an_end() -> None:
    for thing in (Organization, Project, FileAccount, AsmAccount, Flow):
        assert "expires_at" not in thing.model_fields


@pytest.mark.parametrize(
    ("name", "key"), [("Accounts", ["pk", "sk"]), ("Runs", ["id"]), ("Audit", ["organization_id", "sk"])]
)
def test_items_are_found_by_the_keys_that_the_stores_use(data: Template, name: str, key: list[str]) -> None:
    table = data.one("DynamoDB::Table", name)

    assert [part["AttributeName"] for part in as_list(table["KeySchema"])] == key


def test_runs_are_found_by_project_by_flow_and_by_status_in_the_order_of_time(data: Template) -> None:
    indexes = data.one("DynamoDB::Table", "Runs")["GlobalSecondaryIndexes"]

    assert {index["IndexName"]: [key["AttributeName"] for key in as_list(index["KeySchema"])] for index in indexes} == {
        "by-project": ["project_key", "received_at"],
        "by-flow": ["flow_key", "received_at"],
        "by-project-status": ["project_status", "received_at"],
    }


def test_a_list_is_answered_by_an_index_alone_and_holds_no_more_than_its_lines(data: Template) -> None:
    for index in data.one("DynamoDB::Table", "Runs")["GlobalSecondaryIndexes"]:
        keys = {"id", *(key["AttributeName"] for key in as_list(index["KeySchema"]))}
        copied = index["Projection"]["NonKeyAttributes"]

        assert index["Projection"]["ProjectionType"] == "INCLUDE"
        assert len(set(copied)) == len(copied)
        assert set(copied) == RunSummary.model_fields.keys() - keys
