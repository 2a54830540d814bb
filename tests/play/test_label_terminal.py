import os
import pty
import threading

import numpy as np

from playworld.play.label_terminal import BACK, END, SKIP, LabelGame, ask
from tests.play.test_terminal import SECONDS, press_and_read

CHANGE = 3
FILMS = [np.full((8, 8, 8, 3), value, np.uint8) for value in range(4)]


def test_keys_are_given_skipped_and_taken_back():
    game = LabelGame(FILMS, CHANGE, 10, {"x": "attack"})
    for key in ("→", "y", BACK, "x", SKIP, END):
        game.press(key)
    assert game.given == {0: "right", 1: "attack"} and game.over


def test_a_film_shows_when_the_key_was_pressed_and_begins_again():
    game = LabelGame(FILMS[:1], CHANGE, 10, {})
    shown = [game.number(0.2 * k) for k in range(12)]
    assert shown == [0, 1, 2, 3, 4, 5, 6, 7, 7, 7, 7, 0]
    assert "[ now ]" in game.lines(0.6, 80)[0] and "[ now ]" not in game.lines(0.2, 80)[0]


def test_in_a_terminal_it_asks_until_all_films_have_their_key():
    hand, terminal = pty.openpty()
    written: list[bytes] = []
    person = threading.Thread(target=press_and_read, args=(hand, b"\x1b[C .x", written))
    person.start()
    found = ask(FILMS, CHANGE, 10, {"x": "attack"}, terminal, terminal)
    os.close(terminal)
    person.join(SECONDS)
    os.close(hand)
    assert found == {0: "right", 1: "jump", 2: "none", 3: "attack"}
    assert b"which key was pressed" in b"".join(written)
