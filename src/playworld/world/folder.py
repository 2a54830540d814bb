"""A world as a folder: what its files are called, what config.json says, and the check of both."""

import importlib.resources
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch
from PIL import Image
from torch import Tensor, nn

from playworld.config import InputError, check_ranges, from_dict, to_dict
from playworld.manifest import MANIFEST, Folder, load_into, read_folder, write_folder
from playworld.models.actions import LatentActionConfig
from playworld.models.kinds import AnyDynamicsConfig, AnyTokenizerConfig, disagreements
from playworld.world.sampler_config import SamplerConfig

CONFIG_FILE = "config.json"
TOKENIZER_FILE = "tokenizer.safetensors"
ACTIONS_FILE = "actions.safetensors"
DYNAMICS_FILE = "dynamics.safetensors"
WEIGHT_FILES = (TOKENIZER_FILE, ACTIONS_FILE, DYNAMICS_FILE)
CARD_FILE = "README.md"
PROMPTS_FOLDER = "prompts"
EXPORTED = ("site.json", "world.json")
"""What tells a site and exported graphs, which are no worlds to load."""
LARGE_SESSION = 4e9
"""Bytes that a game may take whatever the size of the weights; the smallest of the paper's worlds
takes 3.3 GB."""

Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True)
class Button:
    """Label of one latent action, measured after training."""

    label: str
    """A word or two, such as "right"."""
    arrow: Literal["", "←", "→", "↑", "↓", "↖", "↗", "↘", "↙", "•"] = ""
    """Direction of movement, "•" for none; empty if no direction fits."""

    def __post_init__(self) -> None:
        if not (1 <= len(self.label) <= 40 and self.label.isprintable()):
            raise ValueError(f"label must be 1 to 40 printable characters, got {self.label!r:.60}")


@dataclass(frozen=True)
class WorldConfig:
    """Everything about a world except its weights: the content of config.json."""

    name: str
    """Name of the world."""
    fps: float
    """Frames per second of the training video; one press lasts 1 / fps seconds."""
    tokenizer: AnyTokenizerConfig
    """Shape of the video tokenizer."""
    actions: LatentActionConfig
    """Shape of the latent action model."""
    dynamics: AnyDynamicsConfig
    """Shape of the dynamics model."""
    sampler: SamplerConfig = field(default_factory=SamplerConfig)
    """Default sampler settings."""
    buttons: tuple[Button, ...] = ()
    """One per latent action; "1", "2", ... if empty."""
    format: int = 2
    """Version of this file and of the order of numbers in the weights."""

    def __post_init__(self) -> None:
        if self.format != 2:
            other = "a newer" if self.format > 2 else "an older"
            raise ValueError(f"format must be 2, got {self.format}: it needs {other} playworld")
        if not (1 <= len(self.name) <= 100 and self.name.isprintable()):
            raise ValueError(f"name must be 1 to 100 printable characters, got {self.name!r:.120}")
        check_ranges(self, fps=(0.1, 240))
        if not self.buttons:
            numbers = range(1, self.actions.num_actions + 1)
            object.__setattr__(self, "buttons", tuple(Button(str(i)) for i in numbers))
        self._check_agreement()

    def _check_agreement(self) -> None:
        """Three models of one world: the second named follows the first."""
        tokenizer, actions, dynamics = self.tokenizer, self.actions, self.dynamics
        pairs: dict[str, tuple[object, object]] = {
            "actions.height and tokenizer.height": (actions.height, tokenizer.height),
            "actions.width and tokenizer.width": (actions.width, tokenizer.width),
            "dynamics.action_size and actions.quantizer.code_size": (
                dynamics.action_size,
                actions.quantizer.code_size,
            ),
            "the number of buttons and of actions (actions.quantizer.num_codes)": (
                len(self.buttons),
                actions.num_actions,
            ),
        }
        pairs |= disagreements(tokenizer, dynamics)
        if actions.tokens is not None:
            pairs |= {
                "actions.tokens (patch, code_size) and the tokenizer's": (
                    (actions.tokens.patch, actions.tokens.code_size),
                    tokenizer.view,
                ),
            }
        for names, (one, other) in pairs.items():
            if one != other:
                raise ValueError(f"{names} must be equal, got {one} and {other}")

    @property
    def session_bytes(self) -> int:
        """Memory of one game: what dynamics and decoder remember, in float32."""
        memory = self.dynamics.transformer.cache_bytes(self.dynamics.num_positions)
        return memory + self.tokenizer.session_bytes


def save_world(
    path: Path,
    config: WorldConfig,
    models: Mapping[str, nn.Module],
    card: str,
    prompts: Mapping[str, bytes],
    half: bool = False,
) -> None:
    """Write a world folder; `prompts` maps names to PNG files of the world's own size.

    Raises:
        ValueError: with `half`, where a weight is too large for float16.
    """
    for name, content in prompts.items():
        read_prompt(content, config, name)
    write_folder(
        path,
        tensors={name: _weights(model, half) for name, model in models.items()},
        documents={
            CONFIG_FILE: to_dict(config),
            CARD_FILE: card,
            **{f"{PROMPTS_FOLDER}/{name}.png": content for name, content in prompts.items()},
        },
    )


def _weights(model: nn.Module, half: bool) -> dict[str, Tensor]:
    """The tensors of a model; floating-point ones as float16 with `half`."""
    tensors = model.state_dict()
    if not half:
        return tensors
    rounded = {
        name: values.half() if values.is_floating_point() else values
        for name, values in tensors.items()
    }
    for name, values in rounded.items():
        if values.is_floating_point() and not bool(values.isfinite().all()):
            raise ValueError(f"half: {name} has numbers that are too large for float16")
    return rounded


def read_config(folder: Folder) -> WorldConfig:
    """The world's config, refused by field name where it cannot be one."""
    data, where = folder.json(CONFIG_FILE), str(folder.path / CONFIG_FILE)
    _refuse_absurd(data, where)
    config = from_dict(WorldConfig, data, where)
    _refuse_forgetless(folder, config, where)
    return config


def read_model(build: Callable[[Any], Module], config: Any, folder: Folder, name: str) -> Module:
    """A model of the config's shape with the weights of one file, in evaluation mode.

    It is laid out without memory first: a shape that the file's tensors do not have is refused
    before anything of that size is allocated.
    """
    where = str(folder.path / name)
    try:
        with torch.device("meta"):
            model = build(config)
    except (RuntimeError, OverflowError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{folder.path / CONFIG_FILE} describes no model: {reason}") from error
    tensors = folder.tensors(name)
    for tensor, values in tensors.items():
        if values.is_floating_point() and not bool(torch.isfinite(values).all()):
            raise InputError(f"{where}: tensor {tensor} has numbers that are infinite or none")
    try:
        load_into(model, tensors, where)
    except InputError as error:
        raise InputError(f"{error}; {CONFIG_FILE} describes another model") from error
    return model.eval()


def read_prompts(folder: Folder, config: WorldConfig) -> dict[str, bytes]:
    """The prompt pictures by name; each is a PNG of the world's size."""
    prompts = {}
    for name in folder.names:
        path = Path(name)
        if path.parent == Path(PROMPTS_FOLDER) and path.suffix == ".png":
            prompts[path.stem] = folder.bytes(name)
            read_prompt(prompts[path.stem], config, str(folder.path / name))
    return prompts


def read_prompt(content: bytes, config: WorldConfig, where: str) -> Image.Image:
    """One prompt picture, decoded.

    Raises:
        InputError: if it is no PNG, or not of the world's size.
    """
    size = (config.tokenizer.width, config.tokenizer.height)
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            if image.size != size:  # known before a pixel is decoded
                raise InputError(f"{where}: a prompt must be {size} pixels, got {image.size}")
            return image.convert("RGB")
    except InputError:
        raise
    except Exception as error:  # a damaged file makes Pillow raise nearly anything
        raise InputError(f"{where} is not a PNG picture") from error


def built_in_worlds() -> list[str]:
    """Names of the worlds that come with the package."""
    root = importlib.resources.files("playworld") / "worlds"
    if not root.is_dir():
        return []
    return sorted(entry.name for entry in root.iterdir() if (entry / MANIFEST).is_file())


def open_world(path: Path) -> Folder:
    """A verified folder that has the files of a world."""
    if not (path / MANIFEST).exists() and any((path / name).is_file() for name in EXPORTED):
        raise InputError(
            f"{path} was written by playworld export: open a site with python -m http.server "
            f"-d {path}; here, give the world that it was made from"
        )
    folder = read_folder(path)
    for name in (CONFIG_FILE, *WEIGHT_FILES):
        if name not in folder.names:
            raise InputError(f"{path} is not a world: it has no {name}")
    _refuse_too_large(folder)
    return folder


def free_memory() -> int | None:
    """Bytes of memory that a program can still get; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 if found else None


def _refuse_too_large(folder: Folder) -> None:
    """Checked before the weights are read: out of memory, programs are killed without a message."""
    needed = sum((folder.path / name).stat().st_size for name in folder.names)
    free = free_memory()
    if free is not None and needed > free:
        raise InputError(
            f"{folder.path} needs {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free"
        )


def _refuse_forgetless(folder: Folder, config: WorldConfig, where: str) -> None:
    """Checked before a game: no tensor has a window in its shape, so a config may state any."""
    needed = config.session_bytes
    weights = sum(folder.files[name].bytes for name in WEIGHT_FILES if name in folder.files)
    whole = all(name in folder.files for name in WEIGHT_FILES)  # a run's preview is not
    if whole and needed > max(LARGE_SESSION, 8 * weights):
        reason = f"that is out of proportion to {weights / 1e9:.1f} GB of weights"
    elif 2 * needed > (free := free_memory() or 2 * needed):  # a step copies it
        reason = f"that twice over is more than the {free / 1e9:.1f} GB that are free"
    else:
        return
    raise InputError(
        f"{where}: dynamics.transformer.window and tokenizer.decoder.window ask for "
        f"{needed / 1e9:.1f} GB of memory per game; {reason}"
    )


def _refuse_absurd(data: Any, where: str) -> None:
    """No count in a world is above 65,536; refused by field name, before any shape is computed."""
    if isinstance(data, dict):
        for key, value in data.items():
            _refuse_absurd(value, f"{where}.{key}")
    elif isinstance(data, list):
        for index, value in enumerate(data):
            _refuse_absurd(value, f"{where}[{index}]")
    elif isinstance(data, int) and abs(data) > 65_536:
        raise InputError(f"{where}: at most 65536, got a number of {data.bit_length()} bits")
