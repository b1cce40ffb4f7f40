"""The rest: endpoint and pipeline. It keeps nothing, and can be torn down and built again around the data."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from infra.data import Data
from infra.layers import Layers
from infra.pipeline import Pipeline
from infra.settings import Settings
from infra.sftp_endpoint import SftpEndpoint


class Service(cdk.Stack):
    """The stateless stack."""

    def __init__(self, scope: Construct, settings: Settings, data: Data) -> None:
        super().__init__(scope, settings.stack_name("Service"), description="Rosterbridge: endpoint and pipeline")
        layers = Layers(self, settings=settings)
        self.endpoint = SftpEndpoint(self, settings=settings, data=data, layers=layers)
        self.pipeline = Pipeline(self, settings=settings, data=data, layers=layers)
        self._tell(data)

    def _tell(self, data: Data) -> None:
        server = self.endpoint.server
        outputs = {
            "SftpHost": f"{server.attr_server_id}.server.transfer.{self.region}.{self.url_suffix}",
            "SftpServerId": server.attr_server_id,
            "AccountTable": data.accounts.table_name,
            "RunTable": data.runs.table_name,
            "RunBucket": data.run_files.bucket_name,
            "HomeBucket": data.home.bucket_name,
            "KeyArn": data.key.key_arn,
            "RunsStateMachine": self.pipeline.runs.state_machine_arn,
        }
        for name, value in outputs.items():
            cdk.CfnOutput(self, name, value=value).override_logical_id(name)
