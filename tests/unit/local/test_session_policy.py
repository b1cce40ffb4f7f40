from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from local.sftp_front.policy import SessionPolicy, matches
from rosterbridge.flows.signing_in import HomeSettings, session_policy

HOME = "arn:aws:s3:::homes"
DEPLOYED = session_policy("home/account-1", HomeSettings(role_arn="role", bucket="homes", key_arn="key"))


def policy(*statements: dict[str, Any]) -> SessionPolicy:
    return SessionPolicy.parse(json.dumps({"Version": "2012-10-17", "Statement": statements}))


def allow(**changes: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{HOME}/*", **changes}


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"])
@pytest.mark.parametrize(
    ("key", "allowed"),
    [
        ("home/account-1/roster.zip", True),
        ("home/account-1/inbox/", True),
        ("home/account-1", False),
        ("home/account-10/roster.zip", False),
        ("home/account-2/roster.zip", False),
        ("roster.zip", False),
    ],
)
def test_the_deployed_policy_confines_objects_to_the_home(action, key, allowed):
    assert SessionPolicy.parse(DEPLOYED).allows(action, f"{HOME}/{key}") is allowed


@pytest.mark.parametrize(
    ("prefix", "allowed"),
    [
        ("home/account-1/", True),
        ("home/account-1", True),
        ("home/account-1/inbox/", True),
        ("home/account-10/", False),
        ("home/", False),
        ("", False),
    ],
)
def test_the_deployed_policy_confines_listings_to_the_home(prefix, allowed):
    assert SessionPolicy.parse(DEPLOYED).allows("s3:ListBucket", HOME, {"s3:prefix": prefix}) is allowed


def test_a_listing_without_a_prefix_does_not_fulfil_a_condition_on_it():
    assert not SessionPolicy.parse(DEPLOYED).allows("s3:ListBucket", HOME)


def test_another_bucket_is_not_allowed():
    assert not SessionPolicy.parse(DEPLOYED).allows("s3:GetObject", "arn:aws:s3:::other/home/account-1/roster.zip")


def test_nothing_is_allowed_that_no_statement_allows():
    assert not policy().allows("s3:GetObject", f"{HOME}/a")
    assert not policy(allow(Action="s3:PutObject")).allows("s3:GetObject", f"{HOME}/a")


def test_a_denial_wins_over_every_permission():
    both = policy(allow(Action="*", Resource="*"), allow(Effect="Deny", Resource=[f"{HOME}/private/*"]))
    assert both.allows("s3:GetObject", f"{HOME}/open/a")
    assert not both.allows("s3:GetObject", f"{HOME}/private/a")


def test_actions_are_compared_without_case_and_resources_with_it():
    assert policy(allow(Action=["S3:getobject"])).allows("s3:GetObject", f"{HOME}/a")
    assert not policy(allow(Resource=f"{HOME}/A")).allows("s3:GetObject", f"{HOME}/a")


def test_string_equals_takes_no_wildcard():
    exact = policy(
        allow(Action="s3:ListBucket", Resource=HOME, Condition={"StringEquals": {"S3:Prefix": ["home/*", "in/"]}})
    )
    assert exact.allows("s3:ListBucket", HOME, {"s3:prefix": "in/"})
    assert not exact.allows("s3:ListBucket", HOME, {"s3:prefix": "home/a"})


def test_every_condition_has_to_hold():
    conditions = {"StringLike": {"s3:prefix": "home/*"}, "StringEquals": {"s3:prefix": "home/a"}}
    both = policy(allow(Action="s3:ListBucket", Resource=HOME, Condition=conditions))
    assert both.allows("s3:ListBucket", HOME, {"s3:prefix": "home/a"})
    assert not both.allows("s3:ListBucket", HOME, {"s3:prefix": "home/b"})


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("*", "", True),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("a*c", "a/b\nc", True),
        ("a[b]", "ab", False),
        ("a.c", "abc", False),
        ("a*", "ba", False),
    ],
)
def test_wildcards_are_those_of_iam(pattern, text, fits):
    assert matches(pattern, text) is fits


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Allow", "NotAction": "s3:GetObject", "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "*"},
        {"Effect": "Allow", "Action": "s3:GetObject"},
        {"Effect": "Allow", "Action": [], "Resource": "*"},
        {"Effect": "Perhaps", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "::1"}}},
        {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringLike": {"aws:username": "x"}}},
    ],
)
def test_a_policy_that_is_not_fully_understood_is_not_taken(statement):
    with pytest.raises(ValidationError):
        policy(statement)


def test_a_policy_longer_than_transfer_family_takes_is_not_taken():
    with pytest.raises(ValueError, match="2049 characters"):
        SessionPolicy.parse(DEPLOYED + " " * (2049 - len(DEPLOYED)))
