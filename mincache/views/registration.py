"""Telling Gymnasium of the environment, without loading Gymnasium."""

from __future__ import annotations

import importlib.util
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

ENVIRONMENT_ID = "mincache/EdgeCaching-v0"
"""What Gymnasium calls the environment; `mincache:` before it lets Gymnasium import mincache first."""


def register() -> None:
    """Register the environment now if Gymnasium is loaded, and otherwise as soon as it is."""
    if "gymnasium" in sys.modules:
        _register(sys.modules["gymnasium"])
    else:
        sys.meta_path.insert(0, _WhenLoaded())


def _register(gymnasium: Any) -> None:
    home = "mincache.views.environment"
    if hasattr(gymnasium, "register"):  # it is not while it is still being loaded
        gymnasium.register(
            ENVIRONMENT_ID,
            entry_point=f"{home}:EdgeCachingEnv",
            vector_entry_point=f"{home}:EdgeCachingVectorEnv",
        )


class _WhenLoaded(MetaPathFinder, Loader):
    """Finds Gymnasium as Python would, and registers the environment once it is loaded."""

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != "gymnasium":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = module.__spec__.loader = self._loader  # type: ignore[union-attr]  # found by one
        self._loader.exec_module(module)
        _register(module)
