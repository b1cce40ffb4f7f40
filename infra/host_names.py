"""Own names of the SFTP endpoint: records in Route 53, and what Transfer Family's console shows."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_transfer as transfer
from constructs import Construct

from infra.settings import Settings

TIME_TO_LIVE = cdk.Duration.minutes(5)


class HostNames(Construct):
    """A record for the endpoint, and with names for each account one for all of these; they lead to the same server."""

    def __init__(self, scope: Construct, *, settings: Settings, server_name: str, addresses: Sequence[str]) -> None:
        super().__init__(scope, "HostNames")
        self._zone = route53.HostedZone.from_hosted_zone_attributes(
            self, "Zone", hosted_zone_id=settings.hosted_zone_id, zone_name=settings.hosted_zone_name
        )
        self._server_name = server_name
        self._addresses = addresses
        self._build("Endpoint", settings.sftp_host)
        if settings.sftp_host_per_account:
            self._build("Accounts", f"*.{settings.sftp_host}")

    def _build(self, name: str, host: str) -> None:
        """Lead the name to the addresses that stay, or else to AWS's name of the server, whose addresses change."""
        if self._addresses:
            target = route53.RecordTarget.from_ip_addresses(*self._addresses)
            route53.ARecord(self, name, zone=self._zone, record_name=f"{host}.", target=target, ttl=TIME_TO_LIVE)
        else:
            route53.CnameRecord(
                self, name, zone=self._zone, record_name=f"{host}.", domain_name=self._server_name, ttl=TIME_TO_LIVE
            )


def name_in_console(server: transfer.CfnServer, settings: Settings) -> None:
    """Tell Transfer Family the name by its tags, which CloudFormation takes without the prefix ``aws:`` only."""
    if settings.sftp_host:
        cdk.Tags.of(server).add("transfer:customHostname", settings.sftp_host)
    if settings.hosted_zone_id:
        cdk.Tags.of(server).add("transfer:route53HostedZoneId", f"/hostedzone/{settings.hosted_zone_id}")
