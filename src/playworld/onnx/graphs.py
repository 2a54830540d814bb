"""A world's computations as modules of plain tensors, for one session: what is exported."""

import copy
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor, nn

from playworld.models.kv_cache import KVCache
from playworld.models.motion.canvas import Canvas
from playworld.models.motion.tokenizer import MotionTokenizer
from playworld.models.pixels import to_float, to_uint8
from playworld.models.tokenizer import VideoTokenizer
from playworld.onnx.layout import GraphName
from playworld.world.sampler_config import SamplerConfig
from playworld.world.world_models import WorldModels


@dataclass(frozen=True)
class GraphSource:
    """What becomes one ONNX file."""

    module: nn.Module
    inputs: dict[str, Tensor]
    """Examples by name, in the order of the module's arguments."""
    outputs: tuple[str, ...]
    """Names, in the order of the module's results."""


class Begin(nn.Module):
    """The tokens of a prompt's picture; for tokens of changes, the canvas around it, too."""

    def __init__(self, models: WorldModels) -> None:
        super().__init__()
        self.tokenizer = models.tokenizer

    def forward(self, picture: UInt8[Tensor, "1 H W 3"]) -> tuple[Tensor, ...]:
        """Tokens, and the canvas if there is one."""
        video = to_float(picture[:, None])
        tokens = self.tokenizer.encode(video)[:, 0].int()
        if not isinstance(self.tokenizer, MotionTokenizer):
            return (tokens,)
        canvas = self.tokenizer.begin(video[:, 0])
        return tokens, *map(_plain, canvas.tensors())


class Picture(nn.Module):
    """Features of the picture in view, as the scene moves it if the dynamics see that."""

    def __init__(self, models: WorldModels) -> None:
        super().__init__()
        self.models, self.dynamics = models, models.dynamics

    def forward(
        self,
        tokens: Int[Tensor, "1 L"],
        pixels: UInt8[Tensor, "1 C Y X"],
        corner: Int[Tensor, "1 2"],
        flight: Int[Tensor, "1 7"],
    ) -> Float[Tensor, "1 N D"] | None:
        """The features; `tokens` of no motion stand for a motion that is not decided yet."""
        canvas = Canvas(pixels, corner.long(), flight.long())
        return self.models.picture_features(canvas, tokens.long())


class Predict(nn.Module):
    """One pass of the dynamics: a draw of every token, and the frame for the cache."""

    codes: Tensor

    def __init__(self, models: WorldModels) -> None:
        super().__init__()
        self.dynamics, self.sampler = copy.copy(models.dynamics), models.token_sampler
        # The last action is none: not even the bias of its projection is added, which is
        # therefore the weight of one more feature that only real actions have.
        self.dynamics._modules = dict(models.dynamics._modules)
        self.dynamics.action = _with_bias_as_weight(models.dynamics.action)  # type: ignore[arg-type]
        numbers = torch.arange(models.actions.config.num_actions)
        codes = models.actions.embed(numbers).detach().float()
        codes = torch.cat([codes, torch.ones(len(codes), 1)], dim=1)
        self.register_buffer("codes", torch.cat([codes, torch.zeros_like(codes[:1])]))

    def forward(
        self,
        tokens: Int[Tensor, "1 L"],
        hidden: Bool[Tensor, "1 P"],
        action: Int[Tensor, "1"],
        temperature: Float[Tensor, ""],
        chances: Float[Tensor, "1 draws"],
        keys: Float[Tensor, "1 layers ring positions heads dim"],
        values: Float[Tensor, "1 layers ring positions heads dim"],
        time: Int[Tensor, "1"],
        features: Float[Tensor, "1 N D"] | None = None,
    ) -> tuple[Tensor, ...]:
        """Draws, their log-probabilities, logits, and keys and values for the cache."""
        cache, tokens = KVCache(keys, values, time.long()), tokens.long()
        code = self.codes[action.long()]
        logits, entry = self.dynamics.step(tokens, hidden, code, cache, features)
        proposal, certainty = self.sampler.propose(logits, tokens, temperature, chances)
        return proposal.int(), certainty, logits, entry.keys, entry.values


class Decode(nn.Module):
    """Tokens of frames to the next frame, and the frame for the cache."""

    def __init__(self, tokenizer: VideoTokenizer) -> None:
        super().__init__()
        self.tokenizer = tokenizer

    def forward(
        self,
        tokens: Int[Tensor, "1 L"],
        decoder_keys: Float[Tensor, "1 layers ring N heads dim"],
        decoder_values: Float[Tensor, "1 layers ring N heads dim"],
        decoder_time: Int[Tensor, "1"],
    ) -> tuple[Tensor, ...]:
        """The frame, and keys and values for the cache."""
        cache = KVCache(decoder_keys, decoder_values, decoder_time.long())
        frame, entry = self.tokenizer.decode_entry(tokens.long(), cache)
        return to_uint8(frame), entry.keys, entry.values


class DecodeChanges(nn.Module):
    """Tokens of changes to the next frame and the canvas after it."""

    def __init__(self, tokenizer: MotionTokenizer) -> None:
        super().__init__()
        self.tokenizer = tokenizer

    def forward(
        self,
        tokens: Int[Tensor, "1 L"],
        pixels: UInt8[Tensor, "1 C Y X"],
        corner: Int[Tensor, "1 2"],
        flight: Int[Tensor, "1 7"],
    ) -> tuple[Tensor, ...]:
        """The frame and the canvas."""
        canvas = Canvas(pixels, corner.long(), flight.long())
        frame, canvas = self.tokenizer.decode_step(tokens.long(), canvas)
        return to_uint8(frame), *map(_plain, canvas.tensors())


def _plain(tensor: Tensor) -> Tensor:
    """The same, with whole numbers as graphs have them."""
    return tensor.int() if tensor.dtype == torch.long else tensor


def single(models: WorldModels) -> WorldModels:
    """The models in float32 on the CPU, as copies."""
    parts = copy.deepcopy(models.named())
    for part in parts.values():
        _pad_channels(part.cpu().float().eval())
    return WorldModels(**parts)  # type: ignore[arg-type]  # each is what it was


def _pad_channels(model: nn.Module) -> None:
    """Convolutions of 4, 8, 12 ... channels, the last ones zero: the same sums.

    ONNX Runtime Web computes others wrong with WebGPU, save those of up to 3 channels
    (microsoft/onnxruntime#29651).
    """
    for parent in list(model.modules()):
        for name, conv in list(parent.named_children()):
            if isinstance(conv, nn.Conv2d) and conv.in_channels > 3 and conv.in_channels % 4:
                extra = -conv.in_channels % 4
                conv.weight.data = F.pad(conv.weight.data, (0, 0, 0, 0, 0, extra))
                conv.in_channels += extra
                pad = nn.ConstantPad3d((0, 0, 0, 0, 0, extra), 0.0)
                setattr(parent, name, nn.Sequential(pad, conv))


def state_tensors(models: WorldModels) -> dict[str, Tensor]:
    """A session's state before the first picture, by the names of the graphs' inputs."""
    memory, config = models.dynamics.start_cache(1), models.tokenizer.config
    decoder = models.tokenizer.begin(torch.zeros(1, config.height, config.width, 3))
    names = CANVAS if isinstance(decoder, Canvas) else _CACHE
    own = [name if isinstance(decoder, Canvas) else f"decoder_{name}" for name in names]
    every = dict(zip((*_CACHE, *own), memory.tensors() + decoder.tensors(), strict=True))
    return {name: _plain(tensor) for name, tensor in every.items()}


_CACHE = ("keys", "values", "time")
CANVAS = ("pixels", "corner", "flight")
"""Fields of a canvas, by which the graphs name them."""
NEXT_CANVAS = tuple(f"next_{name}" for name in CANVAS)


def graph_sources(models: WorldModels) -> dict[GraphName, GraphSource]:
    """The graphs of a world, from models as `single` gives them."""
    tokenizer, state = models.tokenizer, state_tensors(models)
    tokens, hidden = models.token_sampler.blank(1, torch.device("cpu"))
    size = tokenizer.config.height, tokenizer.config.width
    inputs = {
        "tokens": tokens.int(),
        "hidden": hidden,
        "action": torch.zeros(1, dtype=torch.int32),
        "temperature": torch.tensor(1.0),
        "chances": chances(models),
        **{name: state[name] for name in _CACHE},
    }
    predicted = ("proposal", "certainty", "logits", "new_keys", "new_values")
    decoder = {name: state[name] for name in state if name not in _CACHE}
    begun: tuple[str, ...] = ("tokens",)
    sources: dict[GraphName, GraphSource] = {}
    if isinstance(tokenizer, MotionTokenizer):
        picture, moving = Picture(models), {"tokens": tokens.int(), **decoder}
        sources["picture"] = GraphSource(picture, moving, ("features",))
        inputs["features"] = picture(*moving.values())
        decode: nn.Module = DecodeChanges(tokenizer)
        decoded: tuple[str, ...] = ("frame", *NEXT_CANVAS)
        begun += NEXT_CANVAS
    else:
        assert isinstance(tokenizer, VideoTokenizer)
        decode, decoded = Decode(tokenizer), ("frame", "new_decoder_keys", "new_decoder_values")
    picture_input = {"picture": torch.zeros(1, *size, 3, dtype=torch.uint8)}
    sources["begin"] = GraphSource(Begin(models), picture_input, begun)
    sources["predict"] = GraphSource(Predict(models), inputs, predicted)
    sources["decode"] = GraphSource(decode, {"tokens": tokens.int(), **decoder}, decoded)
    return sources


def chances(models: WorldModels) -> Float[Tensor, "1 draws"]:
    """An example of the uniform numbers of a pass."""
    zero = torch.zeros(1, dtype=torch.long)
    return models.token_sampler.noise(zero, zero, SamplerConfig(steps=1))[:, 0, 0]


def _with_bias_as_weight(linear: nn.Linear) -> nn.Linear:
    longer = nn.Linear(linear.in_features + 1, linear.out_features, bias=False)
    longer.weight.data = torch.cat([linear.weight, linear.bias[:, None]], dim=1).detach()
    return longer
