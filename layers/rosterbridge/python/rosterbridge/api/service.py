"""The use cases that the routes call, over AWS; what takes long to make is made when it is first used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Protocol, TypeVar, cast

from rosterbridge.api.console_links import ConsoleLinks
from rosterbridge.flows.asm_accounts import AsmAccounts
from rosterbridge.flows.audit import AuditTrail
from rosterbridge.flows.changes import Changes
from rosterbridge.flows.delivery_ports import Delivery
from rosterbridge.flows.dry_runs import DryRuns
from rosterbridge.flows.erasing import ErasureJob, Erasures, ErasureStore
from rosterbridge.flows.file_accounts import FileAccounts
from rosterbridge.flows.history import History
from rosterbridge.flows.holding import Holds
from rosterbridge.flows.hosts import HostCheck
from rosterbridge.flows.managing import Flows
from rosterbridge.flows.notice_ports import Notifications
from rosterbridge.flows.organizations import Organizations
from rosterbridge.flows.passwords import PasswordHash
from rosterbridge.flows.ports import (
    AccountStore,
    AuditStore,
    LaneStore,
    ObjectStore,
    RunStore,
    SecretBox,
    SftpServer,
    UserDirectory,
    Waiting,
    Workflow,
)
from rosterbridge.flows.projects import Projects
from rosterbridge.flows.upload_limits import UploadCounter, UploadLimits
from rosterbridge.flows.users import Users
from rosterbridge.settings import ApiEnvironment

PROBE_SECONDS = 25.0  # what a connection test may take; API Gateway gives up after 30

P = TypeVar("P")


class Throttle(Protocol):
    """Counts changes."""

    def wait(self, user_id: str, now: datetime) -> int:
        """Count a change and return 0, or after how many seconds the user may make the next one."""


@dataclass(frozen=True)
class SftpAddress:
    """What an SFTP client must be told to reach the endpoint."""

    host: str
    port: int
    server: SftpServer
    per_account: bool = False  # whether each file account has a host name of its own

    def told(self) -> Callable[[str], dict[str, Any]]:
        """Ask the server, and return a function from a file account's id to the fields of its view."""
        fingerprints: Sequence[str] = self.server.host_key_fingerprints()

        def fields(account_id: str) -> dict[str, Any]:
            host = account_host(self.host, account_id) if self.per_account else self.host
            return {"host": host, "port": self.port, "host_key_fingerprints": list(fingerprints)}

        return fields


def account_host(host: str, account_id: str) -> str:
    """Return the host name of one file account, which leads to the same server."""
    return f"{account_id}.{host}"


@dataclass(frozen=True)
class SignIn:
    """Where users sign in: what the command line needs before anybody has."""

    region: str
    user_pool_id: str
    client_id: str


@dataclass(frozen=True)
class DryRunPlace:
    """Where the files of dry runs lie, and how many an organization may have looked at in a day."""

    bucket: str
    limits: UploadLimits


@dataclass(frozen=True)
class Ports:
    """What the use cases need from outside."""

    accounts: AccountStore
    audit: AuditStore
    runs: RunStore
    objects: ObjectStore
    lanes: LaneStore
    workflow: Workflow
    waiting: Waiting
    box: SecretBox
    delivery: Delivery
    hasher: PasswordHash
    users: UserDirectory
    throttle: Throttle
    uploads: UploadCounter
    erasures: ErasureStore
    erasing: ErasureJob
    notifications: Notifications | None = None


@dataclass(frozen=True)
class Service:
    """Everything that a route calls."""

    organizations: Organizations
    users: Users
    projects: Projects
    file_accounts: FileAccounts
    asm_accounts: AsmAccounts
    flows: Flows
    history: History
    holds: Holds
    dry_runs: DryRuns
    audit: AuditTrail
    erasures: Erasures
    console: ConsoleLinks
    sftp: SftpAddress
    sign_in: SignIn
    throttle: Throttle
    now: Callable[[], datetime]


def compose(
    ports: Ports,
    *,
    sftp: SftpAddress,
    sign_in: SignIn,
    console: ConsoleLinks,
    hosts: HostCheck,
    dry_runs: DryRunPlace,
    keep_runs: timedelta,
    keep_audit: timedelta,
    now: Callable[[], datetime],
) -> Service:
    """Return the use cases over these ports."""
    changes = Changes(ports.accounts, now, keep_audit)
    file_accounts = FileAccounts(changes, ports.hasher)
    asm_accounts = AsmAccounts(changes, ports.box, ports.delivery, hosts)
    return Service(
        organizations=Organizations(changes, ports.notifications),
        users=Users(changes, ports.audit, ports.users),
        projects=Projects(changes),
        file_accounts=file_accounts,
        asm_accounts=asm_accounts,
        flows=Flows(changes, file_accounts, asm_accounts),
        history=History(changes, ports.runs, ports.objects, ports.lanes, ports.workflow, ports.audit, keep_runs),
        holds=Holds(changes, ports.runs, ports.lanes, ports.waiting, ports.audit),
        dry_runs=DryRuns(changes, ports.objects, dry_runs.bucket, ports.uploads, dry_runs.limits),
        audit=AuditTrail(changes, ports.audit),
        erasures=Erasures(changes, ports.erasures, ports.erasing),
        console=console,
        sftp=sftp,
        sign_in=sign_in,
        throttle=ports.throttle,
        now=now,
    )


@cache
def service() -> Service:
    """Return the service over AWS, made once a process; raises ConfigurationError ``settings-wrong``."""
    settings = ApiEnvironment.load()
    return compose(
        _ports(settings),
        sftp=_sftp_address(settings),
        sign_in=SignIn(settings.region, settings.user_pool_id, settings.cli_client_id),
        console=ConsoleLinks(settings.state_machine_arn, settings.log_groups),
        hosts=HostCheck(private_allowed=settings.private_asm_hosts),
        dry_runs=DryRunPlace(settings.run_bucket, settings.dry_run_limits),
        keep_runs=settings.keep_runs,
        keep_audit=settings.keep_audit,
        now=lambda: datetime.now(UTC),
    )


def _ports(settings: ApiEnvironment) -> Ports:
    from rosterbridge.adapters.dynamodb import DynamoAccountStore, DynamoAuditStore, DynamoRunStore
    from rosterbridge.adapters.dynamodb_lanes import DynamoLaneStore
    from rosterbridge.adapters.throttle import DynamoThrottle

    table, audit_table = settings.account_table, settings.audit_table
    return Ports(
        accounts=DynamoAccountStore(table, audit_table=audit_table, home_grace=settings.home_grace),
        audit=DynamoAuditStore(audit_table),
        runs=DynamoRunStore(settings.run_table),
        objects=later(_object_store),
        lanes=DynamoLaneStore(table),
        workflow=later(lambda: _workflow(settings)),
        waiting=later(_waiting),
        box=later(lambda: _box(settings)),
        delivery=later(_delivery),
        hasher=later(_hasher),
        users=later(lambda: _user_directory(settings)),
        throttle=DynamoThrottle(table, settings.changes_per_minute),
        uploads=later(lambda: _upload_counter(table)),
        erasures=later(lambda: _erasure_store(settings)),
        erasing=later(lambda: _erasing(settings)),
        notifications=later(lambda: _notifications(settings)) if settings.notice_topic_arn else None,
    )


class _Later:
    """Makes what it stands for when it is first used."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._made = cache(make)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made(), name)


def later(make: Callable[[], P]) -> P:
    """Return what ``make`` makes, made at its first use: a client of AWS and paramiko each cost a tenth of a second."""
    return cast("P", _Later(make))


def _object_store() -> ObjectStore:
    from rosterbridge.adapters.s3 import S3ObjectStore

    return S3ObjectStore()


def _workflow(settings: ApiEnvironment) -> Workflow:
    from rosterbridge.adapters.stepfunctions import StepFunctionsWorkflow

    return StepFunctionsWorkflow(settings.state_machine_arn)


def _waiting() -> Waiting:
    from rosterbridge.adapters.stepfunctions import StepFunctionsWaiting

    return StepFunctionsWaiting()


def _erasure_store(settings: ApiEnvironment) -> ErasureStore:
    from rosterbridge.adapters.dynamodb_erasing import DynamoErasureStore

    return DynamoErasureStore(settings.account_table)


def _erasing(settings: ApiEnvironment) -> ErasureJob:
    from rosterbridge.adapters.stepfunctions import StepFunctionsErasures

    return StepFunctionsErasures(settings.erasures_arn)


def _upload_counter(table: str) -> UploadCounter:
    from rosterbridge.adapters.dynamodb_uploads import DynamoUploadCounter

    return DynamoUploadCounter(table)


def _notifications(settings: ApiEnvironment) -> Notifications:
    from rosterbridge.adapters.notifications import SnsNotifications

    return SnsNotifications(settings.notice_topic_arn)


def _box(settings: ApiEnvironment) -> SecretBox:
    from rosterbridge.adapters.kms import KmsSecretBox

    return KmsSecretBox(settings.key_arn)


def _delivery() -> Delivery:
    from rosterbridge.adapters.sftp import SftpDelivery

    return SftpDelivery(lambda: PROBE_SECONDS)


def _hasher() -> PasswordHash:
    from rosterbridge.adapters.passwords import Argon2Hasher

    return Argon2Hasher()


def _user_directory(settings: ApiEnvironment) -> UserDirectory:
    from rosterbridge.adapters.cognito import CognitoUsers, IdentityProvider

    name, claim = settings.identity_provider, settings.identity_provider_email
    return CognitoUsers(settings.user_pool_id, settings.account_table, IdentityProvider(name, claim) if name else None)


def _sftp_address(settings: ApiEnvironment) -> SftpAddress:
    server: SftpServer = later(lambda: _sftp_server(settings))
    return SftpAddress(settings.sftp_host, settings.sftp_port, server, settings.sftp_host_per_account)


def _sftp_server(settings: ApiEnvironment) -> SftpServer:
    from rosterbridge.adapters.transfer import TransferServer

    return TransferServer(settings.sftp_server_id)
