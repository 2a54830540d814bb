"""Turns folders of unlabelled video into worlds you can play (Genie, arXiv:2402.15391)."""

import sys
from typing import TYPE_CHECKING

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
    {"SamplerConfig": "world.sampler_config", "World": "world.world", "WorldState": "world.state"},
)


def __dir__() -> list[str]:
    return sorted(__all__)


if "gymnasium" in sys.modules:  # else `import playworld` would wait for it and for numpy
    from playworld.world import registration  # noqa: F401
