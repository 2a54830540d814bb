from dataclasses import replace

import pytest
import torch

from playworld.models.actions import LatentActionConfig, LatentActionModel, TokenView
from playworld.models.dynamics import Dynamics
from playworld.models.pixels import to_float
from playworld.models.tokenizer import VideoTokenizer
from playworld.presets import preset
from playworld.train.objectives import (
    Batch,
    Collapsed,
    TokenizerLoss,
    TokenizerObjective,
    WorldLoss,
    WorldObjective,
)

TINY = preset("tiny")


def batch(progress: float = 0.5, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    video = torch.randint(256, (2, 5, 64, 64, 3), generator=generator, dtype=torch.uint8)
    return Batch(video, None, progress, (2 * seed, 2 * seed + 1), generator, clips=2)


ON_TOKENS = LatentActionConfig(
    64,
    64,
    TINY.actions.quantizer,
    patch=2,
    tokens=TokenView(16, 8),
    encoder=TINY.dynamics.transformer,
    decoder=TINY.dynamics.transformer,
)
"""4 x 4 tokens of 8 features in place of 64 x 64 pixels."""


def world_objective(shape: LatentActionConfig = TINY.actions, **loss) -> WorldObjective:
    torch.manual_seed(0)
    parts = LatentActionModel(shape), Dynamics(TINY.dynamics), VideoTokenizer(TINY.tokenizer)
    return WorldObjective(*parts, WorldLoss(**({"warmup_fraction": 0.0} | loss))).train()


def predict(
    objective: WorldObjective, tokens: torch.Tensor, actions: torch.Tensor
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    data = batch()
    draws = data.generators()
    hidden = objective.sample_mask(data, draws)
    return objective.token_loss(tokens, hidden, objective.corrupt_tokens(tokens, draws), actions)


def gradients(objective: WorldObjective, loss: torch.Tensor) -> dict[str, float]:
    objective.zero_grad()
    loss.backward()
    named = objective.named_parameters()
    return {n: 0.0 if p.grad is None else float(p.grad.abs().sum()) for n, p in named}


def test_no_gradient_of_the_dynamics_reaches_the_latent_actions():
    objective, data = world_objective(), batch()
    _, quantized = objective.infer_actions(
        data.video.float() / 255, data.generator, data.generators()
    )
    tokens = torch.randint(64, (2, 5, 16))
    loss, _ = predict(objective, tokens, quantized.latents.detach())
    found = gradients(objective, loss)
    assert all(value == 0 for name, value in found.items() if name.startswith("actions."))
    assert found["dynamics.action.weight"] > 0


def test_the_latent_actions_keep_their_own_losses_beside_the_dynamics():
    objective = world_objective()
    loss, metrics = objective(batch())
    found = gradients(objective, loss)
    assert found["actions.encoder.head.weight"] > 0 and found["dynamics.head.weight"] > 0
    total = metrics["cross_entropy"] + metrics["actions_loss"]
    torch.testing.assert_close(loss.detach(), total)


def test_the_finished_tokenizer_is_no_part_of_training():
    names = [name for name, _ in world_objective().named_parameters()]
    assert names and not any("tokenizer" in name for name in names)


@pytest.mark.parametrize("masking", ["history", "prefix", "paper"])
def test_targets_are_untouched_by_masking(masking):
    """A model that is certain of the true tokens has no loss, whatever is hidden or corrupted."""
    objective = world_objective(masking=masking, corrupt=0.5)
    tokens = torch.randint(64, (2, 5, 16))
    certain = torch.nn.functional.one_hot(tokens[:, 1:], 64).float() * 100
    objective.dynamics.register_forward_hook(lambda *_: certain)
    loss, metrics = predict(objective, tokens, torch.zeros(2, 4, 4))
    assert float(loss) < 1e-6 and float(metrics["accuracy"]) == 1


def test_only_hidden_tokens_are_scored():
    objective = world_objective(masking="paper", corrupt=0.0)
    tokens = torch.randint(64, (2, 5, 16))
    logits = torch.zeros(2, 4, 16, 64)
    hidden = objective.sample_mask(batch(), batch().generators())[:, 1:]
    logits[~hidden] = 1e4  # nonsense where nothing is scored
    objective.dynamics.register_forward_hook(lambda *_: logits)
    loss, _ = predict(objective, tokens, torch.zeros(2, 4, 4))
    torch.testing.assert_close(loss, torch.tensor(64.0).log())


def test_held_actions_reach_the_dynamics_and_nothing_else():
    objective = world_objective(held_actions=1.0)
    _, actions = objective.infer_actions(to_float(batch().video), batch().generator, [])
    actions = replace(actions, codes=torch.tensor([[0, 1, 2, 3]] * 2))
    repeated, book = (
        objective.repeat_actions(actions, batch().generators()),
        objective.actions.embed,
    )
    assert (repeated[:, 0] == book(torch.tensor(0))).all()
    assert not torch.equal(repeated, book(actions.codes))
    right = world_objective(held_actions=0.0)
    assert torch.equal(objective(batch())[1]["actions_loss"], right(batch())[1]["actions_loss"])


def test_while_latent_actions_are_continuous_none_is_held():
    objective = world_objective(held_actions=1.0, warmup_fraction=0.5)
    _, actions = objective.infer_actions(
        to_float(batch().video), batch().generator, batch().generators()
    )
    assert torch.equal(objective.repeat_actions(actions, batch().generators()), actions.latents)


def test_finished_latent_actions_stay_as_they_are():
    objective = world_objective(action_weight=0.0, warmup_fraction=0.5)
    objective.actions.quantizer.placed.fill_(True)  # as in any trained world
    before = {name: t.clone() for name, t in objective.actions.state_dict().items()}
    loss, _ = objective(batch())
    found = gradients(objective, loss)
    objective.update_codebook(torch.Generator().manual_seed(0), 0.5)
    assert all(torch.equal(before[n], t) for n, t in objective.actions.state_dict().items())
    assert not any(value for name, value in found.items() if name.startswith("actions"))
    assert any(found.values())


def test_kmeans_cuts_the_codebook_when_the_warm_start_ends():
    objective = world_objective(warmup_fraction=0.3)
    for seed in range(4):
        data = batch(0.1, seed)
        objective(data)
        objective.update_codebook(data.generator, 0.2)
    before = objective.actions.quantizer.codebook.clone()
    assert bool(objective.in_warmup) and int(objective.latents_stored) == 32
    objective(batch(0.2))
    objective.update_codebook(batch().generator, 0.3)
    assert not bool(objective.in_warmup)
    assert not torch.allclose(objective.actions.quantizer.codebook, before)


@pytest.mark.parametrize("masking", ["history", "prefix"])
@pytest.mark.parametrize("warmup_fraction", [0.0, 0.9])
@pytest.mark.parametrize("shape", [TINY.actions, ON_TOKENS], ids=["pixels", "tokens"])
def test_parts_of_a_batch_add_up_to_the_whole(masking, warmup_fraction, shape):
    """Loss, metrics and gradients: so accumulation and any number of processes are the same."""
    objective = world_objective(shape, masking=masking, warmup_fraction=warmup_fraction)
    objective.actions.quantizer.placed.fill_(True)
    data = batch()
    whole, metrics = objective(data)
    wanted = gradients(objective, whole)
    normalizers = objective.normalizers(data)
    parts = [objective(replace(part, normalizers=normalizers)) for part in data.split(2)]
    torch.testing.assert_close(sum(loss for loss, _ in parts), whole)
    for key in metrics:
        torch.testing.assert_close(sum(m[key] for _, m in parts), metrics[key])
    found = gradients(objective, sum(loss for loss, _ in parts))
    assert found == pytest.approx(wanted, rel=1e-3, abs=1e-5)


def test_the_logged_psnr_is_a_mean_over_frames_whatever_the_parts():
    torch.manual_seed(0)
    objective = TokenizerObjective(VideoTokenizer(TINY.tokenizer), TokenizerLoss()).eval()
    data = batch()
    data.video[0] //= 8  # a dark clip, whose error is another one
    _, whole = objective(data)
    parts = [objective(part)[1]["psnr"] for part in data.split(2)]
    torch.testing.assert_close(sum(parts), whole["psnr"])


def test_latent_actions_on_tokens_are_trained_to_predict_codes():
    objective, data = world_objective(ON_TOKENS), batch()
    loss, metrics = objective(data)
    found = gradients(objective, loss)
    assert found["actions.encoder.head.weight"] > 0
    assert found["actions.decoder.head.proj.weight"] > 0 and metrics["change_error"] > 0


def test_a_collapsed_codebook_stops_the_training_loudly():
    objective = TokenizerObjective(VideoTokenizer(TINY.tokenizer), TokenizerLoss())
    objective.check_collapse({"perplexity": 1.01}, progress=0.05)
    with pytest.raises(Collapsed, match="collapsed"):
        objective.check_collapse({"perplexity": 1.01}, progress=0.5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_perceptual_term_is_used_when_its_weights_are_given(tmp_path):
    class Distance(torch.nn.Module):
        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return (a - b).abs().mean(dim=(1, 2, 3))

    path = tmp_path / "distance.pt"
    torch.jit.save(torch.jit.script(Distance()), path)
    weights = TokenizerLoss(perceptual=2.0, perceptual_weights=str(path))
    torch.manual_seed(0)
    tokenizer = VideoTokenizer(TINY.tokenizer).eval()
    loss, metrics = TokenizerObjective(tokenizer, weights)(batch())
    plain, _ = TokenizerObjective(tokenizer, replace(weights, perceptual=0.0))(batch())
    torch.testing.assert_close(loss - plain, 2 * metrics["perceptual"])


def test_a_perceptual_term_without_its_file_is_refused():
    with pytest.raises(ValueError, match="TorchScript file"):
        TokenizerLoss(perceptual=1.0, perceptual_weights="nowhere.pt")
