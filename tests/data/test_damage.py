"""One bad moment costs that moment and no more, and nothing damaged is taken for footage."""

import struct

import numpy as np
import pytest

from playworld.data.ingest.pipeline import IngestOptions, ingest
from playworld.data.video.fork_server import ForkServer
from playworld.data.video.frames import MARGIN
from playworld.data.video.reader import DecodeLimits, Decoding, VideoError
from tests.data.hostile import mutant

FPS, SECONDS = 20, 8
H264 = ("libx264", "yuv420p", {"crf": "10", "preset": "veryfast", "g": "20"})
MPEG2 = ("mpeg2video", "yuv420p", {"b": "4000000", "g": "20"})
VP8 = ("libvpx", "yuv420p", {"b": "2000000", "deadline": "realtime", "cpu-used": "8", "g": "20"})
VP9 = ("libvpx-vp9", *VP8[1:])
CUT_SHORT = {
    "mkv": (H264, {}),
    "webm": (VP9, {}),
    "ts": (H264, {}),
    "flv": (H264, {}),
    "mp4": (H264, {"movflags": "frag_keyframe+empty_moov"}),
    "mov": (H264, {"movflags": "faststart"}),
    "avi": (("mpeg4", "yuv420p", {"b": "4000000", "g": "20"}), {}),
    "mpg": (MPEG2, {}),
    "ogg": (VP8, {}),
    "gif": (("gif", "rgb8", {}), {}),
}
LIMITS = DecodeLimits(memory_mb=2048, stall_seconds=60, total_seconds=60)


@pytest.fixture(scope="module")
def fork_server():
    with ForkServer() as fork_server:
        yield fork_server


@pytest.fixture(scope="module")
def film(tmp_path_factory, write_film, game):
    """`film(ending)`: eight seconds with a keyframe each second, as bytes."""
    folder, pictures = tmp_path_factory.mktemp("films"), game(FPS * SECONDS)

    def make(ending, codec=None):
        path = folder / f"{codec[0] if codec else 'film'}.{ending}"
        if not path.exists():
            usual, muxer = CUT_SHORT[ending]
            write_film(path, pictures, FPS, codec=codec or usual, muxer=muxer)
        return path.read_bytes()

    return make


@pytest.fixture
def read(tmp_path, fork_server):
    """`read(data)`: the frames with their times, and the decoding."""

    def reading(data):
        path = tmp_path / "film"
        path.write_bytes(data)
        with Decoding(path, FPS, (64, 64), limits=LIMITS, fork_server=fork_server) as decoding:
            return [(time, frame.copy()) for time, frame in decoding], decoding

    return reading


def zeroed(data, share, count=400):
    at = int(share * len(data))
    return data[:at] + bytes(count) + data[at + count :]


def kept(frames, decoding):
    """What ingest keeps of them."""
    gone = decoding.damaged
    return [f for time, f in frames if not any(start <= time < end for start, end in gone)]


def visibly_wrong(frames, whole):
    """How many frames have a part, an eighth of the side, unlike in any frame of the whole film."""
    pictures = np.stack([frame for _, frame in whole]).astype(np.int16)
    means, count = means_of_parts(pictures), 0
    for frame in frames:
        distance = np.abs(means - means_of_parts(frame[None])).sum(axis=(1, 2, 3))
        nearest = pictures[np.argsort(distance)[:6]]
        change = means_of_parts(np.abs(nearest - frame)).mean(axis=3)
        count += change.max(axis=(1, 2)).min() > 24
    return count


def means_of_parts(pictures):
    return pictures.reshape(-1, 8, 8, 8, 8, 3).mean(axis=(2, 4))


@pytest.mark.parametrize("share", [0.4, 0.75])
@pytest.mark.parametrize("ending", CUT_SHORT)
def test_a_file_that_was_cut_short_is_kept_up_to_the_cut(ending, share, film, read):
    data = film(ending)
    whole, _ = read(data)
    frames, decoding = read(data[: int(share * len(data))])
    good = kept(frames, decoding)
    assert share - 0.15 < len(good) / len(whole) < share + 0.1
    assert visibly_wrong(good, whole) == 0


def test_a_recording_without_its_index_says_how_to_save_it(film, read, tmp_path, write_film, game):
    data = write_film(tmp_path / "a.mp4", game(20)).read_bytes()
    with pytest.raises(VideoError, match=r"index \(moov\).*untrunc"):
        read(data[: len(data) // 2])


def test_text_that_is_called_a_video_is_no_broken_recording(read):
    with pytest.raises(VideoError, match="not a video") as raised:
        read(b"hello\n" * 100)
    assert "moov" not in str(raised.value)


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts", "flv", "avi", "mpg", "webm"])
def test_damage_in_the_middle_costs_seconds_and_not_the_film(ending, film, read):
    whole, _ = read(film(ending))
    frames, decoding = read(zeroed(film(ending), 0.52))
    good = kept(frames, decoding)
    assert visibly_wrong(good, whole) == 0
    assert len(good) > len(whole) - (2 * MARGIN + 2) * FPS
    ((start, end),) = decoding.damaged
    assert 1 < start < 4.5 and 3.5 < end < 7


def test_what_follows_on_damage_keeps_its_time_and_begins_a_scene(film, read):
    whole = dict(read(film("mkv"))[0])
    frames, decoding = read(zeroed(film("mkv"), 0.52))
    (resumed,) = decoding.breaks
    assert resumed == next(time for time, _ in frames if time > resumed - 0.01)
    for time, frame in frames:
        if time > resumed:
            assert np.abs(frame.astype(int) - whole[time]).mean() < 1


def test_lost_packets_of_a_broadcast_cost_their_group_of_pictures(film, read):
    data = film("ts")
    at = len(data) // 2 // 188 * 188
    whole, _ = read(data)
    frames, decoding = read(data[:at] + data[at + 10 * 188 :])
    assert visibly_wrong(kept(frames, decoding), whole) == 0
    assert len(frames) >= len(whole) - 2.5 * FPS and len(decoding.breaks) == 1


def test_a_recording_that_begins_within_a_group_of_pictures_begins_at_its_next(film, read):
    data = film("ts")
    whole, _ = read(data)
    frames, _ = read(data[len(data) // 3 // 188 * 188 :])
    assert len(frames) > 3 * FPS and visibly_wrong([f for _, f in frames], whole) == 0


@pytest.mark.parametrize("ending", ["ts", "mpg"])
def test_a_clock_that_starts_anew_begins_a_scene(ending, film, read):
    once, _ = read(film(ending))
    twice, decoding = read(film(ending) + film(ending))
    assert len(twice) >= 2 * len(once) - 3 and len(decoding.breaks) == 1
    times = [time for time, _ in twice]
    assert times == sorted(times) and 15 < times[-1] < 16.5


def test_damage_that_only_its_own_decoder_notices_is_left_out(film, read):
    whole, _ = read(film("webm", VP9))
    data = bytearray(film("webm", VP9))
    data[len(data) // 2 : len(data) // 2 + 60] = np.random.default_rng(0).bytes(60)
    frames, decoding = read(bytes(data))
    assert decoding.damaged and visibly_wrong(kept(frames, decoding), whole) == 0


def test_a_film_that_is_damaged_from_its_beginning_begins_later(film, read):
    data = film("mp4")
    at = data.index(b"mdat") + 200
    whole, _ = read(data)
    frames, decoding = read(data[:at] + bytes(300) + data[at + 300 :])
    good = kept(frames, decoding)
    assert len(good) > 4 * FPS and visibly_wrong(good, whole) == 0


def test_the_report_says_what_was_damaged(film, tmp_path):
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "good.mkv").write_bytes(film("mkv"))
    (tmp_path / "films" / "bad.ts").write_bytes(zeroed(film("ts"), 0.52))
    report = ingest(tmp_path / "films", tmp_path / "clips", IngestOptions(workers=1))
    bad = next(entry for entry in report["ok"] if entry["source"] == "bad.ts")
    (damaged,) = [entry for entry in bad["dropped"] if entry["reason"] == "damaged"]
    assert 1 < damaged["start"] < 4.5 and damaged["start"] < damaged["end"] < 7
    assert report["dropped"]["damaged"]["frames"] == damaged["frames"] > 0
    for scene in bad["scenes"]:
        assert scene["end"] < damaged["start"] + 0.1 or scene["start"] >= damaged["end"]
    assert "Damaged" in (tmp_path / "clips" / "report.html").read_text()


@pytest.mark.parametrize("cut", [12, 40])
def test_an_animation_in_webp_that_was_cut_short_is_no_end(cut, tmp_path, read):
    from PIL import Image

    first, *rest = (Image.fromarray(np.full((32, 32, 3), 9 * k, np.uint8)) for k in range(20))
    first.save(tmp_path / "a.webp", save_all=True, append_images=rest, duration=50)
    data = (tmp_path / "a.webp").read_bytes()
    assert struct.unpack("<I", data[4:8])[0] > 100
    with pytest.raises(VideoError):
        read(data[:cut])


FUZZED = {"ts": MPEG2, "mkv": H264, "webm": VP9, "flv": H264, "avi": None, "mp4": H264}


@pytest.mark.slow
@pytest.mark.parametrize("ending", FUZZED)
def test_few_mutants_come_in_with_frames_that_are_visibly_wrong(ending, film, read):
    data = film(ending, FUZZED[ending])
    whole, _ = read(data)
    wrong = 0
    for seed in range(20):
        try:
            frames, decoding = read(mutant(data, seed))
        except VideoError:
            continue
        wrong += visibly_wrong(kept(frames, decoding), whole) > 0
    # A flipped bit may decode to a wrong picture without a word, and how wrong that looks differs
    # from run to run: 3 or 4 of H.264 in MKV. FLV has the least to tell by; 5 were seen.
    assert wrong <= (7 if ending == "flv" else 5)
