"""``projects``: groups of flows, each with the switch that keeps request and response data."""

from __future__ import annotations

from typing import Annotated

import typer

from rosterbridge.cli.api_client import Json
from rosterbridge.cli.output import moment, print_values
from rosterbridge.cli.verbs import Call, given_only, noun, verb

projects_app = noun()

COLUMNS = {
    "project": "id",
    "name": "name",
    "saves data": "save_data",
    "created": lambda project: moment(project["created_at"]),
}

ProjectArgument = Annotated[str, typer.Argument(metavar="PROJECT", help="The project's id.")]
SaveOption = Annotated[
    bool | None,
    typer.Option("--save-data/--no-save-data", help="Whether runs keep request and response of each step."),
]


@verb(projects_app, "list")
def list_projects(call: Call) -> None:
    """List the organization's projects."""
    call.show_all(call.path("projects"), COLUMNS, none="no project yet")


@verb(projects_app, "show")
def show_project(call: Call, project_id: ProjectArgument) -> None:
    """Show a project."""
    call.show(call.api.get(call.path("projects", project_id)).content, _print)


@verb(projects_app, "create")
def create_project(
    call: Call, name: Annotated[str, typer.Argument(metavar="NAME")], save_data: SaveOption = None
) -> None:
    """Create a project."""
    call.show(call.api.create(call.path("projects"), {"name": name, "save_data": bool(save_data)}).content, _print)


@verb(projects_app, "update")
def update_project(
    call: Call,
    project_id: ProjectArgument,
    name: Annotated[str | None, typer.Option("--name", help="Another name.")] = None,
    save_data: SaveOption = None,
) -> None:
    """Rename a project, or switch the saving of request and response data."""
    changes = given_only(name=name, save_data=save_data)
    call.show(call.api.change(call.path("projects", project_id), body=changes).content, _print)


def _print(project: Json) -> None:
    print_values(
        {
            "project": project["id"],
            "name": project["name"],
            "saves data": project["save_data"],
            "since": moment(project["save_data_since"]),
            "turned on by": project["save_data_by"],
            "created": moment(project["created_at"]),
        }
    )
