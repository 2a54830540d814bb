import torch

from playworld.evaluate import EvaluateOptions
from playworld.evaluate.context import try_buttons
from playworld.export.button_order import in_order, with_buttons
from playworld.export.train_world import named_by
from playworld.world import Button, World


def test_buttons_are_numbered_as_a_player_expects_and_play_the_same_frames(tiny_world):
    world = World.load(tiny_world)
    labels = ("right 2", "stay", "right", "up", "down", "left", "7", "down and right")
    arrows = ("→", "•", "→", "↑", "↓", "←", "", "↘")
    picture = torch.randint(0, 256, (1, 1, world.height, world.width, 3), dtype=torch.uint8)
    _, state = world.start(picture, [0])
    before = {label: world.step(state, [k])[0] for k, label in enumerate(labels)}
    ordered = in_order(with_buttons(world, tuple(map(Button, labels, arrows))))
    found = [button.label for button in ordered.buttons]
    assert found == ["left", "down", "up", "right", "down and right", "stay", "right 2", "7"]
    for number, label in enumerate(found):
        assert torch.equal(ordered.step(state, [number])[0], before[label])


def test_what_names_the_buttons_is_what_they_do_under_their_new_numbers(tiny_world, clips):
    world, options = World.load(tiny_world), EvaluateOptions.brief(button_starts=2)
    named, tried = named_by(world, try_buttons(world, clips, options), "fixed")
    again = try_buttons(named, clips, options, named.sampler())
    assert torch.equal(again.pressed, tried.pressed)
    assert torch.equal(again.starts.video, tried.starts.video)
