"""The rest: endpoint, pipeline and API. It keeps nothing, and can be torn down and built again around the data."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.api import Api
from infra.broken_uploads import BrokenUploads
from infra.canary import Canary
from infra.console import Console
from infra.data import Data
from infra.dry_runs import DryRuns
from infra.erasure import Erasure
from infra.layers import Layers
from infra.monitoring import Monitoring
from infra.network import Network
from infra.notifications import Notifications, Outcomes
from infra.observed import Observed, functions_of, queues_of
from infra.pipeline import Pipeline
from infra.publishing import Publishing
from infra.settings import Settings
from infra.sftp_endpoint import SftpEndpoint
from infra.state_machine import execution_log
from infra.sweep import Sweep


class Service(cdk.Stack):
    """The stateless stack."""

    def __init__(self, scope: Construct, settings: Settings, data: Data) -> None:
        super().__init__(scope, settings.stack_name("Service"), description="Rosterbridge: endpoint, pipeline, API")
        layers = Layers(self, settings=settings)
        network = Network(self, settings=settings, addresses=data.addresses) if settings.needs_network else None
        self.endpoint = SftpEndpoint(self, settings=settings, data=data, layers=layers, network=network)
        self.outcomes = Outcomes(self)
        self.pipeline = Pipeline(
            self, settings=settings, data=data, layers=layers, outcomes=self.outcomes.queue, network=network
        )
        if network is not None and settings.fixed_egress:
            network.place(self.pipeline.forward)
        self.dry_runs = DryRuns(self, settings=settings, data=data, layers=layers, receive=self.pipeline.receive)
        self.broken_uploads = BrokenUploads(self, server=self.endpoint.server, receive=self.pipeline.receive)
        self.console = Console(self, settings=settings, data=data)
        self.notifications = Notifications(
            self,
            settings=settings,
            data=data,
            layers=layers,
            outcomes=self.outcomes.queue,
            console_origin=settings.console_origin or self.console.origin,
        )
        self.erasure = Erasure(
            self,
            settings=settings,
            data=data,
            layers=layers,
            runs=self.pipeline.runs,
            notice_topic=self.notifications.topic,
        )
        self.api = Api(
            self,
            settings=settings,
            data=data,
            layers=layers,
            endpoint=self.endpoint,
            runs=self.pipeline.runs,
            notice_topic=self.notifications.topic,
            erasures=self.erasure.jobs,
            console=self.console,
        )
        self._publish(settings, data, layers)
        self.sweep = Sweep(self, settings=settings, data=data, layers=layers, runs=self.pipeline.runs)
        if settings.deployment == "canary" and not settings.local:
            Canary(self, settings=settings, functions=functions_of(self))
        self._tell_operators_of_logs(settings)
        self.monitoring = self._watch(settings, data)
        self._encrypt_logs(data)
        self._tell(settings, data)

    def _publish(self, settings: Settings, data: Data, layers: Layers) -> None:
        """Bring the console's pages to where they are served from, once it is known whom they call."""
        console, api = self.console, self.api.http_api.api_endpoint
        if console.bucket is None:
            return
        config = {
            "api": api,
            "sign_in": console.sign_in,
            "region": self.region,
            "user_pool_id": data.sign_in.pool.user_pool_id,
            "client_id": console.client.user_pool_client_id,
        }
        Publishing(
            self,
            settings=settings,
            layers=layers,
            bucket=console.bucket,
            config=config,
            connect=[api, console.sign_in, *console.files],
        )

    def _tell_operators_of_logs(self, settings: Settings) -> None:
        """Let the API name the log groups in which a run leaves something."""
        pipeline = self.pipeline
        functions = (pipeline.receive, pipeline.validate, pipeline.convert, pipeline.guard, pipeline.forward)
        groups = [function.log_group.log_group_name for function in (*functions, self.notifications.notify)]
        groups.append(execution_log(settings, "Runs"))
        self.api.api.function.add_environment("RUN_LOG_GROUPS", ",".join(groups))

    def _watch(self, settings: Settings, data: Data) -> Monitoring:
        """Build what watches everything that is there by now."""
        queues, dead_letters = queues_of(data, self)
        observed = Observed(
            functions=functions_of(self),
            runs=self.pipeline.runs,
            closing=self.pipeline.closing,
            erasures=self.erasure.jobs,
            queues=queues,
            dead_letters=dead_letters,
            tables={"accounts": data.accounts, "runs": data.runs, "audit": data.audit},
            api_id=self.api.http_api.api_id,
            server_id=self.endpoint.server.attr_server_id,
        )
        return Monitoring(
            self, settings=settings, observed=observed, session_log=self.endpoint.session_log, key=data.key
        )

    def _encrypt_logs(self, data: Data) -> None:
        """Encrypt every log group of the stack, whichever construct it belongs to; what comes later is not seen."""
        for found in self.node.find_all():
            if isinstance(found, logs.CfnLogGroup):
                found.kms_key_id = data.key.key_arn

    def _tell(self, settings: Settings, data: Data) -> None:
        sign_in = data.sign_in
        outputs = {
            "ApiUrl": self.api.http_api.api_endpoint,
            "ApiId": self.api.http_api.api_id,
            "UserPoolId": sign_in.pool.user_pool_id,
            "CliClientId": sign_in.cli.user_pool_client_id,
            "ConsoleClientId": self.console.client.user_pool_client_id,
            "SignInDomain": sign_in.host,
            "SftpHost": self.endpoint.host,
            "SftpServerId": self.endpoint.server.attr_server_id,
            "AccountTable": data.accounts.table_name,
            "RunTable": data.runs.table_name,
            "AuditTable": data.audit.table_name,
            "RunBucket": data.run_files.bucket_name,
            "HomeBucket": data.home.bucket_name,
            "KeyArn": data.key.key_arn,
            "RunsStateMachine": self.pipeline.runs.state_machine_arn,
            "ClosingStateMachine": self.pipeline.closing.state_machine_arn,
            "DeadEndings": self.pipeline.dead_endings.queue_url,
            "RunRetentionDays": str(settings.run_retention_days),
            "AuditRetentionDays": str(settings.audit_retention_days),
            **self.endpoint.outputs,
            **({"EgressAddress": data.addresses.egress.ref} if data.addresses.egress else {}),
            **self.console.outputs,
            **{f"{name}Dashboard": url for name, url in self.monitoring.dashboards.items()},
            "TestSignIn": _test_sign_in(self.endpoint.server.attr_server_id, self.region),
            "FirstOperator": _first_operator(sign_in.pool.user_pool_id, self.region),
        }
        for name, value in outputs.items():
            cdk.CfnOutput(self, name, value=value).override_logical_id(name)


def _test_sign_in(server_id: str, region: str) -> str:
    """Return the command that shows how the endpoint answers a file account; words in capitals are to be replaced."""
    return (
        f"aws transfer test-identity-provider --region {region} --server-id {server_id} --server-protocol SFTP "
        "--source-ip 192.0.2.1 --user-name USER --user-password PASSWORD"
    )


def _first_operator(pool_id: str, region: str) -> str:
    """Return the commands that make the first operator, likewise."""
    whom = f"--region {region} --user-pool-id {pool_id} --username ADDRESS"
    return (
        f"aws cognito-idp admin-create-user {whom} "
        "--user-attributes Name=email,Value=ADDRESS Name=email_verified,Value=true && "
        f"aws cognito-idp admin-add-user-to-group {whom} --group-name operator"
    )
