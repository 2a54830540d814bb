import io
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from playworld.config import InputError
from playworld.data.video.pictures import NOT_A_PICTURE, TOO_MANY_PIXELS, read_picture
from playworld.images import to_png

LIMIT = 1_000_000


def save(picture: Image.Image, format: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def noise(height: int = 24, width: int = 32) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be this large."""

    def part(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header)
    return start + part(b"IDAT", zlib.compress(b"\0" * 1000)) + part(b"IEND", b"")


def many_scans(side: int, count: int) -> bytes:
    """A progressive JPEG that goes over its pixels so often, with nothing to say."""
    whole = save(Image.new("L", (side, side)), "JPEG", progressive=True)
    scan = whole[whole.rindex(b"\xff\xda") : -2]
    return whole[:-2] + count * scan + whole[-2:]


@pytest.mark.parametrize("format", ["PNG", "BMP", "WEBP"])
def test_a_lossless_picture_comes_out_as_it_went_in(format):
    options = {"lossless": True} if format == "WEBP" else {}
    picture = read_picture(save(noise(), format, **options), LIMIT)
    assert picture.mode == "RGB" and picture.tobytes() == noise().tobytes()


@pytest.mark.parametrize("format", ["JPEG", "GIF"])
def test_a_lossy_picture_is_read(format):
    assert read_picture(save(noise(), format), LIMIT).size == (32, 24)


def test_what_is_transparent_becomes_white():
    picture = Image.new("RGBA", (2, 1), (255, 0, 0, 255))
    picture.putpixel((1, 0), (0, 0, 0, 0))
    read = read_picture(save(picture), LIMIT)
    assert [read.getpixel((x, 0)) for x in (0, 1)] == [(255, 0, 0), (255, 255, 255)]


def test_a_photograph_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turned by 90 degrees
    assert read_picture(save(noise(), "JPEG", exif=exif), LIMIT).size == (24, 32)


def test_16_bit_grey_keeps_its_tones():
    grey = Image.fromarray(np.array([[0, 32768, 65535]], dtype=np.uint16))
    read = read_picture(save(grey), LIMIT)
    assert [read.getpixel((x, 0))[0] for x in range(3)] == [0, 128, 255]


def test_of_an_animation_the_first_frame_is_taken():
    red, blue = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    data = save(red, "GIF", save_all=True, append_images=[blue])
    assert read_picture(data, LIMIT).getpixel((4, 4)) == (255, 0, 0)


@pytest.mark.parametrize("size", [(1001, 1000), (12_000, 12_000), (60_000, 60_000)])
def test_too_many_pixels_are_refused_before_they_are_decoded(size):
    with pytest.raises(InputError, match=TOO_MANY_PIXELS):
        read_picture(bomb(*size), LIMIT)


@pytest.mark.parametrize("size", [(1, 25_000), (20_000, 1)])
def test_sides_that_are_too_long_are_refused(size):
    with pytest.raises(InputError, match=TOO_MANY_PIXELS):
        read_picture(bomb(*size), LIMIT)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_orientation_is_set_upright(orientation):
    turned = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE"}
    turned |= {6: "ROTATE_90", 7: "TRANSVERSE", 8: "ROTATE_270"}  # as the camera stored it
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = noise()
    if orientation in turned:
        stored = stored.transpose(Image.Transpose[turned[orientation]])
    assert read_picture(save(stored, exif=exif), LIMIT).tobytes() == noise().tobytes()


def test_cmyk_and_palettes_with_alpha_are_read():
    cmyk = Image.new("CMYK", (4, 4), (0, 255, 255, 0))
    assert read_picture(save(cmyk, "JPEG"), LIMIT).getpixel((2, 2))[0] > 200
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.info["transparency"] = 0
    assert read_picture(save(palette, transparency=0), LIMIT).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("format", ["TIFF", "PPM", "TGA", "ICO", "EPS"])
def test_a_format_that_is_not_on_the_list_is_refused(format):
    with pytest.raises(InputError, match=NOT_A_PICTURE):
        read_picture(save(noise(), format), LIMIT)


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n", save(noise())[:-40]])
def test_what_is_no_whole_picture_is_refused(data):
    with pytest.raises(InputError, match=NOT_A_PICTURE):
        read_picture(data, LIMIT)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
@pytest.mark.filterwarnings("default")  # Pillow warns of what it mends
def test_a_mutated_file_is_a_picture_or_refused_and_nothing_else(format):
    rng, whole = np.random.default_rng(1), save(noise(), format)
    for _ in range(60):
        data = np.frombuffer(whole, np.uint8).copy()
        data[rng.integers(0, len(data), 4)] = rng.integers(0, 256, 4)
        try:
            assert read_picture(data.tobytes(), LIMIT).mode == "RGB"
        except InputError as error:
            assert str(error) in (NOT_A_PICTURE, TOO_MANY_PIXELS)


def test_a_frame_travels_without_loss():
    frame = torch.randint(0, 256, (64, 48, 3), dtype=torch.uint8)
    assert Image.open(io.BytesIO(to_png(frame))).tobytes() == frame.numpy().tobytes()
