"""The page without a server, in a real Chromium: a worker of the page computes the frames."""

import base64
import io
from dataclasses import replace
from pathlib import Path

import av
import jaxtyping
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from playworld import __version__
from playworld.onnx.player import OnnxWorld
from playworld.world import World
from tests.parts import chromium
from tests.world.test_variants import build, variants

from .browser_page import (
    SEED,
    click_film,
    download,
    expect_frame,
    frame,
    open_page,
    open_tab,
    picture,
    replay_link,
    stays_still,
    strip,
    tap,
    tap_all,
    wait_for_frame,
)
from .conftest import picture_bytes
from .local_site import Plain, hosted, make_site

pytestmark = [
    pytest.mark.browser,
    pytest.mark.needs("onnxruntime"),
    pytest.mark.needs("onnxruntime_web"),
]
PRESSES = 64


@pytest.fixture(autouse=True, scope="module")
def unchecked():
    """While a graph is traced, sizes are tensors: what signatures say of them does not hold."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def tiny(kind: str, order: str, fps: float = 60.0) -> World:
    config = variants()[kind]
    sampler = replace(config.sampler, order=order, temperature=0.5)
    world = build(replace(config, sampler=sampler, fps=fps))
    pixels = np.random.default_rng(5).integers(0, 256, (2, 16, 24, 3), dtype=np.uint8)
    files = {}
    for name, one in zip(("first", "é 2"), pixels, strict=True):
        file = io.BytesIO()
        Image.fromarray(one).save(file, "PNG")
        files[name] = file.getvalue()
    return World(world.config, *world.models.named().values(), card="# Tiny", prompts=files)


@pytest.fixture(scope="module")
def world():
    """Slow, so that a tap of a slow browser is no held button."""
    return tiny("changes decided in more steps", "confidence", 4.0)


@pytest.fixture(scope="module")
def site(world, tmp_path_factory):
    return make_site(world, tmp_path_factory.mktemp("site"))


@pytest.fixture
def page(browser, site):
    with hosted(site) as url:
        page = open_page(browser, url)
        yield page
        page.context.close()
    assert page.complaints == []


def actions_of(world: World) -> list[int]:
    drawn = np.random.default_rng(0).integers(0, world.num_actions, PRESSES // 4)
    return np.repeat(drawn, 4).tolist()


def frames_of(page: Page, world: World, count: int) -> np.ndarray:
    """The frames of the film on the page, from a strip."""
    pixels = np.asarray(Image.open(io.BytesIO(strip(page))))
    columns = -(-count // -(-count // 16))
    gap = max(1, world.width // 32)
    tiles = []
    for number in range(count):
        row, column = divmod(number, columns)
        top, left = row * (world.height + gap), column * (world.width + gap)
        tiles.append(pixels[top : top + world.height, left : left + world.width])
    return np.stack(tiles).astype(int)


def differences(
    browser: Browser, world: World, site: Path, compute="wasm", presses=PRESSES, threads=1
) -> tuple[float, float]:
    """Mean level between the frames of the page and those of `OnnxWorld`, and of `World`."""
    actions = actions_of(world)[:presses]
    with hosted(site) as url:
        page = browser.new_page()
        cores = {"hardwareConcurrency": threads + 1}
        page.context.new_cdp_session(page).send("Emulation.setHardwareConcurrencyOverride", cores)
        page.goto(f"{url}?compute={compute}{replay_link(world, actions)}")
        page.wait_for_function(
            "n => document.getElementById('screen').dataset.frame === String(n)",
            arg=presses,
            timeout=240_000,
        )
        shown = frames_of(page, world, presses + 1)
        page.close()
    exported = OnnxWorld(site / "world")
    _, first = world.prompts()[0]
    frame, own = exported.start(first.numpy(), SEED)
    other, state = world.start(first[None, None], [SEED])
    runs, plays = [frame], [other[0].numpy()]
    for action in actions:
        frame, own = exported.step(own, action)
        other, state = world.step(state, [action])
        runs.append(frame)
        plays.append(other[0].numpy())
    assert len({one.tobytes() for one in runs}) > presses // 8  # a still picture would show nothing
    return tuple(np.abs(shown - np.stack(found)).mean() for found in (runs, plays))


def test_64_presses_give_the_frames_of_the_world(browser, world, site):
    assert max(differences(browser, world, site)) < 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "order"), [("two tokens per place", "random"), ("full attention", "halton")]
)
def test_so_do_those_of_other_kinds_of_worlds(browser, kind, order, tmp_path):
    world = tiny(kind, order)
    assert max(differences(browser, world, make_site(world, tmp_path))) < 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["coinrun", "platformer"])
def test_so_do_those_of_a_built_in_world(browser, name, tmp_path):
    world = World.load(name)
    site = make_site(world, tmp_path)
    assert max(differences(browser, world, site, presses=24, threads=2)) < 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "order"), [("full attention", "halton"), ("changes decided in more steps", "halton")]
)
def test_a_graphics_processor_gives_the_frames_of_the_world(browser, kind, order, tmp_path):
    world = tiny(kind, order)
    site = make_site(world, tmp_path)
    software = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]
    other = browser.browser_type.launch(executable_path=chromium(), args=software)
    try:
        assert max(differences(other, world, site, compute="webgpu", presses=4)) < 1
    finally:
        other.close()


def test_a_game_goes_on_after_a_rewind_to_a_frame_whose_state_is_gone(page, world):
    page.set_default_timeout(60_000)
    page.goto(page.url + replay_link(world, [0, 1, 2, 3] * 4))
    wait_for_frame(page, 16)
    frames = frames_of(page, world, 17)
    click_film(page, 6)
    expect_frame(page, 6)
    tap(page, "3")
    assert stays_still(page)  # a press that takes long is a held button
    assert (frames_of(page, world, frame(page) + 1)[:8] == frames[:8]).all()
    expect(page.locator("#time-branches li")).to_have_count(1)
    page.complaints.clear()  # of files that have not changed


def test_a_film_is_downloaded_as_gif_and_as_video(page, world):
    tap_all(page, "1234")
    open_tab(page, "Share")
    for name in ("Video (MP4)", "Video and actions (ZIP)"):
        expect(page.get_by_role("button", name=name)).to_be_hidden()
    frames = frames_of(page, world, 5)
    with Image.open(io.BytesIO(download(page, "GIF"))) as gif:
        assert (gif.n_frames, gif.size, gif.info["loop"]) == (5, (24, 16), 0)
        gif.seek(4)
        assert np.abs(np.asarray(gif.convert("RGB")) - frames[4]).mean() < 8
    page.locator("#share-scale").select_option("4")
    with av.open(io.BytesIO(download(page, "Video (WebM)"))) as video:
        shown = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    assert shown[0].shape == (64, 96, 3)
    assert np.abs(shown[0][2::4, 2::4] - frames[0]).mean() < 20


def test_an_own_picture_starts_a_game_and_every_button_can_be_tried(page):
    file = {"name": "a.png", "mimeType": "image/png", "buffer": picture_bytes(3, (24, 16))}
    page.set_input_files("#file", file)
    own = page.get_by_role("button", name="Your picture 1", exact=True)
    expect(own).to_have_attribute("aria-pressed", "true")
    expect_frame(page, 0)
    page.get_by_role("button", name="What do they do?").click()
    expect(page.locator("#sheet canvas")).to_have_count(4)


def test_a_reload_makes_the_game_again(page):
    last = tap_all(page, "1234")[-1]
    page.reload()
    wait_for_frame(page, 4)
    assert picture(page) == last
    page.complaints.clear()  # of files that have not changed


def test_a_link_says_whether_another_world_was_played(browser, world, site):
    with hosted(site, Plain) as url:  # without the headers that give threads
        page = browser.new_page()
        page.goto(url + replay_link(world, [0], sha256="another"))
        expect(page.locator("#notice")).to_contain_text("another world than the link was made with")
        page.goto("about:blank")
        link = replay_link(world, [0], build="wasm fp32", version=__version__)
        page.goto(url + link)
        expect(page.locator("#notice")).to_contain_text("1 frame, exactly as they were")
        expect_frame(page, 1)
        page.close()


def test_a_link_with_a_damaged_picture_leaves_the_first_prompt(browser, world, site):
    picture = "data:image/png;base64," + base64.b64encode(picture_bytes(3)[:200]).decode()
    with hosted(site) as url:
        page = browser.new_page()
        page.goto(url + replay_link(world, [0], prompt=[picture]))
        expect(page.locator("#notice")).to_contain_text("damaged")
        expect_frame(page, 0)
        page.close()


def test_webassembly_plays_where_webgpu_was_asked_for_in_vain(browser, site):
    with hosted(site) as url:
        open_page(browser, f"{url}?compute=webgpu").context.close()


def test_a_browser_that_reserves_little_memory_plays(browser, site):
    with hosted(site) as url:
        page = browser.new_page()
        page.route("**/worker/graphs.js", with_little_memory)
        page.goto(url)
        expect_frame(page, 0)
        page.close()


def with_little_memory(route: Route) -> None:
    answer = route.fetch()
    refuse = """
        WebAssembly.Memory = class extends WebAssembly.Memory {
          constructor(limits) {
            if (limits.maximum > 8192) throw new RangeError("Out of memory");
            super(limits);
          }
        };
    """
    route.fulfill(response=answer, body=refuse + answer.text())


@pytest.mark.parametrize(
    "name",
    [
        "world/predict.onnx",
        "worker/worker.js",
        "ort/ort-wasm-simd-threaded.wasm",
        pytest.param("world/page.json", marks=pytest.mark.slow),
    ],
)
def test_a_missing_file_is_named(browser, site, name):
    with hosted(site) as url:
        page = browser.new_page()
        page.route(f"**/{name}", lambda route: route.fulfill(status=404))
        page.goto(url)
        said = page.locator("#notice, #note").filter(has_text=f"lacks its file {name}")
        expect(said).to_be_visible()
        page.close()


def test_a_browser_without_webassembly_is_asked_for_another_one(browser, site):
    with hosted(site) as url:
        page = browser.new_page()
        page.route("**/worker/worker.js", without_webassembly)
        page.goto(url)
        expect(page.locator("#notice")).to_contain_text("WebAssembly switched off")
        page.close()


def without_webassembly(route: Route) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, body="delete self.WebAssembly;" + answer.text())
