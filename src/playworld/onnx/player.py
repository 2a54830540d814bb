"""Playing an exported world: a plain loop around its graphs, without PyTorch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8
from PIL import Image

from playworld.config import InputError
from playworld.onnx.layout import PROMPTS_FOLDER, read_config
from playworld.onnx.noise import frame_noise
from playworld.onnx.runtime import Graph
from playworld.world.sampler_config import SCENE_PASS, SamplerConfig, frame_passes, tokens_fixed

Arrays = Mapping[str, np.ndarray]
NEXT, NEW = "next_", "new_"
"""Before the names of outputs that are a tensor of the next state, and the newest frame of a cache,
whose third axis is a ring of past frames."""


@dataclass(frozen=True)
class OnnxState:
    """Everything that the next frames of a session depend on; it is never changed in place."""

    tensors: Arrays
    """As in `OnnxConfig.state`."""
    seed: int
    frame: int
    """Frames generated since the prompt."""
    tokens: Int[np.ndarray, "1 L"]
    """Of the newest frame."""


class OnnxWorld:
    """An exported world: `start` and `step` give the frames of `World.start` and `World.step`.

    They are equal but for rounding: a sum that ONNX Runtime rounds otherwise can flip a token.
    """

    def __init__(self, folder: str | Path, threads: int = 1) -> None:
        """Open a folder that `playworld export` wrote.

        Raises:
            InputError: where it is none, or ONNX Runtime is not installed.
        """
        self.folder = Path(folder)
        self.config = read_config(self.folder)
        names = self.config.graphs
        self._graphs = {name: Graph(self.folder / f"{name}.onnx", threads) for name in names}
        black = np.zeros((1, self.config.height, self.config.width, 3), np.uint8)
        self._no_change = self._graphs["begin"](picture=black)["tokens"]

    def prompts(self) -> dict[str, UInt8[np.ndarray, "H W 3"]]:
        """The world's prompts by name."""
        found = {}
        for name in self.config.prompts:
            with Image.open(self.folder / PROMPTS_FOLDER / f"{name}.png") as image:
                found[name] = np.array(image.convert("RGB"))
        return found

    def start(
        self, picture: UInt8[np.ndarray, "H W 3"], seed: int
    ) -> tuple[UInt8[np.ndarray, "H W 3"], OnnxState]:
        """Begin a session from one picture; the seed is an integer of 64 bits.

        Raises:
            InputError: if the picture is not of the world's size, or the seed is none.
        """
        shape = (self.config.height, self.config.width, 3)
        if picture.shape != shape or picture.dtype != np.uint8:
            found = f"{picture.dtype} {list(picture.shape)}"
            raise InputError(f"this world needs a picture uint8 {list(shape)}, got {found}")
        if not -(2**63) <= seed < 2**63:
            raise InputError(f"a seed must be an integer of 64 bits, got {seed}")
        zeros = {one.name: np.zeros(one.shape, one.type) for one in self.config.state}
        begun = self._graphs["begin"](picture=picture[None])
        tokens = begun.pop("tokens")
        frame, state = self._decode(advance(zeros, begun, ""), tokens)
        nothing = np.array([self.config.num_actions], np.int32)
        state = self._remember(state, tokens, nothing, self._picture(state, tokens))
        return frame, OnnxState(state, seed, 0, tokens)

    def step(
        self, state: OnnxState, action: int, sampler: SamplerConfig | None = None
    ) -> tuple[UInt8[np.ndarray, "H W 3"], OnnxState]:
        """The next frame; `state` stays valid.

        Raises:
            InputError: if the action is outside 0 to |A| - 1.
        """
        if not 0 <= action < self.config.num_actions:
            raise InputError(f"an action must be in 0..{self.config.num_actions - 1}, got {action}")
        sampler, scene = sampler or self.config.sampler, int(self.config.scene)
        pressed = np.array([action], np.int32)
        picture = self._picture(state.tensors, self._no_change)
        noise = frame_noise(state.seed, state.frame + 1, sampler.steps + scene, self.config.draws)
        tokens = np.zeros_like(state.tokens)
        hidden = np.ones((1, scene + len(self.config.halton)), bool)
        owners = np.array(self.config.owners)
        for number in frame_passes(sampler.steps, len(self.config.halton), self.config.scene):
            drawn = self._predict(
                state.tensors, tokens, hidden, pressed, picture, sampler.temperature, noise[number]
            )
            decided = self._decided(hidden[0], drawn["certainty"][0], sampler, number, noise)
            tokens = np.where(decided[owners], drawn["proposal"], tokens)
            hidden = hidden & ~decided
            if number == SCENE_PASS and self.config.sees_motion:
                picture = self._picture(state.tensors, tokens)
        memory = self._remember(state.tensors, tokens, pressed, picture)
        frame, tensors = self._decode(memory, tokens)
        return frame, OnnxState(tensors, state.seed, state.frame + 1, tokens)

    def _decided(
        self,
        hidden: Bool[np.ndarray, " P"],
        certainty: Float32[np.ndarray, " N"],
        sampler: SamplerConfig,
        number: int,
        noise: Float32[np.ndarray, "passes 2 draws"],
    ) -> Bool[np.ndarray, " P"]:
        """The positions that take what pass `number` proposes; see `world.maskgit.decide`."""
        scene, N = int(self.config.scene), len(self.config.halton)
        if number < scene:
            return np.arange(len(hidden)) == 0
        waiting, step = hidden[scene:], number - scene
        if sampler.order == "halton":
            rank = np.array(self.config.halton)
        elif sampler.order == "random":
            rank = ranks(noise[0, 1, :N])
        else:
            scale = sampler.confidence_noise * (1 - (step + 1) / sampler.steps)
            sure = certainty - np.float32(scale) * np.log(-np.log(noise[number, 1, :N]))
            rank = ranks(np.where(waiting, sure, np.inf))
        fixed = waiting & (rank < tokens_fixed(step, sampler.steps, N))
        return np.concatenate([np.zeros(scene, bool), fixed])

    def _picture(
        self, tensors: Arrays, tokens: Int[np.ndarray, "1 L"]
    ) -> Float32[np.ndarray, "1 N D"] | None:
        """Features of the last picture, for worlds whose tokens are changes."""
        if not self.config.scene:
            return None
        return self._graphs["picture"](**tensors, tokens=tokens)["features"]

    def _predict(
        self,
        tensors: Arrays,
        tokens: Int[np.ndarray, "1 L"],
        hidden: Bool[np.ndarray, "1 P"],
        action: Int[np.ndarray, "1"],
        picture: Float32[np.ndarray, "1 N D"] | None,
        temperature: float,
        noise: Float32[np.ndarray, "2 draws"],
    ) -> dict[str, Any]:
        return self._graphs["predict"](
            **tensors,
            tokens=tokens,
            hidden=hidden,
            action=action,
            features=picture,
            temperature=np.array(temperature, np.float32),
            chances=noise[:1],
        )

    def _remember(
        self,
        tensors: Arrays,
        tokens: Int[np.ndarray, "1 L"],
        action: Int[np.ndarray, "1"],
        picture: Float32[np.ndarray, "1 N D"] | None,
    ) -> Arrays:
        """The state with a decided frame in the memory of the dynamics."""
        hidden = np.zeros((1, self.config.scene + len(self.config.halton)), bool)
        noise = np.full((2, self.config.draws), np.float32(0.5))
        passed = self._predict(tensors, tokens, hidden, action, picture, 1.0, noise)
        return advance(tensors, passed, "time")

    def _decode(
        self, tensors: Arrays, tokens: Int[np.ndarray, "1 L"]
    ) -> tuple[UInt8[np.ndarray, "H W 3"], Arrays]:
        found = self._graphs["decode"](**tensors, tokens=tokens)
        return found.pop("frame")[0], advance(tensors, found, "decoder_time")


def advance(tensors: Arrays, outputs: Arrays, clock: str) -> Arrays:
    """The state after a frame: caches with the newest frame in place of the oldest.

    `clock` is the name of the number of frames that these caches have seen, if there are any.
    """
    state = dict(tensors)
    for name, value in outputs.items():
        if name.startswith(NEXT):
            state[name.removeprefix(NEXT)] = value
        elif name.startswith(NEW):
            cache = state[name.removeprefix(NEW)].copy()
            if ring := cache.shape[2]:
                cache[:, :, int(tensors[clock][0]) % ring] = value
            state[name.removeprefix(NEW)] = cache
    if clock in state:
        state[clock] = state[clock] + np.int32(1)
    return state


def ranks(score: Float[np.ndarray, " N"]) -> Int[np.ndarray, " N"]:
    """Place of every number when the highest comes first (place 0)."""
    return np.argsort(np.argsort(-score, kind="stable"), kind="stable")
