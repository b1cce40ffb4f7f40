"""The SFTP endpoint's host keys: a secret that stays, and a function that brings them to the server."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_transfer as transfer
from constructs import Construct

from infra.acknowledge import acknowledge
from infra.data import Data
from infra.key_use import READ_AND_WRITE
from infra.lambda_function import LambdaFunction
from infra.layers import Layers
from infra.settings import Settings


class HostKeys(Construct):
    """The function and the resource by which CloudFormation calls it; ``fingerprints`` are what clients compare."""

    def __init__(
        self, scope: Construct, *, settings: Settings, data: Data, layers: Layers, server: transfer.CfnServer
    ) -> None:
        super().__init__(scope, "HostKeys")
        secret = settings.host_key_secret or data.host_keys.ref
        self.install = LambdaFunction(
            self,
            "host_keys",
            settings=settings,
            layers=layers,
            uses=("sftp",),  # cryptography, which makes and reads the keys
            memory=1769,  # one whole processor: an RSA key takes seconds to find
            timeout=cdk.Duration.minutes(2),
            environment={"HOST_KEY_SECRET": secret, "SFTP_SERVER_ID": server.attr_server_id},
            failures="It answers CloudFormation itself, which tells the operator who deploys",
        )
        self._allow(settings, data, server)
        resource = cdk.CustomResource(
            self,
            "Installed",
            resource_type="Custom::HostKeys",
            service_token=self.install.function.function_arn,
            service_timeout=cdk.Duration.minutes(10),
            # another server or another secret calls it again
            properties={"ServerId": server.attr_server_id, "Secret": secret},
        )
        resource.node.add_dependency(self.install.role)
        self.fingerprints = resource.get_att_string("Fingerprints")

    def _allow(self, settings: Settings, data: Data, server: transfer.CfnServer) -> None:
        """Allow to read the secret, to fill our own one, and to change the keys of this server alone."""
        if settings.host_key_secret:
            self.install.allow("secretsmanager:GetSecretValue", resources=[settings.host_key_secret])
        else:
            actions = ("secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue")
            self.install.allow(*actions, resources=[data.host_keys.ref])
            self.install.allow_key(data.key, *READ_AND_WRITE, through=["secretsmanager"])
        self.install.allow("transfer:ListHostKeys", "transfer:ImportHostKey", resources=[server.attr_arn])
        keys = cdk.Stack.of(self).format_arn(
            service="transfer", resource="host-key", resource_name=f"{server.attr_server_id}/*"
        )
        self.install.allow("transfer:DeleteHostKey", resources=[keys])
        found = f"<{cdk.Stack.of(self).get_logical_id(server)}.ServerId>"
        place = f"arn:<AWS::Partition>:transfer:<AWS::Region>:<AWS::AccountId>:host-key/{found}/*"
        reason = "Any key of this server: those that are not in the secret have ids that nobody knows beforehand"
        acknowledge(self.install.role, {f"AwsSolutions-IAM5[Resource::{place}]": reason})
