"""`playworld serve` for Ray's own commands: `serve deploy` and KubeRay (deploy/ray.yaml)."""

import shlex
from typing import TYPE_CHECKING

from playworld.cli.parser import parse
from playworld.cli.serve import Serve
from playworld.config import InputError

if TYPE_CHECKING:
    from ray.serve import Application


def app(args: dict[str, str]) -> "Application":
    """The application of a configuration, in which `args` has a `command`.

    Args:
        args: `command` is what follows `playworld serve`. Host and port are those of Ray's
            `http_options`; PLAYWORLD_TOKEN is read where a replica runs.

    Raises:
        InputError: the command is wrong, or cannot be that of replicas on several machines.
    """
    from playworld.play.replicas import application, check_store

    if set(args) != {"command"}:
        raise InputError(f"args need a command, and nothing else, got {', '.join(args) or 'none'}")
    serve = parse("serve", shlex.split(args["command"]))
    assert isinstance(serve, Serve)
    check_store(serve.options, is_elsewhere=True)
    return application(serve.loader(), serve.options, serve.replica_options())
