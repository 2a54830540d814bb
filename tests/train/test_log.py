import sys
import types

import numpy as np
import pytest

from playworld.config import InputError
from playworld.train.log import RunLog, weights_and_biases


def test_weights_and_biases_is_asked_for_by_name_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(InputError, match="pip install wandb"):
        weights_and_biases()


def test_numbers_and_pictures_reach_weights_and_biases_once_asked_for(tmp_path, monkeypatch):
    """The package is no requirement, so something with its four functions stands for it."""
    calls = []
    service = types.ModuleType("wandb")
    service.init = lambda **options: calls.append(options)
    service.log = lambda values, step: calls.append((step, values))
    service.Image = lambda array: array.shape
    service.finish = lambda: calls.append("finish")
    monkeypatch.setitem(sys.modules, "wandb", service)
    log = RunLog(tmp_path, "world", 0, "caves")
    for step in range(1, 11):
        log.step(step, {"loss": 1.0, "loss_hex": "0x1p+0"})
    log.pictures(10, {"buttons": np.zeros((4, 8, 3), np.uint8)})
    log.close()
    assert calls[0]["project"] == "caves" and calls[0]["resume"] == "allow"
    assert calls[1:] == [(10, {"world/loss": 1.0}), (10, {"world/buttons": (4, 8, 3)}), "finish"]
