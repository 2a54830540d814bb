"""Playing a world in the browser: a small server and the page that it serves."""

from typing import TYPE_CHECKING

from playworld.lazy import lazily
from playworld.play.options import PlayOptions

if TYPE_CHECKING:
    from playworld.play.app import create_app
    from playworld.play.server import serve

__all__ = ["PlayOptions", "create_app", "serve"]
__getattr__ = lazily(__name__, {"create_app": "app", "serve": "server"})
