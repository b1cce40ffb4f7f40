"""The rest: endpoint, pipeline and API. It keeps nothing, and can be torn down and built again around the data."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from infra.api import Api
from infra.broken_uploads import BrokenUploads
from infra.data import Data
from infra.layers import Layers
from infra.notifications import Notifications, Outcomes
from infra.pipeline import Pipeline
from infra.settings import Settings
from infra.sftp_endpoint import SftpEndpoint
from infra.sweep import Sweep


class Service(cdk.Stack):
    """The stateless stack."""

    def __init__(self, scope: Construct, settings: Settings, data: Data) -> None:
        super().__init__(scope, settings.stack_name("Service"), description="Rosterbridge: endpoint, pipeline, API")
        layers = Layers(self, settings=settings)
        self.endpoint = SftpEndpoint(self, settings=settings, data=data, layers=layers)
        self.outcomes = Outcomes(self)
        self.pipeline = Pipeline(self, settings=settings, data=data, layers=layers, outcomes=self.outcomes.queue)
        self.broken_uploads = BrokenUploads(self, server=self.endpoint.server, receive=self.pipeline.receive)
        self.notifications = Notifications(
            self, settings=settings, data=data, layers=layers, outcomes=self.outcomes.queue
        )
        self.api = Api(
            self,
            settings=settings,
            data=data,
            layers=layers,
            endpoint=self.endpoint,
            runs=self.pipeline.runs,
            notice_topic=self.notifications.topic,
        )
        self.sweep = Sweep(self, settings=settings, data=data, layers=layers, runs=self.pipeline.runs)
        self._tell(data)

    def _tell(self, data: Data) -> None:
        sign_in = data.sign_in
        outputs = {
            "ApiUrl": self.api.http_api.api_endpoint,
            "ApiId": self.api.http_api.api_id,
            "UserPoolId": sign_in.pool.user_pool_id,
            "CliClientId": sign_in.cli.user_pool_client_id,
            "ConsoleClientId": sign_in.console.user_pool_client_id,
            "SignInDomain": f"{sign_in.domain.domain_name}.auth.{self.region}.amazoncognito.com",
            "SftpHost": self.endpoint.host,
            "SftpServerId": self.endpoint.server.attr_server_id,
            "AccountTable": data.accounts.table_name,
            "RunTable": data.runs.table_name,
            "AuditTable": data.audit.table_name,
            "RunBucket": data.run_files.bucket_name,
            "HomeBucket": data.home.bucket_name,
            "KeyArn": data.key.key_arn,
            "RunsStateMachine": self.pipeline.runs.state_machine_arn,
        }
        for name, value in outputs.items():
            cdk.CfnOutput(self, name, value=value).override_logical_id(name)
