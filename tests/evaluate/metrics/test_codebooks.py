import pytest
import torch

from playworld.evaluate.metrics.codebooks import usage


def test_perplexity_counts_equally_used_codes_and_ignores_unused_ones():
    found = usage(torch.tensor([[0, 1], [2, 3]]), num_codes=8)
    assert found == {"perplexity": pytest.approx(4.0), "used": 4, "total": 8}


def test_one_code_doing_all_the_work_has_perplexity_one():
    assert usage(torch.zeros(9, dtype=torch.long), num_codes=8)["perplexity"] == pytest.approx(1.0)
