"""Played in a real pseudo-terminal: the picture stands on its screen, and it is left whole."""

import fcntl
import os
import pty
import re
import select
import struct
import termios
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from playworld.config import InputError
from playworld.play.halfblocks import HalfBlockCanvas, cells, fit, of_256
from playworld.play.layout import layout
from playworld.play.terminal import Keys, TerminalGame, play_in_terminal
from playworld.world import Button, World
from tests.processes import start

SECONDS = 60
DRAWING = re.compile(rb".*?\x1b\[\?(2026|1049)l", re.DOTALL)
PIECE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|([^\x1b])")


class Screen:
    """As much of a terminal as is needed to see what was drawn."""

    def __init__(self, columns: int, rows: int) -> None:
        self.resize(columns, rows)
        self.modes: set[str] = set()
        self.clears = 0

    def resize(self, columns: int, rows: int) -> None:
        self.size = (columns, rows)
        self._wipe()

    def _wipe(self) -> None:
        columns, rows = self.size
        self.text = [[" "] * columns for _ in range(rows)]
        self.colours = [[(None, None)] * columns for _ in range(rows)]
        self.x = self.y = 0
        self.pen: list[object] = [None, None]

    def feed(self, written: str) -> None:
        end = 0
        while match := PIECE.match(written, end):
            end = match.end()
            numbers, command, character = match.groups()
            self.put(character) if character else self.obey(numbers, command)
        assert end == len(written), f"no such sequence: {written[end : end + 20]!r}"

    def put(self, character: str) -> None:
        if self.x < self.size[0] and self.y < self.size[1]:
            self.text[self.y][self.x] = character
            self.colours[self.y][self.x] = tuple(self.pen)
        self.x += 1

    def obey(self, numbers: str, command: str) -> None:
        if command in "hl":
            (self.modes.add if command == "h" else self.modes.discard)(numbers)
        elif command == "H":
            self.y, self.x = (int(n) - 1 for n in numbers.split(";"))
        elif command == "J":
            self.clears += 1
            self._wipe()
        elif command == "K":
            for x in range(self.x, self.size[0]):
                self.text[self.y][x], self.colours[self.y][x] = " ", (None, None)
        elif command == "m":
            kind, _, rest = numbers.partition(";")
            if kind == "0":
                self.pen = [None, None]
            else:
                self.pen[{"38": 0, "48": 1}[kind]] = rest
        else:
            raise AssertionError(f"no such command: {command}")

    def picture(self) -> np.ndarray:
        """The pixels of the half blocks, two to a cell, in 24-bit colour."""
        pixels = []
        for text, colours in zip(self.text, self.colours, strict=True):
            found = [c for t, c in zip(text, colours, strict=True) if t == "▀"]
            if found:
                pixels += [
                    [tuple(map(int, c[half][2:].split(";"))) for c in found] for half in (0, 1)
                ]
        return np.array(pixels, np.uint8)

    def lines(self) -> list[str]:
        return ["".join(line).rstrip() for line in self.text]

    def __contains__(self, words: str) -> bool:
        return any(words in line for line in self.lines())


def play_on(terminal: str, folder: Path) -> None:
    """Play on a terminal that is this process's own, as a shell would give it."""
    os.setsid()
    opened = os.open(terminal, os.O_RDWR)
    fcntl.ioctl(opened, termios.TIOCSCTTY, 0)
    for stream in range(3):
        os.dup2(opened, stream)
    play_in_terminal(World.load(folder))


class Player:
    """A game in a process and a terminal of its own."""

    def __init__(self, folder, columns: int = 80, rows: int = 24, **environment: str) -> None:
        self.hand, self.terminal = pty.openpty()
        self.screen = Screen(columns, rows)
        self.unread = b""
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.terminal)
        colours = {"COLORTERM": "truecolor", "TERM": "xterm-256color", **environment}
        self.process = start(play_on, os.ttyname(self.terminal), folder, **colours)

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(columns, rows)
        fcntl.ioctl(self.hand, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys: str) -> None:
        os.write(self.hand, keys.encode())

    def wait_for(self, condition) -> None:
        """Draw until so. One drawing at a time, as a late reader finds several at once."""
        deadline = time.monotonic() + SECONDS
        while not condition():
            ended = self.process.exitcode is not None
            if drawing := DRAWING.match(self.unread):
                self.unread = self.unread[drawing.end() :]
                self.screen.feed(drawing[0].decode())
            elif select.select([self.hand], [], [], 0.1)[0]:
                self.unread += os.read(self.hand, 65536)
            elif ended or time.monotonic() > deadline:
                raise AssertionError("\n".join(self.screen.lines()))

    def wait_for_words(self, words: str) -> None:
        self.wait_for(lambda: words in self.screen)

    def end(self) -> int:
        """Wait for the end, and look whether the terminal is as it was."""
        self.wait_for(lambda: {"?1049", "?2026"}.isdisjoint(self.screen.modes))
        self.process.join(SECONDS)
        assert termios.tcgetattr(self.terminal) == self.before
        assert self.screen.modes == {"?25"}  # the cursor is shown, and nothing else is left on
        return self.process.exitcode

    def __enter__(self) -> "Player":
        return self

    def __exit__(self, *error) -> None:
        self.process.kill()
        self.process.join()
        os.close(self.hand)
        os.close(self.terminal)


def shown(frame: np.ndarray, columns: int, rows: int) -> np.ndarray:
    """A frame as a terminal of so many cells for pictures should show it."""
    width, height = fit(64, 64, columns, rows)
    how = Image.Resampling.NEAREST if width >= 64 else Image.Resampling.BOX
    return np.asarray(Image.fromarray(frame).resize((width, 2 * height), how))


@pytest.fixture
def frames(random_world):
    """The world's first frame and one after each button given, with seed 0."""

    def play(*buttons: int) -> list[np.ndarray]:
        _, picture = random_world.prompts()[0]
        frame, state = random_world.start(picture[None, None], [0])
        out = [frame[0].numpy()]
        for button in buttons:
            frame, state = random_world.step(state, [button])
            out.append(frame[0].numpy())
        return out

    return play


def test_a_game_in_a_terminal_shows_the_frames_of_the_world(world_folder, frames):
    first, second, third, fourth = frames(1, 0, 5)
    with Player(world_folder) as player:
        player.wait_for_words("frame 0")
        rows = 24 - next(i for i, line in enumerate(reversed(player.screen.lines())) if "▀" in line)
        assert np.array_equal(player.screen.picture(), shown(first, 80, rows))
        for keys, words, frame in (
            ("\x1b[C", "frame 1", second),
            ("a", "frame 2", third),
            ("6", "frame 3", fourth),
            ("r", "frame 0", first),
        ):
            player.press(keys)
            player.wait_for_words(words)
            assert np.array_equal(player.screen.picture(), shown(frame, 80, rows))
        player.press("q")
        assert player.end() == 0


def test_the_screen_says_what_the_buttons_are_and_which_was_pressed(world_folder):
    with Player(world_folder) as player:
        player.wait_for_words("frames per second")
        for words in ("1 ← left", "4 ↓ fall", "6 • wait", "8 eight", "q quit"):
            assert words in player.screen
        player.press("3")
        player.wait_for_words("[3 ↑ jump]")
        player.wait_for_words(" 3 ↑ jump ")
        player.press("q")
        assert player.end() == 0


@pytest.mark.slow
def test_it_keeps_going_until_it_is_paused(world_folder):
    with Player(world_folder) as player:
        player.wait_for_words("frame 0")
        player.press("2k")
        player.wait_for_words("keeps going")
        player.wait_for(lambda: re.search(r"frame ([5-9]|\d\d)", " ".join(player.screen.lines())))
        assert " 0.0 frames per second" not in player.screen
        player.press("p")
        player.wait_for_words(" 0.0 frames per second paused")
        player.press("q")
        assert player.end() == 0


@pytest.mark.slow
def test_another_size_of_the_window_is_drawn_anew(world_folder, frames):
    with Player(world_folder, 80, 24) as player:
        player.wait_for_words("frame 0")
        clears = player.screen.clears
        player.resize(150, 80)
        player.wait_for(lambda: player.screen.clears > clears and "q quit" in player.screen)
        picture = player.screen.picture()
        assert np.array_equal(picture, shown(frames()[0], 150, len(picture) // 2))
        assert picture.shape[1] > 140
        player.resize(20, 8)
        player.wait_for(lambda: player.screen.clears > clears + 1 and "left" in player.screen)
        assert player.screen.picture().shape == (8, 8, 3)
        player.press("q")
        assert player.end() == 0


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM"])
def test_it_leaves_the_terminal_as_it_was(world_folder, how):
    with Player(world_folder) as player:
        player.wait_for_words("frame 0")
        assert "?25" not in player.screen.modes and "?1049" in player.screen.modes
        assert not termios.tcgetattr(player.terminal)[3] & termios.ECHO
        if how == "Ctrl-C":
            player.press("2k\x03")
        else:
            player.process.terminate()
        assert player.end() == 0


@pytest.mark.slow
def test_without_a_promise_of_more_it_draws_in_256_colours(world_folder, frames):
    with Player(world_folder, COLORTERM="") as player:
        player.wait_for_words("frame 0")
        drawn = [c for row in player.screen.colours for c in row if c[0] is not None]
        rows = sum("▀" in line for line in player.screen.lines())
        wanted = of_256(shown(frames()[0], 80, rows).astype(np.int64))
        tops, bottoms = wanted[0::2].ravel(), wanted[1::2].ravel()
        assert drawn == [(f"5;{a}", f"5;{b}") for a, b in zip(tops, bottoms, strict=True)]
        player.press("q")
        assert player.end() == 0


def test_the_terminal_is_left_whole_when_the_world_fails(random_world, monkeypatch):
    def fails(self, state, actions, sampler=None):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(World, "step", fails)
    hand, terminal = pty.openpty()
    before, written = termios.tcgetattr(terminal), []
    reader = threading.Thread(target=lambda: press_and_read(hand, b"1", written), daemon=True)
    reader.start()
    with pytest.raises(RuntimeError, match="out of memory"):
        play_in_terminal(random_world, stdin=terminal, stdout=terminal)
    assert termios.tcgetattr(terminal) == before
    os.close(terminal)
    reader.join(SECONDS)
    assert b"".join(written).endswith(b"\x1b[?25h\x1b[?1049l")
    os.close(hand)


def press_and_read(hand: int, keys: bytes, written: list[bytes]) -> None:
    """Once something was drawn, as what was typed before is dropped; then read to the end."""
    written.append(os.read(hand, 65536))
    os.write(hand, keys)
    try:
        while data := os.read(hand, 65536):
            written.append(data)
    except OSError:  # the other end was closed
        pass


def test_a_window_that_is_closed_ends_the_game(random_world):
    hand, terminal = pty.openpty()
    written: list[bytes] = []
    player = threading.Thread(
        target=lambda: play_in_terminal(random_world, stdin=terminal, stdout=terminal), daemon=True
    )
    player.start()
    while b"frame 0" not in b"".join(written):
        written.append(os.read(hand, 65536))
    os.close(hand)
    player.join(SECONDS)
    assert not player.is_alive()
    os.close(terminal)


def test_without_a_terminal_it_says_so(random_world):
    hand, terminal = pty.openpty()
    with open(os.devnull) as nothing:
        with pytest.raises(InputError, match="standard input is none"):
            play_in_terminal(random_world, stdin=nothing.fileno(), stdout=terminal)
        with pytest.raises(InputError, match="standard output is none"):
            play_in_terminal(random_world, stdin=terminal, stdout=nothing.fileno())
    os.close(hand)
    os.close(terminal)


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"1a0", ["1", "a", "0"]),
        (b"\x1b[A\x1b[B\x1b[C\x1b[D", ["↑", "↓", "→", "←"]),
        (b"\x1bOA\x1b[1;5C", ["↑", "→"]),
        (b"Q\n\xc3\xa9", ["q", "\n", "ã", "©"]),
        (b"\x1b[15~\x1b[Iq", ["q"]),
        (b"\x1bq", ["q"]),
        (b"\x1b[12\x07q", ["\x07", "q"]),
    ],
)
def test_keys_are_read_from_what_a_terminal_sends(data, keys):
    assert Keys(0).parse(data) == keys
    reader = Keys(0)
    assert [key for byte in data for key in reader.parse(bytes([byte]))] == keys


def test_of_several_presses_the_newest_counts_and_only_at_the_worlds_pace(random_world, frames):
    game = TerminalGame(random_world)
    for key in ("3", "1"):
        game.press(key)
    game.tick(10.0)
    assert np.array_equal(game.frame, frames(0)[-1])
    game.press("2")
    assert game.wait(10.06) == pytest.approx(0.04)
    game.tick(10.06)
    assert np.array_equal(game.frame, frames(0)[-1])
    game.tick(10.11)
    assert np.array_equal(game.frame, frames(0, 1)[-1])
    game.tick(10.5)
    assert " frame 2 " in " ".join(game.lines(10.5, 80))


def pressed(world, *keys: str, rest: float = 0.2) -> list[int]:
    """Which button each key presses, with so many seconds between them."""
    game, buttons = TerminalGame(world), []
    for number, key in enumerate(keys):
        game.tick(10.0 + rest * number)  # as several times a second, key or no key
        game.press(key)
        game.tick(10.0 + rest * number)
        buttons.append(game._last)
    return buttons


def test_two_arrows_soon_after_each_other_are_a_diagonal(random_world):
    assert pressed(random_world, "→", "w", "w") == [1, 4, 4]  # the terminal repeats the newest
    assert pressed(random_world, "→", "w", rest=0.6) == [1, 2]
    assert pressed(random_world, "→", "a") == [1, 0]


def test_space_jumps_and_joins_an_arrow(random_world):
    assert pressed(random_world, " ", "→") == [2, 4]
    assert "space jumps" in " ".join(TerminalGame(random_world).lines(0.0, 80))


def test_an_arrow_without_a_button_says_so(random_world):
    game = TerminalGame(random_world)
    game._layout = layout([Button("left", "←"), Button("right", "→")])
    game.press("↑")
    game.tick(10.0)
    assert "No button of this world leads up." in " ".join(game.lines(10.0, 120))
    game.press("→")
    game.tick(10.2)
    assert "leads up" not in " ".join(game.lines(10.2, 120))


def test_after_a_rest_no_frames_are_made_up_for(random_world):
    game = TerminalGame(random_world)
    game.press("1")
    game.tick(10.0)
    game.press("1")
    game.tick(100.0)
    assert game.wait(100.0) == 0.2
    game.press("1")
    assert game.wait(100.0) == pytest.approx(0.1)


def test_the_next_picture_starts_a_world_of_its_own(random_world):
    game, seen = TerminalGame(random_world), []
    for _ in range(3):
        seen.append(game.frame)
        game.press("n")
    assert not np.array_equal(seen[0], seen[1]) and not np.array_equal(seen[1], seen[2])
    assert np.array_equal(game.frame, seen[0])


def test_a_world_without_pictures_is_refused(random_world, monkeypatch):
    monkeypatch.setattr(random_world, "prompts", lambda: [])
    with pytest.raises(InputError, match="no picture to start from"):
        TerminalGame(random_world)


def test_lines_are_wrapped_between_words_and_none_is_wider_than_the_terminal(random_world):
    lines = TerminalGame(random_world).lines(0.0, 30)
    assert len(lines) > 5 and max(map(len, lines)) < 30
    assert "".join(lines).count("left") == 1


@pytest.mark.parametrize(
    ("cells_free", "wanted"), [((80, 20), (40, 20)), ((30, 50), (30, 15)), ((1, 1), (1, 1))]
)
def test_a_picture_keeps_its_shape(cells_free, wanted):
    assert fit(64, 64, *cells_free) == wanted


def test_256_colours_are_the_nearest_ones():
    pixels = np.array([[(0, 0, 0), (255, 255, 255), (255, 0, 0), (8, 8, 8), (100, 100, 100)]])
    assert of_256(pixels).tolist() == [[16, 231, 196, 232, 241]]


def test_a_picture_that_stays_is_not_written_again():
    frame = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    canvas = HalfBlockCanvas(full=True)
    assert canvas.draw(frame, ["words"], 16, 9)
    assert canvas.draw(frame, ["words"], 16, 9) == ""
    frame[0, 0] = 255 - frame[0, 0]
    assert canvas.draw(frame, ["words"], 16, 9).count("▀") == 2  # a pixel is two cells wide here
    assert "▀" not in canvas.draw(frame, ["others"], 16, 9)


def test_a_screen_after_many_changes_is_as_if_drawn_at_once():
    rng, canvas, screen = np.random.default_rng(0), HalfBlockCanvas(full=True), Screen(40, 20)
    frame = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    for _ in range(10):
        frame = np.where(rng.random((16, 16, 1)) < 0.1, 255 - frame, frame)
        screen.feed(canvas.draw(frame, ["one", "two"], 40, 20))
    wanted = cells(frame, *fit(16, 16, 40, 18), full=True)
    drawn = screen.picture() @ np.array([65536, 256, 1])
    assert np.array_equal(drawn[0::2], wanted[..., 0]) and np.array_equal(
        drawn[1::2], wanted[..., 1]
    )
