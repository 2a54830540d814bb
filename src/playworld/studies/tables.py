"""The questions of `playworld ablate`: recipes that differ in one thing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from playworld.models.actions import TokenView
from playworld.models.dynamics import DynamicsConfig
from playworld.models.st_transformer import TransformerConfig
from playworld.models.tokenizer import TokenizerConfig
from playworld.presets import MOTION
from playworld.train.recipe import Recipe

Change = Callable[[Recipe], Recipe]


@dataclass(frozen=True)
class Table:
    """One question: the recipes that answer it, by the name of their row."""

    question: str
    rows: Mapping[str, Change]
    equal: Literal["steps", "time"] = "steps"
    """What of their training is the same for all rows; the time is that of the first row."""
    columns: tuple[str, ...] = ()
    """What is shown beside the columns of every table."""


def _world_stage(**changes: Any) -> Change:
    return lambda r: replace(r, world_stage=replace(r.world_stage, **changes))


def _world_loss(**changes: Any) -> Change:
    return lambda r: replace(r, world_loss=replace(r.world_loss, **changes))


def _actions(**changes: Any) -> Change:
    return lambda r: replace(r, actions=replace(r.actions, **changes))


def _codes(count: int) -> Change:
    return lambda r: _actions(quantizer=replace(r.actions.quantizer, num_codes=count))(r)


def _dynamics(**changes: Any) -> Change:
    def change(recipe: Recipe) -> Recipe:
        shape = replace(recipe.dynamics.transformer, **changes)
        return replace(recipe, dynamics=replace(recipe.dynamics, transformer=shape))

    return change


def _action_input(how: Literal["prepend", "concat"]) -> Change:
    def change(recipe: Recipe) -> Recipe:
        assert isinstance(recipe.dynamics, DynamicsConfig)
        return replace(recipe, dynamics=replace(recipe.dynamics, action_input=how))

    return change


def _actions_on_tokens(recipe: Recipe) -> Recipe:
    shape = recipe.tokenizer
    assert isinstance(shape, TokenizerConfig)
    view = TokenView(shape.patch, shape.quantizer.code_size)
    return _actions(tokens=view, patch=recipe.actions.patch // 2)(recipe)


def _tokenizer(**changes: Any) -> Change:
    return lambda r: replace(r, tokenizer=replace(r.tokenizer, **changes))


def _looking_back(recipe: Recipe) -> Recipe:
    assert isinstance(recipe.tokenizer, TokenizerConfig)
    window = recipe.tokenizer.decoder.window
    encoder = replace(recipe.tokenizer.encoder, temporal_every=1, window=window)
    return _tokenizer(encoder=encoder)(recipe)


def _decoder(**changes: Any) -> Change:
    def change(recipe: Recipe) -> Recipe:
        assert isinstance(recipe.tokenizer, TokenizerConfig)
        shape: TransformerConfig = replace(recipe.tokenizer.decoder, **changes)
        return _tokenizer(decoder=shape)(recipe)

    return change


def _factorised(factors: int) -> Change:
    """Several tokens in every place: its latent is cut into parts, each with its own codebook."""

    def change(recipe: Recipe) -> Recipe:
        assert isinstance(recipe.tokenizer, TokenizerConfig)
        assert isinstance(recipe.dynamics, DynamicsConfig)
        tokenizer = replace(recipe.tokenizer, factors=factors)
        dynamics = replace(recipe.dynamics, num_tokens=tokenizer.num_tokens, factors=factors)
        return replace(recipe, tokenizer=tokenizer, dynamics=dynamics)

    return change


def as_it_is(recipe: Recipe) -> Recipe:
    """What a row differs from; made once for all tables."""
    return recipe


TABLES: dict[str, Table] = {
    "tokens": Table(
        "Should tokens be whole frames, with one code or four in each place, or what changes from "
        "frame to frame? All rows train for as long as the first.",
        {
            "whole frames (default)": as_it_is,
            "factorised": _factorised(4),
            "changes": lambda recipe: MOTION,
        },
        equal="time",
        columns=("bits", "tokenizer steps", "world steps", "tokenizer seconds", "world seconds"),
    ),
    "optimizer": Table(
        "Muon for the matrices inside the transformers, or AdamW for everything?",
        {"muon 3e-3 (default)": as_it_is, "adamw": _world_stage(muon_rate=None)},
    ),
    "context": Table(
        "How many past frames should the latent action model see?",
        {
            "1 frame": _actions(context=1),
            "2 frames (default)": as_it_is,
            "3 frames": _actions(context=3),
        },
    ),
    "masking": Table(
        "What should a hidden frame see of its past in training?",
        {
            "history (default)": as_it_is,
            "prefix": _world_loss(masking="prefix"),
            "paper": _world_loss(masking="paper", corrupt=0.0),
        },
    ),
    "corrupt": Table(
        "Should tokens of the past be spoiled in training?",
        {
            "none": _world_loss(corrupt=0.0),
            "up to 10% (default)": as_it_is,
            "up to 30%": _world_loss(corrupt=0.3),
        },
    ),
    "held": Table(
        "Should training repeat actions for longer than they lasted?",
        {"never (default)": as_it_is, "in 30% of the clips": _world_loss(held_actions=0.3)},
    ),
    "codes": Table(
        "How many latent actions?",
        {"2": _codes(2), "4": _codes(4), "8 (default)": as_it_is, "16": _codes(16)},
    ),
    "view": Table(
        "Should the latent action model look at pixels or at tokens?",
        {"pixels (default)": as_it_is, "tokens": _actions_on_tokens},
    ),
    "input": Table(
        "How should the dynamics receive the action?",
        {
            "added (default)": as_it_is,
            "prepended": _action_input("prepend"),
            "concatenated": _action_input("concat"),
        },
    ),
    "time": Table(
        "Temporal attention in every block, or in every second one?",
        {"every block (default)": as_it_is, "every second": _dynamics(temporal_every=2)},
    ),
    "tokenizer": Table(
        "Should the tokenizer look back in time?",
        {
            "decoder (default)": as_it_is,
            "neither (ViT)": _decoder(temporal_every=0),
            "encoder and decoder (ST-ViViT)": _looking_back,
            "both, full attention (C-ViViT)": lambda r: _tokenizer(attention="full")(
                _looking_back(r)
            ),
        },
    ),
}
