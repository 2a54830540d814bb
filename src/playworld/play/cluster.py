"""Replicas on a Ray cluster, from their start to the end of the command that serves them."""

import logging
import math
import os
import signal
import socket
import threading
from collections.abc import Callable, Sequence

import ray
from ray import serve

from playworld.config import InputError
from playworld.play.links import network_links, own_link
from playworld.play.options import PlayOptions
from playworld.play.replicas import NAME, ReplicaOptions, application, check_store
from playworld.play.server import bound
from playworld.play.store.actor_table import NAMESPACE
from playworld.signals import handling
from playworld.world import World

REACH_SECONDS = 10.0
"""How long a cluster may take to be reached."""
ENVIRONMENT = {
    "RAY_worker_niceness": "0",  # else 15: any other program would hold up the players
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",  # a busy machine needs more than 5 seconds
}
"""Settings of a cluster on this machine; those of the user stay."""


def serve_replicas(
    worlds: Callable[[], Sequence[World]],
    options: PlayOptions,
    replicas: ReplicaOptions,
    address: str | None = None,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the page by replicas until Ctrl-C (SIGINT) or SIGTERM.

    Where replicas of an earlier command run on the cluster, they are replaced one after the other.

    Args:
        worlds: loads the worlds; runs in each replica.
        options: where to listen, whom to let in, and the limits, which hold for each replica.
        replicas: how many, and what they use.
        address: of the cluster; None for one on this machine, which ends with the command.
        on_ready: called once, with the page's address, when all replicas answer.

    Raises:
        InputError: the port is taken, or there is no such cluster.
    """
    check_store(options, is_elsewhere=address is not None)
    over = threading.Event()
    try:
        port = start(options, replicas, address)
        deploy(worlds, options, replicas, port)
        with handling(lambda *_: over.set(), signal.SIGINT, signal.SIGTERM):
            if on_ready is not None:
                on_ready(own_link(options.host, port))
            over.wait()
    finally:
        end(address)


def start(options: PlayOptions, replicas: ReplicaOptions, address: str | None) -> int:
    """Connect to the cluster, or start one; returns the port at which it listens to players."""
    port, cores = options.port, None
    if address is None:
        with bound(options.host, port, ports=1) as listener:  # a port that is free
            port = listener.getsockname()[1]
        # One more than all replicas need: in an update the next one starts before one ends.
        cores = max(os.cpu_count() or 1, math.ceil(replicas.cpus * (1 + replicas.maximum)))
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
    else:
        _check_reachable(address)
    _log_as_others_do()
    try:
        ray.init(
            address or "local",  # else it would join one that somebody has started here
            namespace=NAMESPACE,
            num_cpus=cores,
            include_dashboard=None if address else False,
            configure_logging=False,
            log_to_driver=False,
        )
    except (ConnectionError, ValueError) as error:
        raise InputError(f"cannot use the Ray cluster {address}: {error}") from None
    serve.start(
        proxy_location="EveryNode",
        http_options={"host": options.host, "port": port, "keep_alive_timeout_s": 5},
        logging_config={"log_level": "WARNING", "enable_access_log": False},
    )
    _log_as_others_do()
    return port


def _check_reachable(address: str) -> None:
    # Ray itself would try for minutes.
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "/" not in host:
        try:
            socket.create_connection((host, int(port)), REACH_SECONDS).close()
        except (OSError, OverflowError) as error:
            raise InputError(f"there is no Ray cluster at {address}: {error}") from None


def _log_as_others_do() -> None:
    # Ray's loggers have handlers of their own, whose lines are neither JSON nor like ours.
    for name in ("ray", "ray.serve"):
        theirs = logging.getLogger(name)
        theirs.handlers.clear()
        theirs.propagate = True
        theirs.setLevel(logging.WARNING)


def deploy(
    worlds: Callable[[], Sequence[World]],
    options: PlayOptions,
    replicas: ReplicaOptions,
    port: int,
) -> None:
    """Run the replicas, and wait until all of them answer.

    Those that run already are replaced one after the other.
    """
    links = network_links(options.host, port)
    serve.run(application(worlds, options, replicas, links), name=NAME, route_prefix="/")


def end(address: str | None) -> None:
    """End the replicas; on a cluster that others use, nothing else."""
    if not ray.is_initialized():
        return
    if address is not None:
        serve.delete(NAME)
    ray.shutdown()
