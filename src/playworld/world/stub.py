"""A world without weights whose frames take a fixed time: for load tests of everything around it.

Every frame shows its session's seed and its number, so that a client can check that it is its own.
"""

import struct
import time
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from playworld.config import InputError
from playworld.images import to_png
from playworld.models.actions import LatentActionConfig, LatentActionModel
from playworld.models.dynamics import Dynamics, DynamicsConfig
from playworld.models.quantizer import QuantizerConfig
from playworld.models.st_transformer import TransformerConfig
from playworld.models.tokenizer import TokenizerConfig, VideoTokenizer
from playworld.world.engine import Engine
from playworld.world.folder import WorldConfig
from playworld.world.generation import Generation, PendingFrame, StepResult
from playworld.world.sampler_config import SamplerConfig
from playworld.world.state import WorldState
from playworld.world.world import World

SIDE = 64
"""Pixels of a frame across."""
_CELLS = 8
"""Bits of a frame across: 32 of the seed, then 32 of the frame number."""
_GRAIN = 16
"""Levels of noise over the bits, so that a PNG is about as large as that of a real frame."""
_noise = np.random.default_rng(0).integers(0, _GRAIN, (SIDE, SIDE, 3), dtype=np.uint8)


def paint(seed: int, frame: int) -> UInt8[Tensor, "H W 3"]:
    """The frame with this number of the session with this seed."""
    bits = np.unpackbits(np.frombuffer(struct.pack(">II", seed, frame), np.uint8))
    cells = bits.reshape(_CELLS, _CELLS) * np.uint8(255 - _GRAIN)
    size = SIDE // _CELLS
    return torch.from_numpy(cells.repeat(size, 0).repeat(size, 1)[..., None] + _noise)


def read(frame: UInt8[np.ndarray, "H W 3"]) -> tuple[int, int]:
    """Seed and number of a painted frame."""
    middle = SIDE // _CELLS // 2
    bits = frame[middle :: SIDE // _CELLS, middle :: SIDE // _CELLS, 0] > 127
    seed, number = struct.unpack(">II", np.packbits(bits).tobytes())
    return seed, number


class StubWorld(World):
    """A world of eight buttons and one prompt, whose models are never run by its engine."""

    def __init__(self, milliseconds: float) -> None:
        """Args: `milliseconds` is what a pass costs, whatever the size of its batch."""
        if not 0 <= milliseconds < 1e6:
            raise InputError(f"stub-model must be in [0, 1e6) milliseconds, got {milliseconds}")
        self.seconds = milliseconds / 1e3
        transformer = TransformerConfig(8, 1, 1, 8, temporal_every=0)
        codes = QuantizerConfig(num_codes=8, code_size=4)
        tokenizer = TokenizerConfig(
            height=SIDE,
            width=SIDE,
            patch=32,
            encoder=transformer,
            decoder=transformer,
            quantizer=codes,
        )
        actions = LatentActionConfig(
            height=SIDE,
            width=SIDE,
            patch=32,
            stem="conv",
            stem_channels=8,
            context=2,
            quantizer=codes,
        )
        dynamics = DynamicsConfig(num_tokens=4, num_codes=8, action_size=4, transformer=transformer)
        config = WorldConfig("stub", 10.0, tokenizer, actions, dynamics, SamplerConfig(steps=1))
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(0)
            super().__init__(
                config,
                VideoTokenizer(tokenizer).eval(),
                LatentActionModel(actions).eval(),
                Dynamics(dynamics).eval(),
                prompts={"stub": to_png(paint(0, 0))},
            )


class StubEngine(Engine):
    """An engine that waits where another one runs a model, and paints the frames.

    Requests, batches, priorities and shares are those of every engine. A frame is one pass.
    """

    _start_kind = "frame"

    def __init__(self, world: StubWorld, max_batch: int = 8, workers: int | None = None) -> None:
        """Start the threads."""
        self._stub = world
        self._action, self._hidden = torch.zeros(1, 1), torch.zeros(1, 0, dtype=torch.bool)
        super().__init__(world, max_batch, workers=workers)

    def _start_work(self, images: UInt8[Tensor, "T H W 3"], seed: int) -> Generation:
        """Whatever the pictures, the first frame is painted too."""
        memory, black = self._stub.dynamics.start_cache(1), torch.zeros(1, SIDE, SIDE, 3)
        number = torch.full((1,), -1)
        tokens = torch.zeros(1, 1, dtype=torch.long)
        decoder = self._stub.tokenizer.begin(black)
        return self._frame(WorldState(memory, decoder, torch.tensor([seed]), number, tokens))

    def _step_work(self, state: WorldState, action: int, sampler: SamplerConfig) -> Generation:
        return self._frame(state)

    def _replay_work(self, state: WorldState, tokens: Int[Tensor, " L"], action: int) -> Generation:
        return self._frame(state)

    def _frame(self, state: WorldState) -> Generation:
        return (yield PendingFrame(state, self._action, state.tokens, self._hidden))

    def _pass(self, frames: list[PendingFrame], buffer: object) -> list[StepResult | None]:
        time.sleep(self._stub.seconds)
        with self._changed:
            self.ticks[len(frames)] += 1
        # Few operations: after each, PyTorch waits for its turn at Python's lock.
        states = [frame.state for frame in frames]
        numbers = torch.cat([state.frame for state in states]) + 1
        seeds = torch.cat([state.seeds for state in states]).tolist()
        rows = zip(states, seeds, numbers.tolist(), numbers.split(1), strict=True)
        return [
            StepResult(paint(seed, number), replace(state, frame=after))
            for state, seed, number, after in rows
        ]


def engine_of(world: World) -> Engine:
    """The engine that runs this world."""
    return StubEngine(world) if isinstance(world, StubWorld) else Engine(world)
