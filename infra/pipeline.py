"""What happens to an upload: receive starts an execution, which validates, converts, forwards and closes the record."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra import run_states
from infra.acknowledge import acknowledge, wildcard_objects
from infra.data import LANES, RECEIVE_TIMEOUT, Data, circuit_statement, lane_statement, note_statement, upload_statement
from infra.key_use import READ, READ_AND_WRITE, key_statement, secret_statement
from infra.lambda_function import LambdaFunction
from infra.large_packages import LargePackages
from infra.layers import Layers
from infra.network import Network
from infra.queues import build_dead_letter_queue
from infra.settings import Settings
from infra.state_machine import build_state_machine

STEP_MEMORY = 3008  # MB: a district of a million pupils
STEP_STORAGE = cdk.Size.gibibytes(4)
FORWARD_DATA = "runs/*/steps/forward.json"
WRITES = ("s3:PutObject", "s3:AbortMultipartUpload")
# What a step does with the lane of its flow, which each of them reads and writes, and with the files beside it
LEAVE_LANES = ("validate", "convert")
LANE_FILES = {
    "validate": ("s3:GetObject",),
    "guard": ("s3:GetObject",),
    "forward": ("s3:PutObject", "s3:DeleteObject"),
}


class Pipeline(Construct):
    """The functions of a run, the state machine that chains them, and the one that closes what it could not."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        data: Data,
        layers: Layers,
        outcomes: sqs.IQueue,
        network: Network | None,
    ) -> None:
        super().__init__(scope, "Pipeline")
        self._outcomes = outcomes
        self._settings = settings
        self._data = data
        self._layers = layers
        self.validate = self._build_step("validate", uses=("roster",), memory=STEP_MEMORY, writes=WRITES)
        self.convert = self._build_step("convert", uses=("roster",), memory=STEP_MEMORY, writes=WRITES)
        self.guard = self._build_guard()
        self.forward = self._build_forward()
        large = self._build_large_packages(network) if network and settings.large_packages else None
        self.runs = self._build_state_machine(
            "Runs",
            run_states.main_chain(
                self,
                table=data.runs,
                outcomes=outcomes,
                steps=run_states.StepFunctions(
                    validate=self.validate.live,
                    convert=self.convert.live,
                    guard=self.guard.live,
                    forward=self.forward.live,
                ),
                settings=settings,
                large=large,
            ),
            timeout=cdk.Duration.days(run_states.DAYS),
        )
        if large:
            self._allow_large_packages(large)
        self.receive = self._build_receive()
        self._close_what_ended_outside()

    def _build_step(
        self, name: str, *, uses: tuple[str, ...], memory: int, writes: tuple[str, ...] = (), **environment: str
    ) -> LambdaFunction:
        function = LambdaFunction(
            self,
            name,
            settings=self._settings,
            layers=self._layers,
            uses=uses,
            memory=memory,
            timeout=cdk.Duration.minutes(10),
            storage=STEP_STORAGE,
            environment={
                "ACCOUNT_TABLE": self._data.accounts.table_name,
                "RUN_TABLE": self._data.runs.table_name,
                **environment,
            },
        )
        files = self._data.run_files
        accounts = self._data.accounts
        function.allow("dynamodb:GetItem", resources=[accounts.table_arn])
        leave = ("DeleteItem",) if name in LEAVE_LANES else ()
        function.role.add_to_policy(lane_statement(accounts, "Query", "UpdateItem", *leave))
        function.allow("dynamodb:GetItem", "dynamodb:UpdateItem", resources=[self._data.runs.table_arn])
        function.allow("s3:ListBucket", resources=[files.bucket_arn])  # or a missing object would be "forbidden"
        function.allow("s3:GetObject", *writes, resources=[files.arn_for_objects("runs/*")])
        if lane_files := LANE_FILES.get(name):
            function.allow(*lane_files, resources=[files.arn_for_objects(f"{LANES}*")])
            reason = "Every flow keeps files of its last run in a folder of its own"
            acknowledge(function.role, {wildcard_objects(files, f"{LANES}*"): reason})
        function.allow_key(self._data.key, *READ_AND_WRITE, through=["dynamodb", "s3"])
        reason = "Every run keeps its files in a folder of its own"
        acknowledge(function.role, {wildcard_objects(files, "runs/*"): reason})
        return function

    def _build_guard(self) -> LambdaFunction:
        guard = self._build_step(
            "guard",
            uses=("roster",),
            memory=STEP_MEMORY,
            writes=WRITES,
            HOLD_DAYS=str(self._settings.hold_days),
            OUTCOMES_QUEUE_URL=self._outcomes.queue_url,
        )
        guard.allow("sqs:SendMessage", resources=[self._outcomes.queue_arn])
        guard.allow("states:SendTaskSuccess", resources=["*"])  # an execution that waits is known by its token alone
        return guard

    def _build_forward(self) -> LambdaFunction:
        forward = self._build_step(
            "forward",
            uses=("sftp",),
            memory=1024,
            KEY_ARN=self._data.key.key_arn,
            PRIVATE_ASM_HOSTS=str(self._settings.private_asm_hosts).lower(),
            CIRCUIT_FAILURES=str(self._settings.circuit_failures),
            CIRCUIT_OPEN_SECONDS=str(self._settings.circuit_open_seconds),
            CIRCUIT_LONGEST_SECONDS=str(self._settings.circuit_longest_seconds),
        )
        forward.role.add_to_policy(secret_statement(self._data.key, *READ))
        forward.role.add_to_policy(circuit_statement(self._data.accounts))
        forward.allow("states:SendTaskSuccess", resources=["*"])
        files = self._data.run_files
        forward.allow("s3:PutObject", resources=[files.arn_for_objects(FORWARD_DATA)])
        reason = "What the step itself saves, beside the files of any run"
        acknowledge(forward.role, {wildcard_objects(files, FORWARD_DATA): reason})
        if self._settings.apple_connections:  # or those that Apple refuses would come again hours later
            function = forward.function.node.default_child
            assert isinstance(function, lambda_.CfnFunction)  # noqa: S101 narrows the type
            function.reserved_concurrent_executions = self._settings.apple_connections
        return forward

    def _build_large_packages(self, network: Network) -> LargePackages:
        large = LargePackages(
            self, settings=self._settings, network=network, layers=self._layers, files=self._data.run_files
        )
        for step in (self.validate, self.convert, self.guard):
            large.lend(step)
        return large

    def _allow_large_packages(self, large: LargePackages) -> None:
        large.grant_running(self.runs)
        self.runs.add_to_role_policy(key_statement(self._data.key, *READ, through=["s3"]))
        reason = "The state machine asks for the size of any run's upload, which has a folder of its own"
        acknowledge(self.runs, {wildcard_objects(self._data.run_files, "runs/*"): reason})

    def _build_receive(self) -> LambdaFunction:
        receive = LambdaFunction(
            self,
            "receive",
            settings=self._settings,
            layers=self._layers,
            uses=(),
            memory=512,
            timeout=RECEIVE_TIMEOUT,
            environment={
                "ACCOUNT_TABLE": self._data.accounts.table_name,
                "RUN_TABLE": self._data.runs.table_name,
                "RUN_BUCKET": self._data.run_files.bucket_name,
                "STATE_MACHINE_ARN": self.runs.state_machine_arn,
                "OUTCOMES_QUEUE_URL": self._outcomes.queue_url,
                "HOME_BUCKET": self._data.home.bucket_name,
                "RUN_RETENTION_DAYS": str(self._settings.run_retention_days),
                "UPLOADS_PER_DAY": str(self._settings.uploads_per_day),
                "UPLOAD_BYTES_PER_DAY": str(self._settings.upload_bytes_per_day),
                "MAX_UPLOAD_BYTES": str(self._settings.max_upload_bytes),
            },
        )
        home, files = self._data.home, self._data.run_files
        receive.allow("dynamodb:GetItem", "dynamodb:Query", resources=[self._data.accounts.table_arn])
        receive.role.add_to_policy(note_statement(self._data.accounts, "last_upload_at"))
        receive.role.add_to_policy(lane_statement(self._data.accounts, "PutItem", "UpdateItem", "DeleteItem"))
        receive.role.add_to_policy(upload_statement(self._data.accounts))
        receive.allow(
            *("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"), resources=[self._data.runs.table_arn]
        )
        # or a missing object, or a missing version of it, would be "forbidden"
        receive.allow("s3:ListBucket", "s3:ListBucketVersions", resources=[home.bucket_arn])
        receive.allow(
            *("s3:GetObjectVersion", "s3:DeleteObject", "s3:DeleteObjectVersion"),
            resources=[home.arn_for_objects("home/*")],
        )
        receive.allow(*WRITES, resources=[files.arn_for_objects("runs/*")])
        receive.allow_key(self._data.key, *READ_AND_WRITE, through=["dynamodb", "s3"])
        receive.allow("states:StartExecution", resources=[self.runs.state_machine_arn])
        receive.allow("sqs:SendMessage", resources=[self._outcomes.queue_arn])
        acknowledge(
            receive.role,
            {
                wildcard_objects(home, "home/*"): "Takes every account's uploads out of its home",
                wildcard_objects(files, "runs/*"): "Every run keeps its files in a folder of its own",
            },
        )
        self._feed(receive)
        return receive

    def _feed(self, receive: LambdaFunction) -> None:
        receive.allow_polling(self._data.uploads)
        mapping = receive.live.add_event_source_mapping(
            "Uploads", event_source_arn=self._data.uploads.queue_arn, batch_size=10, report_batch_item_failures=True
        )
        acknowledge(
            mapping,
            {
                "Serverless-LambdaEventSourceMappingDestination": (
                    "Lambda knows no such destination for SQS: the queue's own redrive policy keeps what failed"
                )
            },
        )

    def _build_state_machine(self, name: str, chain: sfn.IChainable, *, timeout: cdk.Duration) -> sfn.StateMachine:
        machine = build_state_machine(self, name, chain, settings=self._settings, timeout=timeout)
        machine.add_to_role_policy(key_statement(self._data.key, *READ, through=["dynamodb"]))
        return machine

    def _close_what_ended_outside(self) -> None:
        """Close the record of an execution that was aborted, timed out or failed where nothing can be caught."""
        self.dead_endings = self._build_dead_endings()
        self.closing = self._build_state_machine(
            "Closing",
            run_states.closing_chain(self, table=self._data.runs, outcomes=self._outcomes),
            timeout=cdk.Duration.minutes(10),
        )
        events.Rule(
            self,
            "EndedOutside",
            description="Executions of runs that ended without success",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "status": ["FAILED", "TIMED_OUT", "ABORTED"],
                    "stateMachineArn": [self.runs.state_machine_arn],
                },
            ),
            targets=[
                targets.SfnStateMachine(
                    self.closing,
                    input=events.RuleTargetInput.from_object({"run_id": events.EventField.from_path("$.detail.name")}),
                    dead_letter_queue=self.dead_endings,
                    retry_attempts=10,
                )
            ],
        )

    def _build_dead_endings(self) -> sqs.Queue:
        queue = build_dead_letter_queue(self, "DeadEndings")
        acknowledge(
            queue, {"AwsSolutions-SQS3": "It is the dead-letter queue of the rule's target, which nag overlooks"}
        )
        return queue
