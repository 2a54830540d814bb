"""Turns folders of unlabelled video into worlds you can play (Genie, arXiv:2402.15391)."""

import importlib.abc
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from playworld.config import InputError
from playworld.lazy import lazily

if sys.platform == "win32":
    raise ImportError(
        "Playworld runs on Linux and macOS; on Windows install it in the Windows Subsystem for "
        "Linux (wsl --install)"
    )

if TYPE_CHECKING:
    from playworld.world import SamplerConfig, World, WorldState

__all__ = ["InputError", "SamplerConfig", "World", "WorldState", "__version__"]
__version__ = "0.1.0"


__getattr__ = lazily(
    __name__,
    {"SamplerConfig": "world.maskgit", "World": "world.world", "WorldState": "world.state"},
)


def __dir__() -> list[str]:
    return sorted(__all__)


def _register() -> None:
    """Make "playworld/World-v0" known to `gymnasium.make` and `gymnasium.make_vec`."""
    import gymnasium

    if "playworld/World-v0" not in gymnasium.registry:
        gymnasium.register(
            "playworld/World-v0",
            entry_point="playworld.world.env:WorldEnv",
            vector_entry_point="playworld.world.vector_env:WorldVectorEnv",
            max_episode_steps=1000,
        )


class _RegistersLater(importlib.abc.MetaPathFinder):
    """Registers the environment once gymnasium is imported, whenever that is.

    Gymnasium reads no entry points (since 1.0), and importing it here would make everything else
    wait for it and for numpy.
    """

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name != "gymnasium":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module: ModuleType) -> None:
                execute(module)
                _register()

            spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec


if "gymnasium" in sys.modules:
    _register()
else:
    sys.meta_path.insert(0, _RegistersLater())
