"""The addresses that others let through their firewalls; by default there are none."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from infra.settings import Settings

ZONES = 2


class Addresses(Construct):
    """Elastic IPs, kept as data is: whoever lets them through need not be asked again when the rest is built anew."""

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, "Addresses")
        self._removal = cdk.RemovalPolicy.RETAIN if settings.keep_data else cdk.RemovalPolicy.DESTROY
        zones = range(1, ZONES + 1) if settings.sftp_endpoint == "vpc" else ()
        self.endpoint = [self._build(f"Endpoint{zone}") for zone in zones]
        self.egress = self._build("Egress") if settings.fixed_egress else None

    def _build(self, name: str) -> ec2.CfnEIP:
        address = ec2.CfnEIP(self, name, domain="vpc")
        address.apply_removal_policy(self._removal)
        return address
