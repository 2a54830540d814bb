"""What benchmarks/peers.py times of Playworld, 1xgpt and TinyWorlds.

Each class has a method for a task that it can do, from a number format to a function that does it
once: a whole training step (forward, backward, clipping, optimizer), or one frame.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import torch
from peers_child import Setting
from torch import Tensor, nn

Step = Callable[[], object]


def in_format(form: str) -> torch.autocast:
    """Autocast to bfloat16, or nothing."""
    return torch.autocast("cpu", torch.bfloat16, enabled=form == "bf16")


def compiled(model: nn.Module, size: Setting) -> Callable[..., object]:
    """The model as a function, by torch.compile where that is asked for."""
    return torch.compile(model) if size.compiled else model


class Playworld:
    """This project; bf16 frames have bfloat16 weights, as `playworld play --half` has."""

    formats = ("fp32", "bf16")
    notes = {"frame": "from the press to the picture"}

    def __init__(self, size: Setting):
        from train_step import comparison

        from playworld.models.st_transformer import TransformerConfig

        head = size.width // size.heads
        shape = TransformerConfig(size.width, size.blocks, size.heads, head, window=size.frames)
        picture = {"height": size.picture, "width": size.picture}
        models = {"encoder": shape, "decoder": shape, **picture}
        stage = {"batch_size": size.clips, "clip_length": size.frames}
        same = comparison()
        self.size = size
        self.recipe = replace(
            same,
            tokenizer=replace(same.tokenizer, **models),
            actions=replace(same.actions, **models),
            dynamics=replace(same.dynamics, transformer=shape, num_tokens=size.tokens),
            tokenizer_stage=replace(same.tokenizer_stage, **stage),
            world_stage=replace(same.world_stage, **stage),
        )

    def _train(self, stage: str, form: str) -> Step:
        from train_step import objective

        from playworld.train.distributed import Parallel
        from playworld.train.train_step import TrainState

        model, config = objective(self.recipe, stage)
        config = replace(config, precision=form)
        state = TrainState(model, config, Path(), torch.device("cpu"), Parallel())
        shape = (self.size.clips, self.size.frames)
        picture = (self.size.picture, self.size.picture, 3)
        video = torch.randint(256, (*shape, *picture), dtype=torch.uint8)
        tokens = torch.randint(1024, (*shape, self.size.tokens))
        return lambda: state.update(video, tokens)

    def dynamics(self, form: str) -> Step:
        """On given tokens and actions."""
        return self._train("dynamics", form)

    def tokenizer(self, form: str) -> Step:
        """On frames."""
        return self._train("tokenizer", form)

    def frame(self, form: str) -> Step:
        """One player's next frame."""
        from sample import cached, make_world

        from playworld.world.sampler_config import SamplerConfig

        world = make_world(self.recipe, torch.device("cpu"))
        play = cached(world.half() if form == "bf16" else world)
        return lambda: play(SamplerConfig(self.size.steps, temperature=1.0))


class OneXGPT:
    """Dynamics without actions; bf16 by autocast, as Accelerate, its trainer, offers it.

    Two vocabularies of 512 codes, as in its published models, have as many logits as one of 1,024.
    xformers has no kernels for a CPU; 1xgpt's own switch takes plain attention in its place.
    """

    formats = ("fp32", "bf16")
    notes = {
        "dynamics": "no actions; two vocabularies of 512 codes for one of 1,024",
        "frame": "tokens only",
    }

    def __init__(self, size: Setting):
        self.size = size
        os.environ["XFORMERS_DISABLED"] = "true"
        names = dict.fromkeys(("LowerTriangularMask", "memory_efficient_attention", "unbind"))
        ops = ModuleType("xformers.ops")
        vars(ops).update(names)  # imported all the same, and then never called
        sys.modules |= {"xformers": ModuleType("xformers"), "xformers.ops": ops}

    def _model(self) -> nn.Module:
        from genie.config import GenieConfig
        from genie.st_mask_git import STMaskGIT

        return STMaskGIT(
            GenieConfig(
                num_layers=self.size.blocks,
                num_heads=self.size.heads,
                d_model=self.size.width,
                T=self.size.frames,
                S=self.size.tokens,
                image_vocab_size=512**2,
                num_factored_vocabs=2,
            )
        )

    def dynamics(self, form: str) -> Step:
        """On given tokens, half of them hidden: its loader does that, beside the training."""
        model = self._model().train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.0)
        labels = torch.randint(512**2, (self.size.clips, self.size.frames * self.size.tokens))
        hidden = torch.rand(labels.shape) < 0.5
        hidden[:, : self.size.tokens] = False
        inputs = labels.masked_fill(hidden, model.mask_token_id)
        run = compiled(model, self.size)

        def step() -> None:
            with in_format(form):
                loss = run(input_ids=inputs, labels=labels)["loss"]
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()

        return step

    def frame(self, form: str) -> Step:
        """The last frame of a window."""
        model, size = self._model().eval(), self.size
        past = torch.randint(512**2, (1, (size.frames - 1) * size.tokens))

        def play() -> Tensor:
            with torch.no_grad(), in_format(form):
                return model.generate(
                    input_ids=past,
                    attention_mask=torch.ones_like(past),
                    max_new_tokens=size.tokens,
                    maskgit_steps=size.steps,
                    temperature=1.0,
                )

        return play


class TinyWorlds:
    """Trains in bf16 by autocast, as it ships; its feed-forward has as many weights as ours."""

    formats = ("fp32", "bf16")
    notes = {"frame": "tokens only; it ends after 16 passes"}

    def __init__(self, size: Setting):
        self.size = size
        self.shape = {
            "frame_size": (size.picture, size.picture),
            "patch_size": 4,
            "embed_dim": size.width,
            "num_heads": size.heads,
            "hidden_dim": 4 * size.width,
            "num_blocks": size.blocks,
            "latent_dim": 5,  # of 4 bins each: 1,024 codes
            "num_bins": 4,
        }

    def _step(self, model: nn.Module, form: str, loss: Callable[[], Tensor]) -> Step:
        from utils.optimizer_utils import create_optimizer

        options = SimpleNamespace(optimizer="adamw", learning_rate=1e-4)
        optimizers = create_optimizer(model, options)

        def step() -> None:
            for optimizer in optimizers:
                optimizer.zero_grad(set_to_none=True)
            with in_format(form):  # around the backward pass too, as its scripts have it
                loss().backward()
            nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            for optimizer in optimizers:
                optimizer.step()

        return step

    def _tokens(self, clips: int, frames: int) -> tuple[nn.Module, Tensor, Tensor]:
        """Its quantiser, tokens, and one action fewer than frames."""
        from models.fsq import FiniteScalarQuantizer

        tokens = torch.randint(1024, (clips, frames, self.size.tokens))
        return FiniteScalarQuantizer(5, 4), tokens, torch.randn(clips, self.size.frames - 1, 3)

    def dynamics(self, form: str) -> Step:
        """On given tokens and actions."""
        from models.dynamics import DynamicsModel

        model = DynamicsModel(**self.shape, conditioning_dim=3).train()
        quantizer, tokens, actions = self._tokens(self.size.clips, self.size.frames)
        codes = quantizer.get_latents_from_indices(tokens)
        given = {"training": True, "conditioning": actions, "targets": tokens}
        run = compiled(model, self.size)
        return self._step(model, form, lambda: run(codes, **given)[2])

    def tokenizer(self, form: str) -> Step:
        """On frames."""
        from models.video_tokenizer import VideoTokenizer

        model = VideoTokenizer(**self.shape).train()
        shape = (self.size.clips, self.size.frames, 3, self.size.picture, self.size.picture)
        video = 2 * torch.rand(shape) - 1
        run = compiled(model, self.size)
        return self._step(model, form, lambda: run(video)[0])

    def frame(self, form: str) -> Step:
        """The last frame of a window."""
        from models.dynamics import DynamicsModel

        model = DynamicsModel(**self.shape, conditioning_dim=3).eval()
        quantizer, tokens, actions = self._tokens(1, self.size.frames - 1)
        past, decode = (
            quantizer.get_latents_from_indices(tokens),
            quantizer.get_latents_from_indices,
        )

        def play() -> Tensor:
            with torch.no_grad(), in_format(form):
                return model.forward_inference(
                    past, 1, self.size.steps, decode, conditioning=actions, temperature=1.0
                )

        return play


IMPLEMENTATIONS = {"playworld": Playworld, "1xgpt": OneXGPT, "tinyworlds": TinyWorlds}
