"""Where MiniStack 1.5.33 differs from AWS in a way that our stacks notice, it is put right here.

``cognito_steps``, ``cognito_users`` and ``http_api`` go on with users and the API. Each correction has a test in
``tests/contract/test_emulator.py`` or beside it; the version is pinned in ``local/requirements.in``.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import logging
import shlex
import sys
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key
from ministack import app
from ministack.core import lambda_runtime, persistence
from ministack.services import eventbridge, lambda_svc, sqs, stepfunctions, transfer
from ministack.services.cloudformation import provisioners

RUNTIME_CLIENT = Path(__file__).with_name("runtime_client.py")
LAYER_POINTER = "layer.path"

logger = logging.getLogger("rosterbridge.emulator")


def apply(flush_seconds: float, sftp_host_key: Path | None = None) -> None:
    """Put every correction of this module in place; call before the server starts."""
    _run_python_functions_on_the_runtime_api()
    _know_transfer_servers(_fingerprint(sftp_host_key) if sftp_host_key else None)
    _announce_executions_that_a_restart_ended()
    _let_the_front_speak_for_transfer_family()
    _name_queues_without_the_port()
    _flush_state_regularly(flush_seconds)


# -- Lambda: custom exception names reach Step Functions, and no package of this venv reaches a function ------------


class PythonWorker(lambda_runtime.ProvidedWorker):
    """A Python execution environment that speaks Lambda's Runtime API."""

    def __init__(self, func_name: str, config: dict[str, Any], code_zip: bytes) -> None:
        super().__init__(func_name, config, _with_bootstrap(code_zip, _layer_paths(config)))


def _layer_paths(config: dict[str, Any]) -> list[str]:
    """Return the folders of the function's layers: locally a layer only points to its build on disk."""
    paths = []
    for layer in config.get("Layers", []):
        content = lambda_svc._resolve_layer_zip(layer)
        if content is None:
            message = f"layer without content: {layer}"
            raise RuntimeError(message)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            paths.append(archive.read(LAYER_POINTER).decode().strip())
    return paths


def _with_bootstrap(code_zip: bytes, layers: list[str]) -> bytes:
    # unbuffered, as Lambda's own runtime is: what a function prints last belongs to this invocation
    command = shlex.join([sys.executable, "-I", "-S", "-u", str(RUNTIME_CLIENT), *layers])
    buffer = io.BytesIO(code_zip)
    with zipfile.ZipFile(buffer, "a") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, f"#!/bin/sh\nexec {command}\n")
    return buffer.getvalue()


def _run_python_functions_on_the_runtime_api() -> None:
    stock_class, stock_execute = lambda_runtime._worker_class_for, lambda_svc._execute_function_warm

    def is_python(config: dict[str, Any]) -> bool:
        return str(config.get("Runtime", "")).startswith("python")

    def worker_class_for(config: dict[str, Any]) -> type:
        return PythonWorker if is_python(config) else stock_class(config)

    def execute(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        run = lambda_svc._execute_function_provided_warm if is_python(func.get("config") or func) else stock_execute
        return run(func, event, request_id)

    lambda_runtime._worker_class_for = worker_class_for
    lambda_svc._execute_function_warm = execute


# -- Transfer Family: CloudFormation knows the server, and it keeps its identity provider -----------------------------

KEPT_SERVER_FIELDS = ("IdentityProviderDetails", "SecurityPolicyName", "ProtocolDetails", "LoggingRole",
                      "StructuredLogDestinations", "S3StorageOptions", "PreAuthenticationLoginBanner")  # fmt: skip


def _know_transfer_servers(host_key_fingerprint: str | None) -> None:
    provisioners._RESOURCE_HANDLERS["AWS::Transfer::Server"] = {
        "create": _create_transfer_server,
        "update": _update_transfer_server,
        "delete": _delete_transfer_server,
    }
    transfer._describe_server = lambda data: _describe_transfer_server(data, host_key_fingerprint)
    stock = transfer.handle_request

    async def handle_request(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:
        if headers.get("x-amz-target", "").endswith(".ListHostKeys"):
            return _list_host_keys(json.loads(body), host_key_fingerprint)
        return await stock(method, path, headers, body, query)

    transfer.handle_request = handle_request


def _fingerprint(key: Path) -> str:
    """Return what ``ssh-keygen -l`` shows of a private key's public half."""
    public = (
        load_ssh_private_key(key.read_bytes(), None).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    )
    digest = hashlib.sha256(base64.b64decode(public.split()[1])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def _transfer_server_attributes(server: dict[str, Any]) -> dict[str, Any]:
    return {"Arn": server["Arn"], "ServerId": server["ServerId"], "State": server["State"]}


def _create_transfer_server(_logical_id: str, props: dict[str, Any], _stack: str) -> tuple[str, dict[str, Any]]:
    server_id = transfer._server_id()
    server = {
        "Arn": transfer._server_arn(server_id),
        "ServerId": server_id,
        "State": "ONLINE",
        "EndpointType": "PUBLIC",
        "IdentityProviderType": "SERVICE_MANAGED",
        "Protocols": ["SFTP"],
        "Domain": "S3",
        "Tags": [],
        "UserCount": 0,
        "DateCreated": transfer.now_iso(),
        **props,
    }
    transfer._servers[server_id] = server
    # CloudFormation's Ref of a server is its ARN
    return server["Arn"], _transfer_server_attributes(server)


def _update_transfer_server(
    physical_id: str, _old: dict[str, Any], new: dict[str, Any], _stack: str
) -> tuple[str, dict[str, Any]]:
    server = transfer._servers[physical_id.rsplit("/", 1)[-1]]
    server.update(new)
    return physical_id, _transfer_server_attributes(server)


def _delete_transfer_server(physical_id: str, _props: dict[str, Any]) -> None:
    transfer._servers.pop(physical_id.rsplit("/", 1)[-1], None)


def _describe_transfer_server(data: dict[str, Any], host_key_fingerprint: str | None) -> Any:
    server = transfer._servers.get(data.get("ServerId", ""))
    if server is None:
        return transfer._error("ResourceNotFoundException", "Unknown server", 404)
    shown = ("Arn", "Domain", "EndpointType", "IdentityProviderType", "Protocols", "ServerId", "State", "Tags")
    kept = {field: server[field] for field in (*shown, *KEPT_SERVER_FIELDS) if field in server}
    told = {"HostKeyFingerprint": host_key_fingerprint} if host_key_fingerprint else {}
    return transfer.json_response({"Server": {**kept, **told, "UserCount": server.get("UserCount", 0)}})


def _list_host_keys(data: dict[str, Any], host_key_fingerprint: str | None) -> Any:
    """Return the front's key as the server's only one; MiniStack knows no host keys."""
    server = transfer._servers.get(data.get("ServerId", ""))
    if server is None:
        return transfer._error("ResourceNotFoundException", "Unknown server", 404)
    key_id = "hostkey-00000000000000001"
    arn = server["Arn"].replace(":server/", ":host-key/") + f"/{key_id}"
    front = {"Arn": arn, "HostKeyId": key_id, "Fingerprint": host_key_fingerprint, "Type": "ssh-ed25519"}
    return transfer.json_response({"ServerId": server["ServerId"], "HostKeys": [front] if host_key_fingerprint else []})


# -- Step Functions: an execution that was running when the emulator stopped ends like an aborted one -----------------


def _announce_executions_that_a_restart_ended() -> None:
    """MiniStack fails such executions in silence; with the event, the rule for aborted ones closes their records."""
    stock_load = app._load_persisted_state

    def load() -> None:
        started = stepfunctions.now_iso()
        stock_load()
        ended = [
            execution
            for execution in stepfunctions._executions.all_values()
            if execution.get("error") == "States.ServiceRestart" and execution["stopDate"] >= started
        ]
        # not on this thread, which is the one that the event's target needs
        threading.Thread(target=announce, args=(ended,), name="announce-ended", daemon=True).start()

    def announce(executions: list[dict[str, Any]]) -> None:
        for execution in executions:
            stepfunctions._emit_execution_status_event(execution)

    app._load_persisted_state = load


# -- EventBridge: events of AWS's own services, which are refused from others, come from the SFTP front too ------------


def _let_the_front_speak_for_transfer_family() -> None:
    stock_put = eventbridge._put_events

    def put_events(data: dict[str, Any], allow_aws_source: bool = False) -> Any:
        sources = {entry.get("Source") for entry in data.get("Entries", [])}
        return stock_put(data, allow_aws_source or sources == {"aws.transfer"})

    eventbridge._put_events = put_events


# -- SQS: queues are kept by their URL, which must not change with the port ------------------------------------------

KEPT_PORT = "4566"


def _name_queues_without_the_port() -> None:
    """Keep one port in every stored URL; MiniStack answers with the host and port that its caller has reached."""
    sqs.DEFAULT_PORT = KEPT_PORT
    sqs._CANONICAL_NETLOC = f"{sqs.DEFAULT_HOST}:{KEPT_PORT}"


# -- State: a killed emulator loses seconds, not everything ----------------------------------------------------------


def _flush_state_regularly(seconds: float) -> None:
    saving, stock_save, stock_load = threading.Lock(), persistence.save_all, app._load_persisted_state

    def save_all(services: dict[str, Any]) -> None:
        with saving:  # the server saves once more when it stops
            stock_save(services)

    def flush() -> None:
        while True:
            time.sleep(seconds)
            save_all(app._build_persistence_save_dict())

    def load() -> None:
        stock_load()
        # not before: what is not loaded yet would be saved as nothing
        threading.Thread(target=flush, name="state-flush", daemon=True).start()

    app.save_all, app._load_persisted_state = save_all, load
