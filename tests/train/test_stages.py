import json
from dataclasses import replace

import pytest
import torch

from playworld.config import InputError
from playworld.data.clips.dataset import ClipDataset
from playworld.export.train_world import train_world
from playworld.models.actions import LatentActionConfig, LatentActionModel
from playworld.models.dynamics import Dynamics, DynamicsConfig
from playworld.models.motion.config import MotionTokenizerConfig
from playworld.models.motion.dynamics import MotionDynamicsConfig
from playworld.models.pixels import to_float
from playworld.models.quantizer import QuantizerConfig
from playworld.models.st_transformer import TransformerConfig
from playworld.models.tokenizer import TokenizerConfig, VideoTokenizer
from playworld.presets import COINRUN_PAPER, preset
from playworld.train.objectives import MotionTokenizerLoss
from playworld.train.options import TrainOptions
from playworld.train.runs import other_inputs
from playworld.train.tokenize_clips import tokenize_clips
from playworld.world import World

TINY = preset("tiny")
FEW = TrainOptions(tokenizer_steps=4, world_steps=4)


OF_CHANGES = replace(
    TINY,
    name="tiny-changes",
    tokenizer=MotionTokenizerConfig(
        64,
        64,
        QuantizerConfig(32, 768, normalize=False),
        patch=16,
        reach=4,
        stages=1,
        channels=8,
        layers=1,
    ),
    tokenizer_loss=MotionTokenizerLoss(vectors=64),
    dynamics=MotionDynamicsConfig(
        64, 64, 16, 4, 1, 32, action_size=4, transformer=TINY.dynamics.transformer
    ),
)


def count(model: type[torch.nn.Module], config: object) -> float:
    """Millions of parameters, without allocating any."""
    with torch.device("meta"):
        return sum(p.numel() for p in model(config).parameters()) / 1e6


def test_a_finished_world_has_labelled_buttons_prompts_and_a_card(tiny_world):
    world = World.load(tiny_world)
    assert len(world.buttons) == 8 and len(world.prompts()) == 8
    assert "learned from" in world.card and f"{world.fps:g} frames per second" in world.card
    assert "\nSquares that slide.\n" in world.card and world.card.startswith("---\nlibrary_name:")


@pytest.mark.slow
def test_the_stages_one_by_one_make_the_same_world_as_all_at_once(clips, tmp_path):
    whole = train_world(TINY, clips, tmp_path / "a", replace(FEW, run=tmp_path / "ra"))
    apart = replace(FEW, run=tmp_path / "rb")
    assert train_world(TINY, clips, tmp_path / "b", replace(apart, stage="tokenizer")) is None
    again = train_world(TINY, clips, tmp_path / "b", replace(apart, stage="world"))
    ours, theirs = whole.dynamics.state_dict(), again.dynamics.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.slow
def test_a_world_of_changes_is_trained_and_keeps_the_picture_given(clips, tmp_path):
    options = replace(FEW, run=tmp_path / "run")
    made = train_world(OF_CHANGES, clips, tmp_path / "world", options)
    world = World.load(tmp_path / "world")
    assert world.config.tokenizer == made.config.tokenizer and len(world.buttons) == 8
    assert "blocks, each of a motion" in world.card
    prompt = world.prompts()[0][1]
    frame, state = world.start(prompt[None, None], [0])
    assert torch.equal(frame[0], prompt)  # the picture given is the picture shown
    longer = replace(options, stage="world", world_steps=6, run=tmp_path / "other")
    with pytest.raises(InputError, match="needs a tokenizer"):
        train_world(OF_CHANGES, clips, tmp_path / "world", longer)


def test_cached_tokens_are_the_ones_that_live_tokenizing_gives(clips, tmp_path):
    torch.manual_seed(0)
    tokenizer = VideoTokenizer(TINY.tokenizer).eval()
    dataset = ClipDataset(clips, "train", 5)
    store = tokenize_clips(dataset, tokenizer, tmp_path, torch.device("cpu"))
    for number in (0, dataset.num_clips // 2, dataset.num_clips - 1):
        clip = dataset.clip(number)
        live = tokenizer.encode(to_float(torch.from_numpy(dataset.read(clip)))[None])[0]
        assert (torch.from_numpy(store.read(clip.scene, clip.start, 5)) == live).all()


@pytest.mark.slow
def test_fine_tuning_starts_from_the_weights_of_the_other_world(clips, tiny_world, tmp_path):
    almost_nothing = replace(FEW, learning_rate=1e-9, start=str(tiny_world), run=tmp_path / "run")
    tuned = train_world(TINY, clips, tmp_path / "tuned", almost_nothing)
    before = World.load(tiny_world).dynamics.state_dict()
    for name, tensor in tuned.dynamics.state_dict().items():
        torch.testing.assert_close(tensor, before[name], atol=1e-5, rtol=0)


def test_kept_actions_are_those_of_the_other_world_while_the_dynamics_learns(
    clips, tiny_world, tmp_path
):
    options = replace(FEW, start=str(tiny_world), run=tmp_path / "run", keep_actions=True)
    tuned, before = train_world(TINY, clips, tmp_path / "tuned", options), World.load(tiny_world)
    for part in ("tokenizer", "actions"):
        kept = getattr(before, part).state_dict()
        assert all(torch.equal(t, kept[n]) for n, t in getattr(tuned, part).state_dict().items())
    assert tuned.buttons == before.buttons
    assert not torch.equal(tuned.dynamics.head.weight, before.dynamics.head.weight)


@pytest.mark.parametrize("more", [{}, {"start": "coinrun", "stage": "tokenizer"}])
def test_actions_that_cannot_be_kept_are_refused(more):
    with pytest.raises(InputError, match="--keep-actions"):
        TrainOptions(keep_actions=True, **more)


def test_a_batch_that_does_not_divide_is_refused_before_the_first_stage(clips, tmp_path):
    recipe = replace(TINY, world_stage=replace(TINY.world_stage, batch_size=3))
    options = replace(FEW, run=tmp_path / "run", gradient_accumulation_steps=2)
    with pytest.raises(InputError, match="a batch of 3 clips"):
        train_world(recipe, clips, tmp_path / "world", options)
    assert not (tmp_path / "run").exists()


def test_a_tokenizer_whose_weights_lie_in_an_older_order_is_not_taken_up(clips, tmp_path):
    options = replace(FEW, run=tmp_path / "run", stage="tokenizer")
    train_world(TINY, clips, tmp_path / "world", options)
    known = json.loads((tmp_path / "run" / "tokenizer" / "inputs.json").read_text())
    known.pop("format of weights")
    (tmp_path / "run" / "tokenizer" / "inputs.json").write_text(json.dumps(known))
    with pytest.raises(InputError, match="begun with another format of weights"):
        train_world(TINY, clips, tmp_path / "world", options)


@pytest.mark.slow
def test_a_run_is_not_taken_up_with_other_inputs(clips, tiny_world, tmp_path):
    first = replace(FEW, run=tmp_path / "run")
    train_world(TINY, clips, tmp_path / "w", first)
    with pytest.raises(InputError, match="another loss or masking"):
        train_world(TINY, clips, tmp_path / "w", replace(first, masking="paper"))
    with pytest.raises(InputError, match="another world to start from"):
        train_world(TINY, clips, tmp_path / "w", replace(first, start=str(tiny_world)))


def test_inputs_that_an_older_run_named_otherwise_are_the_same_inputs(tmp_path):
    (tmp_path / "inputs.json").write_text(json.dumps({"loss": {"warm_share": 0.5}}))
    assert other_inputs(tmp_path, {"loss": {"warmup_fraction": 0.5}}) == []
    assert other_inputs(tmp_path, {"loss": {"warmup_fraction": 0.4}}) == ["loss"]


def test_the_world_stage_asks_for_a_tokenizer_first(clips, tmp_path):
    options = replace(FEW, stage="world", run=tmp_path)
    with pytest.raises(InputError, match="--stage tokenizer"):
        train_world(TINY, clips, tmp_path / "w", options)
    assert not (tmp_path / "w").exists()


def test_an_unknown_preset_is_named_with_the_closest():
    with pytest.raises(InputError, match="did you mean 'small'"):
        preset("smal")


def test_a_preset_takes_frames_of_any_size_that_has_room_for_a_patch():
    assert TINY.resized(90, 155).dynamics.num_tokens == 6 * 10
    with pytest.raises(ValueError, match="no room for it"):
        TINY.resized(8, 155)


def test_the_papers_case_study_has_its_shapes():
    """Genie, appendix F, prints shapes and no counts; what they come to is pinned here."""
    paper = COINRUN_PAPER
    assert paper.tokenizer.num_tokens == 256 and paper.tokenizer.num_codes == 1024
    assert paper.actions.num_actions == 6 and paper.actions.quantizer.code_size == 32
    models = (VideoTokenizer, paper.tokenizer), (LatentActionModel, paper.actions)
    sizes = [count(model, config) for model, config in (*models, (Dynamics, paper.dynamics))]
    assert sizes == pytest.approx([38.1, 39.0, 29.5], rel=0.02)


def shape(layers: int, heads: int, width: int, head_dim: int) -> TransformerConfig:
    return TransformerConfig(width, layers, heads, head_dim, mlp_ratio=0.5)


def test_parameter_counts_are_those_that_the_paper_prints():
    """Genie, tables of section 3 and appendix C: 200M, 300M and 10.1B."""
    small, large = shape(12, 8, 512, 64), shape(20, 16, 1024, 64)
    tokenizer = TokenizerConfig(92, 160, 4, small, large, QuantizerConfig(1024, 32))
    book = QuantizerConfig(8, 32)
    actions = LatentActionConfig(96, 160, book, encoder=large, decoder=large)
    dynamics = DynamicsConfig(920, 1024, 32, shape(48, 36, 5120, 128))
    assert count(VideoTokenizer, tokenizer) == pytest.approx(200, rel=0.15)
    assert count(LatentActionModel, actions) == pytest.approx(300, rel=0.3)
    assert count(Dynamics, dynamics) == pytest.approx(10_100, rel=0.05)


def test_no_part_may_look_further_back_than_its_clips_reach():
    tiny = preset("tiny")
    short = replace(tiny.tokenizer_stage, clip_length=tiny.tokenizer.decoder.window - 1)
    with pytest.raises(ValueError, match="tokenizer's decoder .* looks 4 frames back"):
        replace(tiny, tokenizer_stage=short)
