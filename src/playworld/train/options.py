"""What `playworld train` can be asked for. Imports nothing heavy until it is applied."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from playworld.config import InputError, check_counts

if TYPE_CHECKING:
    from playworld.train.distributed import Parallel
    from playworld.train.optim import StageConfig
    from playworld.train.recipe import Recipe


@dataclass(frozen=True)
class TrainOptions:
    """Options of `playworld train`."""

    stage: Literal["all", "tokenizer", "world"] = "all"
    """Both stages, or one of them; `world` takes the tokenizer of an earlier run or of --from."""
    tokens: Literal["cache", "live"] = "cache"
    """Tokenize every frame once, or every clip anew (exact if the encoder looks back in time)."""
    name: str | None = None
    """What the world is called; the preset's name if not given."""
    start: Annotated[str | None, tyro.conf.arg(name="from")] = None
    """Continue from, or fine-tune, this world: a folder, a built-in name such as coinrun, or
    owner/name on the Hugging Face Hub."""
    run: Path | None = None
    """Where checkpoints and logs go; a folder in the user's cache, after WORLD, if not given."""
    tokenizer_steps: int | None = None
    """Steps of the tokenizer, instead of the preset's."""
    world_steps: int | None = None
    """Steps of latent actions and dynamics, instead of the preset's."""
    save_every: int | None = None
    """Steps between two checkpoints in both stages, instead of the preset's."""
    batch_size: int | None = None
    """Clips per step in both stages, instead of the preset's."""
    learning_rate: float | None = None
    """Peak learning rate in both stages, instead of the preset's; Muon's changes in proportion."""
    masking: Literal["history", "prefix", "paper"] | None = None
    """What a hidden frame sees of its past, instead of the preset's choice (docs/train.md)."""
    keep_actions: bool = False
    """Train only the dynamics: tokenizer and buttons of --from stay as they are."""
    prompts: Path | None = None
    """Folder of pictures that become prompts beside held-out frames."""
    about: Path | None = None
    """Text file (Markdown) for the world's card: what its videos show."""
    seed: int = 0
    """Seed of weights, clip order, masks and noise."""
    device: str = "auto"
    """cpu, cuda (cuda:1 for the second GPU), mps (a Mac's), or auto: the GPU if there is one."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Number format of matrix products: fp32, bf16, or whichever is faster here."""
    parallel: Literal["auto", "ddp", "fsdp"] = "auto"
    """Under torchrun: the model whole in every process, or sharded; auto shards the large ones."""
    gradient_accumulation_steps: int = 1
    """Parts of a process's batch that go through the model one after the other, to save memory."""
    activation_checkpointing: bool = False
    """Compute activations twice instead of keeping them, to save more."""
    tensor_parallel: int = 1
    """Neighbouring processes that share every block and its activations, for the widest models."""
    wandb: str | None = None
    """Log to this project of Weights & Biases as well; needs the package wandb."""

    def __post_init__(self) -> None:
        check_counts(self, "tokenizer_steps", "world_steps", "save_every", "batch_size")
        check_counts(self, "gradient_accumulation_steps", "tensor_parallel")
        if self.keep_actions and self.start is None:
            raise InputError("--keep-actions keeps those of a world; name it with --from")
        if self.keep_actions and self.stage == "tokenizer":
            raise InputError("--keep-actions trains the dynamics alone, --stage tokenizer does not")

    def stages(self) -> tuple[str, ...]:
        """What is trained, in this order."""
        if self.stage == "all":
            return ("world",) if self.keep_actions else ("tokenizer", "world")
        return (self.stage,)

    def spread(self) -> "Parallel":
        """How a step is spread over processes and time."""
        from playworld.train.distributed import Parallel

        return Parallel(
            self.parallel,
            self.gradient_accumulation_steps,
            self.activation_checkpointing,
            self.tensor_parallel,
        )

    def applied_to(self, recipe: "Recipe") -> "Recipe":
        """The recipe with what the user asked for."""

        def changed(stage: "StageConfig", steps: int | None) -> "StageConfig":
            rate = self.learning_rate or stage.learning_rate
            muon = stage.muon_rate and stage.muon_rate * rate / stage.learning_rate
            return replace(
                stage,
                steps=steps or stage.steps,
                batch_size=self.batch_size or stage.batch_size,
                save_every=self.save_every or stage.save_every,
                learning_rate=rate,
                muon_rate=muon,
                precision=self.precision,
                seed=self.seed,
            )

        loss = recipe.world_loss
        if self.masking:
            loss = replace(loss, masking=self.masking)
        if self.keep_actions:
            loss = replace(loss, action_weight=0.0)
        return replace(
            recipe,
            tokenizer_stage=changed(recipe.tokenizer_stage, self.tokenizer_steps),
            world_stage=changed(recipe.world_stage, self.world_steps),
            world_loss=loss,
        )
