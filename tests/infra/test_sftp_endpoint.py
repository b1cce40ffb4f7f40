import json
from typing import Any

import aws_cdk as cdk
from aws_cdk import assertions

from infra.addresses import Addresses
from infra.network import Network
from infra.settings import default_context, from_context
from infra.sftp_endpoint import listening_ports
from tests.infra.assembly import Assembly, Template, as_list, as_text


def test_the_server_speaks_sftp_only_with_todays_algorithms(service: Template) -> None:
    server = service.one("Transfer::Server")

    assert server["Protocols"] == ["SFTP"]
    assert server["Domain"] == "S3"
    assert server["SecurityPolicyName"] == "TransferSecurityPolicy-2025-03"


def test_the_server_asks_the_authenticate_function(service: Template) -> None:
    server = service.one("Transfer::Server")
    asked = server["IdentityProviderDetails"]

    assert server["IdentityProviderType"] == "AWS_LAMBDA"
    assert asked["SftpAuthenticationMethods"] == "PUBLIC_KEY_OR_PASSWORD"
    function = service.called(asked["Function"])
    assert function["FunctionName"] == "rosterbridge-prod-authenticate"
    assert function["Timeout"] <= 15


def test_only_this_server_may_ask_it(service: Template) -> None:
    (server_id,) = service.all("Transfer::Server")
    permission = service.one("Lambda::Permission", "SftpEndpoint")

    assert permission["Principal"] == "transfer.amazonaws.com"
    assert permission["SourceArn"] == {"Fn::GetAtt": [server_id, "Arn"]}
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}


def test_clients_that_set_times_are_not_refused_and_folders_list_fast(service: Template) -> None:
    server = service.one("Transfer::Server")

    assert server["ProtocolDetails"] == {"SetStatOption": "ENABLE_NO_OP"}
    assert server["S3StorageOptions"] == {"DirectoryListingOptimization": "ENABLED"}


def test_sessions_are_logged_and_the_log_ends(service: Template) -> None:
    (destination,) = service.one("Transfer::Server")["StructuredLogDestinations"]

    assert service.resources[destination["Fn::GetAtt"][0]]["Properties"]["RetentionInDays"] == 90


def test_no_other_account_can_borrow_the_roles_of_transfer_family(service: Template) -> None:
    trusts = [
        statement
        for role in service.all("IAM::Role").values()
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        if statement["Principal"]["Service"] == "transfer.amazonaws.com"
    ]

    assert len(trusts) == 2
    for trust in trusts:
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_a_session_reaches_nothing_but_homes(service: Template) -> None:
    statements = [statement for name, statement in service.statements() if name.startswith("SftpEndpointHomeRole")]
    listing, objects, key = statements

    assert listing["Condition"] == {"StringLike": {"s3:prefix": ["home/*"]}}
    assert objects["Action"] == ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    assert objects["Resource"]["Fn::Join"][1][-1] == "/home/*"
    assert set(key["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}


def test_clients_are_told_before_they_sign_in_that_not_everybody_may(
    service: Template, browser_assembly: Assembly
) -> None:
    server = service.one("Transfer::Server")

    assert server["PreAuthenticationLoginBanner"] == "Only authorized use is allowed."
    assert "PreAuthenticationLoginBanner" not in browser_assembly.service.one("Transfer::Server")


def test_the_endpoint_is_public_and_has_no_network_unless_asked_for(data: Template, service: Template) -> None:
    server = service.one("Transfer::Server")

    assert server["EndpointType"] == "PUBLIC"
    assert "EndpointDetails" not in server
    for kind in ("EC2::VPC", "EC2::NatGateway", "EC2::SecurityGroup", "Route53::RecordSet"):
        assert service.all(kind) == {}
    assert data.all("EC2::EIP") == {}


def test_a_public_endpoint_listens_on_the_port_of_the_settings(service: Template) -> None:
    settings = from_context(cdk.App(context={**default_context(), "sftp_port": 2022}))

    assert listening_ports(settings) == [{"SftpPort": 2022, "CommunicationMode": "SERVER_TALK_FIRST"}]
    assert "SftpPorts" not in service.one("Transfer::Server")["ProtocolDetails"]


def ingress(group: dict[str, Any]) -> list[tuple[str, int, int]]:
    return [(rule["CidrIp"], rule["FromPort"], rule["ToPort"]) for rule in group["SecurityGroupIngress"]]


class TestInItsOwnNetwork:
    def test_it_has_an_address_in_each_of_two_zones_and_they_stay(self, browser_assembly: Assembly) -> None:
        addresses = {
            name: found
            for name, found in browser_assembly.data.all("EC2::EIP").items()
            if name.startswith("AddressesEndpoint")
        }
        server = browser_assembly.service.one("Transfer::Server")
        details = server["EndpointDetails"]

        assert server["EndpointType"] == "VPC"
        assert len(details["SubnetIds"]) == len(details["AddressAllocationIds"]) == len(addresses) == 2
        zones = [browser_assembly.service.resources[subnet["Ref"]]["Properties"] for subnet in details["SubnetIds"]]
        assert len({json.dumps(zone["AvailabilityZone"]) for zone in zones}) == 2
        assert {found["DeletionPolicy"] for found in addresses.values()} == {"Retain"}
        assert "SftpAddresses" in browser_assembly.service.outputs

    def test_everybody_reaches_its_port_and_nothing_else(self, browser_assembly: Assembly) -> None:
        service = browser_assembly.service
        (group_id,) = service.one("Transfer::Server")["EndpointDetails"]["SecurityGroupIds"]
        group = service.resources[group_id["Fn::GetAtt"][0]]["Properties"]

        assert ingress(group) == [("0.0.0.0/0", 22, 22)]

    def test_with_networks_in_the_settings_only_these_reach_it(self) -> None:
        given = {"sftp_endpoint": "vpc", "sftp_port": 2223, "sftp_networks": "192.0.2.0/24, 198.51.100.7"}
        app = cdk.App(context={**default_context(), **given})
        settings, stack = from_context(app), cdk.Stack(app, "Alone")
        network = Network(stack, settings=settings, addresses=Addresses(stack, settings=settings))
        network.build_access(stack, settings=settings)

        (group,) = assertions.Template.from_stack(stack).find_resources("AWS::EC2::SecurityGroup").values()
        assert ingress(group["Properties"]) == [("192.0.2.0/24", 2223, 2223), ("198.51.100.7/32", 2223, 2223)]

    def test_who_was_refused_is_logged_and_the_log_ends(self, browser_assembly: Assembly) -> None:
        flow_log = browser_assembly.service.one("EC2::FlowLog", "Network")
        log_group = browser_assembly.service.resources[flow_log["LogGroupName"]["Ref"]]["Properties"]

        assert flow_log["TrafficType"] == "REJECT"
        assert log_group["RetentionInDays"] == 90

    def test_signing_in_stays_outside_of_it(self, browser_assembly: Assembly) -> None:
        inside = {
            found["Properties"]["FunctionName"]
            for found in browser_assembly.service.all("Lambda::Function").values()
            if "VpcConfig" in found["Properties"]
        }

        assert inside == {"rosterbridge-prod-forward"}


class TestOwnNames:
    def test_its_name_and_a_name_for_each_account_lead_to_its_addresses(self, browser_assembly: Assembly) -> None:
        records = [found["Properties"] for found in browser_assembly.service.all("Route53::RecordSet").values()]

        assert {(record["Name"], record["Type"], len(record["ResourceRecords"])) for record in records} == {
            ("upload.district.example.", "A", 2),
            ("*.upload.district.example.", "A", 2),
        }
        assert {record["HostedZoneId"] for record in records} == {"Z0123456789ABCDEFGHIJ"}

    def test_transfer_family_shows_it_by_the_tags_that_cloudformation_may_set(self, browser_assembly: Assembly) -> None:
        tags = {tag["Key"]: tag["Value"] for tag in browser_assembly.service.one("Transfer::Server")["Tags"]}

        assert tags["transfer:customHostname"] == "upload.district.example"
        assert tags["transfer:route53HostedZoneId"] == "/hostedzone/Z0123456789ABCDEFGHIJ"

    def test_the_api_tells_each_account_its_own(self, service: Template, browser_assembly: Assembly) -> None:
        told = [
            found["Properties"]["Environment"]["Variables"]["SFTP_HOST_PER_ACCOUNT"]
            for template in (service, browser_assembly.service)
            for found in template.all("Lambda::Function").values()
            if found["Properties"]["FunctionName"] == "rosterbridge-prod-api"
        ]

        assert told == ["false", "true"]


class TestAFixedAddressTowardsApple:
    def test_what_is_forwarded_leaves_by_the_one_gateway_with_the_address_that_stays(
        self, browser_assembly: Assembly
    ) -> None:
        data, service = browser_assembly.data, browser_assembly.service
        gateway = service.one("EC2::NatGateway")
        (address,) = [found for name, found in data.all("EC2::EIP").items() if name.startswith("AddressesEgress")]
        forward = function(service, "forward")

        assert "AddressesEgress" in as_text(gateway["AllocationId"])
        assert address["DeletionPolicy"] == "Retain"
        assert "EgressAddress" in service.outputs
        assert len(forward["VpcConfig"]["SubnetIds"]) == 2
        for subnet in forward["VpcConfig"]["SubnetIds"]:
            assert "PrivateSubnet" in subnet["Ref"]

    def test_rosters_and_tables_do_not_go_through_it(self, browser_assembly: Assembly) -> None:
        endpoints = browser_assembly.service.all("EC2::VPCEndpoint").values()

        assert {as_text(found["Properties"]["ServiceName"]).rpartition(".")[2] for found in endpoints} == {
            "s3",
            "dynamodb",
        }

    def test_lambda_may_connect_it_and_the_function_itself_may_not(self, browser_assembly: Assembly) -> None:
        statements = [
            found
            for name, found in browser_assembly.service.statements()
            if name.startswith("PipelineForward") and "ec2:CreateNetworkInterface" in as_list(found["Action"])
        ]
        allowed, denied = sorted(statements, key=lambda found: found["Effect"])

        assert (allowed["Effect"], denied["Effect"]) == ("Allow", "Deny")
        assert set(denied["Action"]) <= set(allowed["Action"])
        assert as_text(denied["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"]).endswith(
            ":function:rosterbridge-prod-forward"
        )


def function(service: Template, name: str) -> dict[str, Any]:
    (found,) = [
        found["Properties"]
        for found in service.all("Lambda::Function").values()
        if found["Properties"]["FunctionName"] == f"rosterbridge-prod-{name}"
    ]
    return found


def test_clients_are_told_the_servers_own_name_or_that_of_the_settings(
    service: Template, browser_assembly: Assembly
) -> None:
    own, given = (template.outputs["SftpHost"]["Value"] for template in (service, browser_assembly.service))

    assert ".server.transfer.Region.URLSuffix" in as_text(own)
    assert given == "upload.district.example"
