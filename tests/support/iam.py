"""What the deployed roles may do, what they did, and what they were denied, on a stack that enforces IAM."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.stack import StackUnderTest

# CloudFormation's names end in hashes: of the logical id, and of the resource
PHYSICAL = re.compile(r"(?i)rosterbridge-local-(?:data|service)-([a-z]+?)[0-9a-f]{8}-[0-9a-f]{13}")
POLICY = re.compile(r"\w*?([A-Z][a-z]+)(?:Function)?(?:Role)DefaultPolicy[0-9A-F]{8}")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NOTHING = "sts:GetCallerIdentity"  # what everybody may do, so that a statement without an action can stay
Statement = dict[str, Any]


@dataclass(frozen=True, order=True)
class Right:
    """An action that a statement of a role allows; ``on`` tells on what, and under which conditions."""

    role: str
    action: str
    on: str

    def __str__(self) -> str:
        return f"{self.role} {self.action} {self.on}"


@dataclass(frozen=True)
class _Policy:
    role_name: str
    name: str
    statements: tuple[Statement, ...]


class Roles:
    """The roles by short names: of functions, ``home`` of SFTP sessions, ``runs`` and ``closing`` of executions."""

    def __init__(self, stack: StackUnderTest) -> None:
        self._iam = stack.client("iam")
        self._decisions = stack.local.decisions
        self._policies = {_short(policy.name): policy for policy in self._read()}

    def _read(self) -> Iterator[_Policy]:
        for role in self._iam.list_roles()["Roles"]:
            for name in self._iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
                found = self._iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"]
                yield _Policy(role["RoleName"], name, tuple(found["Statement"]))

    def rights(self) -> set[Right]:
        """Return what the roles may do."""
        return {
            Right(role, action, _told(place, statement.get("Condition", {})))
            for role, policy in self._policies.items()
            for statement in policy.statements
            for action in _listed(statement["Action"])
            for place in _listed(statement["Resource"])
        }

    def used(self) -> set[Right]:
        """Return what the roles have done so far, each by the first of its statements that allows it."""
        return {
            Right(role, decision["action"], _told(decision["resource"], decision["conditions"]))
            for role, decision in self._decided()
            if not decision.get("denied")
        }

    def denied(self) -> Sequence[tuple[str, str]]:
        """Return what the roles were denied so far: role and action, in order."""
        return [(role, decision["action"]) for role, decision in self._decided() if decision.get("denied")]

    def _decided(self) -> Iterator[tuple[str, dict[str, Any]]]:
        roles = {policy.role_name: role for role, policy in self._policies.items()}
        for line in self._decisions.read_text().splitlines():
            decision = json.loads(line)
            if decision["role"] in roles:
                yield roles[decision["role"]], decision

    @contextmanager
    def without(self, role: str, action: str, on: str) -> Iterator[None]:
        """Take an action from the statements of a role that tell of ``on``, and give it back afterwards."""
        policy = self._policies[role]
        cut = [part for statement in policy.statements for part in _cut(statement, action, on)]
        assert cut != list(policy.statements), f"{role} has no {action} on {on}"
        self._put(policy, cut)
        try:
            yield
        finally:
            self._put(policy, policy.statements)

    def _put(self, policy: _Policy, statements: Sequence[Statement]) -> None:
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        self._iam.put_role_policy(
            RoleName=policy.role_name, PolicyName=policy.name, PolicyDocument=json.dumps(document)
        )


def _short(policy: str) -> str:
    found = POLICY.fullmatch(policy)
    assert found, policy
    return found[1].lower()


def _cut(statement: Statement, action: str, on: str) -> list[Statement]:
    """Return a statement without an action on the places that tell of ``on``, and for the others as it is."""
    actions, places = _listed(statement["Action"]), _listed(statement["Resource"])
    meant = [place for place in places if on in _told(place, statement.get("Condition", {}))]
    if action not in actions or not meant:
        return [statement]
    others = [place for place in places if place not in meant]
    kept = [one for one in actions if one != action]
    parts = [{**statement, "Action": kept, "Resource": meant}, {**statement, "Resource": others}]
    return [part for part in parts if part["Action"] and part["Resource"]] or [{**statement, "Action": NOTHING}]


def _told(resource: str, conditions: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a resource and the values of conditions without what differs from one deployment to the next."""
    place = UUID.sub("", PHYSICAL.sub(r"\1", resource.removesuffix(":*").rpartition(":")[2])).rstrip("/")
    values = [value for keys in conditions.values() for found in keys.values() for value in _listed(found)]
    words = sorted({value.partition(".eu-west-1.")[0] for value in values})
    return " ".join((place, *(("if", *words) if words else ())))


def _listed(found: Any) -> list[str]:
    return [found] if isinstance(found, str) else list(found)
