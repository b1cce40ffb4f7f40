"""What must survive: uploads, runs' files, accounts, history, the key that they are encrypted with, and users."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.acknowledge import acknowledge
from infra.addresses import Addresses
from infra.buckets import build_bucket
from infra.queues import RETENTION, build_dead_letter_queue, build_queue
from infra.settings import Settings
from infra.sign_in import SignIn

RECEIVE_TIMEOUT = cdk.Duration.seconds(120)
MAX_RECEIVES = 5
# What a line of the history shows: an index that has it answers a list without the runs themselves
RUN_LINE = (
    "organization_id",
    "project_id",
    "flow_id",
    "flow_name",
    "status",
    "ended_at",
    "file_name",
    "file_bytes",
    "summary",
    "error",
    "rerun_of",
    "rows",
)
RUN_INDEXES = {"by-project": "project_key", "by-flow": "flow_key", "by-project-status": "project_status"}
EXPIRY = "expires_at"
DRY_RUN_FILE = "/source.zip"  # beside it lies the report, which starts nothing
LANES = "lanes/"  # what each flow's next run is compared with and built on: it has no end but the flow's
DRY_RUNS = "dry-runs/"  # the files of dry runs and their reports
MADE = "made/"  # what is made of runs' files for a download, and made again when it is asked for


class Data(cdk.Stack):
    """The stateful stack: protected against deletion, except on the embedded AWS."""

    def __init__(self, scope: Construct, settings: Settings) -> None:
        super().__init__(
            scope,
            settings.stack_name("Data"),
            description="Rosterbridge: what must survive",
            termination_protection=settings.keep_data,
        )
        self._settings = settings
        self._removal = cdk.RemovalPolicy.RETAIN if settings.keep_data else cdk.RemovalPolicy.DESTROY
        self.key = self._build_key()
        self._access_logs = self._build_access_log_bucket()
        self.dead_uploads = build_dead_letter_queue(self, "DeadUploads")
        self.uploads = build_queue(
            self,
            "Uploads",
            visibility_timeout=cdk.Duration.seconds(6 * RECEIVE_TIMEOUT.to_seconds()),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_uploads, max_receive_count=MAX_RECEIVES),
        )
        # a dead letter names a version of the upload, and may be sent again as long as the queue keeps it
        self.home = self._build_bucket("Home", prefix="home/", noncurrent_days=RETENTION.to_days())
        self.run_files = self._build_run_files()
        self._announce_uploads()
        self.accounts = self._build_account_table()
        self.runs = self._build_run_table()
        self.audit = self._build_audit_table()
        self.sign_in = SignIn(self, settings=settings)
        self.host_keys = self._build_host_key_secret()
        self.addresses = Addresses(self, settings=settings)

    def _build_key(self) -> kms.Key:
        key = kms.Key(
            self,
            "Key",
            description="Rosterbridge: uploads, accounts, history, logs and stored passwords",
            enable_key_rotation=True,
            removal_policy=self._removal,
        )
        key.add_to_resource_policy(_log_statement(self))
        return key

    def _build_access_log_bucket(self) -> s3.Bucket:
        bucket = build_bucket(
            self,
            "AccessLogs",
            encryption=s3.BucketEncryption.S3_MANAGED,
            removal=self._removal,
            lifecycle_rules=[s3.LifecycleRule(expiration=cdk.Duration.days(self._settings.log_retention_days))],
        )
        acknowledge(
            bucket,
            {
                "NIST.800.53.R5-S3DefaultEncryptionKMS": "S3 delivers access logs to no bucket that KMS encrypts",
                "NIST.800.53.R5-S3BucketVersioningEnabled": "S3 writes each log once, under a name of its own",
                "NIST.800.53.R5-S3BucketReplicationEnabled": "Logs of access that end with log_retention_days",
            },
        )
        return bucket

    def _build_bucket(self, name: str, *, prefix: str, noncurrent_days: float) -> s3.Bucket:
        """Build a versioned, encrypted bucket in which nothing, as current and older version, outstays the settings."""
        kept = self._settings.data_retention_days
        noncurrent = max(1, min(noncurrent_days, kept - 1))
        bucket = build_bucket(
            self,
            name,
            versioned=True,  # a run is made of an object version, so an overwrite meanwhile changes nothing
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            minimum_tls_version=1.2,
            server_access_logs_bucket=self._access_logs,
            server_access_logs_prefix=prefix,
            removal=self._removal,
            lifecycle_rules=[
                s3.LifecycleRule(
                    prefix=prefix,
                    expiration=cdk.Duration.days(max(1, kept - noncurrent)),
                    noncurrent_version_expiration=cdk.Duration.days(noncurrent),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
                ),
                s3.LifecycleRule(expired_object_delete_marker=True),
            ],
        )
        reason = "Pupils' data stays in one region, for data_retention_days; what is lost the SIS uploads anew"
        acknowledge(bucket, {"NIST.800.53.R5-S3BucketReplicationEnabled": reason})
        return bucket

    def _build_run_files(self) -> s3.Bucket:
        """Build the bucket of runs' files; the console's users post the files of dry runs to it."""
        bucket = self._build_bucket("RunFiles", prefix="runs/", noncurrent_days=1)
        day = cdk.Duration.days(1)
        for prefix in (MADE, DRY_RUNS):
            bucket.add_lifecycle_rule(prefix=prefix, expiration=day, noncurrent_version_expiration=day)
        # the files of lanes stay with their flows; only what was removed of them goes
        bucket.add_lifecycle_rule(
            prefix=LANES, noncurrent_version_expiration=day, abort_incomplete_multipart_upload_after=day
        )
        if origins := self._settings.posting_origins:
            bucket.add_cors_rule(allowed_methods=[s3.HttpMethods.POST], allowed_origins=list(origins), max_age=3600)
        return bucket

    def _build_host_key_secret(self) -> secretsmanager.CfnSecret:
        """Build the secret of the SFTP endpoint's keys, empty until the first are made: CDK's own would fill it."""
        secret = secretsmanager.CfnSecret(
            self,
            "HostKeys",
            description="Rosterbridge: the private keys by which clients know the SFTP endpoint",
            kms_key_id=self.key.key_arn,
        )
        secret.apply_removal_policy(self._removal)
        reason = "Clients know these keys: they are to stay as long as the endpoint"
        acknowledge(secret, {"AwsSolutions-SMG4": reason, "NIST.800.53.R5-SecretsManagerRotationEnabled": reason})
        return secret

    def _announce_uploads(self) -> None:
        """Send the notice of each upload, by SFTP or for a dry run, to the queue: S3 delivers it at least once.

        Written on the resource itself, since CDK's helper brings a function with rights on every bucket. The queue
        trusts S3 for this account; naming the bucket too would make the two depend on each other.
        """
        self.uploads.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self.uploads.queue_arn],
                conditions={"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}},
            )
        )
        self._announce(self.home, prefix="home/")
        self._announce(self.run_files, prefix=DRY_RUNS, suffix=DRY_RUN_FILE)

    def _announce(self, bucket: s3.Bucket, **places: str) -> None:
        resource = bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)  # noqa: S101 narrows the type
        rules = [s3.CfnBucket.FilterRuleProperty(name=name, value=value) for name, value in places.items()]
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            queue_configurations=[
                s3.CfnBucket.QueueConfigurationProperty(
                    event="s3:ObjectCreated:*",
                    queue=self.uploads.queue_arn,
                    filter=s3.CfnBucket.NotificationFilterProperty(
                        s3_key=s3.CfnBucket.S3KeyFilterProperty(rules=rules)
                    ),
                )
            ]
        )
        bucket.node.add_dependency(self.uploads.node.find_child("Policy"))

    def _build_account_table(self) -> dynamodb.Table:
        """Build the table of accounts, in which only records of requests expire."""
        return self._build_table(
            "Accounts", partition_key=_text("pk"), sort_key=_text("sk"), time_to_live_attribute=EXPIRY
        )

    def _build_run_table(self) -> dynamodb.Table:
        table = self._build_table("Runs", partition_key=_text("id"), time_to_live_attribute=EXPIRY)
        for name, partition in RUN_INDEXES.items():
            table.add_global_secondary_index(
                index_name=name,
                partition_key=_text(partition),
                sort_key=_text("received_at"),
                projection_type=dynamodb.ProjectionType.INCLUDE,
                non_key_attributes=list(RUN_LINE),
            )
        return table

    def _build_audit_table(self) -> dynamodb.Table:
        return self._build_table(
            "Audit", partition_key=_text("organization_id"), sort_key=_text("sk"), time_to_live_attribute=EXPIRY
        )

    def _build_table(self, name: str, **options: Any) -> dynamodb.Table:
        table = dynamodb.Table(
            self,
            name,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=self.key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=self._settings.keep_data,
            removal_policy=self._removal,
            **options,
        )
        reason = "Point-in-time recovery has every second of the last 35 days; older copies would outlive an erasure"
        acknowledge(table, {"NIST.800.53.R5-DynamoDBInBackupPlan": reason})
        return table


def note_statement(accounts: dynamodb.ITable, *attributes: str) -> iam.PolicyStatement:
    """Return the right to write some attributes of an organization's things, and nothing that signing in rests on."""
    return iam.PolicyStatement(
        actions=["dynamodb:UpdateItem"],
        resources=[accounts.table_arn],
        conditions={
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["organization#*"]},
            "ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", "sk", *attributes]},
            "StringEqualsIfExists": {"dynamodb:ReturnValues": ["NONE"]},
        },
    )


def score_statement(accounts: dynamodb.ITable) -> iam.PolicyStatement:
    """Return the right to count against whoever fails to sign in, and to write nothing else of the table."""
    return iam.PolicyStatement(
        actions=["dynamodb:UpdateItem"],
        resources=[accounts.table_arn],
        conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["sign-in#*"]}},
    )


def upload_statement(accounts: dynamodb.ITable) -> iam.PolicyStatement:
    """Return the right to count uploads and to note those that broke off, and to write nothing else of the table."""
    return iam.PolicyStatement(
        actions=["dynamodb:UpdateItem"],
        resources=[accounts.table_arn],
        conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["uploads#*", "upload#*"]}},
    )


def lane_statement(accounts: dynamodb.ITable, *actions: str) -> iam.PolicyStatement:
    """Return the right to ``actions`` on the lanes of flows, and on nothing else of the table."""
    return iam.PolicyStatement(
        actions=[f"dynamodb:{action}" for action in actions],
        resources=[accounts.table_arn],
        conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["lane#*"]}},
    )


def circuit_statement(accounts: dynamodb.ITable) -> iam.PolicyStatement:
    """Return the right to write what is known of Apple's hosts, and nothing else of the table."""
    return iam.PolicyStatement(
        actions=["dynamodb:PutItem", "dynamodb:DeleteItem"],
        resources=[accounts.table_arn],
        conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["circuit#*"]}},
    )


def _log_statement(stack: cdk.Stack) -> iam.PolicyStatement:
    """Return CloudWatch Logs' right to the key, for log groups of this account and region alone."""
    groups = stack.format_arn(
        service="logs", resource="log-group", resource_name="*", arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
    )
    return iam.PolicyStatement(
        principals=[iam.ServicePrincipal(f"logs.{cdk.Aws.REGION}.amazonaws.com")],
        # the wildcards are AWS's own list: it names no single actions for log groups
        actions=["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        resources=["*"],
        conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
    )


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
