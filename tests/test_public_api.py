"""Public names: to change one is to break somebody, so it is done here on purpose or not at all."""

import dataclasses
import inspect
import subprocess
import sys

import playworld
import playworld.world

WORLD = """
actions buttons card config device dynamics fps from_pretrained half height infer_actions load
num_actions prompt prompts push_to_hub reconstruct renamed replay sampler save save_pretrained
sha256 start step to tokenizer width
"""


def names(cls) -> list[str]:
    return sorted(name for name in vars(cls) if not name.startswith("_"))


def test_the_package_offers_these_names():
    assert playworld.__all__ == [
        "InputError",
        "SamplerConfig",
        "World",
        "WorldState",
        "__version__",
    ]
    assert all(hasattr(playworld, name) for name in playworld.__all__)


def test_the_world_package_offers_these_names():
    assert playworld.world.__all__ == [
        "Button",
        "Engine",
        "StepResult",
        "Order",
        "SamplerConfig",
        "World",
        "WorldConfig",
        "WorldState",
        "built_in_worlds",
    ]


def test_a_world_has_these_names():
    attributes = set(inspect.signature(playworld.World).parameters)
    assert sorted(attributes | set(names(playworld.World))) == WORLD.split()


def test_a_state_has_these_names():
    fields = [f.name for f in dataclasses.fields(playworld.WorldState)]
    assert fields == ["memory", "decoder", "seeds", "frame", "tokens"]
    assert names(playworld.WorldState) == ["batch", "cat", "rows"]


def test_the_calls_of_a_player_take_these_arguments():
    def arguments(function):
        return list(inspect.signature(function).parameters)

    assert arguments(playworld.World.load) == ["path_or_name", "device"]
    assert arguments(playworld.World.start) == ["self", "images", "seeds"]
    assert arguments(playworld.World.step) == ["self", "state", "actions", "sampler", "in_place"]


def test_a_name_that_is_not_offered_is_an_attribute_error():
    assert not hasattr(playworld, "Wrold")


def test_importing_the_package_does_not_wait_for_torch():
    program = "import playworld, sys; assert not {'torch', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
