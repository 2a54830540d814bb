"""What `playworld play` and `serve` have in common: worlds, and the options of a server."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from tyro.conf import FlagCreatePairsOff

from playworld.cli.command import FLAT, DeviceCommand
from playworld.cli.label import naming_page
from playworld.config import InputError
from playworld.play.making.options import MakingOptions
from playworld.play.options import PlayOptions, with_token_of_environment

if TYPE_CHECKING:
    from playworld.play.making import Making
    from playworld.world import World


@dataclass(frozen=True, kw_only=True)
class ServerCommand(DeviceCommand):
    """A command that puts worlds on a page."""

    groups: ClassVar[dict[str, str]] = {
        "who can reach the page": "host port token token-file allow-hosts",
        "behind a proxy": "root-path forwarded-allow-ips",
        "limits of a game": "max-players idle-minutes max-nodes",
        "games outside of this process": "store keep-days max-store-mb snapshot-frames",
        "limits of a picture": "max-upload-mb max-upload-megapixels",
        "limits of the server": "max-connections max-connections-per-address",
        "making worlds": "worlds-folder allow-making making-from max-video-mb max-videos-mb "
        "max-making-minutes keep-free-mb",
        "the world": "device half engine trust-run stub-model",
    }

    trust_run: FlagCreatePairsOff[bool] = False
    """Read the shards of a run in training although their index is a pickle: say so only for a run
    of your own, or of somebody you trust."""
    half: FlagCreatePairsOff[bool] = False
    """bfloat16 weights: for a GPU, where they are faster and take half the memory."""
    engine: Literal["torch", "onnx"] = "torch"
    """What computes frames: PyTorch, or ONNX Runtime on a CPU (pip install 'playworld[onnx]')."""
    stub_model: float | None = None
    """For load tests: instead of a world, frames that take this many milliseconds a batch and show
    their session's seed and their number."""
    options: Annotated[PlayOptions, FLAT]
    making: Annotated[MakingOptions, FLAT]

    def served(self) -> PlayOptions:
        """The options, with the token of the environment where the command line gives none.

        It is taken out of the environment, so that no child process inherits it.

        Raises:
            InputError: for a token that is none, before a world is loaded.
        """
        options = with_token_of_environment(self.options)
        options.secret()
        return options

    def workshop(self) -> "Making | None":
        """How people make worlds on the page; None on a server on which they make none.

        Raises:
            InputError: a folder is named for them on such a server.
        """
        from playworld.play.making import Making

        if self.stub_model is None and self.making.allowed(self.options):
            with contextlib.suppress(InputError):  # a user without a home plays all the same
                self.making.folder()
                return Making(self.making, self.load, naming_page)
        elif self.making.worlds_folder is not None:
            raise InputError(
                "a server with --stub-model makes no worlds: leave out --worlds-folder"
                if self.stub_model is not None
                else "--worlds-folder is for a server that only this machine reaches: add "
                "--allow-making"
            )
        return None

    def load(self, name: str) -> "World":
        """The world, or what the newest checkpoint of a run has come to."""
        from playworld.machine import choose_device
        from playworld.train.preview import is_run, world_of_run
        from playworld.world import World
        from playworld.world.stub import StubWorld

        if self.stub_model is not None:
            return StubWorld(self.stub_model)
        if self.engine == "onnx" and (self.half or self.device not in ("auto", "cpu")):
            raise InputError(
                "--engine onnx computes on a CPU in fp32: leave out --device and --half"
            )
        device, path = choose_device(self.device), Path(name)
        world = world_of_run(path, self.trust_run) if is_run(path) else World.load(name)
        if self.engine == "onnx":
            from playworld.onnx.engine import on_onnx_runtime

            return on_onnx_runtime(world)
        return (world.half() if self.half else world).to(device)
