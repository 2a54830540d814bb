import os
import select
import signal
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest

from playworld.config import InputError
from playworld.data.options import parse_size
from playworld.data.video.decoder import resample
from playworld.data.video.reader import DecodeLimits, Decoding, VideoError, probe
from tests.data.films import read_frames

CODECS = {
    "h264.mp4": ("libx264", "yuv444p", {"crf": "1"}),
    "h264.mkv": ("libx264", "yuv420p", {"crf": "1"}),
    "h264.flv": ("libx264", "yuv420p", {"crf": "1"}),
    "vp9.webm": ("libvpx-vp9", "yuv420p", {"crf": "4", "b": "0", "cpu-used": "8"}),
    "picture.gif": ("gif", "rgb8", {}),
    "mpeg4.avi": ("mpeg4", "yuv420p", {"b": "4000000"}),
    "mpeg2.ts": ("mpeg2video", "yuv420p", {"b": "4000000"}),
}


def numbers(frames):
    return [int(frame[0, 0, 0]) for _, frame in frames]


def test_half_the_frame_rate_takes_exactly_every_second_frame(tmp_path, write_film, shades):
    path = write_film(tmp_path / "a.mp4", shades(21), fps=20)
    frames = list(read_frames(path, 10, (16, 16)))
    assert numbers(frames) == list(range(0, 21, 2))
    assert [time for time, _ in frames] == [k / 10 for k in range(11)]


def test_frames_of_the_right_size_come_back_bit_for_bit(tmp_path, write_film, game):
    frames = game(6)
    path = write_film(tmp_path / "a.mp4", frames, fps=10)
    np.testing.assert_array_equal([f for _, f in read_frames(path, 10, (64, 64))], frames)


def test_variable_frame_rate_shows_the_last_frame_at_each_time(tmp_path, write_film, shades):
    shown_at = [0, 40, 90, 410, 430, 700]
    path = write_film(tmp_path / "a.mkv", shades(6), at_ms=shown_at)
    frames = list(read_frames(path, 10, (16, 16)))
    assert numbers(frames)[:8] == [0, 2, 2, 2, 2, 4, 4, 5]
    assert [time for time, _ in frames][:8] == [0, 0.09, 0.09, 0.09, 0.09, 0.43, 0.43, 0.7]


def test_a_slow_source_repeats_its_frames(tmp_path, write_film, shades):
    path = write_film(tmp_path / "a.mp4", shades(3), fps=5)
    assert numbers(read_frames(path, 10, (16, 16))) == [0, 0, 1, 1, 2, 2]


def test_times_count_from_the_first_frame(tmp_path, write_film, shades):
    path = write_film(tmp_path / "a.mkv", shades(3), at_ms=[3000, 3100, 3200])
    assert [time for time, _ in read_frames(path, 10, (16, 16))] == [0, 0.1, 0.2]


def test_clocks_rounded_to_milliseconds_do_not_make_frames_stutter():
    source = [(Fraction(round(k * 1000 / 60), 1000), k) for k in range(61)]
    rest = ((time, Still(number)) for time, number in source[1:])
    picked = resample((source[0][0], Still(0)), rest, Fraction(20), Fraction(10))
    assert [(frame.number, count) for _, frame, count in picked] == [(3 * k, 1) for k in range(21)]


def test_a_frame_that_stays_for_an_hour_is_held_for_ten_seconds():
    rest = iter([(Fraction(3600), Still(1))])
    picked = list(resample((Fraction(0), Still(0)), rest, Fraction(10), Fraction(10)))
    assert [(time, count) for time, _, count in picked] == [(0, 100), (3600, 1)]


class Still:
    """A frame as `resample` sees one."""

    def __init__(self, number):
        self.number, self.duration, self.time_base = number, 50, Fraction(1, 1000)


@pytest.mark.parametrize("name", CODECS)
def test_common_containers_and_codecs_are_read(name, tmp_path, write_film, shades):
    path = write_film(tmp_path / name, 10 * shades(20, 48, 48), fps=25, codec=CODECS[name])
    frames = list(read_frames(path, 12.5, (48, 48)))
    assert len(frames) == 10
    values = [frame.mean() for _, frame in frames]
    assert np.abs(np.array(values) - 20 * np.arange(10)).max() < 16  # GIF has 8 shades of each


@pytest.mark.parametrize("size", [(63, 47), (17, 90)])
@pytest.mark.parametrize("fit", ["crop", "pad"])
def test_odd_sizes_come_out_at_the_size_asked_for(size, fit, tmp_path, write_film, shades):
    path = write_film(tmp_path / "a.mp4", shades(4, size[1], size[0]))
    assert [f.shape for _, f in read_frames(path, 20, (40, 30), fit)] == [(30, 40, 3)] * 4


def flag():
    """Twice as wide as high: red, green in the middle half, blue."""
    picture = np.zeros((64, 128, 3), dtype=np.uint8)
    picture[:, :32, 0] = picture[:, 32:96, 1] = picture[:, 96:, 2] = 255
    return picture


def test_cropping_keeps_the_middle_and_the_shape(tmp_path, write_film):
    path = write_film(tmp_path / "a.mp4", [flag()] * 2)
    _, frame = next(read_frames(path, 10, (32, 32), "crop"))
    assert (frame[..., 1] > 240).mean() > 0.9
    assert frame[..., [0, 2]][:, 2:-2].max() < 16


def test_padding_keeps_everything_between_black_bars(tmp_path, write_film):
    path = write_film(tmp_path / "a.mp4", [flag()] * 2)
    _, frame = next(read_frames(path, 10, (32, 32), "pad"))
    assert frame[:8].max() == 0 and frame[24:].max() == 0
    assert [frame[16, x].argmax() for x in (2, 16, 29)] == [0, 1, 2]


def test_pixels_that_are_not_square_are_stretched_as_a_player_would(tmp_path, write_film):
    squeezed = flag()[:, ::2]  # stored as 64x64, shown as 128x64
    path = write_film(tmp_path / "a.mp4", [squeezed] * 2, aspect=Fraction(2, 1))
    _, frame = next(read_frames(path, 10, (32, 32), "crop"))
    assert (frame[..., 1] > 240).mean() > 0.9


@pytest.mark.parametrize(("degrees", "corner"), [(90, (-1, 0)), (180, (-1, -1)), (-90, (0, -1))])
def test_a_phone_held_upright_gives_upright_frames(degrees, corner, tmp_path, write_film):
    picture = np.zeros((32, 64, 3), dtype=np.uint8)
    picture[:8, :8] = 255
    path = write_film(tmp_path / "a.mp4", [picture] * 2, rotation=degrees)
    size = (64, 32) if degrees == 180 else (32, 64)
    _, frame = next(read_frames(path, 10, size))
    assert frame[corner].min() == 255 and frame.mean() < 16


def test_probe_tells_what_a_video_is(tmp_path, write_film, shades):
    info = probe(write_film(tmp_path / "a.mp4", shades(40, 48, 64), fps=20))
    assert (info.width, info.height, info.fps, info.duration) == (64, 48, 20, 2)
    assert info.codec == "h264"


def test_a_playlist_named_like_a_video_does_not_open_its_neighbour(tmp_path, write_film, shades):
    write_film(tmp_path / "secret.mp4", shades(4))
    (tmp_path / "clip.mp4").write_text("ffconcat version 1.0\nfile secret.mp4\n")
    with pytest.raises(VideoError, match="not a video"):
        probe(tmp_path / "clip.mp4")


@pytest.mark.parametrize("content", [b"", b"Dear diary\n" * 50, bytes(range(256)) * 8])
def test_a_file_that_is_no_video_is_refused(content, tmp_path):
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(VideoError, match="not a video"):
        probe(tmp_path / "a.mp4")


def test_sound_without_pictures_is_refused(tmp_path):
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(VideoError, match="no video"):
        probe(tmp_path / "a.mkv")


def test_a_decoder_that_hangs_is_ended(tmp_path):
    os.mkfifo(tmp_path / "a.mp4")  # opening it waits for a writer, for ever
    with pytest.raises(VideoError, match="silent for 1 s"):
        probe(tmp_path / "a.mp4", DecodeLimits(stall_seconds=1))


def test_a_decoder_that_takes_too_long_in_all_is_ended(tmp_path):
    os.mkfifo(tmp_path / "a.mp4")
    with pytest.raises(VideoError, match="longer than 1 s"):
        probe(tmp_path / "a.mp4", DecodeLimits(total_seconds=1))


def test_a_decoder_that_needs_too_much_memory_fails_alone(tmp_path, write_film, shades):
    path = write_film(tmp_path / "a.mp4", shades(2))
    with pytest.raises(VideoError):
        probe(path, DecodeLimits(memory_mb=16))


def test_leaving_early_ends_the_child(tmp_path, write_film, shades):
    with Decoding(write_film(tmp_path / "a.mp4", shades(200)), 20, (16, 16)) as decoding:
        next(iter(decoding))
        child = os.pidfd_open(decoding.child.pid)
    ended, _, _ = select.select([child], [], [], 0)
    os.close(child)
    assert ended


def test_the_child_ends_when_its_parent_is_killed(tmp_path):
    os.mkfifo(tmp_path / "a.mp4")
    program = (
        "import sys; from playworld.data.video import fork_server, reader\n"
        "class Told(fork_server.DecoderProcess):\n"
        "    def __init__(self, *args):\n"
        "        super().__init__(*args); print(self.pid, flush=True)\n"
        "fork_server.DecoderProcess = Told; reader.probe(sys.argv[1])"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "a.mp4")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    ended, _, _ = select.select([child], [], [], 60)
    os.close(child)
    assert ended


@pytest.mark.slow
def test_memory_stays_bounded_whatever_the_length(tmp_path, write_film, game):
    picture = np.tile(game(1)[0], (4, 5, 1))
    frames = (np.roll(picture, 3 * k, axis=1) for k in range(1000))  # 246 MB as raw frames
    codec = ("mpeg4", "yuv420p", {"b": "2000000"})
    path = write_film(tmp_path / "a.mp4", Stream(next(frames), frames), fps=50, codec=codec)
    program = (
        "import sys; from playworld.data.video.reader import Decoding\n"
        "decoding = Decoding(sys.argv[1], 50, (320, 256)); stream = iter(decoding)\n"
        "for _ in range(950): next(stream)\n"
        "for process in ('self', decoding.child.pid):\n"
        "    lines = open(f'/proc/{process}/status').readlines()\n"
        "    print(next(line.split()[1] for line in lines if line.startswith('VmHWM')))\n"
        "decoding.close()"
    )
    out = subprocess.check_output([sys.executable, "-c", program, str(path)], text=True)
    assert max(int(kilobytes) for kilobytes in out.split()) < 150_000


class Stream:
    """Frames one at a time, of which the first is known."""

    def __init__(self, first, rest):
        self.first, self.rest = first, rest

    def __getitem__(self, number):
        return self.first

    def __iter__(self):
        yield self.first
        yield from self.rest


def test_a_size_is_width_then_height():
    assert parse_size("160x90") == (160, 90)


@pytest.mark.parametrize(
    "text", ["", "64", "64x", "x64", "64*64", "-8x64", "6.4x64", "0x0", "9999x9"]
)
def test_a_size_that_makes_no_sense_is_refused(text):
    with pytest.raises(InputError, match="64x64|2048"):
        parse_size(text)
