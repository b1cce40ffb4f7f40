"""The HTTP API: API Gateway checks a user's token, one function answers."""

from __future__ import annotations

import json

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.acknowledge import acknowledge, wildcard_objects
from infra.console import Console
from infra.data import DRY_RUNS, MADE, RUN_INDEXES, Data
from infra.key_use import READ_AND_WRITE, STORE, secret_statement
from infra.lambda_function import LambdaFunction, retention
from infra.layers import Layers
from infra.settings import Settings
from infra.sftp_endpoint import SftpEndpoint

TIMEOUT = cdk.Duration.seconds(29)  # API Gateway gives up after 30
EVERYTHING, SIGN_IN = "/v1/{proxy+}", "/v1/sign-in"
BROWSER_HEADERS = ("authorization", "content-type", "idempotency-key", "if-match", "if-none-match")
BROWSER_METHODS = ("DELETE", "GET", "PATCH", "POST")
# Neither claims nor the query: who it was is in the audit trail, and a query may hold anything
LOGGED = {
    "time": "$context.requestTime",
    "request_id": "$context.requestId",
    "source_ip": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "route": "$context.routeKey",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "milliseconds": "$context.responseLatency",
    "function_status": "$context.integrationStatus",
    "error": "$context.error.responseType",
}


class Api(Construct):
    """API, authorizer and function; ``http_api`` is CDK's construct."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        data: Data,
        layers: Layers,
        endpoint: SftpEndpoint,
        runs: sfn.StateMachine,
        notice_topic: sns.ITopic | None,
        erasures: sfn.StateMachine,
        console: Console,
    ) -> None:
        super().__init__(scope, "Api")
        self._settings = settings
        self._data = data
        self._endpoint = endpoint
        self._runs = runs
        self._notice_topic = notice_topic
        self._erasures = erasures
        self._console = console
        self.api = self._build_function(layers)
        self._allow_tables()
        self._allow_files()
        self._allow_services()
        self.http_api = self._build_http_api()
        self._build_stage()
        self._build_routes()

    def _build_function(self, layers: Layers) -> LambdaFunction:
        data, settings = self._data, self._settings
        return LambdaFunction(
            self,
            "api",
            settings=settings,
            layers=layers,
            uses=("sftp",),  # an ASM account is tested by connecting
            memory=1024,
            timeout=TIMEOUT,
            waited_for=True,
            environment={
                "ACCOUNT_TABLE": data.accounts.table_name,
                "RUN_TABLE": data.runs.table_name,
                "AUDIT_TABLE": data.audit.table_name,
                "RUN_BUCKET": data.run_files.bucket_name,
                "KEY_ARN": data.key.key_arn,
                "STATE_MACHINE_ARN": self._runs.state_machine_arn,
                "ERASURES_ARN": self._erasures.state_machine_arn,
                "USER_POOL_ID": data.sign_in.pool.user_pool_id,
                "CLI_CLIENT_ID": data.sign_in.cli.user_pool_client_id,
                "SFTP_HOST": self._endpoint.host,
                "SFTP_PORT": str(settings.sftp_port),
                "SFTP_HOST_PER_ACCOUNT": str(settings.sftp_host_per_account).lower(),
                "SFTP_SERVER_ID": self._endpoint.server.attr_server_id,
                "RUN_RETENTION_DAYS": str(settings.run_retention_days),
                "AUDIT_RETENTION_DAYS": str(settings.audit_retention_days),
                "HOME_GRACE_DAYS": str(settings.home_grace_days),
                "PRIVATE_ASM_HOSTS": str(settings.private_asm_hosts).lower(),
                "CHANGES_PER_MINUTE": str(settings.changes_per_minute),
                "DRY_RUNS_PER_DAY": str(settings.dry_runs_per_day),
                "MAX_DRY_RUN_BYTES": str(settings.max_dry_run_bytes),
                **({"NOTICE_TOPIC_ARN": self._notice_topic.topic_arn} if self._notice_topic else {}),
                **self._provider(),
            },
        )

    def _provider(self) -> dict[str, str]:
        sign_in = self._data.sign_in
        if sign_in.provider is None:
            return {}
        return {
            "IDENTITY_PROVIDER": self._settings.identity_provider,
            "IDENTITY_PROVIDER_EMAIL": sign_in.provider_email,
        }

    def _allow_tables(self) -> None:
        """Allow the single actions: a transaction needs those that it is made of. The audit trail only grows."""
        data = self._data
        self.api.allow(
            *("dynamodb:GetItem", "dynamodb:Query"),
            *("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"),
            resources=[data.accounts.table_arn],
        )
        self.api.allow("dynamodb:GetItem", "dynamodb:PutItem", resources=[data.runs.table_arn])
        self.api.role.add_to_policy(_decision_statement(data.runs))
        indexes = [f"{data.runs.table_arn}/index/{name}" for name in RUN_INDEXES]
        self.api.allow("dynamodb:Query", resources=indexes)
        self.api.allow("dynamodb:PutItem", "dynamodb:Query", resources=[data.audit.table_arn])

    def _allow_files(self) -> None:
        """Allow to read and copy runs' files, which is also what a link to one is worth."""
        files = self._data.run_files
        self.api.allow("s3:ListBucket", resources=[files.bucket_arn])  # or a missing object would be "forbidden"
        self.api.allow(
            *("s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"), resources=[files.arn_for_objects("runs/*")]
        )
        places = [files.arn_for_objects(f"{place}*") for place in (MADE, DRY_RUNS)]
        self.api.allow("s3:GetObject", "s3:PutObject", resources=places)
        self.api.allow_key(self._data.key, *READ_AND_WRITE, through=["dynamodb", "s3"])
        reason = "Every run and every dry run keeps its files in a folder of its own"
        acknowledge(
            self.api.role, {wildcard_objects(files, place): reason for place in ("runs/*", f"{MADE}*", f"{DRY_RUNS}*")}
        )

    def _allow_services(self) -> None:
        self.api.role.add_to_policy(secret_statement(self._data.key, *STORE))
        machines = [self._runs.state_machine_arn, self._erasures.state_machine_arn]
        self.api.allow("states:StartExecution", resources=machines)
        self.api.allow("states:SendTaskSuccess", resources=["*"])  # an execution that waits is known by its token alone
        if self._notice_topic is not None:
            self.api.allow("sns:Subscribe", resources=[self._notice_topic.topic_arn])
        self.api.allow("transfer:ListHostKeys", resources=[self._endpoint.server.attr_arn])
        users = ["AdminCreateUser", "AdminAddUserToGroup", "AdminGetUser", "AdminUserGlobalSignOut", "AdminDeleteUser"]
        if self._data.sign_in.provider:
            users.append("AdminLinkProviderForUser")
        self.api.allow(
            *(f"cognito-idp:{action}" for action in users), resources=[self._data.sign_in.pool.user_pool_arn]
        )

    def _build_http_api(self) -> gateway.HttpApi:
        origins = self._console.origins
        cors = gateway.CorsPreflightOptions(
            allow_origins=origins,
            allow_methods=[gateway.CorsHttpMethod[method] for method in BROWSER_METHODS],
            allow_headers=list(BROWSER_HEADERS),
            expose_headers=["etag", "retry-after"],
            max_age=cdk.Duration.hours(1),
        )
        return gateway.HttpApi(
            self,
            "HttpApi",
            api_name=f"rosterbridge-{self._settings.stage}",
            description="Rosterbridge",
            create_default_stage=False,
            cors_preflight=cors if origins else None,
        )

    def _build_stage(self) -> None:
        log_group = logs.LogGroup(
            self,
            "AccessLogs",
            # of a name with this beginning, so that API Gateway need not write a policy of its own for each group
            log_group_name=f"/aws/vendedlogs/apis/rosterbridge-{self._settings.stage}",
            retention=retention(self._settings.log_retention_days),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        stage = gateway.HttpStage(
            self,
            "Stage",
            http_api=self.http_api,
            stage_name="$default",
            auto_deploy=True,
            throttle=gateway.ThrottleSettings(rate_limit=self._settings.api_rate, burst_limit=self._settings.api_burst),
        )
        resource = stage.node.default_child
        assert isinstance(resource, gateway.CfnStage)  # noqa: S101 narrows the type
        resource.access_log_settings = gateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=log_group.log_group_arn, format=json.dumps(LOGGED)
        )

    def _build_routes(self) -> None:
        """Route everything to the function: with a valid token, or to where it says how one gets a token."""
        sign_in = self._data.sign_in
        users = authorizers.HttpJwtAuthorizer(
            "Users",
            f"https://cognito-idp.{cdk.Aws.REGION}.amazonaws.com/{sign_in.pool.user_pool_id}",
            jwt_audience=[self._console.client.user_pool_client_id, sign_in.cli.user_pool_client_id],
        )
        function = integrations.HttpLambdaIntegration("Function", self.api.live)
        self.http_api.add_routes(
            path=EVERYTHING, methods=[gateway.HttpMethod.ANY], integration=function, authorizer=users
        )
        open_routes = {SIGN_IN: (gateway.HttpMethod.GET, "It tells where to sign in, to whoever is not signed in yet")}
        if self._console.origins:
            # a browser asks without a token whether it may ask; the route for everything would refuse that
            open_routes[EVERYTHING] = (gateway.HttpMethod.OPTIONS, "A browser's preflight request carries no token")
        for path, (method, reason) in open_routes.items():
            for route in self.http_api.add_routes(path=path, methods=[method], integration=function):
                acknowledge(route, {"AwsSolutions-APIG4": reason})


def _decision_statement(runs: dynamodb.ITable) -> iam.PolicyStatement:
    """Return the right to write what was decided about a held run, and nothing else of its record."""
    return iam.PolicyStatement(
        actions=["dynamodb:UpdateItem"],
        resources=[runs.table_arn],
        conditions={"ForAllValues:StringEquals": {"dynamodb:Attributes": ["id", "hold", "status", "ended_at"]}},
    )
