"""A dry run: a file posted to S3 is looked at by one function as its flow would, and nothing is sent."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from infra.acknowledge import acknowledge, wildcard_objects
from infra.data import DRY_RUNS, LANES, Data, lane_statement, note_statement
from infra.key_use import READ_AND_WRITE
from infra.lambda_function import LambdaFunction
from infra.layers import Layers
from infra.pipeline import STEP_MEMORY, STEP_STORAGE
from infra.settings import Settings

# What is written into the record of a dry run; nothing that signing in or sending rests on has such a name
FOUND = ("status", "verdict", "summary", "error", "counts")
FULL_SETS, REPORTS, SOURCES = "runs/*/full-set.zip", f"{DRY_RUNS}*/report.json", f"{DRY_RUNS}*/source.zip"


class DryRuns(Construct):
    """The function, which ``receive`` starts when the file has come."""

    def __init__(
        self, scope: Construct, *, settings: Settings, data: Data, layers: Layers, receive: LambdaFunction
    ) -> None:
        super().__init__(scope, "DryRuns")
        self._data = data
        self.dry_run = LambdaFunction(
            self,
            "dry_run",
            settings=settings,
            layers=layers,
            uses=("roster",),
            memory=STEP_MEMORY,
            timeout=cdk.Duration.minutes(10),
            storage=STEP_STORAGE,
            environment={"ACCOUNT_TABLE": data.accounts.table_name, "RUN_TABLE": data.runs.table_name},
            failures="Whoever asked for the dry run sees that it failed, and starts another one",
        )
        self._allow_tables()
        self._allow_files()
        receive.function.add_environment("DRY_RUN_FUNCTION", self.dry_run.live.function_arn)
        receive.allow("lambda:InvokeFunction", resources=[self.dry_run.live.function_arn])

    def _allow_tables(self) -> None:
        data = self._data
        self.dry_run.allow("dynamodb:GetItem", resources=[data.accounts.table_arn, data.runs.table_arn])
        self.dry_run.role.add_to_policy(lane_statement(data.accounts, "Query"))
        self.dry_run.role.add_to_policy(note_statement(data.accounts, *FOUND))
        self.dry_run.allow_key(data.key, *READ_AND_WRITE, through=["dynamodb", "s3"])

    def _allow_files(self) -> None:
        files = self._data.run_files
        self.dry_run.allow("s3:ListBucket", resources=[files.bucket_arn])  # or a missing object would be "forbidden"
        self.dry_run.allow("s3:GetObjectVersion", resources=[files.arn_for_objects(SOURCES)])
        read = [files.arn_for_objects(place) for place in (FULL_SETS, f"{LANES}*")]
        self.dry_run.allow("s3:GetObject", resources=read)
        self.dry_run.allow("s3:PutObject", resources=[files.arn_for_objects(REPORTS)])
        reason = "Every dry run, run and flow keeps its files in a folder of its own"
        places = (SOURCES, REPORTS, FULL_SETS, f"{LANES}*")
        acknowledge(self.dry_run.role, {wildcard_objects(files, place): reason for place in places})
