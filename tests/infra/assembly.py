"""Read what synth wrote: templates as plain data."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# For a synth whose assets nobody publishes: to copy the layers takes as long as the rest
UNCOPIED = {"aws:cdk:disable-asset-staging": True}


class Template:
    """One stack's template; resources by type and by the beginning of their logical id."""

    def __init__(self, path: Path) -> None:
        self.outputs: dict[str, Any] = {}
        self.resources: dict[str, dict[str, Any]] = {}
        content = json.loads(path.read_text())
        self.outputs, self.resources = content.get("Outputs", {}), content["Resources"]

    def all(self, kind: str) -> dict[str, dict[str, Any]]:
        return {name: found for name, found in self.resources.items() if found["Type"] == f"AWS::{kind}"}

    def one(self, kind: str, name: str = "") -> dict[str, Any]:
        """Return the properties of the only resource of that type whose logical id begins with ``name``."""
        (found,) = [resource for logical_id, resource in self.all(kind).items() if logical_id.startswith(name)]
        return found["Properties"]

    def called(self, reference: dict[str, Any]) -> dict[str, Any]:
        """Return the properties of the function that is called by a reference to its alias."""
        (alias,) = [found for name, found in self.all("Lambda::Alias").items() if f'"{name}"' in json.dumps(reference)]
        function: dict[str, Any] = self.resources[alias["Properties"]["FunctionName"]["Ref"]]["Properties"]
        return function

    def statements(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield every statement of every policy of a role, with the policy's logical id."""
        for name, policy in self.all("IAM::Policy").items():
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
                yield name, statement
        for role in self.all("IAM::Role").values():
            assert "Policies" not in role["Properties"], "policies of a role are resources of their own"


class Assembly:
    """A cloud assembly on disk."""

    def __init__(self, folder: Path, stage: str = "prod") -> None:
        self.folder = folder
        self._stage = stage
        self.data = Template(folder / f"Rosterbridge-{stage}-Data.template.json")
        self.service = Template(folder / f"Rosterbridge-{stage}-Service.template.json")

    def asset_of(self, resource: dict[str, Any]) -> Path:
        """Return the folder that is packed for a function (``Code``) or a layer (``Content``)."""
        place = resource.get("Code") or resource["Content"]
        files = json.loads((self.folder / f"Rosterbridge-{self._stage}-Service.assets.json").read_text())["files"]
        return self.folder / files[place["S3Key"].removesuffix(".zip")]["source"]["path"]

    def layers_of(self, function: dict[str, Any]) -> list[Path]:
        return [self.asset_of(self.service.resources[layer["Ref"]]["Properties"]) for layer in function["Layers"]]

    def definition(self, machine: str) -> dict[str, Any]:
        """Return a state machine's definition, with references as their logical ids."""
        return json.loads(as_text(self.service.one("StepFunctions::StateMachine", machine)["DefinitionString"]))


def as_text(value: Any) -> str:
    """Return a text of a template with its references filled in by something of their form."""
    if isinstance(value, str):
        return value
    ((function, argument),) = value.items()
    if function == "Fn::Join":
        return argument[0].join(map(as_text, argument[1]))
    if function == "Fn::GetAtt":
        return f"arn:aws:lambda:eu-west-1:123456789012:function:{argument[0]}"
    if function == "Fn::ImportValue":
        return argument.rpartition("ExportsOutput")[2]
    if function == "Fn::Sub":
        return str(argument)
    assert function == "Ref", value
    if "FunctionLive" in argument:
        return f"arn:aws:lambda:eu-west-1:123456789012:function:{argument}:live"
    return "aws" if argument == "AWS::Partition" else argument.rpartition("::")[2]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
