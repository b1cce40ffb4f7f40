"""Leaves out what polars imports to read databases and table stores: a sixth of its import, and nothing for a roster.

Whoever calls such a function of polars all the same gets it, and waits for its import then.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.machinery import ModuleSpec, PathFinder
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:  # its import takes longer than it may
    from importlib.abc import Loader

CONNECTORS = frozenset(f"polars.io.{name}" for name in ("database", "delta", "iceberg", "lance"))  # functions only


def defer_connectors() -> None:
    """Let polars find them, but import none before it is called; too late for a polars that is there already."""
    sys.meta_path.insert(0, _ConnectorFinder())


class _ConnectorFinder:
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname in CONNECTORS else None
        if spec is not None and spec.loader is not None:
            spec.loader = cast("Loader", _Deferred(spec.loader))
        return spec


class _Deferred:
    """Gives a module functions that run it when they are called; importlib's LazyLoader runs it when they are named."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self._lock = RLock()

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__getattr__"] = partial(self._function, module)

    def _function(self, module: ModuleType, name: str) -> Callable[..., object]:
        if name.startswith("__"):
            raise AttributeError(name)
        return partial(self._call, module, name)

    def _call(self, module: ModuleType, name: str, *args: object, **kwargs: object) -> object:
        with self._lock:  # nobody sees it half made
            if vars(module).pop("__getattr__", None):
                self._loader.exec_module(module)
        return getattr(module, name)(*args, **kwargs)
