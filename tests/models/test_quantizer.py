import pytest
import torch

from playworld.models.quantizer import QuantizerConfig, VectorQuantizer, kmeans


def make(codes: int = 16, size: int = 4, **other) -> VectorQuantizer:
    torch.manual_seed(0)
    return VectorQuantizer(QuantizerConfig(codes, size, **other))


def clusters(count: int, size: int = 4, each: int = 64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    centres = torch.randn(count, size, generator=generator)
    centres = torch.nn.functional.normalize(centres, dim=-1) * size**0.5
    noise = torch.randn(each, count, size, generator=generator)
    return (centres + 0.02 * noise).reshape(-1, size)


def learn(
    book: VectorQuantizer, z: torch.Tensor, generator: torch.Generator | None = None
) -> torch.Tensor:
    """One step as in training; returns the loss."""
    quantized = book(z, generator)
    if book.training:
        book.update_codebook(z, quantized.codes, generator)
    return quantized.loss


def error(book: VectorQuantizer, z: torch.Tensor) -> float:
    return float((book.scale(z) - book.lookup(book.nearest(z))).detach().square().mean())


@pytest.mark.parametrize("learning", ["ema", "gradient"])
def test_the_codebook_learns(learning):
    book, z = make(codebook=learning), clusters(8)
    before = error(book, z)
    optimizer = torch.optim.Adam(book.parameters(), lr=0.05) if learning == "gradient" else None
    for _ in range(200):
        loss = learn(book, z)
        if optimizer:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert error(book, z) < 0.3 * before


def test_gradients_pass_straight_through_to_the_encoder():
    book, z = make().eval(), torch.randn(8, 4, requires_grad=True)
    book(z).latents.sum().backward()
    assert z.grad is not None and z.grad.abs().sum() > 0


def test_dead_codes_move_onto_latents_of_the_batch():
    book, z = make(codes=8, normalize=False), clusters(8)
    book.reset_codes(torch.arange(8), torch.full((8, 4), 9.0) + torch.arange(8)[:, None])
    generator = torch.Generator().manual_seed(0)
    for _ in range(400):
        learn(book, z, generator)
    assert book.nearest(z).unique().numel() >= 7
    assert float(torch.cdist(book.codebook, z).min(dim=1).values.max()) < 1.5  # they were 15 away


def test_without_a_generator_nothing_is_revived():
    book, z = make(codes=8, normalize=False), clusters(2)
    book.reset_codes(torch.arange(8), torch.full((8, 4), 50.0) + torch.arange(8)[:, None])
    for _ in range(200):
        learn(book, z)
    assert (book.codebook > 40).any()


def test_perplexity_counts_codes_in_use():
    book = make(codes=16, revive_below=0.0)
    assert float(book.perplexity()) == pytest.approx(16, rel=1e-3)
    for _ in range(1_000):
        learn(book, clusters(1))
    assert float(book.perplexity()) < 1.5


def test_in_evaluation_nothing_is_learned():
    book = make().eval()
    before = {name: tensor.clone() for name, tensor in book.state_dict().items()}
    book(clusters(8), torch.Generator().manual_seed(0))
    for name, tensor in book.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_lookup_gives_back_what_nearest_found():
    book = make()
    codes = torch.arange(16)
    assert torch.equal(book.nearest(book.lookup(codes)), codes)


def test_kmeans_finds_separate_clusters():
    z = clusters(6)
    for seed in range(5):
        centres = kmeans(z, 6, torch.Generator().manual_seed(seed))
        assert float(torch.cdist(z, centres).min(dim=1).values.max()) < 0.3


def test_tokens_must_fit_into_16_bits():
    with pytest.raises(ValueError, match="num_codes must be in"):
        QuantizerConfig(70_000)
