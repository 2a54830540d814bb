import re
from html.parser import HTMLParser

import pytest
import torch

from playworld.evaluate import EvaluateOptions, evaluate
from playworld.evaluate.metrics.buttons import movement_in_words
from playworld.evaluate.page.document import render
from playworld.markup import VOID
from playworld.world import Button, World

OPTIONS = EvaluateOptions(
    num_clips=2,
    prompt_frames=2,
    horizon=4,
    button_starts=2,
    physics_starts=1,
    look_starts=1,
    long_rollouts=2,
    long_frames=3,
    speed_frames=2,
)


@pytest.fixture(scope="module")
def page(make_world, make_clips, tmp_path_factory) -> str:
    world: World = make_world()
    torch.nn.init.normal_(world.dynamics.action.weight, std=2.0)
    object.__setattr__(world.config, "name", "<script>alert(1)</script>")
    buttons = (Button("stored one", "→"), Button("stored two", "←"), Button("stored three", "•"))
    object.__setattr__(world.config, "buttons", buttons)
    return render(evaluate(world, make_clips(tmp_path_factory.mktemp("data")), OPTIONS))


class Reader(HTMLParser):
    """Checks that elements close in the order in which they opened, and collects what they load."""

    def __init__(self):
        super().__init__()
        self.open, self.sources, self.text, self.seen = [], [], [], set()

    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        self.sources += [v for k, v in attributes if k in ("src", "srcset", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def read(page) -> Reader:
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


def test_the_page_asks_nothing_of_anybody(page, read):
    assert all(source.startswith("data:image/webp;base64,") for source in read.sources)
    assert "url(" not in page and "@import" not in page
    assert "script" not in read.seen


def test_names_of_strangers_are_text(page):
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_page_has_its_parts(read):
    text = " ".join(read.text)
    for part in ("Frame by frame", "Films", "Buttons", "What the codes know", "Fidelity", "Cost"):
        assert part in text
    assert {"svg", "picture", "table", "details"} <= read.seen


def test_every_frame_has_its_ssim_and_its_psnr_over_the_part_in_view(page):
    for title in ("SSIM", "PSNR over the part in view, dB"):
        chart = page.split(f"<b>{title}</b>")[1].split("</figure>")[0]
        assert re.search(r"generated, frame 4: \d", chart)
        assert re.search(r"copy of the last frame, frame 4: \d", chart)


def test_a_button_has_its_stored_name_and_what_was_measured_in_a_column_of_its_own(page):
    row = page.split("1 (stored one)")[1].split("</tr>")[0]
    assert re.search(r"<td[^>]*>(stay|(jump )?(left|right)|jump|down( left| right)?)</td>", row)
    assert not set("→←↑↓↗↖↘↙") & set(row)
    assert movement_in_words("jump left 2") == "jump left"


def test_light_and_dark_have_the_same_colours_by_name(page):
    style = re.search(r"<style>(.*?)</style>", page, re.S).group(1)
    light, dark = style.split("@media (prefers-color-scheme: dark)")[:2]
    named = set(re.findall(r"(--c\d|--paper|--ink|--muted|--line):", light))
    assert named == set(re.findall(r"(--c\d|--paper|--ink|--muted|--line):", dark.split("* {")[0]))
    used = set(re.findall(r"var\((--[a-z0-9]+)\)", style))
    assert used <= set(re.findall(r"(--[a-z0-9]+):", style)) | {"--videos", "--gap"}


def test_films_move_and_rest_where_motion_is_not_wanted(page):
    assert page.count("prefers-reduced-motion: reduce") == 2 + 2 * 2


def test_nothing_unfinished_is_shown(read):
    text = " ".join(read.text)
    assert "nan" not in re.findall(r"\b\w+\b", text)
    assert "None" not in text
