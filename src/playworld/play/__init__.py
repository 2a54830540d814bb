"""Playing a world in the browser: a small server and the page that it serves."""

from typing import TYPE_CHECKING, Any

from playworld.play.options import PlayOptions

if TYPE_CHECKING:
    from playworld.play.app import create_app
    from playworld.play.server import serve

__all__ = ["PlayOptions", "create_app", "serve"]


def __getattr__(name: str) -> Any:
    # The command line reads the options before it knows whether it needs torch and a server.
    if name == "create_app":
        from playworld.play.app import create_app

        return create_app
    if name == "serve":
        from playworld.play.server import serve

        return serve
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
