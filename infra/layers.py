"""Lambda layers from their builds; on the embedded AWS a layer only points to its build on this machine."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra import build
from infra.settings import Settings

POINTER = "layer.path"  # read by local/emulator


class Layers(Construct):
    """Our own code and each group of dependencies; ``versions`` by name."""

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, "Layers")
        major, minor = build.python_version()
        self.runtime = lambda_.Runtime(
            f"python{major}.{minor}", lambda_.RuntimeFamily.PYTHON, supports_inline_code=True, supports_snap_start=True
        )
        self.versions = {name: self._build_version(name, settings) for name in build.LAYERS}

    def _build_version(self, name: str, settings: Settings) -> lambda_.LayerVersion:
        folder = _pointer(name) if settings.local else build.layer_path(name)
        return lambda_.LayerVersion(
            self,
            name.capitalize(),
            description=f"Rosterbridge: {name}",
            code=lambda_.Code.from_asset(str(folder), asset_hash=folder.name),
            compatible_runtimes=[self.runtime],
            compatible_architectures=[lambda_.Architecture.ARM_64],
        )


def _pointer(name: str) -> Path:
    built = build.layer_path(name, build.HOST)
    folder = build.BUILD / "pointers" / built.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / POINTER).write_text(f"{built / 'python'}\n")
    return folder
