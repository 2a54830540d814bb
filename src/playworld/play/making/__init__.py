"""Worlds that are made on the page: videos in, a process that trains, a world to play."""

from typing import TYPE_CHECKING

from playworld.lazy import lazily

if TYPE_CHECKING:
    from playworld.play.making.api import refuse_making
    from playworld.play.making.offer import Making

__all__ = ["Making", "refuse_making"]
__getattr__ = lazily(__name__, {"Making": "offer", "refuse_making": "api"})
