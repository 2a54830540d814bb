"""ONNX Runtime behind the interface of a world: `World` and `Engine` run its graphs.

What is left to PyTorch is the encoder of prompts and the draws of tokens.
"""

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from playworld.config import InputError
from playworld.models.kv_cache import KVCache, KVCacheEntry
from playworld.models.motion.canvas import Canvas
from playworld.models.motion.tokenizer import MotionTokenizer
from playworld.models.pixels import to_float
from playworld.models.rows import Rows
from playworld.onnx.export import graph_models
from playworld.onnx.graphs import CANVAS, NEXT_CANVAS, chances
from playworld.onnx.runtime import Graph
from playworld.world.traced_passes import Passes, Run
from playworld.world.world import World
from playworld.world.world_models import WorldModels

if TYPE_CHECKING:
    from onnx import ModelProto

DRAWS = ("proposal", "certainty")
"""Outputs that are left out here, so that they are not computed."""


def on_onnx_runtime(world: World) -> World:
    """The same world, whose frames ONNX Runtime computes on the CPU.

    Raises:
        InputError: where the packages of the extra `onnx` are not installed, or the world cannot
            be exported.
    """
    other = copy.copy(world)
    other.__dict__.pop("_passes", None)
    other.models = OnnxModels(world)
    return other


class OnnxModels(WorldModels):
    """The models of a world, with graphs in place of their passes."""

    rows_per_pass = 1

    def __init__(self, world: World) -> None:
        """Export the world, which has to be on the CPU in float32."""
        models = world.models
        if (world.device.type, next(models.dynamics.parameters()).dtype) != ("cpu", torch.float32):
            raise InputError("ONNX Runtime computes on the CPU in float32: load the world so")
        super().__init__(models.tokenizer, models.actions, models.dynamics)
        graphs = graph_models(world)
        _drop_outputs(graphs["predict"], DRAWS)
        self.graphs = {name: Graph(model.SerializeToString()) for name, model in graphs.items()}

    def passes(self, run: Run | None) -> Passes:
        """Those of ONNX Runtime; nothing is to be traced."""
        return OnnxPasses(self)

    def picture_features(
        self, decoder: KVCache | Canvas, tokens: Int[Tensor, "B L"] | None = None
    ) -> Float[Tensor, "B N D"] | None:
        """As of all models."""
        if not (isinstance(decoder, Canvas) and isinstance(self.tokenizer, MotionTokenizer)):
            return None
        if tokens is None:
            tokens = self.tokenizer.no_change(len(decoder.corner), self.device)
        rows = [
            self.graphs["picture"](
                tokens=_array(tokens[i : i + 1]), **_named(CANVAS, decoder.row(i))
            )
            for i in range(len(tokens))
        ]
        return _joined(rows, "features")

    def to(self, device: str | torch.device) -> None:
        """Refuse any device but the CPU."""
        if torch.device("cpu" if device == "auto" else device).type != "cpu":
            raise InputError(f"ONNX Runtime computes on the CPU, not on {str(device)!r}")

    def half(self) -> None:
        """Refuse: the graphs compute in float32."""
        raise InputError("ONNX Runtime computes in float32: leave the weights as they are")


class OnnxPasses(Passes):
    """Passes through graphs, a session at a time: a frame is the same alone and among others."""

    def __init__(self, models: OnnxModels) -> None:
        self._graphs = models.graphs
        # Inputs of what is not computed.
        self._draws = {"temperature": np.ones((), np.float32), "chances": chances(models).numpy()}
        self._codes = models.actions.embed(torch.arange(models.actions.config.num_actions))
        self.step, self.decode = self._step, self._decode

    def _step(
        self,
        tokens: Int[Tensor, "B L"],
        hidden: Bool[Tensor, "B P"],
        action: Float[Tensor, "B E"] | None,
        cache: KVCache,
        picture: Float[Tensor, "B N D"] | None = None,
    ) -> tuple[Float[Tensor, "B P V"], KVCacheEntry]:
        numbers = self._numbers(action, len(tokens))
        rows = [
            self._graphs["predict"](
                tokens=_array(tokens[i : i + 1]),
                hidden=hidden[i : i + 1].numpy(),
                action=numbers[i : i + 1],
                keys=cache.keys[i : i + 1].numpy(),
                values=cache.values[i : i + 1].numpy(),
                time=_array(cache.time[i : i + 1]),
                features=None if picture is None else picture[i : i + 1].numpy(),
                **self._draws,
            )
            for i in range(len(tokens))
        ]
        entry = KVCacheEntry(_joined(rows, "new_keys"), _joined(rows, "new_values"))
        return _joined(rows, "logits"), entry

    def _decode(
        self, tokens: Int[Tensor, "B L"], cache: KVCache | Canvas
    ) -> tuple[Float[Tensor, "B H W C"], KVCache | Canvas]:
        names = CANVAS
        if isinstance(cache, KVCache):
            names = ("decoder_keys", "decoder_values", "decoder_time")
        rows = []
        for i in range(len(tokens)):
            own = _named(names, cache.row(i))
            rows.append(self._graphs["decode"](tokens=_array(tokens[i : i + 1]), **own))
        frames = to_float(_joined(rows, "frame"))
        if isinstance(cache, Canvas):
            pixels, *numbers = (_joined(rows, name) for name in NEXT_CANVAS)
            return frames, Canvas(pixels, *(part.long() for part in numbers))
        new = [_joined(rows, name) for name in ("new_decoder_keys", "new_decoder_values")]
        return frames, cache.append(KVCacheEntry(*new), in_place=True)

    def _numbers(self, action: Float[Tensor, "B E"] | None, rows: int) -> Int[np.ndarray, " B"]:
        """The numbers of the actions with these latents; that of none is one more than the last."""
        if action is None:
            return np.full(rows, len(self._codes), np.int32)
        return (action[:, None] == self._codes).all(-1).int().argmax(1).int().numpy()


def _named(names: Sequence[str], rows: Rows) -> dict[str, np.ndarray]:
    return dict(zip(names, map(_array, rows.tensors()), strict=True))


def _array(tensor: Tensor) -> np.ndarray:
    return (tensor.int() if tensor.dtype == torch.long else tensor).numpy()


def _joined(rows: list[dict[str, np.ndarray]], name: str) -> Tensor:
    tensors = [torch.from_numpy(row[name]) for row in rows]
    return tensors[0] if len(tensors) == 1 else torch.cat(tensors)


def _drop_outputs(model: "ModelProto", names: tuple[str, ...]) -> None:
    kept = [one for one in model.graph.output if one.name not in names]
    del model.graph.output[:]
    model.graph.output.extend(kept)
