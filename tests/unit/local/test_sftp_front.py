from __future__ import annotations

import inspect
import io
import json
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as some

from local.host_key import host_key, public_text
from local.sftp_front.home import Home, Mapping, Place, normalized
from local.sftp_front.identity import FrontError, RefusedError, TransferServer, ask_function, find_server
from local.sftp_front.session import FrontSession
from local.sftp_session import Handler

HOME = Home([Mapping(Entry="/", Target="/homes/home/account-1")])
SEPARATE = Home(
    [Mapping(Entry="/in", Target="/a/x"), Mapping(Entry="/in/deep", Target="/b"), Mapping(Entry="/out/r", Target="/c")]
)


@given(some.lists(some.sampled_from(["..", ".", "", "a", "a..", "%2e%2e", "..\\", "home", " "])), some.booleans())
def test_no_path_names_a_place_outside_of_the_home(parts, absolute):
    path = ("/" if absolute else "") + "/".join(parts)
    place = HOME.place(normalized(path.encode()))
    assert place is not None
    assert place.bucket == "homes"
    assert f"{place.key}/".startswith("home/account-1/")
    assert not {"..", ".", ""} & set(place.key.split("/"))


@pytest.mark.parametrize("path", [b"\xff", b"a\0b"])
def test_a_path_that_no_key_can_have_is_refused(path):
    with pytest.raises(ValueError, match=r"decode|NUL"):
        normalized(path)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/in", Place("a", "x")),
        ("/in/f", Place("a", "x/f")),
        ("/in/deep", Place("b", "")),
        ("/in/deep/f", Place("b", "f")),
        ("/inner", None),
        ("/out", None),
        ("/out/r/f", Place("c", "f")),
        ("/", None),
    ],
)
def test_the_longest_mapping_holds(path, place):
    assert SEPARATE.place(path) == place


def test_folders_that_lead_to_mapped_ones_are_seen():
    assert SEPARATE.below("/") == ["in", "out"]
    assert SEPARATE.below("/in") == ["deep"]
    assert SEPARATE.below("/out") == ["r"]
    assert HOME.below("/") == []


def test_no_method_of_the_session_is_the_one_that_works_on_this_machines_files():
    helpers = {"channel", "connection", "env", "logger", "convert_attrs", "format_longname"}
    own = {
        name
        for name, _ in inspect.getmembers(asyncssh.SFTPServer)
        if not name.startswith("_") and name not in helpers | {"map_path", "reverse_map_path"}
    }
    assert {name for name in own if getattr(FrontSession, name) is getattr(asyncssh.SFTPServer, name)} == set()


def test_no_extension_of_the_protocol_is_offered_or_taken():
    assert Handler._extensions == []
    assert all(isinstance(kind, int) for kind in Handler._packet_handlers)


# -- the deployed server and its function -----------------------------------------------------------------------------


class FakeTransfer:
    def __init__(self, *servers: dict[str, Any]) -> None:
        self._servers = {server["ServerId"]: server for server in servers}

    def list_servers(self) -> dict[str, Any]:
        return {"Servers": [{"ServerId": server_id} for server_id in self._servers]}

    def describe_server(self, *, ServerId: str) -> dict[str, Any]:  # noqa: N803
        return {"Server": self._servers[ServerId]}


def described(**changes: Any) -> dict[str, Any]:
    details = {"Function": "arn:aws:lambda:eu-west-1:000000000000:function:authenticate"}
    return {"ServerId": "s-2", "IdentityProviderType": "AWS_LAMBDA", "IdentityProviderDetails": details, **changes}


def test_the_server_is_the_one_that_asks_a_function():
    other = {"ServerId": "s-1", "IdentityProviderType": "SERVICE_MANAGED"}
    found = find_server(FakeTransfer(other, described(ProtocolDetails={"SetStatOption": "ENABLE_NO_OP"})))
    assert found == TransferServer(
        "s-2", "arn:aws:lambda:eu-west-1:000000000000:function:authenticate", ignores_set_stat=True
    )
    assert not find_server(FakeTransfer(described())).ignores_set_stat


def test_a_missing_server_is_named_as_the_reason():
    with pytest.raises(FrontError, match="no Transfer Family server"):
        find_server(FakeTransfer())


def test_a_server_that_wants_key_and_password_is_named_as_the_reason():
    details = {"Function": "arn", "SftpAuthenticationMethods": "PUBLIC_KEY_AND_PASSWORD"}
    with pytest.raises(FrontError, match="together"):
        find_server(FakeTransfer(described(IdentityProviderDetails=details)))


class FakeLambda:
    def __init__(self, response: dict[str, Any] | Exception) -> None:
        self._response = response
        self.invoked: dict[str, Any] = {}

    def invoke(self, **arguments: Any) -> dict[str, Any]:
        self.invoked = arguments
        if isinstance(self._response, Exception):
            raise self._response
        return self._response


def test_the_function_gets_the_request_and_its_answer_comes_back():
    client = FakeLambda({"Payload": io.BytesIO(b'{"Role": "r"}')})
    assert ask_function(client, "arn")({"username": "district"}) == {"Role": "r"}
    assert client.invoked["FunctionName"] == "arn"
    assert json.loads(client.invoked["Payload"]) == {"username": "district"}


@pytest.mark.parametrize(
    "response",
    [
        {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"Role": "r"}')},
        {"Payload": io.BytesIO(b"no JSON")},
        {"Payload": io.BytesIO(b"")},
        ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke"),
        EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
    ],
)
def test_a_function_that_fails_refuses(response):
    with pytest.raises(RefusedError):
        ask_function(FakeLambda(response), "arn")({"username": "district"})


# -- the host key -----------------------------------------------------------------------------------------------------


def test_a_host_key_is_made_once_and_is_readable_by_its_owner_only(tmp_path: Path):
    path = tmp_path / "new folder" / "host_key"
    first = public_text(host_key(path))
    assert first.startswith("ssh-ed25519 AAAA")
    assert public_text(host_key(path)) == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]
