"""The session policy of a sign-in's answer, evaluated as IAM would."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

MAX_CHARACTERS = 2048  # Transfer Family's limit of a session policy

Texts = Annotated[tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)]
Operator = Literal["StringEquals", "StringLike"]
# the only key that says something about a request of ours
ConditionKey = Annotated[
    Literal["s3:prefix"], BeforeValidator(lambda key: key.lower() if isinstance(key, str) else key)
]


class Statement(BaseModel):
    """One statement; a part of IAM's language that is not evaluated here is an error, so that it cannot be missed."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    sid: str = Field(default="", alias="Sid")
    effect: Literal["Allow", "Deny"] = Field(alias="Effect")
    actions: Texts = Field(alias="Action", min_length=1)
    resources: Texts = Field(alias="Resource", min_length=1)
    conditions: dict[Operator, dict[ConditionKey, Texts]] = Field(default_factory=dict, alias="Condition")

    def applies(self, action: str, resource: str, context: Mapping[str, str]) -> bool:
        """Tell whether the statement speaks of this request."""
        return (
            any(matches(pattern.lower(), action.lower()) for pattern in self.actions)
            and any(matches(pattern, resource) for pattern in self.resources)
            and all(
                key in context and any(_holds(operator, value, context[key]) for value in values)
                for operator, keys in self.conditions.items()
                for key, values in keys.items()
            )
        )


class SessionPolicy(BaseModel):
    """What a session may do at most: nothing that no statement allows, and nothing that one denies."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    version: Literal["2012-10-17"] = Field(alias="Version")
    statements: Annotated[
        tuple[Statement, ...], BeforeValidator(lambda value: (value,) if isinstance(value, dict) else value)
    ] = Field(alias="Statement")

    @classmethod
    def parse(cls, text: str) -> SessionPolicy:
        """Read a policy from its JSON; raises ValueError when it is too long or not fully understood."""
        if len(text) > MAX_CHARACTERS:
            message = f"session policy of {len(text)} characters"
            raise ValueError(message)
        return TypeAdapter(cls).validate_json(text)

    def allows(self, action: str, resource: str, context: Mapping[str, str] | None = None) -> bool:
        """Tell whether ``action`` (``s3:GetObject``) on ``resource`` (an ARN) is allowed."""
        effects = {one.effect for one in self.statements if one.applies(action, resource, context or {})}
        return effects == {"Allow"}


def matches(pattern: str, text: str) -> bool:
    """Tell whether ``text`` fits ``pattern``, in which ``*`` is any text and ``?`` any character."""
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern))
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _holds(operator: Operator, expected: str, actual: str) -> bool:
    return matches(expected, actual) if operator == "StringLike" else expected == actual
