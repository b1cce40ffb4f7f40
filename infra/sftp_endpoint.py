"""The SFTP endpoint: Transfer Family, which asks the authenticate function about every client."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_transfer as transfer
from constructs import Construct

from infra.acknowledge import OWN_POLICY, acknowledge, wildcard_objects
from infra.data import Data, note_statement, score_statement
from infra.host_keys import HostKeys
from infra.host_names import HostNames, name_in_console
from infra.key_use import READ, READ_AND_WRITE, key_statement
from infra.lambda_function import LambdaFunction, retention
from infra.layers import Layers
from infra.network import PUBLIC, Network
from infra.settings import SSH, Settings


class SftpEndpoint(Construct):
    """Server, identity provider, and the role that a client's session is confined from."""

    def __init__(
        self, scope: Construct, *, settings: Settings, data: Data, layers: Layers, network: Network | None
    ) -> None:
        super().__init__(scope, "SftpEndpoint")
        self._settings = settings
        self._data = data
        self.home_role = self._build_home_role()
        self.authenticate = self._build_authenticate(layers)
        self.server = self._build_server(network)
        self._let_the_server_ask()
        self._name(settings)
        # on the embedded AWS the front brings its own key
        self.host_keys = (
            None if settings.local else HostKeys(self, settings=settings, data=data, layers=layers, server=self.server)
        )

    @property
    def host(self) -> str:
        """The name under which clients find the server."""
        return self._settings.sftp_host or self._server_name

    @property
    def _server_name(self) -> str:
        return f"{self.server.attr_server_id}.server.transfer.{cdk.Aws.REGION}.{cdk.Aws.URL_SUFFIX}"

    @property
    def outputs(self) -> dict[str, str]:
        """What an operator passes on to those who run clients and firewalls."""
        fingerprints = {"HostKeyFingerprints": self.host_keys.fingerprints} if self.host_keys else {}
        addresses = [address.ref for address in self._data.addresses.endpoint]
        return {**fingerprints, **({"SftpAddresses": " ".join(addresses)} if addresses else {})}

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
        reason = "Each session is narrowed to one home by its own policy"
        acknowledge(role, {wildcard_objects(home, "home/*"): reason, **OWN_POLICY})
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
            waited_for=True,
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

    def _build_server(self, network: Network | None) -> transfer.CfnServer:
        self.session_log = log_group = logs.LogGroup(
            self,
            "SessionLogs",
            retention=retention(self._settings.log_retention_days),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        logging = iam.Role(self, "LoggingRole", assumed_by=_transfer_family())
        log_group.grant_write(logging)
        acknowledge(logging, OWN_POLICY)
        server = transfer.CfnServer(
            self,
            "Server",
            domain="S3",
            endpoint_type="PUBLIC",
            create_with_host_key=False,  # it shows ours from the beginning
            protocols=["SFTP"],
            identity_provider_type="AWS_LAMBDA",
            identity_provider_details=transfer.CfnServer.IdentityProviderDetailsProperty(
                function=self.authenticate.live.function_arn,
                sftp_authentication_methods="PUBLIC_KEY_OR_PASSWORD",
            ),
            # CloudFormation's own default is the policy of 2018, with SHA-1
            security_policy_name=self._settings.security_policy,
            protocol_details=transfer.CfnServer.ProtocolDetailsProperty(set_stat_option="ENABLE_NO_OP"),
            s3_storage_options=transfer.CfnServer.S3StorageOptionsProperty(directory_listing_optimization="ENABLED"),
            structured_log_destinations=[log_group.log_group_arn],
            logging_role=logging.role_arn,
            pre_authentication_login_banner=self._settings.sftp_banner or None,
        )
        reason = "CloudFormation has CreateWithHostKey and SftpPorts; the schemas that CDK brings are older"
        acknowledge(server, {"CloudFormation-Validate::F3002": reason})
        if self._settings.sftp_endpoint == "vpc" and network is not None:
            self._put_into(network, server)
        elif ports := listening_ports(self._settings):
            server.add_property_override("ProtocolDetails.SftpPorts", ports)  # which this CDK does not know yet
        return server

    def _put_into(self, network: Network, server: transfer.CfnServer) -> None:
        """Give the server one of the addresses in each zone, behind a group that lets clients in."""
        server.endpoint_type = "VPC"
        server.endpoint_details = transfer.CfnServer.EndpointDetailsProperty(
            vpc_id=network.vpc.vpc_id,
            subnet_ids=network.vpc.select_subnets(subnet_group_name=PUBLIC).subnet_ids,
            security_group_ids=[network.build_access(self, settings=self._settings).security_group_id],
            address_allocation_ids=[address.attr_allocation_id for address in self._data.addresses.endpoint],
        )
        server.node.add_dependency(network.vpc.internet_connectivity_established)

    def _name(self, settings: Settings) -> None:
        name_in_console(self.server, settings)
        if settings.hosted_zone_id:
            addresses = [address.ref for address in self._data.addresses.endpoint]
            HostNames(self, settings=settings, server_name=self._server_name, addresses=addresses)

    def _let_the_server_ask(self) -> None:
        self.authenticate.live.add_permission(
            "TransferFamily",
            principal=iam.ServicePrincipal("transfer.amazonaws.com"),
            source_arn=self.server.attr_arn,
            source_account=cdk.Aws.ACCOUNT_ID,
        )


def listening_ports(settings: Settings) -> list[dict[str, Any]]:
    """Return what CloudFormation is told of a public endpoint's port, if that is not the usual one."""
    if settings.sftp_port == SSH or settings.local:
        return []
    return [{"SftpPort": settings.sftp_port, "CommunicationMode": "SERVER_TALK_FIRST"}]


def _transfer_family() -> iam.ServicePrincipal:
    """Return Transfer Family acting for this account, or another account's server could borrow the role."""
    return iam.ServicePrincipal(
        "transfer.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}}
    )
