"""Turns folders of unlabelled video into worlds you can play (Genie, arXiv:2402.15391)."""

from typing import TYPE_CHECKING, Any

from playworld.config import InputError

if TYPE_CHECKING:
    from playworld.world import SamplerConfig, World, WorldState

__all__ = ["InputError", "SamplerConfig", "World", "WorldState", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # torch takes seconds to import, and `playworld --help` must not wait for it.
    if name in ("SamplerConfig", "World", "WorldState"):
        from playworld import world

        return getattr(world, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
