"""The API over fakes, and a client that asks it as API Gateway does."""

from __future__ import annotations

import base64
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from rosterbridge.api.app import handle
from rosterbridge.api.console_links import ConsoleLinks
from rosterbridge.api.service import DryRunPlace, Ports, Service, SftpAddress, SignIn, compose
from rosterbridge.flows.hosts import HostCheck
from rosterbridge.flows.models import AuditEntry, DryRun, ObjectRef, Role, Run, RunStatus
from rosterbridge.flows.ports import SftpServer, User
from rosterbridge.flows.run_files import dry_run_object
from rosterbridge.flows.upload_limits import UploadLimits
from rosterbridge.roster.documents import report_to_json
from rosterbridge.roster.report import Report
from tests.support import fakes, flows

NOW = datetime(2026, 10, 1, 6, 30, tzinfo=UTC)
DAY = timedelta(days=1)
DRY_RUN_LIMITS = UploadLimits(uploads_per_day=100, bytes_per_day=6 * 10**10, bytes_per_upload=6 * 10**8)
CONSOLE = ConsoleLinks("arn:aws:states:eu-west-1:111122223333:stateMachine:Runs", ("/aws/validate", "/aws/states/runs"))


class FakeThrottle:
    """Lets everything through until ``seconds`` says how long to wait."""

    def __init__(self) -> None:
        self.seconds = 0
        self.counted: list[tuple[str, datetime]] = []

    def wait(self, user_id: str, now: datetime) -> int:
        self.counted.append((user_id, now))
        return self.seconds


@dataclass
class FakeWorld:
    """Every fake that the API works on; ``now`` may be moved."""

    accounts: fakes.FakeAccountStore = field(default_factory=fakes.FakeAccountStore)
    runs: fakes.FakeRunStore = field(default_factory=fakes.FakeRunStore)
    objects: fakes.FakeObjectStore = field(default_factory=fakes.FakeObjectStore)
    lanes: fakes.FakeLaneStore = field(default_factory=fakes.FakeLaneStore)
    waiting: fakes.FakeWaiting = field(default_factory=fakes.FakeWaiting)
    workflow: fakes.FakeWorkflow = field(default_factory=fakes.FakeWorkflow)
    delivery: fakes.FakeDelivery = field(default_factory=fakes.FakeDelivery)
    users: fakes.FakeUserDirectory = field(default_factory=fakes.FakeUserDirectory)
    throttle: FakeThrottle = field(default_factory=FakeThrottle)
    erasures: fakes.FakeErasureStore = field(default_factory=fakes.FakeErasureStore)
    erasing: fakes.FakeErasureJob = field(default_factory=fakes.FakeErasureJob)
    sftp: SftpServer = field(default_factory=fakes.FakeSftpServer)
    now: datetime = NOW

    @property
    def service(self) -> Service:
        ports = Ports(
            accounts=self.accounts,
            audit=self.accounts.audit,
            runs=self.runs,
            objects=self.objects,
            lanes=self.lanes,
            workflow=self.workflow,
            waiting=self.waiting,
            box=fakes.FakeSecretBox(),
            delivery=self.delivery,
            hasher=fakes.FakeHasher(),
            users=self.users,
            throttle=self.throttle,
            uploads=fakes.FakeUploadCounter(),
            erasures=self.erasures,
            erasing=self.erasing,
        )
        return compose(
            ports,
            sign_in=SignIn("eu-west-1", "eu-west-1_AbCdEf123", "client-of-the-command-line"),
            console=CONSOLE,
            sftp=SftpAddress("sftp.example.org", 22, self.sftp),
            hosts=HostCheck(resolve=lambda _: ["17.1.2.3"]),
            dry_runs=DryRunPlace("runs", DRY_RUN_LIMITS),
            keep_runs=400 * DAY,
            keep_audit=400 * DAY,
            now=lambda: self.now,
        )


@dataclass
class Context:
    """What Lambda tells a handler about its invocation."""

    function_name: str = "rosterbridge-api"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:111122223333:function:rosterbridge-api"
    aws_request_id: str = "52fdfc07-2182-154f-163f-5f0f9a621d72"


@dataclass(frozen=True)
class Answer:
    """What the API answered."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        return str(self.json["code"])

    @property
    def etag(self) -> str:
        return self.headers["ETag"]


def claims(*, user: str = "user-1", groups: str | None = "[administrator]", organization: str | None) -> dict[str, str]:
    """Return the claims of an ID token, as API Gateway writes them."""
    found = {"sub": user, "token_use": "id", "cognito:groups": groups, "custom:organization_id": organization}
    return {name: value for name, value in found.items() if value is not None}


def event(
    method: str,
    target: str,
    *,
    token: Mapping[str, Any] | None,
    body: str | bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return API Gateway's event (payload 2.0) of a request; bytes come in base64."""
    address = urlsplit(target)
    path, query = unquote(address.path), _query_of(address.query)
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": address.query,
        "headers": {name.lower(): value for name, value in (headers or {}).items()},
        **({"queryStringParameters": query} if query else {}),
        "requestContext": {
            "accountId": "111122223333",
            "apiId": "api",
            "domainName": "api.example.org",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.7",
                "userAgent": "test",
            },
            "requestId": "request-1",
            "routeKey": "$default",
            "stage": "$default",
            "timeEpoch": 1,
            **({"authorizer": {"jwt": {"claims": dict(token), "scopes": None}}} if token is not None else {}),
        },
        **({} if body is None else {"body": base64.b64encode(body).decode() if isinstance(body, bytes) else body}),
        "isBase64Encoded": isinstance(body, bytes),
    }


def _query_of(text: str) -> dict[str, str]:
    """Return the parameters of a query; what is given several times has commas between."""
    query: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        query[name] = f"{query[name]},{value}" if name in query else value
    return query


class Sender(ABC):
    """Sends requests of one user, by the verbs of HTTP."""

    @abstractmethod
    def send(self, method: str, target: str, content: str | bytes | None, headers: Mapping[str, str]) -> Answer:
        """Send a request, and return the answer to it."""

    def __call__(
        self, method: str, target: str, body: Any = None, *, raw: str | bytes | None = None, **headers: str
    ) -> Answer:
        """Send JSON, or ``raw``; a header is given by its name with underscores: ``if_match='"1"'``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = raw if raw is not None else None if body is None else json.dumps(body)
        if content is not None:
            named = {"content-type": "application/json", **named}
        return self.send(method, target, content, named)

    def get(self, target: str, **headers: str) -> Answer:
        return self("GET", target, **headers)

    def post(self, target: str, body: Any = None, **headers: str) -> Answer:
        return self("POST", target, body, **headers)

    def patch(self, target: str, body: Any, **headers: str) -> Answer:
        return self("PATCH", target, body, **headers)

    def delete(self, target: str, **headers: str) -> Answer:
        return self("DELETE", target, **headers)


@dataclass
class Client(Sender):
    """Sends them to the API over fakes."""

    world: FakeWorld
    token: Mapping[str, Any] | None

    def send(self, method: str, target: str, content: str | bytes | None, headers: Mapping[str, str]) -> Answer:
        asked = event(method, target, token=self.token, body=content, headers=headers)
        answer = handle(asked, Context(), lambda: self.world.service)  # type: ignore[arg-type]
        return Answer(answer["statusCode"], answer["headers"], answer.get("body") or "")


def administrator(world: FakeWorld, organization: str, **more: Any) -> Client:
    """Return the client of an organization's administrator."""
    return Client(world, claims(organization=organization, **more))


def operator(world: FakeWorld) -> Client:
    """Return an operator's client."""
    return Client(world, claims(user="user-operator", groups="[operator]", organization=None))


THINGS = ("organization", "project", "file_account", "key", "asm_account", "flow", "run", "dry_run", "user")


def belongings(mark: str) -> dict[str, str]:
    """Return the ids of what ``populate`` makes, by the names of the API's parameters."""
    return {f"{thing}_id": f"{thing.replace('_', '-')}-of-{mark}" for thing in THINGS}


def populate(world: FakeWorld, mark: str) -> dict[str, str]:
    """Give an organization one of every kind of thing; ``mark`` is in each id and name of it. Returns the ids."""
    ids = belongings(mark)
    owner = ids["organization_id"]
    keys = tuple(flows.public_key(id=identity, label=mark) for identity in (ids["key_id"], f"second-key-of-{mark}"))
    world.accounts.put(
        flows.organization(id=owner, name=f"Schools of {mark}"),
        flows.project(id=ids["project_id"], organization_id=owner, name=f"Project of {mark}"),
        flows.file_account(
            id=ids["file_account_id"], organization_id=owner, username=f"sis-of-{mark}", public_keys=keys
        ),
        flows.asm_account(
            id=ids["asm_account_id"],
            organization_id=owner,
            name=f"Apple of {mark}",
            encrypted_password=fakes.FakeSecretBox().encrypt("apple-secret", organization_id=owner),
        ),
        flows.flow(
            id=ids["flow_id"],
            organization_id=owner,
            project_id=ids["project_id"],
            name=f"Flow of {mark}",
            file_account_id=ids["file_account_id"],
            asm_account_id=ids["asm_account_id"],
        ),
    )
    world.users.known[ids["user_id"]] = User(
        ids["user_id"], f"administrator@{mark}.example", Role.ADMINISTRATOR, owner, "CONFIRMED", NOW
    )
    world.runs.create(_ended_run(world, ids, mark))
    world.accounts.put(_ended_dry_run(world, ids, mark))
    world.accounts.audit.add(_entry(ids, mark))
    return ids


def _ended_run(world: FakeWorld, ids: dict[str, str], mark: str) -> Run:
    def stored(name: str, content: bytes) -> ObjectRef:
        return world.objects.put(ObjectRef(bucket="runs", key=f"runs/{ids['run_id']}/{name}"), content)

    report = Report(accepted=True, format="oneroster-1.1", summary=f"Summary of {mark}")
    return flows.run(
        id=ids["run_id"],
        organization_id=ids["organization_id"],
        project_id=ids["project_id"],
        flow_id=ids["flow_id"],
        flow_name=f"Flow of {mark}",
        file_account_id=ids["file_account_id"],
        file_name=f"roster-of-{mark}.zip",
        status=RunStatus.SUCCEEDED,
        ended_at=NOW,
        source=stored("source.zip", b"source"),
        result=stored("result.zip", b"result"),
        provenance=stored("provenance.csv.gz", b"provenance"),
        report=stored("report.json", report_to_json(report).encode()),
        summary=f"Summary of {mark}",
    )


def _ended_dry_run(world: FakeWorld, ids: dict[str, str], mark: str) -> DryRun:
    dry_run = flows.dry_run(
        id=ids["dry_run_id"],
        organization_id=ids["organization_id"],
        flow_id=ids["flow_id"],
        file_name=f"try-of-{mark}.zip",
        status="done",
        verdict="send",
    )
    report = Report(accepted=True, format="asm", summary=f"Summary of {mark}")
    place = dry_run_object("runs", dry_run.organization_id, dry_run.id, "report.json")
    world.objects.put(place, report_to_json(report).encode())
    return dry_run


def _entry(ids: dict[str, str], mark: str) -> AuditEntry:
    return AuditEntry(
        id=f"audit-of-{mark}",
        organization_id=ids["organization_id"],
        at=NOW,
        actor=ids["user_id"],
        role=Role.ADMINISTRATOR,
        source_ip="192.0.2.7",
        action="create",
        kind="project",
        target_id=ids["project_id"],
        expires_at=NOW + 400 * DAY,
    )
