import json
import shutil
from collections import Counter

import pytest

from playworld.cli import main
from playworld.config import InputError
from playworld.export.card import renamed_card
from playworld.export.key_labels import (
    BEFORE,
    LENGTH,
    KeyLabel,
    choose_moments,
    count_labels,
    count_recorded,
    labels_of,
    read_labels,
    with_keys,
    write_labels,
)
from playworld.world import Button, World


def test_a_button_takes_the_key_that_its_code_has_most_often():
    buttons = tuple(Button(label, arrow) for label, arrow in [("stay", "•")] * 2 + [("left", "←")])
    counts = {0: Counter({"right": 3, "left": 1}), 1: Counter({"right-up": 1}), 2: Counter(x=2)}
    labels = [(button.label, button.arrow) for button in with_keys(buttons, counts)]
    assert labels == [("right", "→"), ("right up", "↗"), ("x", "")]


def test_a_button_whose_moments_agree_on_no_key_keeps_its_name():
    counts = {0: Counter(a=4, b=3, c=3), 1: Counter(a=3, b=4, c=3), 2: Counter(d=4, a=2, b=2, c=2)}
    named = with_keys((Button("stay", "•"), Button("stay 2", "•"), Button("up", "↑")), counts)
    assert [button.label for button in named] == ["stay", "stay 2", "d"]


def test_of_two_buttons_with_one_key_the_one_with_more_labels_has_its_name():
    buttons = (Button("right 2", "→"), Button("stay", "•"), Button("stay 2", "•"))
    counts = {1: Counter(right=2), 2: Counter(right=5)}
    labels = [button.label for button in with_keys(buttons, counts)]
    assert labels == ["right 3", "right 2", "right"]


def test_moments_that_are_labelled_are_found_again_with_the_same_codes(tiny_world, clips, tmp_path):
    world = World.load(tiny_world)
    moments = choose_moments(world, clips, 6)
    labels = labels_of(moments, dict.fromkeys(range(len(moments.video)), "left"))
    write_labels(tmp_path / "keys.json", labels)
    counts = count_labels(world, clips, read_labels(tmp_path / "keys.json"))
    codes = world.infer_actions(moments.video)[:, BEFORE].tolist()
    assert {code: found["left"] for code, found in counts.items()} == Counter(codes)
    assert moments.video.shape[1] == LENGTH


def test_labels_of_other_videos_are_refused(tiny_world, clips):
    with pytest.raises(InputError, match="none of the 1 labelled moment"):
        count_labels(World.load(tiny_world), clips, [KeyLabel("other.mp4", 0.0, "left")])


def test_recorded_keys_name_buttons_without_a_person(tiny_world, clips, tmp_path, capsys):
    world = tmp_path / "world"
    shutil.copytree(tiny_world, world)
    assert main(["label", str(world), str(clips), "--actions"]) == 0
    counts = count_recorded(World.load(tiny_world), clips)
    names = [button.label for button in World.load(world).buttons]
    assert names == [b.label for b in with_keys(World.load(tiny_world).buttons, counts)]
    assert f"| 1 | {names[0]} |" in World.load(world).card
    assert json.loads((world / "config.json").read_text())["buttons"][0]["label"] == names[0]


def test_the_card_keeps_everything_but_the_names():
    card = "# a\n\n| button | does | |\n|---|---|---|\n| 1 | left | ← |\n\nmore\n"
    assert renamed_card(card, [Button("x")]) == card.replace("| 1 | left | ← |", "| 1 | x |  |")
    assert renamed_card("no table", [Button("x")]) == "no table"


def test_only_a_world_in_a_folder_of_ones_own_is_named(clips, capsys):
    assert main(["label", "any", str(clips), "--actions"]) == 2
    assert "there is no folder any" in capsys.readouterr().err
