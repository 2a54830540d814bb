"""A trained world: explicit, batched state, one call per frame."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from PIL import Image
from torch import Tensor

from playworld.data.video.pictures import fit, plain
from playworld.models.actions import LatentActionModel
from playworld.models.base import DynamicsModel, Tokenizer
from playworld.models.kinds import build_dynamics, build_tokenizer
from playworld.models.pixels import to_uint8
from playworld.world import folder as files
from playworld.world import hub
from playworld.world.arguments import check_seeds
from playworld.world.folder import Button, WorldConfig
from playworld.world.fork_safety import survive_forks
from playworld.world.sampler_config import SCENE_PASS, Order, SamplerConfig
from playworld.world.state import WorldState
from playworld.world.traced_passes import Passes
from playworld.world.world_models import WorldModels


class World:
    """Video tokenizer, latent action model and dynamics of one world.

    The object holds no session state: see `start` and `step`. Frames are a pure function of
    prompt, seed, sampler and actions.
    """

    def __init__(
        self,
        config: WorldConfig,
        tokenizer: Tokenizer,
        actions: LatentActionModel,
        dynamics: DynamicsModel,
        card: str = "",
        prompts: Mapping[str, bytes] | None = None,
    ):
        survive_forks()
        self.config = config
        self.models = WorldModels(tokenizer, actions, dynamics)
        self.card = card
        self._prompts = dict(prompts or {})

    @classmethod
    def load(cls, path_or_name: str | Path, device: str | torch.device = "cpu") -> "World":
        """Open a world.

        Args:
            path_or_name: its folder, the name of a built-in one (see `built_in_worlds`), or
                "owner/name" on the Hugging Face Hub, which is fetched into the Hub's own cache.
            device: where the models run.

        Raises:
            InputError: if there is no such world, a file of it is missing, modified or
                inconsistent, or the Hub cannot be reached.
        """
        return cls.from_pretrained(path_or_name, device=device)

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path,
        revision: str | None = None,
        device: str | torch.device = "cpu",
        endpoint: str | None = None,
    ) -> "World":
        """Like `load`, from a branch, tag or commit of a world on the Hub, or from another Hub."""
        with hub.locate(name_or_path, revision, endpoint) as path:
            folder = files.open_world(path)
            config = files.read_config(folder)
            world = cls(
                config,
                files.read_model(build_tokenizer, config.tokenizer, folder, files.TOKENIZER_FILE),
                files.read_model(LatentActionModel, config.actions, folder, files.ACTIONS_FILE),
                files.read_model(build_dynamics, config.dynamics, folder, files.DYNAMICS_FILE),
                folder.bytes(files.CARD_FILE).decode(errors="replace")
                if files.CARD_FILE in folder.names
                else "",
                files.read_prompts(folder, config),
            )
        return world.to(device)

    def save(
        self,
        path: Path,
        card: str | None = None,
        prompts: Mapping[str, bytes] | None = None,
        half: bool = False,
    ) -> None:
        """Write the world to a folder that `load` opens, replacing an older world there.

        Args:
            path: the folder.
            card: README.md, Markdown; the world's own if not given.
            prompts: PNG files of the world's size by name; the world's own if not given.
            half: write weights as float16, in files of half the size. They are rounded, so the
                frames of the world that `load` opens may differ from this one's.
        """
        models = {
            files.TOKENIZER_FILE: self.tokenizer,
            files.ACTIONS_FILE: self.actions,
            files.DYNAMICS_FILE: self.dynamics,
        }
        card = self.card if card is None else card
        prompts = self._prompts if prompts is None else prompts
        files.save_world(Path(path), self.config, models, card, prompts, half)

    def renamed(self, name: str | None = None, buttons: Sequence[Button] | None = None) -> "World":
        """The world with another name or labels, and the same models, card and prompts."""
        config = replace(
            self.config,
            name=self.config.name if name is None else name,
            buttons=self.config.buttons if buttons is None else tuple(buttons),
        )
        return World(config, self.tokenizer, self.actions, self.dynamics, self.card, self._prompts)

    def save_pretrained(self, path: Path) -> None:
        """Alias of `save`, under the Hugging Face Hub's name."""
        self.save(path)

    def push_to_hub(
        self,
        repo_id: str,
        private: bool = False,
        token: str | None = None,
        endpoint: str | None = None,
    ) -> str:
        """Upload the world to a model repository of the Hugging Face Hub; returns its URL.

        Raises:
            InputError: if the Hub refuses it or cannot be reached.
        """
        with TemporaryDirectory() as scratch:
            folder = Path(scratch) / "world"
            self.save(folder)
            return hub.upload(folder, repo_id, private, token, endpoint)

    def to(self, device: str | torch.device) -> "World":
        """Move the models to a device; "auto" selects the GPU if there is one.

        Raises:
            InputError: if there is no such device.
        """
        self.models.to(device)
        self.__dict__.pop("_passes", None)
        return self

    def half(self) -> "World":
        """Round the weights of the dynamics and of the picture decoder to bfloat16, in place.

        On a GPU this halves the memory and speeds up matrix products; on a CPU it is slower. Codes
        are still selected, and tokens sampled, in float32. A saved world stays rounded.
        """
        self.models.half()
        self.__dict__.pop("_passes", None)
        return self

    @property
    def tokenizer(self) -> Tokenizer:
        """Frames to tokens and back."""
        return self.models.tokenizer

    @property
    def actions(self) -> LatentActionModel:
        """Transitions to latent actions."""
        return self.models.actions

    @property
    def dynamics(self) -> DynamicsModel:
        """Past tokens and a latent action to the next frame's tokens."""
        return self.models.dynamics

    @property
    def device(self) -> torch.device:
        """Device of the models, and so of states and frames."""
        return self.models.device

    @property
    def sha256(self) -> str:
        """Hash of all weights: equal hashes give equal frames on one machine."""
        return self.models.sha256

    @property
    def num_actions(self) -> int:
        """Number of latent actions, |A|: valid actions are 0 to |A| - 1."""
        return self.config.actions.num_actions

    @property
    def height(self) -> int:
        """Rows of a frame, pixels."""
        return self.config.tokenizer.height

    @property
    def width(self) -> int:
        """Columns of a frame, pixels."""
        return self.config.tokenizer.width

    @property
    def fps(self) -> float:
        """Frames per second of the training video."""
        return self.config.fps

    @property
    def buttons(self) -> tuple[Button, ...]:
        """Label and arrow of each latent action."""
        return self.config.buttons

    def sampler(
        self,
        steps: int | None = None,
        temperature: float | None = None,
        order: Order | None = None,
    ) -> SamplerConfig:
        """The world's sampler settings, with the given ones replaced."""
        given = {"steps": steps, "temperature": temperature, "order": order}
        known = {name: value for name, value in given.items() if value is not None}
        return replace(self.config.sampler, **known)  # type: ignore[arg-type]

    def prompts(self) -> list[tuple[str, UInt8[Tensor, "H W 3"]]]:
        """The world's prompts by name; `picture[None, None]` has the shape that `start` takes."""
        return [
            (name, _pixels(files.read_prompt(content, self.config, name)))
            for name, content in sorted(self._prompts.items())
        ]

    def prompt(self, image: Image.Image) -> UInt8[Tensor, "H W 3"]:
        """Any picture as a prompt frame: scaled to cover the frame and cropped to its centre."""
        return _pixels(fit(plain(image), self.width, self.height))

    @torch.no_grad()
    def start(
        self, images: UInt8[Tensor, "B T H W 3"], seeds: Sequence[int] | Int[Tensor, " B"]
    ) -> tuple[UInt8[Tensor, "B H W 3"], WorldState]:
        """Begin B sessions from T >= 1 prompt frames each.

        Latent actions between several prompt frames are inferred from them.

        Returns:
            The last prompt frame as reconstructed by the tokenizer, and the state for `step`.

        Raises:
            InputError: if the frames are not of the world's size, or not one seed per row.
        """
        models, video = self.models, self.models.video(images, 1)
        seeds = check_seeds(seeds, len(video), self.device)
        tokens = models.encode_prompt(video)
        actions = models.prompt_actions(video) if video.shape[1] > 1 else None
        memory = models.dynamics.start_cache(len(video))
        decoder = models.tokenizer.begin(video[:, 0])
        hidden = models.nothing_hidden(len(video))
        for t in range(tokens.shape[1]):
            action = None if t == 0 or actions is None else actions[:, t - 1]
            picture = models.picture_features(decoder, tokens[:, t])
            _, entry = models.dynamics.step(tokens[:, t], hidden, action, memory, picture)
            memory = models.dynamics.append(memory, entry, in_place=True)
            frames, decoder = models.tokenizer.decode_step(tokens[:, t], decoder, in_place=True)
            frames, decoder = models.tokenizer.anchor(tokens[:, t], frames, decoder, video[:, t])
        state = WorldState(memory, decoder, seeds, torch.zeros_like(seeds), tokens[:, -1])
        return to_uint8(frames), state

    @torch.no_grad()
    def step(
        self,
        state: WorldState,
        actions: Sequence[int] | Int[Tensor, " B"],
        sampler: SamplerConfig | None = None,
        in_place: bool = False,
    ) -> tuple[UInt8[Tensor, "B H W 3"], WorldState]:
        """The next frame of every session; `state` stays valid.

        A refinement computes one frame against the cached past, and the finished frame is
        computed once more to be cached: steps + 1 frames in all.

        Args:
            state: current state of the sessions.
            actions: one per session.
            sampler: sampler settings; the world's own if not given.
            in_place: saves a copy by writing into the memory of `state`, which must not be used
                again.

        Raises:
            InputError: if an action is outside 0 to |A| - 1, or there is not one per row.
        """
        sampler = sampler or self.config.sampler
        token_sampler = self.models.token_sampler
        action = self.models.embed_actions(actions, state.batch)
        noise = token_sampler.noise(state.seeds, state.frame + 1, sampler)
        tokens, hidden = token_sampler.blank(state.batch, self.device)
        picture = self.models.picture_features(state.decoder)
        for number in token_sampler.passes(sampler):
            logits, _ = self._passes.step(tokens, hidden, action, state.memory, picture)
            tokens, hidden = token_sampler.refine(logits, tokens, hidden, sampler, number, noise)
            if number == SCENE_PASS and self.models.sees_motion:
                picture = self.models.picture_features(state.decoder, tokens)
        return self._commit(state, tokens, action, picture, in_place)

    @torch.no_grad()
    def replay(
        self,
        state: WorldState,
        tokens: Int[Tensor, "B L"],
        actions: Sequence[int] | Int[Tensor, " B"],
        in_place: bool = False,
    ) -> tuple[UInt8[Tensor, "B H W 3"], WorldState]:
        """The result of `step` for a frame whose tokens are known; computes 1 frame pass.

        Raises:
            InputError: if an action is outside 0 to |A| - 1, or there is not one per row; if the
                tokens are none that this world can have.
        """
        tokens = self.models.tokens(tokens, state.batch)
        action = self.models.embed_actions(actions, state.batch)
        picture = self.models.picture_features(state.decoder, tokens)
        return self._commit(state, tokens, action, picture, in_place)

    def _commit(
        self,
        state: WorldState,
        tokens: Int[Tensor, "B L"],
        action: Float[Tensor, "B E"],
        picture: Tensor | None,
        in_place: bool,
    ) -> tuple[UInt8[Tensor, "B H W 3"], WorldState]:
        """The pass that caches a finished frame, its picture, and the state after it."""
        hidden = self.models.nothing_hidden(state.batch)
        _, entry = self._passes.step(tokens, hidden, action, state.memory, picture)
        # First of all: a CUDA graph of the decoder may take over the memory of the entry.
        memory = self.dynamics.append(state.memory, entry, in_place)
        decoder = state.decoder if in_place else state.decoder.map(torch.clone)
        frames, decoder = self._passes.decode(tokens, decoder)
        number = state.frame + 1
        return to_uint8(frames), WorldState(memory, decoder, state.seeds, number, tokens)

    @torch.no_grad()
    def infer_actions(self, video: UInt8[Tensor, "B T H W 3"]) -> Int[Tensor, "B S"]:
        """Latent action of every transition: element k leads from frame k to frame k + 1."""
        return self.models.infer_actions(self.models.video(video, 2))

    @torch.no_grad()
    def reconstruct(self, video: UInt8[Tensor, "B T H W 3"]) -> UInt8[Tensor, "B T H W 3"]:
        """The video encoded and decoded by the tokenizer: an upper bound for picture quality."""
        return to_uint8(self.tokenizer.reconstruct(self.models.video(video, 1)))

    @cached_property
    def _passes(self) -> Passes:
        """Traced at once, between two frames."""
        return self.models.passes(lambda record: record())

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_passes"}


def _pixels(image: Image.Image) -> UInt8[Tensor, "H W 3"]:
    return torch.from_numpy(np.array(image))
