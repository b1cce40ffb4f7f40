"""What the API's verbs have in common: the options of each, and the organization and project that are meant."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from rosterbridge.cli.api_client import Api, Json
from rosterbridge.cli.deployment import ApiOption
from rosterbridge.cli.output import answering, print_object, print_table, shown
from rosterbridge.cli.signing_in import Access, find_access
from rosterbridge.cli.terminal import JsonOption, errors, refuse_usage

OrganizationOption = Annotated[
    str | None,
    typer.Option("--organization", metavar="ID", help="The organization; yours by default. Operators name it."),
]
ProjectOption = Annotated[
    str | None, typer.Option("--project", metavar="ID", help="The project; by default the only one that there is.")
]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many, newest first.")]
CursorOption = Annotated[str | None, typer.Option("--cursor", help="Where an earlier list went on.")]
AllOption = Annotated[bool, typer.Option("--all", help="To the end of the list, however long.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")]


class Call:
    """One call of a verb: the API, what is meant, and how to answer."""

    def __init__(self, access: Access, api: Api, organization: str | None, *, as_json: bool) -> None:
        self.api, self.as_json = api, as_json
        self._access, self._organization = access, organization

    @cached_property
    def organization_id(self) -> str:
        """The organization that is named, the user's own, or the only one."""
        found = self._organization or self._access.session.organization_id
        if found:
            return found
        return self._only(self.api.get("/v1/organizations").content["items"], "organization")

    def project_id(self, project: str | None) -> str:
        """Return the project that is named, the local stack's, or the only one."""
        known = self._access.deployment
        local = known.project_id if self.organization_id == known.organization_id else None
        return project or local or self._only(self.api.get(self.path("projects")).content["items"], "project")

    @staticmethod
    def _only(things: list[Json], kind: str) -> str:
        if len(things) != 1:
            known = ", ".join(f"{thing['name']} ({thing['id']})" for thing in things) or "there is none yet"
            raise refuse_usage(f"name the {kind} by --{kind}: {shown(known)}")
        only: str = things[0]["id"]
        return only

    def path(self, *parts: str) -> str:
        """Return the address of something in the organization."""
        return "/".join(["/v1/organizations", *(quote(part, safe="") for part in (self.organization_id, *parts))])

    @staticmethod
    def below(*parts: str) -> str:
        """Return the address of something below a thing."""
        return "".join(f"/{quote(part, safe='')}" for part in parts)

    def show(self, content: Any, print_it: Callable[[Any], None]) -> None:
        """Print the API's answer, as JSON if that is wanted."""
        print_object(content) if self.as_json else print_it(content)

    def show_all(self, path: str, columns: Mapping[str, Any], *, none: str, **query: Any) -> None:
        """Print all things of a kind; ``none`` is said where there is none."""
        found = self.api.get(path, **query).content
        self.show(found, lambda page: print_table(page["items"], columns, none=none))

    def confirm(self, question: str, *, yes: bool) -> None:
        """Go on only if it is meant."""
        if not yes and not typer.confirm(question, err=True):
            errors.print("nothing was changed", highlight=False)
            raise typer.Exit


def verb(app: typer.Typer, name: str) -> Callable[[Callable[..., None]], None]:
    """Register a function of a Call and its own options; ``--api``, ``--organization``, ``--json`` are added to it."""

    def register(function: Callable[..., None]) -> None:
        @functools.wraps(function)
        def command(*, api: str | None, organization: str | None, as_json: bool, **given: Any) -> None:
            with answering(as_json=as_json):
                access = find_access(api)
                with Api(access) as client:
                    function(Call(access, client, organization, as_json=as_json), **given)

        # typer reads a command's options off its signature
        _, *own = inspect.signature(function, eval_str=True).parameters.values()
        common = {"api": (ApiOption, None), "organization": (OrganizationOption, None), "as_json": (JsonOption, False)}
        added = [
            inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
            for option, (kind, default) in common.items()
        ]
        command.__signature__ = inspect.Signature([*own, *added])  # type: ignore[attr-defined]
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *added]}
        del command.__wrapped__
        app.command(name)(command)

    return register


def noun() -> typer.Typer:
    """Return an empty group of verbs."""
    return typer.Typer(no_args_is_help=True)


def given_only(**values: Any) -> Json:
    """Return the values that were given; raises the exit of wrong usage when there is none."""
    found = {name: value for name, value in values.items() if value is not None}
    if not found:
        raise refuse_usage("name something to change")
    return found


def read_json_file(path: Path | None) -> Any:
    """Return a file's JSON, None without a file."""
    import json

    if path is None:
        return None
    try:
        return json.loads(path.read_bytes())
    except ValueError:
        raise refuse_usage(f"{path.name} holds no JSON") from None
