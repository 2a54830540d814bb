r"""What a training step costs: frames/s, FLOP/s, share of the matrix peak, and where the time goes.

    python benchmarks/train_step.py          tiny, small, comparison and coinrun-paper
    python benchmarks/train_step.py --preset small --seconds 20 --threads 1 --shared
    python benchmarks/train_step.py --device cuda --preset genie-811m --batch 4 \
        --activation-checkpointing

`comparison` is the size at which benchmarks/peers.py times other implementations: width 128, 4
blocks, 4 heads, 256 tokens, always 8 clips of 16 frames. `--shared` counts processor time over
threads in place of the clock, for a machine on which other programs run. A step is the real one
(forward, backward, clipping, optimizer, averaged weights) on clips from real shards, or on noise
where the frames are not 64x64. FLOPs are those of the matrix products
(playworld/models/flops.py) forward and back, without the recomputation of checkpointing; the peak
is that of large matrix products on the same device, measured right before each line, in fp32 on a
CPU and in bf16 on CUDA.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from loader import make_clips
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile, record_function

from playworld.data.clips.dataset import ClipDataset, batches
from playworld.evaluate.speed import processor_name
from playworld.models.actions import LatentActionModel
from playworld.models.attention import Attention
from playworld.models.conv_actions import ConvActionDecoder, ConvActionEncoder
from playworld.models.flops import BACKWARD, actions_flops, dynamics_flops, on_meta, tokenizer_flops
from playworld.models.kinds import build_dynamics, build_tokenizer
from playworld.models.quantizer import VectorQuantizer
from playworld.models.st_transformer import TransformerConfig
from playworld.models.stems import ConvEmbed, ConvUnembed, PatchEmbed, PatchUnembed
from playworld.presets import COINRUN_PAPER, preset
from playworld.train.distributed import Parallel
from playworld.train.objectives import (
    Batch,
    Metrics,
    Objective,
    WorldObjective,
    tokenizer_objective,
    world_objective,
)
from playworld.train.optim import StageConfig
from playworld.train.recipe import Recipe
from playworld.train.train_step import TrainState

STAGES = ("tokenizer", "dynamics", "world")
"""`world` is the whole second stage: latent actions and dynamics; `dynamics` is its larger half."""
PARTS = ("attention", "feed-forward", "norms", "stems", "quantiser", "loss", "optimizer", "rest")
"""Stems are linear patches or convolutions, both ways; the loss has the last layer of the dynamics;
the optimizer has clipping and averaged weights; the rest is embeddings, masks, residual sums."""


def comparison() -> Recipe:
    """The size at which benchmarks/peers.py times other implementations."""
    shape = TransformerConfig(128, 4, 4, 32, window=16)
    paper, short = COINRUN_PAPER, {"steps": 1_000, "batch_size": 8, "warmup_steps": 1}
    return replace(
        paper,
        name="comparison",
        tokenizer=replace(paper.tokenizer, encoder=shape, decoder=shape),
        actions=replace(paper.actions, encoder=shape, decoder=shape),
        dynamics=replace(paper.dynamics, transformer=shape),
        tokenizer_stage=replace(paper.tokenizer_stage, **short),
        world_stage=replace(paper.world_stage, **short),
    )


class DynamicsObjective(Objective):
    """The dynamics' half of the second stage, on given actions."""

    def __init__(self, whole: WorldObjective):
        super().__init__()
        self.dynamics, self._whole = whole.dynamics, [whole]

    def forward(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """Cross-entropy on the hidden tokens."""
        (whole,), tokens, draws = self._whole, batch.tokens, batch.generators()
        assert tokens is not None
        size = self.dynamics.config.action_size
        actions = torch.zeros(len(tokens), tokens.shape[1] - 1, size, device=tokens.device)
        hidden = whole.sample_mask(batch, draws).to(tokens.device)
        return whole.token_loss(tokens, hidden, whole.corrupt_tokens(tokens, draws), actions)


def objective(recipe: Recipe, stage: str) -> tuple[Objective, StageConfig]:
    """What is trained in a stage, with fresh weights."""
    torch.manual_seed(0)
    if stage == "tokenizer":
        learner = tokenizer_objective(build_tokenizer(recipe.tokenizer), recipe.tokenizer_loss)
        return learner, recipe.tokenizer_stage
    tokenizer = on_meta(lambda: build_tokenizer(recipe.tokenizer))  # its tokens come from a cache
    models = LatentActionModel(recipe.actions), build_dynamics(recipe.dynamics)
    whole = world_objective(*models, tokenizer, recipe.world_loss)
    return (whole if stage == "world" else DynamicsObjective(whole)), recipe.world_stage


def step_flops(recipe: Recipe, stage: str, clips: int) -> int:
    """Operations of the matrix products of one step, forward and backward."""
    if stage == "tokenizer":
        forward = tokenizer_flops(recipe.tokenizer, clips, recipe.tokenizer_stage.clip_length)
        return (1 + BACKWARD) * forward.total
    length, history = recipe.world_stage.clip_length, recipe.world_loss.masking == "history"
    forward = dynamics_flops(recipe.dynamics, clips, length, history)
    if stage == "world":
        forward = forward + actions_flops(recipe.actions, clips, length)
    return (1 + BACKWARD) * forward.total


class Clock:
    """Seconds: of the wall, or of this process's threads where other programs use them too."""

    shared = False

    def __call__(self) -> float:
        """Seconds since some moment."""
        if self.shared:
            return time.process_time() / torch.get_num_threads()
        return time.perf_counter()


now = Clock()


def finished(device: torch.device) -> None:
    """Wait for what was sent to the device."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def matrix_peak(device: torch.device, seconds: float = 0.5) -> float:
    """FLOP/s of the fastest of many large square products."""
    size, kind = (8192, torch.bfloat16) if device.type == "cuda" else (1536, torch.float32)
    a = torch.randn(size, size, device=device, dtype=kind)
    out, best, until = torch.empty_like(a), float("inf"), now() + seconds
    while now() < until:
        begun = now()
        torch.mm(a, a, out=out)
        finished(device)
        best = min(best, now() - begun)
    return 2 * size**3 / best


def clips_of(recipe: Recipe, stage: StageConfig, batch: int, shards: Path) -> Iterator[Tensor]:
    """Batches of video without end."""
    height, width = recipe.tokenizer.height, recipe.tokenizer.width
    if (height, width) == (64, 64):
        dataset = ClipDataset(shards, "train", stage.clip_length)
        for _, video in batches(dataset, batch, seed=0):
            yield video
    video = torch.randint(256, (batch, stage.clip_length, height, width, 3), dtype=torch.uint8)
    while True:
        yield video


MODULES: dict[type[nn.Module], str] = {
    Attention: "attention",
    nn.RMSNorm: "norms",
    VectorQuantizer: "quantiser",
    ConvActionEncoder: "stems",
    ConvActionDecoder: "stems",
    ConvEmbed: "stems",
    ConvUnembed: "stems",
    PatchEmbed: "stems",
    PatchUnembed: "stems",
}
NAMES = {"mlp": "feed-forward", "dynamics.head": "loss"}


def label(model: Objective) -> None:
    """Name the parts of the forward pass in the profile; the innermost name counts."""
    timed = record_function("part:quantiser")
    model.update_codebook = timed(model.update_codebook)  # type: ignore[method-assign]
    for name, module in model.named_modules():
        kinds = [part for kind, part in MODULES.items() if isinstance(module, kind)]
        named = [part for end, part in NAMES.items() if f".{name}".endswith(f".{end}")]
        for part in kinds + named:
            within(module, part)


def within(module: nn.Module, part: str) -> None:
    """Mark all that a module does forward as this part."""
    marks: list[record_function] = []

    def enter(*_: object) -> None:
        marks.append(record_function(f"part:{part}"))
        marks[-1].__enter__()

    def leave(*_: object) -> None:
        marks.pop().__exit__(None, None, None)

    module.register_forward_pre_hook(enter)
    module.register_forward_hook(leave)


def shares(step: Callable[[], object], device: torch.device) -> dict[str, float]:
    """Share of a step's time by part; what runs backward belongs where its forward does."""
    kinds = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * (device.type == "cuda")
    with profile(activities=kinds) as recorded:
        step()
        finished(device)
    events = list(recorded.events())
    owner: dict[int, str] = {}  # of a forward operation's number
    for event in events:
        if event.sequence_nr >= 0 and not backward(event):
            owner.setdefault(event.sequence_nr, part_of(event, owner))
    spent: Counter[str] = Counter()
    for event in events:
        if device.type == "cuda":
            spent[part_of(event, owner)] += event.self_device_time_total
        elif not event.name.startswith("part:"):
            spent[part_of(event, owner)] += event.self_cpu_time_total
    return {part: spent[part] / max(1, sum(spent.values())) for part in PARTS}


def backward(event) -> bool:
    """Whether an operation was started by the engine that runs the backward pass."""
    while event is not None:
        if event.name.startswith("autograd::engine"):
            return True
        event = event.cpu_parent
    return False


def part_of(event, owner: dict[int, str]) -> str:
    """The part that an operation belongs to."""
    while event is not None:
        name = event.name
        if name.startswith("part:"):
            return name[5:]
        if name.startswith("autograd::engine"):
            return owner.get(event.sequence_nr, "rest")
        if "cross_entropy" in name or "nll_loss" in name or "mse_loss" in name:
            return "loss"
        if name.startswith("Optimizer") or "foreach" in name:  # clipping and averaging too
            return "optimizer"
        event = event.cpu_parent
    return "rest"


def measure(recipe: Recipe, stage: str, asked: argparse.Namespace, shards: Path) -> str:
    """Time one stage of one preset; returns its line of the table."""
    device, peak = torch.device(asked.device), matrix_peak(torch.device(asked.device))
    model, config = objective(recipe, stage)
    third = asked.seconds / 3 * peak / 4 / step_flops(recipe, stage, 1)  # at a quarter of the peak
    batch = asked.batch or max(1, min(config.batch_size, int(third)))
    if recipe.name == "comparison":
        batch = config.batch_size
    parallel = Parallel(activation_checkpointing=asked.activation_checkpointing)
    state = TrainState(model, replace(config, warmup_steps=1), Path(), device, parallel)
    source, waited = clips_of(recipe, config, batch, shards), 0.0
    shape = (batch, config.clip_length, recipe.dynamics.num_tokens)
    tokens = torch.randint(recipe.dynamics.num_codes, shape)

    def step() -> float:
        begun = now()
        video = next(source)
        ready = now()
        state.update(video, tokens)
        finished(device)
        return ready - begun

    step()
    times, until = [], now() + asked.seconds
    while len(times) < 2 or now() < until:
        begun = now()
        waited += step()
        times.append(now() - begun)
    label(model)
    split = shares(step, device)
    seconds = statistics.median(times)
    rate = step_flops(recipe, stage, batch) / seconds
    data = waited / sum(times)
    cells = "".join(f"{100 * split[part] * (1 - data):7.0f}" for part in PARTS)
    frames = batch * config.clip_length / seconds
    return (
        f"{recipe.name:14}{stage:10}{batch:4} x {config.clip_length:<3}"
        f"{frames:9.1f}{rate / 1e9:10.1f}{peak / 1e9:10.1f}"
        f"{100 * rate / peak:7.0f}{cells}{100 * data:7.0f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", nargs="+", help="names of presets, or comparison")
    parser.add_argument("--stage", nargs="+", choices=STAGES, default=STAGES)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--seconds", type=float, default=10.0, help="per line, after one warm-up")
    parser.add_argument("--batch", type=int, help="clips per step; the preset's, or what time lets")
    parser.add_argument(
        "--activation-checkpointing", action="store_true", help="checkpoint every block"
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--shared", action="store_true", help="count processor time (CPU only)")
    asked = parser.parse_args()
    now.shared = asked.shared
    torch.set_num_threads(asked.threads)
    known = {"comparison": comparison()}
    names = asked.preset or ["tiny", "small", "comparison", "coinrun-paper"]
    chip = torch.cuda.get_device_name() if asked.device == "cuda" else processor_name()
    kept = "set" if "MALLOC_MMAP_MAX_" in os.environ else "not set"
    time_of = "processor time" if asked.shared else "wall clock"
    print(
        f"{chip}, {asked.threads} threads, torch {torch.__version__}, allocator {kept}, {time_of}\n"
    )
    head = f"{'preset':14}{'stage':10}{'clips':10}{'frames/s':>9}"
    print(
        f"{head}{'GFLOP/s':>10}{'peak':>10}{'%peak':>7}"
        + "".join(f"{part[:6]:>7}" for part in (*PARTS, "data"))
        + "  % of time"
    )
    with tempfile.TemporaryDirectory() as scratch:
        make_clips(Path(scratch), scenes=4, frames=200)
        for name in names:
            for stage in asked.stage:
                recipe = known.get(name) or preset(name)
                try:
                    print(measure(recipe, stage, asked, Path(scratch)), flush=True)
                except torch.OutOfMemoryError:
                    advice = "--activation-checkpointing or a smaller --batch"
                    print(f"{name:14}{stage:10}does not fit; {advice}")


if __name__ == "__main__":
    main()
