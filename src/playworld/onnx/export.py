"""Writing a world as ONNX graphs, prompts and one file of constants."""

import json
import logging
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import torch

from playworld.atomic import new_folder
from playworld.config import InputError, to_dict
from playworld.images import to_png
from playworld.manifest import refuse_sealed
from playworld.models.motion.config import MotionTokenizerConfig
from playworld.onnx.graphs import GraphSource, chances, graph_sources, single, state_tensors
from playworld.onnx.layout import (
    PROMPTS_FOLDER,
    WORLD_FILE,
    ElementType,
    GraphName,
    OnnxConfig,
    Precision,
    StateTensor,
    read_config,
)
from playworld.onnx.precision import stored
from playworld.onnx.runtime import MISSING
from playworld.world.maskgit import halton_ranks
from playworld.world.world import World
from playworld.world.world_models import WorldModels

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 20
"""The first with GELU; ONNX Runtime and ONNX Runtime Web have all that is used of it."""
MOST_BYTES = 1_900_000_000
"""Of the weights of a world: a graph of more than 2 GB does not fit a file."""


def export_world(
    world: World,
    folder: Path,
    precision: Precision = "fp32",
    graphs: Mapping[GraphName, "ModelProto"] | None = None,
) -> None:
    """Write the world to a folder that `OnnxWorld` plays, replacing an older export there.

    Args:
        world: the world.
        folder: where to write.
        precision: how weights are stored.
        graphs: those of `graph_models`, where they have been made.

    Raises:
        InputError: where the packages of the extra `onnx` are not installed, the world is too
            large, or nothing can be written there.
    """
    refuse_sealed(folder)
    graphs = graphs or graph_models(world)
    prompts = {name: to_png(picture) for name, picture in world.prompts()}
    config = onnx_config(world, precision, tuple(graphs), tuple(prompts))
    with new_folder(folder, files_of) as stage:
        for name, model in graphs.items():
            (stage / f"{name}.onnx").write_bytes(stored(model, precision).SerializeToString())
        (stage / PROMPTS_FOLDER).mkdir()
        for prompt, content in prompts.items():
            (stage / PROMPTS_FOLDER / f"{prompt}.png").write_bytes(content)
        text = json.dumps(to_dict(config), ensure_ascii=False)
        (stage / WORLD_FILE).write_text(f"{text}\n")


def graph_models(world: World) -> dict[GraphName, "ModelProto"]:
    """The graphs by name, in fp32; raises as `export_world`."""
    _check_packages()
    weights = sum(
        t.nbytes for model in world.models.named().values() for t in model.state_dict().values()
    )
    if weights > MOST_BYTES:
        raise InputError(
            f"this world has {weights / 1e9:.1f} GB of weights, and a graph holds at most 2 GB: "
            "play it without exporting it"
        )
    with torch.no_grad(), _quietly():
        sources = graph_sources(single(world.models))
        return {name: _graph(source) for name, source in sources.items()}


def onnx_config(
    world: World, precision: Precision, graphs: tuple[GraphName, ...], prompts: tuple[str, ...]
) -> OnnxConfig:
    """What `OnnxWorld` has to know."""
    models, config = single(world.models), world.config
    changes = isinstance(config.tokenizer, MotionTokenizerConfig)
    tensors = state_tensors(models)
    return OnnxConfig(
        config.name,
        world.sha256,
        precision,
        config.fps,
        world.height,
        world.width,
        tuple((button.label, button.arrow) for button in config.buttons),
        prompts,
        config.sampler,
        graphs,
        tuple(StateTensor(k, _TYPES[v.dtype], tuple(v.shape)) for k, v in tensors.items()),
        owners(models),
        changes,
        models.sees_motion,
        tuple(halton_ranks(*config.tokenizer.grid, torch.device("cpu")).tolist()),
        chances(models).shape[1],
    )


def owners(models: WorldModels) -> tuple[int, ...]:
    """The position of each token of a frame: its place, or the scene and then its block."""
    config = models.tokenizer.config
    if isinstance(config, MotionTokenizerConfig):
        blocks = range(1, config.num_blocks + 1)
        return (0, *(block for _ in range(2 + config.stages) for block in blocks))
    return tuple(token // config.factors for token in range(config.num_tokens))


_TYPES: dict[torch.dtype, ElementType] = {
    torch.float32: "float32",
    torch.int32: "int32",
    torch.uint8: "uint8",
}


def _graph(source: GraphSource) -> "ModelProto":
    import onnx

    with TemporaryDirectory() as folder:
        # By TorchScript, which takes a second where the newer exporter takes half a minute.
        torch.onnx.export(
            source.module.eval(),
            tuple(source.inputs.values()),
            path := f"{folder}/graph.onnx",
            input_names=list(source.inputs),
            output_names=list(source.outputs),
            opset_version=OPSET,
            dynamo=False,
        )
        model = onnx.load(path)
    del model.metadata_props[:]
    for node in model.graph.node:  # where in the source it comes from names local folders
        node.ClearField("doc_string")
    return model


def _check_packages() -> None:
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        package = error.name or "a package"
        raise InputError(MISSING.format(package, "exporting a world")) from error


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what the exporter says of packages that are not here and of its own parts."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def files_of(folder: Path) -> Collection[str]:
    """The files of an older export in a folder."""
    with suppress(InputError):
        config = read_config(folder)
        graphs = [f"{name}.onnx" for name in config.graphs]
        return [WORLD_FILE, *graphs, *(f"{PROMPTS_FOLDER}/{name}.png" for name in config.prompts)]
    return []
