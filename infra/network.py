"""The network behind addresses that stay; by default there is none."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.acknowledge import ANY_RESOURCE, OWN_POLICY, acknowledge
from infra.addresses import ZONES, Addresses
from infra.lambda_function import LambdaFunction, retention
from infra.settings import Settings

EVERYWHERE = "0.0.0.0/0"
OPEN_PORT = ("AwsSolutions-EC23", "NIST.800.53.R5-EC2RestrictedSSH", "CloudFormation-Validate::W2508")
PUBLIC, PRIVATE = "Public", "Private"
REASONS = {
    "NIST.800.53.R5-VPCNoUnrestrictedRouteToIGW": "Schools reach the endpoint from the internet, as Apple is reached",
    "NIST.800.53.R5-VPCDefaultSecurityGroupClosed": "Nothing is in it: endpoint and functions have groups of their own",
}
# What Lambda does with the role of a function in a network; the function itself must not
INTERFACES = (
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
)


class Network(Construct):
    """Public subnets for the endpoint; with an address for what goes out, private ones behind a NAT gateway too."""

    def __init__(self, scope: Construct, *, settings: Settings, addresses: Addresses) -> None:
        super().__init__(scope, "Network")
        self._stage = settings.stage
        self.vpc = self._build_vpc(addresses.egress)
        acknowledge(self.vpc, REASONS)
        self._log_what_is_refused(settings)

    def _build_vpc(self, egress: ec2.CfnEIP | None) -> ec2.Vpc:
        public = ec2.SubnetConfiguration(
            name=PUBLIC, subnet_type=ec2.SubnetType.PUBLIC, map_public_ip_on_launch=False, cidr_mask=24
        )
        if egress is None:
            return ec2.Vpc(self, "Vpc", max_azs=ZONES, nat_gateways=0, subnet_configuration=[public])
        private = ec2.SubnetConfiguration(name=PRIVATE, subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=20)
        return ec2.Vpc(
            self,
            "Vpc",
            max_azs=ZONES,
            nat_gateways=1,  # one address is what is asked for
            nat_gateway_provider=ec2.NatProvider.gateway(eip_allocation_ids=[egress.attr_allocation_id]),
            subnet_configuration=[public, private],
            # rosters and tables by ways that cost nothing and do not leave AWS
            gateway_endpoints={
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
                "DynamoDb": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB),
            },
        )

    def _log_what_is_refused(self, settings: Settings) -> None:
        log_group = logs.LogGroup(
            self,
            "Refused",
            retention=retention(settings.log_retention_days),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        flow_log = self.vpc.add_flow_log(
            "Refused",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(log_group),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )
        acknowledge(flow_log, OWN_POLICY)

    def build_access(self, scope: Construct, *, settings: Settings) -> ec2.SecurityGroup:
        """Build the group that lets clients of the SFTP endpoint in."""
        group = ec2.SecurityGroup(
            scope, "Access", vpc=self.vpc, description="Clients of the SFTP endpoint", allow_all_outbound=False
        )
        networks = settings.sftp_networks or (EVERYWHERE,)
        for network in networks:
            group.add_ingress_rule(ec2.Peer.ipv4(network), ec2.Port.tcp(settings.sftp_port), "SFTP")
        if EVERYWHERE in networks:
            reason = "Schools are anywhere, as long as the setting sftp_networks names no networks of theirs"
            acknowledge(group, dict.fromkeys(OPEN_PORT, reason))
        return group

    def place(self, function: LambdaFunction) -> None:
        """Let a function reach the world from the one address, and AWS as before."""
        group = ec2.SecurityGroup(function, "Way", vpc=self.vpc, description=f"What {function.name} reaches")
        resource = function.function.node.default_child
        assert isinstance(resource, lambda_.CfnFunction)  # noqa: S101 narrows the type
        resource.vpc_config = lambda_.CfnFunction.VpcConfigProperty(
            subnet_ids=self.vpc.select_subnets(subnet_group_name=PRIVATE).subnet_ids,
            security_group_ids=[group.security_group_id],
        )
        function.function.node.add_dependency(self.vpc.internet_connectivity_established)
        function.allow(*INTERFACES, resources=["*"])
        name = f"function:rosterbridge-{self._stage}-{function.name}"
        function.role.add_to_policy(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                actions=list(INTERFACES),
                resources=["*"],
                conditions={"ArnEquals": {"lambda:SourceFunctionArn": _lambda_arn(self, name)}},
            )
        )
        reason = "X-Ray's actions know no resource, nor does Lambda know its network interfaces beforehand"
        acknowledge(function.role, {ANY_RESOURCE: reason})


def _lambda_arn(scope: Construct, resource: str) -> str:
    return cdk.Stack.of(scope).format_arn(service="lambda", resource=resource)
