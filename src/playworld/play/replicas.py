"""Replicas of a server on a Ray cluster: each holds the worlds, and any can go on with any game."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from ray import serve

from playworld.config import InputError
from playworld.play.app import create_app
from playworld.play.options import PlayOptions, with_token_of_environment
from playworld.play.store.game_store import SCHEMES
from playworld.world import World

logger = logging.getLogger(__name__)

NAME = "playworld"
"""Of the application on the cluster."""
SHUTDOWN_SECONDS = 5.0
"""How long a replica that is to end plays on: nobody new is sent there, and whoever has not left by
then is cut off and finds another one."""


@dataclass(frozen=True)
class ReplicaOptions:
    """How many replicas there are, and what each may use."""

    minimum: int = 1
    maximum: int = 1
    """Where it is above `minimum`, as many as the players need."""
    cpus: float = 1.0
    """Processor cores of a replica, and threads of its model."""
    gpus: float = 0.0
    """GPUs of a replica; a part of one shares it."""
    players: float = 24.0
    """Players of a replica from which on another one is started, on average."""
    up_seconds: float = 10.0
    """How long there must be too many players before one is started."""
    down_seconds: float = 300.0
    """How long there must be few players before one is ended."""

    def __post_init__(self) -> None:
        if not 1 <= self.minimum <= self.maximum <= 10_000:
            raise ValueError(
                "there must be at least 1 replica and no more than max_replicas, got "
                f"{self.minimum} to {self.maximum}"
            )
        if self.players < 1:
            raise ValueError(f"a replica needs room for 1 player, got {self.players}")
        if not 0 < self.cpus <= 1024 or not 0 <= self.gpus <= 1024:
            raise ValueError(
                f"a replica needs 0 to 1024 cores and GPUs, got {self.cpus} and {self.gpus}"
            )


class Replica:
    """What runs on the cluster: the same application as on one machine, with a shared store."""

    def __init__(
        self,
        worlds: Callable[[], Sequence[World]],
        options: PlayOptions,
        links: Sequence[str] = (),
    ) -> None:
        """Args: `worlds` loads them in the process of the replica."""
        self._worlds, self._options, self._links = worlds, options, links

    def __serve_build_asgi_app__(self) -> FastAPI:
        """The application, built where it runs."""
        from playworld.play.store.actor_table import actor_store

        options, store = with_token_of_environment(self._options), None
        if options.store is None:
            store = actor_store(options.keep_seconds, 1e6 * options.max_store_mb)
        name = serve.get_replica_context().replica_id.unique_id
        return create_app(self._worlds(), options, self._links, store=store, replica=name)


def application(
    worlds: Callable[[], Sequence[World]],
    options: PlayOptions,
    replicas: ReplicaOptions,
    links: Sequence[str] = (),
) -> serve.Application:
    """The application for Ray Serve.

    Args:
        worlds: loads the worlds; runs in each replica.
        options: those of the server; `max_players` holds for each replica.
        replicas: how many, and what they use.
        links: those under which other machines can open the page.
    """
    scaling: dict[str, Any] = {"num_replicas": replicas.minimum}
    if replicas.maximum > replicas.minimum:
        scaling = {
            "autoscaling_config": {
                "min_replicas": replicas.minimum,
                "max_replicas": replicas.maximum,
                # A player is one request, for as long as they are connected.
                "target_ongoing_requests": replicas.players,
                "upscale_delay_s": replicas.up_seconds,
                "downscale_delay_s": replicas.down_seconds,
            }
        }
    deployment = serve.deployment(
        name="Replica",
        max_ongoing_requests=options.max_connections,
        max_queued_requests=options.max_connections,  # of each proxy; more get a 503
        ray_actor_options={"num_cpus": replicas.cpus, "num_gpus": replicas.gpus},
        graceful_shutdown_timeout_s=SHUTDOWN_SECONDS,
        graceful_shutdown_wait_loop_s=0.5,
        health_check_period_s=2.0,
        health_check_timeout_s=30.0,
        logging_config={"log_level": "WARNING", "enable_access_log": False},
        **scaling,
    )(serve.ingress()(Replica))
    return deployment.bind(worlds, options, links)


def check_store(options: PlayOptions, is_elsewhere: bool) -> None:
    """Raise InputError where replicas on several machines would each have a file of their own."""
    if options.store is not None and not options.store.startswith(SCHEMES) and is_elsewhere:
        raise InputError(
            "replicas on several machines cannot share a file: give store the address of a Redis "
            "server, or leave it out"
        )
