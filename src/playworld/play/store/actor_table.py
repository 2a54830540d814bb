"""A store of games in a Ray actor, which outlives the replicas that use it."""

from collections.abc import Sequence
from typing import Any

import ray

from playworld.play.store.game_store import GameStore
from playworld.play.store.sql_table import SqlTable

NAME, NAMESPACE = "games", "playworld"


def actor_store(keep_seconds: float, max_bytes: float) -> GameStore:
    """The store of this cluster; the first who asks for it makes it.

    It holds games in memory. Where its node is lost it begins anew on another one, and each replica
    writes the games that it plays once more, whole.
    """
    actor = (
        ray.remote(SqlTable)
        .options(
            name=NAME,
            namespace=NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            num_cpus=0,
            max_restarts=-1,
        )
        .remote(":memory:", keep_seconds, max_bytes)
    )

    async def ask(name: str, args: Sequence[Any]) -> Any:
        return await getattr(actor, name).remote(*args)

    return GameStore(ask)
