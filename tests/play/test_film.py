import io
import threading
import zipfile

import av
import numpy as np
import pytest
from PIL import Image

from playworld.config import InputError
from playworld.data.clips.shards import ShardReader
from playworld.data.ingest.pipeline import IngestOptions, ingest
from playworld.data.record.actions import read_actions
from playworld.play.film import FORMATS, TOO_LONG, GameFilm, file_name, make


def picture(k: int, width: int, height: int) -> Image.Image:
    """Tiles that slide to the left, one pixel a frame."""
    tiles = np.random.default_rng(0).integers(0, 6, (8, 40, 3), dtype=np.uint8) * 50
    ground = tiles.repeat(8, 0).repeat(8, 1)
    return Image.fromarray(ground[:height, k : k + width])


def make_film(count: int, width: int = 64, height: int = 64, fps: float = 10.0) -> GameFilm:
    pngs = []
    for k in range(count):
        file = io.BytesIO()
        picture(k, width, height).save(file, "PNG")
        pngs.append(file.getvalue())
    buttons = [k % 3 for k in range(count - 1)]
    about = {"game": "tiles"}
    closed = threading.Event()
    return GameFilm(
        pngs, buttons, ["left", "right", "none"], width, height, fps, "tiles-7", about, closed
    )


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB")).astype(float)


def error(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).mean())


def enlarged(k: int, scale: int, *size: int) -> np.ndarray:
    return pixels(picture(k, *(size or (64, 64)))).repeat(scale, 0).repeat(scale, 1)


def decode(content: bytes) -> tuple[av.video.stream.VideoStream, list[np.ndarray]]:
    with av.open(io.BytesIO(content)) as container:
        stream = container.streams.video[0]
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
    return stream, [frame.astype(float) for frame in frames]


def test_an_mp4_is_what_browsers_play():
    content = make(make_film(20, fps=12.5), FORMATS["mp4"], 4)
    with av.open(io.BytesIO(content)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert (context.width, context.height, stream.frames) == (256, 256, 20)
        assert (context.colorspace, context.color_range, context.color_primaries) == (1, 1, 1)
        assert float(stream.average_rate) == 12.5
    assert content.index(b"moov") < content.index(b"mdat")


@pytest.mark.parametrize("scale", [2, 4])
def test_an_mp4_shows_every_frame_in_its_colours(scale):
    _, frames = decode(make(make_film(20), FORMATS["mp4"], scale))
    assert len(frames) == 20
    for k in (0, 7, 19):
        assert error(frames[k], enlarged(k, scale)) < 4 < error(frames[k], enlarged(k + 8, scale))


def test_an_mp4_of_an_odd_size_gets_a_row_and_a_column_more():
    _, frames = decode(make(make_film(3, 33, 21), FORMATS["mp4"], 3))
    assert frames[0].shape == (64, 100, 3)
    assert error(frames[0][:63, :99], enlarged(0, 3, 33, 21)) < 8


def test_a_gif_repeats_at_the_pace_of_the_world():
    image = Image.open(io.BytesIO(make(make_film(30, fps=15.0), FORMATS["gif"], 2)))
    durations = []
    for k in range(image.n_frames):
        image.seek(k)
        durations.append(image.info["duration"])
    assert (image.n_frames, image.info["loop"], sum(durations)) == (30, 0, 2000)
    assert set(durations) == {60, 70}


def test_a_gif_shows_every_frame_in_its_colours():
    image = Image.open(io.BytesIO(make(make_film(30), FORMATS["gif"], 3)))
    for k in (0, 11, 29):
        image.seek(k)
        shown = pixels(image)
        assert shown.shape == (192, 192, 3)
        assert error(shown, enlarged(k, 3)) < 6 < error(shown, enlarged(k + 8, 3))


@pytest.mark.parametrize(
    ("count", "size"), [(1, (1, 1)), (16, (16, 1)), (20, (10, 2)), (33, (11, 3))]
)
def test_a_strip_shows_all_frames_in_reading_order_with_gaps(count, size):
    strip = pixels(Image.open(io.BytesIO(make(make_film(count), FORMATS["png"], 2))))
    columns, rows = size
    assert strip.shape == (132 * rows - 4, 132 * columns - 4, 3)
    for k in {0, count // 2, count - 1}:
        y, x = 132 * (k // columns), 132 * (k % columns)
        np.testing.assert_array_equal(strip[y : y + 128, x : x + 128], enlarged(k, 2))
        assert (strip[y : y + 128, x + 128 : x + 132] == 255).all()


def unpacked(film: GameFilm, folder):
    with zipfile.ZipFile(io.BytesIO(make(film, FORMATS["zip"], 1))) as archive:
        assert archive.namelist() == ["tiles-7.mp4", "tiles-7.actions.json"]
        archive.extractall(folder)
    return folder / "tiles-7.mp4"


def test_a_zip_holds_a_video_without_loss_and_the_actions_beside_it(tmp_path):
    video = unpacked(make_film(40), tmp_path)
    stream, frames = decode(video.read_bytes())
    np.testing.assert_array_equal(frames, [enlarged(k, 1) for k in range(40)])
    actions = read_actions(video)
    assert actions.actions == tuple(k % 3 for k in range(39))
    assert actions.times == tuple(k / 10 for k in range(39))
    assert actions.names == ("left", "right", "none")


def test_what_was_played_can_be_ingested(tmp_path):
    unpacked(make_film(60), tmp_path / "videos")
    report = ingest(tmp_path / "videos", tmp_path / "clips", IngestOptions(workers=1))
    assert [file["source"] for file in report["ok"]] == ["tiles-7.mp4"]
    reader = ShardReader(tmp_path / "clips" / "train")
    scene = reader.scenes[0]
    for time, shown in zip(scene.times, reader.read(0, 0, scene.num_frames), strict=True):
        np.testing.assert_array_equal(shown, enlarged(round(10 * time), 1))


@pytest.mark.parametrize("kind", FORMATS)
def test_one_frame_is_a_film_too(kind):
    assert len(make(make_film(1), FORMATS[kind], 1)) > 100


@pytest.mark.parametrize("kind", FORMATS)
def test_a_film_over_the_limit_is_refused_before_a_frame_is_decoded(kind):
    film = make_film(1)
    endless = [b"no picture"] * (FORMATS[kind].max_pixels // 64**2 + 1)
    long = GameFilm(endless, [], [], 64, 64, 10.0, "long", {}, film.cancelled)
    with pytest.raises(InputError, match=TOO_LONG):
        make(long, FORMATS[kind], 1)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_server_that_ends_gives_a_film_up(kind):
    film = make_film(3)
    film.cancelled.set()
    with pytest.raises(InputError, match="ending"):
        make(film, FORMATS[kind], 1)


@pytest.mark.parametrize(
    ("title", "name"),
    [("coinrun-7", "coinrun-7"), ("../../etc", "etc"), ('a"b\nc é', "a-b-c"), ("…", "film")],
)
def test_a_title_becomes_a_file_name_for_every_system(title, name):
    assert file_name(title) == name
