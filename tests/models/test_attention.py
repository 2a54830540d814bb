import pytest
import torch

from playworld.models.attention import attend

MASK = torch.ones(5, 5, dtype=torch.bool).tril()[None, None]


@pytest.mark.parametrize("mask", [None, MASK])
def test_products_in_bfloat16_and_the_fused_kernel_agree_and_so_do_their_gradients(mask):
    torch.manual_seed(0)
    inputs = [torch.randn(2, 3, 5, 8).requires_grad_() for _ in range(3)]
    grad = torch.randn(2, 3, 5, 8)
    results = []
    for kind in (torch.float32, torch.bfloat16):
        mixed = attend(*(t.to(kind) for t in inputs), mask)
        assert mixed.dtype == kind
        results.append((mixed.float(), *torch.autograd.grad(mixed, inputs, grad.to(kind))))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, atol=0.03, rtol=0.03)
