"""The SFTP endpoint: Transfer Family, which asks the authenticate function about every client."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_transfer as transfer
from constructs import Construct

from infra.acknowledge import acknowledge, wildcard_objects
from infra.data import Data, note_statement, score_statement
from infra.key_use import READ, READ_AND_WRITE, key_statement
from infra.lambda_function import LambdaFunction, retention
from infra.layers import Layers
from infra.settings import Settings


class SftpEndpoint(Construct):
    """Server, identity provider, and the role that a client's session is confined from."""

    def __init__(self, scope: Construct, *, settings: Settings, data: Data, layers: Layers) -> None:
        super().__init__(scope, "SftpEndpoint")
        self._settings = settings
        self._data = data
        self.home_role = self._build_home_role()
        self.authenticate = self._build_authenticate(layers)
        self.server = self._build_server()
        self._let_the_server_ask()

    @property
    def host(self) -> str:
        """The name under which clients find the server."""
        own = f"{self.server.attr_server_id}.server.transfer.{cdk.Aws.REGION}.{cdk.Aws.URL_SUFFIX}"
        return self._settings.sftp_host or own

    def _build_home_role(self) -> iam.Role:
        """Build the role of every session; the authenticate function narrows it to one home by a session policy."""
        role = iam.Role(
            self,
            "HomeRole",
            assumed_by=_transfer_family(),
        )
        home = self._data.home
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[home.bucket_arn],
                conditions={"StringLike": {"s3:prefix": ["home/*"]}},
            )
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:PutObject", "s3:GetObject", "s3:DeleteObject"],
                resources=[home.arn_for_objects("home/*")],
            )
        )
        role.add_to_policy(key_statement(self._data.key, *READ_AND_WRITE, through=["s3"]))
        acknowledge(role, {wildcard_objects(home, "home/*"): "Each session is narrowed to one home by its own policy"})
        return role

    def _build_authenticate(self, layers: Layers) -> LambdaFunction:
        authenticate = LambdaFunction(
            self,
            "authenticate",
            settings=self._settings,
            layers=layers,
            uses=(),
            memory=1769,  # one whole processor: a sign-in waits for argon2id
            timeout=cdk.Duration.seconds(15),  # the longest that Transfer Family recommends
            environment={
                "ACCOUNT_TABLE": self._data.accounts.table_name,
                "HOME_BUCKET": self._data.home.bucket_name,
                "HOME_ROLE_ARN": self.home_role.role_arn,
                "KEY_ARN": self._data.key.key_arn,
                "SIGN_IN_THRESHOLD": str(self._settings.sign_in_threshold),
                "SIGN_IN_WINDOW_MINUTES": str(self._settings.sign_in_window_minutes),
                "BAN_MINUTES": str(self._settings.ban_minutes),
            },
        )
        authenticate.allow("dynamodb:GetItem", "dynamodb:BatchGetItem", resources=[self._data.accounts.table_arn])
        authenticate.role.add_to_policy(note_statement(self._data.accounts, "last_login_at"))
        authenticate.role.add_to_policy(score_statement(self._data.accounts))
        authenticate.allow_key(self._data.key, *READ, through=["dynamodb"])
        return authenticate

    def _build_server(self) -> transfer.CfnServer:
        log_group = logs.LogGroup(
            self,
            "SessionLogs",
            retention=retention(self._settings.log_retention_days),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        logging = iam.Role(self, "LoggingRole", assumed_by=_transfer_family())
        log_group.grant_write(logging)
        return transfer.CfnServer(
            self,
            "Server",
            domain="S3",
            endpoint_type="PUBLIC",
            protocols=["SFTP"],
            identity_provider_type="AWS_LAMBDA",
            identity_provider_details=transfer.CfnServer.IdentityProviderDetailsProperty(
                function=self.authenticate.function.function_arn,
                sftp_authentication_methods="PUBLIC_KEY_OR_PASSWORD",
            ),
            # CloudFormation's own default is the policy of 2018, with SHA-1
            security_policy_name=self._settings.security_policy,
            protocol_details=transfer.CfnServer.ProtocolDetailsProperty(set_stat_option="ENABLE_NO_OP"),
            s3_storage_options=transfer.CfnServer.S3StorageOptionsProperty(directory_listing_optimization="ENABLED"),
            structured_log_destinations=[log_group.log_group_arn],
            logging_role=logging.role_arn,
        )

    def _let_the_server_ask(self) -> None:
        self.authenticate.function.add_permission(
            "TransferFamily",
            principal=iam.ServicePrincipal("transfer.amazonaws.com"),
            source_arn=self.server.attr_arn,
            source_account=cdk.Aws.ACCOUNT_ID,
        )


def _transfer_family() -> iam.ServicePrincipal:
    """Return Transfer Family acting for this account, or another account's server could borrow the role."""
    return iam.ServicePrincipal(
        "transfer.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}}
    )
