"""ONNX Runtime behind `World` and `Engine`."""

import pytest
import torch

from playworld.config import InputError
from playworld.onnx.engine import on_onnx_runtime
from playworld.world import Engine
from tests.world.test_variants import build, variants

pytestmark = pytest.mark.needs("onnxruntime")


@pytest.fixture(params=["two tokens per place", "changes"], scope="module")
def pair(request, unchecked):
    """A tiny world, and the same on ONNX Runtime."""
    world = build(variants()[request.param])
    return world, on_onnx_runtime(world)


def test_its_frames_are_those_of_pytorch_but_for_rounding(pair, picture):
    world, other = pair
    pictures = picture.flip(0)[None, None].repeat(2, 3, 1, 1, 1)
    (frame, state), (same, own) = (w.start(pictures, [1, 2]) for w in pair)
    assert (frame.int() - same.int()).abs().max() <= 1
    for action in (0, 3, 1, 2):
        frame, state = world.step(state, [action, 0])
        same, own = other.step(own, [action, 0])
        assert torch.equal(state.tokens, own.tokens)
        assert (frame.int() - same.int()).abs().max() <= 1


def test_a_session_sees_the_same_alone_and_among_others(pair, picture):
    other = pair[1]
    engine = Engine(other, workers=2)
    begun = [engine.start(picture[None], seed) for seed in range(3)]
    states = [moved.result().state for moved in begun]
    alone = [other.start(picture[None, None], [seed])[1] for seed in range(3)]
    for press in range(4):
        moved = [engine.step(state, press) for state in states]
        for row in range(3):
            frame, alone[row] = other.step(alone[row], [press])
            assert torch.equal(moved[row].result().frame, frame[0])
            states[row] = moved[row].result().state
    again = engine.replay(begun[0].result().state, states[0].tokens[0], 0).result()
    engine.close()
    assert set(engine.ticks) == {1} and torch.equal(again.state.tokens, states[0].tokens)


def test_another_device_and_other_weights_are_refused(pair):
    with pytest.raises(InputError, match="computes on the CPU"):
        pair[1].to("cuda")
    with pytest.raises(InputError, match="float32"):
        pair[1].half()
    half = build(variants()["changes"]).half()
    with pytest.raises(InputError, match="in float32"):
        on_onnx_runtime(half)
