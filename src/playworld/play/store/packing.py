"""Games as bytes for a store: the start, and each frame as two parts."""

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from playworld.images import QUICK, to_png
from playworld.play.requests import StartRequest
from playworld.play.timeline import Node
from playworld.world import SamplerConfig, WorldState

Settings = tuple[int, float] | None
"""Refinements and temperature of a frame; None for the world's own."""
_TOKEN_BYTES = 4
_NONE = torch.zeros(0, dtype=torch.int32)


def pack_start(start: StartRequest) -> bytes:
    """What a game started from."""
    pictures = [base64.b64encode(to_png(p, QUICK)).decode() for p in start.pictures]
    return json.dumps([start.seed, list(start.names), pictures]).encode()


def unpack_start(head: bytes) -> StartRequest:
    """The request that started the game."""
    seed, names, pictures = json.loads(head)
    frames = torch.stack([from_png(base64.b64decode(p)) for p in pictures])
    return StartRequest(0, tuple(names), frames, seed)


def pack_state(at: int, sampler: SamplerConfig | None) -> bytes:
    """Where the player is, and how frames are drawn from there on."""
    return json.dumps([at, settings_of(sampler)]).encode()


def unpack_state(state: bytes, own: SamplerConfig) -> tuple[int, SamplerConfig | None]:
    """The same; `own` is the world's own way."""
    at, settings = json.loads(state)
    return at, _sampler(settings, own)


def pack_node(node: Node) -> tuple[bytes, bytes]:
    """How a frame came about, and the frame: the number of its tokens, these, the picture."""
    about = [node.parent, node.button, node.frame, settings_of(node.sampler)]
    tokens = node.tokens.numpy().astype("<i4").tobytes()
    size = (len(tokens) // _TOKEN_BYTES).to_bytes(_TOKEN_BYTES, "little")
    return json.dumps(about, separators=(",", ":")).encode(), size + tokens + node.png


def unpack_node(about: bytes, own: SamplerConfig) -> Node:
    """The frame without tokens and picture; `own` is the world's own way of drawing."""
    parent, button, frame, settings = json.loads(about)
    return Node(parent, button, frame, _sampler(settings, own), _NONE, b"")


def with_body(node: Node, body: bytes) -> Node:
    """The frame with tokens and picture."""
    end = _TOKEN_BYTES * (1 + int.from_bytes(body[:_TOKEN_BYTES], "little"))
    tokens = np.frombuffer(body[_TOKEN_BYTES:end], "<i4").astype(np.int32)
    return replace(node, tokens=torch.from_numpy(tokens), png=body[end:])


def pack_world_state(state: WorldState) -> bytes:
    """The model's state of one session: the bytes of all its tensors."""
    return b"".join(_bytes(tensor).numpy().tobytes() for tensor in _tensors(state))


def unpack_world_state(packed: bytes, like: WorldState) -> WorldState | None:
    """The state, given one of the same world; None where it is not of such a world."""
    sizes = [tensor.nbytes for tensor in _tensors(like)]
    if len(packed) != sum(sizes):
        return None
    flat = torch.frombuffer(bytearray(packed), dtype=torch.uint8)
    parts = iter(flat.split(sizes))

    def take(tensor: Tensor) -> Tensor:
        return next(parts).clone().view(tensor.dtype).view(tensor.shape).to(tensor.device)

    memory, decoder = like.memory.map(take), like.decoder.map(take)
    return WorldState(memory, decoder, take(like.seeds), take(like.frame), take(like.tokens))


def _tensors(state: WorldState) -> list[Tensor]:
    found: list[Tensor] = []
    for cache in (state.memory, state.decoder):
        cache.map(lambda tensor: found.append(tensor) or tensor)  # type: ignore[func-returns-value]
    return [*found, state.seeds, state.frame, state.tokens]


def _bytes(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().contiguous().flatten().view(torch.uint8)


def from_png(png: bytes) -> UInt8[Tensor, "H W 3"]:
    """A picture that `to_png` wrote."""
    with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
        return torch.from_numpy(np.array(image.convert("RGB")))


def settings_of(sampler: SamplerConfig | None) -> Settings:
    """What a player may set."""
    return None if sampler is None else (sampler.steps, sampler.temperature)


def _sampler(settings: Sequence | None, own: SamplerConfig) -> SamplerConfig | None:
    if settings is None:
        return None
    steps, temperature = settings
    return replace(own, steps=steps, temperature=temperature)
