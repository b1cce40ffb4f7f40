"""The console: pages in a private bucket, served by CloudFront, and the client by which their users sign in."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.acknowledge import acknowledge
from infra.buckets import build_bucket
from infra.console_headers import policy
from infra.data import Data
from infra.settings import Settings

# An address without a dot in its last part is a view's, and the start page knows the views
TO_THE_START = """function handler(event) {
  var request = event.request;
  if (request.uri.lastIndexOf('.') <= request.uri.lastIndexOf('/')) request.uri = '/index.html';
  return request;
}
"""
TLS_ONLY_FOR = cdk.Duration.days(730)


class Console(Construct):
    """Bucket, distribution and client; ``origin`` is its address, empty where nothing is served from here.

    On the embedded AWS, and without the setting ``console``, there is the client alone, for an operator's own page.
    """

    def __init__(self, scope: Construct, *, settings: Settings, data: Data) -> None:
        super().__init__(scope, "Console")
        self._settings = settings
        self._data = data
        self.bucket: s3.Bucket | None = None
        self.distribution: cloudfront.Distribution | None = None
        if settings.console and not settings.local:
            self.bucket = self._build_bucket()
            self.distribution = self._build_distribution(self.bucket)
        self.origin = self._find_origin()
        own = [f"{self.origin}/"] if self.origin else []
        self.client = data.sign_in.build_page_client(self, [*own, *settings.console_callback_urls])

    def _find_origin(self) -> str:
        if self.distribution is None:
            return ""
        return f"https://{self._settings.console_domain or self.distribution.distribution_domain_name}"

    @property
    def _name(self) -> str:
        """What is called so in CloudFront, which knows no regions."""
        return f"rosterbridge-{self._settings.stage}-{cdk.Aws.REGION}"

    @property
    def origins(self) -> list[str]:
        """The pages that may call the API: the console's, and an operator's own."""
        return [origin for origin in (self.origin, self._settings.console_origin) if origin]

    @property
    def sign_in(self) -> str:
        """The address of the sign-in page."""
        return f"https://{self._data.sign_in.host}"

    @property
    def files(self) -> list[str]:
        """The addresses of the bucket that the files of dry runs are posted to."""
        bucket = f"https://{self._data.run_files.bucket_name}.s3"
        return [f"{bucket}.{cdk.Aws.REGION}.amazonaws.com", f"{bucket}.amazonaws.com"]

    @property
    def outputs(self) -> dict[str, str]:
        """What an operator is told: the address, and where a name of their own must lead."""
        if self.distribution is None:
            return {"ConsoleUrl": self._settings.console_origin} if self._settings.console_origin else {}
        return {"ConsoleUrl": self.origin, "ConsoleHost": self.distribution.distribution_domain_name}

    def _build_bucket(self) -> s3.Bucket:
        bucket = build_bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.S3_MANAGED,
            minimum_tls_version=1.2,
            removal=cdk.RemovalPolicy.DESTROY,  # it is empty by then
        )
        public = "The same pages for everybody, without a secret or a name; each deploy writes them anew"
        unlogged = "CloudFront alone reads it, and what a user does by the pages is in the logs of the API"
        acknowledge(
            bucket,
            {
                "AwsSolutions-S1": unlogged,
                "NIST.800.53.R5-S3BucketLoggingEnabled": unlogged,
                "NIST.800.53.R5-S3DefaultEncryptionKMS": public,
                "NIST.800.53.R5-S3BucketVersioningEnabled": public,
                "NIST.800.53.R5-S3BucketReplicationEnabled": public,
            },
        )
        return bucket

    def _build_distribution(self, bucket: s3.Bucket) -> cloudfront.Distribution:
        settings = self._settings
        own: dict[str, object] = {}
        if settings.console_domain:
            certificate = acm.Certificate.from_certificate_arn(self, "Certificate", settings.console_certificate)
            own = {"domain_names": [settings.console_domain], "certificate": certificate}
        access = cloudfront.S3OriginAccessControl(self, "Access", origin_access_control_name=self._name)
        distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment=f"Rosterbridge {settings.stage}: console",
            default_behavior=cloudfront.BehaviorOptions(
                origin=origins.S3BucketOrigin.with_origin_access_control(bucket, origin_access_control=access),
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
                response_headers_policy=self._build_headers(),
                function_associations=[self._build_rewriting()],
            ),
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            price_class=cloudfront.PriceClass.PRICE_CLASS_100,
            **own,  # type: ignore[arg-type]
        )
        _acknowledge(distribution, own_certificate=bool(own))
        return distribution

    def _build_rewriting(self) -> cloudfront.FunctionAssociation:
        function = cloudfront.Function(
            self,
            "ToTheStart",
            comment="Leads the address of a view to the start page",
            code=cloudfront.FunctionCode.from_inline(TO_THE_START),
            runtime=cloudfront.FunctionRuntime.JS_2_0,
        )
        return cloudfront.FunctionAssociation(function=function, event_type=cloudfront.FunctionEventType.VIEWER_REQUEST)

    def _build_headers(self) -> cloudfront.ResponseHeadersPolicy:
        """Build the headers of each answer.

        The API names the distribution, so the distribution cannot name the API: the start page does, and narrows the
        policy to it.
        """
        connect = [f"https://*.execute-api.{cdk.Aws.REGION}.amazonaws.com", self.sign_in, *self.files]
        return cloudfront.ResponseHeadersPolicy(
            self,
            "Headers",
            response_headers_policy_name=self._name,
            comment="What browsers are told with the pages of the console",
            security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
                content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
                    content_security_policy=policy(connect), override=True
                ),
                strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                    access_control_max_age=TLS_ONLY_FOR, override=True
                ),
                content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
                referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
                    referrer_policy=cloudfront.HeadersReferrerPolicy.NO_REFERRER, override=True
                ),
                frame_options=cloudfront.ResponseHeadersFrameOptions(
                    frame_option=cloudfront.HeadersFrameOption.DENY, override=True
                ),
            ),
        )


def _acknowledge(distribution: cloudfront.Distribution, *, own_certificate: bool) -> None:
    public = "The pages hold nothing of anybody, and whoever has them can do nothing without signing in"
    acknowledge(
        distribution,
        {
            "AwsSolutions-CFR1": f"{public}; staff also work from abroad",
            "AwsSolutions-CFR2": f"{public}; the API has a throttle of its own",
            "AwsSolutions-CFR3": f"{public}; who only looks at them leaves no address in a log",
            **(
                {}
                if own_certificate
                else {
                    "AwsSolutions-CFR4": "CloudFront's own name has CloudFront's certificate; "
                    "console_domain with a certificate brings TLS 1.2"
                }
            ),
        },
    )
