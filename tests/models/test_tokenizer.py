from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from playworld.models.quantizer import QuantizerConfig
from playworld.models.st_transformer import TransformerConfig
from playworld.models.tokenizer import TokenizerConfig, VideoTokenizer

SHAPE = TransformerConfig(16, 2, 2, 8, window=4)
CONFIG = TokenizerConfig(16, 24, 8, SHAPE, SHAPE, QuantizerConfig(32, 4), stem_channels=4)


every_kind = pytest.mark.parametrize(
    "stem, attention", [("linear", "space-time"), ("conv", "space-time"), ("linear", "full")]
)


def make(stem: str = "linear", attention: str = "space-time", **other) -> VideoTokenizer:
    torch.manual_seed(0)
    return VideoTokenizer(replace(CONFIG, stem=stem, attention=attention, **other)).eval()


@every_kind
def test_encoding_and_decoding_keep_the_shape(stem, attention):
    tokenizer, video = make(stem, attention), torch.rand(2, 5, 16, 24, 3)
    tokens = tokenizer.encode(video)
    assert tokens.shape == (2, 5, 6) and tokenizer.num_tokens == 6
    output = tokenizer.decode(tokens)
    assert output.shape == video.shape and 0 <= output.min() and output.max() <= 1


@every_kind
def test_a_later_frame_never_changes_an_earlier_latent_or_pixel(stem, attention):
    tokenizer, video = make(stem, attention), torch.rand(1, 6, 16, 24, 3)
    edited = video.clone()
    edited[:, 4] = 1 - edited[:, 4]
    torch.testing.assert_close(tokenizer.latents(edited)[:, :4], tokenizer.latents(video)[:, :4])
    tokens = torch.randint(32, (1, 6, 6))
    other = tokens.clone()
    other[:, 4] = (other[:, 4] + 1) % 32
    torch.testing.assert_close(tokenizer.decode(other)[:, :4], tokenizer.decode(tokens)[:, :4])


@torch.no_grad()
@every_kind
def test_a_frame_decoded_with_the_cache_equals_the_whole_clip(stem, attention):
    tokenizer, tokens = make(stem, attention), torch.randint(32, (2, 9, 6))
    cache, frames = tokenizer.start_cache(2), []
    for t in range(9):
        frame, cache = tokenizer.decode_step(tokens[:, t], cache)
        frames.append(frame)
    torch.testing.assert_close(
        torch.stack(frames, 1), tokenizer.decode(tokens), atol=1e-5, rtol=1e-4
    )


def test_more_tokens_per_place_keep_more_of_the_latents():
    lost = []
    for factors in (1, 2, 4):
        tokenizer, z = make(factors=factors), torch.randn(64, 6, 4)
        lost.append(1 - F.cosine_similarity(tokenizer.quantizer(z).latents, z, dim=-1).mean())
        tokens = tokenizer.encode(torch.rand(2, 3, 16, 24, 3))
        assert tokens.shape == (2, 3, 6 * factors)
        assert tokenizer.decode(tokens).shape == (2, 3, 16, 24, 3)
    assert lost[0] > lost[1]


def test_latents_that_cannot_be_cut_into_as_many_parts_are_refused():
    with pytest.raises(ValueError, match="divide by factors"):
        make(factors=3)


def test_full_attention_without_time_is_refused():
    with pytest.raises(ValueError, match="temporal_every"):
        make("linear", "full", encoder=replace(SHAPE, temporal_every=0))


def test_without_time_in_the_encoder_a_frame_has_the_same_tokens_alone():
    tokenizer = make(encoder=replace(SHAPE, temporal_every=0))
    video = torch.rand(1, 4, 16, 24, 3)
    assert torch.equal(tokenizer.encode(video)[:, 2:3], tokenizer.encode(video[:, 2:3]))


@pytest.mark.parametrize("stem", ["linear", "conv"])
def test_rows_and_columns_of_the_picture_are_not_mixed_up(stem):
    tokenizer = make(stem, encoder=replace(SHAPE, temporal_every=0))
    video = torch.zeros(1, 1, 16, 24, 3)
    video[:, :, 8:, 16:] = 1.0
    grid = tokenizer.stem(video)[0, 0].reshape(2, 3, -1)
    assert not torch.allclose(grid[1, 2], grid[0, 0], atol=1e-3)
    if stem == "linear":
        torch.testing.assert_close(grid[0, 1], grid[0, 0])


@pytest.mark.parametrize("stem", ["linear", "conv"])
def test_patches_stick_out_over_the_edge_as_in_the_paper(stem):
    config = TokenizerConfig(18, 27, 8, SHAPE, SHAPE, QuantizerConfig(32, 4), stem, 8)
    assert config.grid == (3, 4)
    tokenizer, video = VideoTokenizer(config).eval(), torch.rand(2, 3, 18, 27, 3)
    tokens = tokenizer.encode(video)
    assert tokens.shape == (2, 3, 12) and tokenizer.decode(tokens).shape == video.shape
    filled = video[:, :, list(range(18)) + [17] * 6][:, :, :, list(range(27)) + [26] * 5]
    torch.testing.assert_close(tokenizer.stem(video), tokenizer.stem(filled))
    whole = TokenizerConfig(24, 32, 8, SHAPE, SHAPE, QuantizerConfig(32, 4), stem, 8)
    larger = VideoTokenizer(whole).eval()
    larger.load_state_dict(tokenizer.state_dict())
    torch.testing.assert_close(tokenizer.decode(tokens), larger.decode(tokens)[:, :, :18, :27])
