import gc
import itertools
import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from playworld.data.video.display import Resizer
from playworld.data.video.reader import VideoError, probe
from tests.data.films import read_frames

SDR_COLOURS = [(255, 255, 255), (128, 128, 128), (200, 40, 30), (40, 160, 50), (30, 30, 30)]
TO_BT2020 = [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
MATRICES = {"601": (0.299, 0.114), "709": (0.2126, 0.0722), "2020": (0.2627, 0.0593)}
TAGS = {"601": 5, "709": 1, "2020": 9}
SIGNED_AXES = [
    (a, b, c, d)
    for a, b, c, d in itertools.product((-1, 0, 1), repeat=4)
    if abs(a) == abs(d) and abs(b) == abs(c) and abs(a) + abs(b) == 1
]


def linear(rgb):
    c = np.array(rgb) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def hlg(light):
    """The OETF of BT.2100, of light at which SDR white is 75% of the signal."""
    x = 0.265 * light
    high = 0.17883277 * np.log(np.maximum(12 * x - 0.28466892, 1e-9)) + 0.55991073
    return np.where(x <= 1 / 12, np.sqrt(3 * x), high)


def pq(light):
    """The inverse EOTF of SMPTE ST 2084, SDR white being 203 cd/m2."""
    y = (203 * light / 10_000) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * y) / (1 + 2392 / 128 * y)) ** (2523 / 32)


def to_yuv(signal, matrix, bits=8, full=False):
    """A signal of red, green and blue, 0 to 1, as it is stored."""
    kr, kb = MATRICES[matrix]
    red, green, blue = signal
    y = kr * red + (1 - kr - kb) * green + kb * blue
    u, v = (blue - y) / (2 - 2 * kb), (red - y) / (2 - 2 * kr)
    scale = 2 ** (bits - 8)
    if full:
        return [round(255 * scale * y), *(round(scale * (255 * x + 128)) for x in (u, v))]
    return [round(scale * (219 * y + 16)), *(round(scale * (224 * x + 128)) for x in (u, v))]


def write_flat(path, yuv, size=(64, 64), bits=8, full=False, **tags):
    """Three frames of one colour, given as it is stored."""
    pixels = "yuv420p" if bits == 8 else "yuv420p10le"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"qp": "1"})
        stream.width, stream.height = size
        stream.pix_fmt = pixels
        stream.codec_context.color_range = 2 if full else 1
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)
        for _ in range(3):
            frame = av.VideoFrame(*size, pixels)
            for plane, value in zip(frame.planes, yuv, strict=True):
                kind = np.uint8 if bits == 8 else np.uint16
                count = plane.buffer_size // kind().itemsize
                plane.update(np.full(count, value, dtype=kind))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def colour_of(path, size=(16, 16)):
    _, frame = next(read_frames(path, 10, size))
    return frame[4:-4, 4:-4].reshape(-1, 3).mean(axis=0)


@pytest.mark.parametrize("rgb", SDR_COLOURS)
@pytest.mark.parametrize(("curve", "number"), [(hlg, 18), (pq, 16)])
def test_hdr_looks_as_the_same_scene_in_sdr(curve, number, rgb, tmp_path):
    yuv = to_yuv(curve(np.array(TO_BT2020) @ linear(rgb)), "2020", bits=10)
    tags = {"colorspace": 9, "color_primaries": 9, "color_trc": number}
    path = write_flat(tmp_path / "a.mp4", yuv, bits=10, **tags)
    tolerance = 16 if rgb == (255, 255, 255) else 4  # room for what is brighter than white
    assert np.abs(colour_of(path) - rgb).max() <= tolerance


def test_lights_brighter_than_white_stay_apart(tmp_path):
    seen = []
    for number, light in enumerate((0.6, 1.0, 1.6)):
        yuv = to_yuv(hlg(np.full(3, light)), "2020", bits=10)
        tags = {"colorspace": 9, "color_primaries": 9, "color_trc": 18}
        path = write_flat(tmp_path / f"{number}.mp4", yuv, bits=10, **tags)
        seen.append(colour_of(path).mean())
    assert seen[0] + 10 < seen[1] < seen[2] - 5 and seen[2] <= 255


def test_wide_colours_in_sdr_look_as_in_srgb(tmp_path):
    rgb = (200, 60, 40)
    light = np.array(TO_BT2020) @ linear(rgb)
    signal = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    tags = {"colorspace": 9, "color_primaries": 9, "color_trc": 14}
    path = write_flat(tmp_path / "a.mp4", to_yuv(signal, "2020", bits=10), bits=10, **tags)
    assert np.abs(colour_of(path) - rgb).max() <= 4


def test_a_video_says_whether_it_is_hdr(tmp_path):
    path = write_flat(tmp_path / "a.mp4", (512, 512, 512), bits=10, color_trc=18)
    assert probe(path).dynamic_range == "HDR (HLG)"
    assert probe(write_flat(tmp_path / "b.mp4", (128, 128, 128))).dynamic_range == "SDR"


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", TAGS)
def test_colours_are_right_whatever_the_tagged_matrix_and_range(matrix, full, tmp_path):
    rgb = (200, 60, 40)
    yuv = to_yuv(np.array(rgb) / 255, matrix, full=full)
    path = write_flat(tmp_path / "a.mp4", yuv, full=full, colorspace=TAGS[matrix])
    assert np.abs(colour_of(path) - rgb).max() <= 3


@pytest.mark.parametrize(
    ("size", "matrix"),
    [((640, 480), "601"), ((1024, 576), "601"), ((1280, 720), "709"), ((720, 1280), "709")],
)
def test_an_untagged_picture_has_the_matrix_of_its_size(size, matrix, tmp_path):
    rgb = (200, 60, 40)
    path = write_flat(tmp_path / "a.mp4", to_yuv(np.array(rgb) / 255, matrix), size)
    assert np.abs(colour_of(path) - rgb).max() <= 3


@pytest.mark.parametrize(("number", "name"), [(8, "YCgCo"), (14, "ICtCp")])
def test_colours_that_cannot_be_read_are_named(number, name, tmp_path):
    path = write_flat(tmp_path / "a.mp4", (128, 128, 128), colorspace=number)
    with pytest.raises(VideoError, match=f"{name}; convert it"):
        colour_of(path)


def set_matrix(path, a, b, c, d):
    """Write a display matrix into the header of the first track of an MP4."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    whole = [round(2**16 * x) for x in (a, b)] + [0] + [round(2**16 * x) for x in (c, d)]
    data[at : at + 36] = struct.pack(">9i", *whole, 0, 0, 0, 2**30)
    path.write_bytes(data)


def corners():
    """A picture of 64x32 whose corners have different colours."""
    picture = np.zeros((32, 64, 3), dtype=np.uint8)
    for number, corner in enumerate(itertools.product((slice(0, 16), slice(16, 32)), (0, 32))):
        rows, left = corner
        picture[rows, left : left + 32] = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)][
            number
        ]
    return picture


@pytest.mark.parametrize("axes", SIGNED_AXES)
def test_each_of_the_eight_orientations_comes_out_upright(axes, tmp_path, write_film):
    path = write_film(tmp_path / "a.mp4", [corners()] * 2)
    set_matrix(path, *axes)
    a, b, c, d = axes
    size = (32, 64) if a == 0 else (64, 32)
    _, frame = next(read_frames(path, 10, size))
    for x, y in itertools.product((-1, 1), repeat=2):  # from the middle, right and down
        right, down = a * x + c * y, b * x + d * y
        stored = corners()[16 + 8 * y, 32 + 16 * x]
        shown = frame[round(size[1] * (2 + down) / 4), round(size[0] * (2 + right) / 4)]
        np.testing.assert_array_equal(shown, stored)


def test_a_rotation_by_an_odd_angle_counts_as_the_nearest_quarter_turn(tmp_path, write_film):
    path = write_film(tmp_path / "a.mp4", [corners()] * 2)
    set_matrix(path, 0.17, 0.98, -0.98, 0.17)  # 80 degrees clockwise
    _, frame = next(read_frames(path, 10, (32, 64)))
    np.testing.assert_array_equal(frame[4, 28], corners()[4, 4])  # upper left is upper right now


def test_a_turned_picture_with_oblong_pixels_keeps_its_shape(tmp_path, write_film):
    path = write_film(tmp_path / "a.mp4", [corners()[:, ::2]] * 2, aspect=Fraction(2, 1))
    data = path.read_bytes()
    set_matrix(path, 0, 1, -1, 0)
    assert path.read_bytes() != data
    _, frame = next(read_frames(path, 10, (32, 64), "pad"))
    assert frame[2:-2, 2:-2].max(axis=2).min() > 200  # no bars: it is 32x64 when shown


def moving_square(count):
    """RGBA: an opaque square on a transparent ground."""
    for k in range(count):
        picture = np.zeros((64, 96, 4), dtype=np.uint8)
        picture[20:40, 3 * k : 3 * k + 20] = (230, 60, 40, 255)
        yield picture


WITH_ALPHA = {
    "vp9.webm": ("libvpx-vp9", "yuva420p", {"auto-alt-ref": "0"}),
    "vp8.webm": ("libvpx", "yuva420p", {"auto-alt-ref": "0"}),
    "prores.mov": ("prores_ks", "yuva444p10le", {"profile": "4444"}),
    "animation.mov": ("qtrle", "argb", {}),
    "png.mov": ("png", "rgba", {}),
    "apng.png": ("apng", "rgba", {}),
}


def check_ground(path):
    frames = [frame for _, frame in read_frames(path, 20, (96, 64))]
    assert len(frames) == 20
    assert frames[5][-8:].min() >= 254, "the ground is white"
    assert np.abs(frames[5][30, 25].astype(int) - (230, 60, 40)).max() <= 8


@pytest.mark.parametrize("name", WITH_ALPHA)
def test_what_is_transparent_shows_the_same_white_ground(name, tmp_path):
    codec, pixels, options = WITH_ALPHA[name]
    kind = "apng" if codec == "apng" else None
    with av.open(str(tmp_path / name), "w", format=kind) as container:
        stream = container.add_stream(codec, rate=20, options=options)
        stream.width, stream.height, stream.pix_fmt = 96, 64, pixels
        for picture in moving_square(20):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgba")))
        container.mux(stream.encode())
    check_ground(tmp_path / name)


@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
def test_animations_of_pillow_show_the_same_white_ground(name, tmp_path):
    from PIL import Image

    first, *rest = (Image.fromarray(picture, "RGBA") for picture in moving_square(20))
    options = {"lossless": True} if name == "a.webp" else {"disposal": 2}
    first.save(tmp_path / name, save_all=True, append_images=rest, duration=50, **options)
    check_ground(tmp_path / name)


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "bmp"])
def test_a_still_picture_is_called_one(ending, tmp_path):
    from PIL import Image

    Image.fromarray(corners()).save(tmp_path / f"a.{ending}")
    with pytest.raises(VideoError, match="still picture"):
        probe(tmp_path / f"a.{ending}")


def test_a_frame_is_freed_as_soon_as_it_is_scaled():
    frame = av.VideoFrame(16, 16, "yuv420p")
    resizer = Resizer(8, 8, "crop", Fraction(1), (0, 0))
    gc.collect()
    gc.disable()
    try:
        resizer.resize(frame)
        del frame
        assert gc.collect() == 0  # nothing was kept by a circle of references
    finally:
        gc.enable()
