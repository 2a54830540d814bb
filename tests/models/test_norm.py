import torch
from torch import nn

from playworld.models.norm import RMSNorm


def test_norm_and_gradients_are_those_of_pytorch_also_for_a_view():
    torch.manual_seed(0)
    ours, theirs = RMSNorm(6).double(), nn.RMSNorm(6).double()
    ours.weight.data = theirs.weight.data = torch.randn(6).double()
    x = torch.randn(3, 5, 2, 4, 6).double().requires_grad_()
    grad = torch.randn(3, 5, 4, 6).double()
    found, wanted = ours(x[:, :, 1]), theirs(x[:, :, 1])
    torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(
        torch.autograd.grad(found, (x, ours.weight), grad),
        torch.autograd.grad(wanted, (x, theirs.weight), grad),
    )


def test_without_gradients_it_is_pytorchs_to_the_bit():
    """Frames that are played must not depend on how many rows are normalised together."""
    x = torch.randn(3, 5, 64)
    with torch.no_grad():
        assert torch.equal(RMSNorm(64)(x), nn.RMSNorm(64)(x))


def test_in_bfloat16_it_sums_in_float32():
    torch.manual_seed(0)
    norm, x = RMSNorm(64), torch.randn(7, 64)
    half = x.bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        found = norm(half)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found, norm(half.float()).bfloat16(), atol=0, rtol=0)
    (grad,) = torch.autograd.grad(found, half, x.bfloat16())
    (wanted,) = torch.autograd.grad(norm(half.float()), half, x)
    torch.testing.assert_close(grad, wanted, atol=0.02, rtol=0.02)
