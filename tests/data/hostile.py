"""Files that nobody should be hurt by: mutants, playlists, absurd headers."""

import struct

import numpy as np

TINY = {
    "mp4": ("libx264", "yuv420p", {"preset": "ultrafast"}),
    "mkv": ("libx264", "yuv420p", {"preset": "ultrafast"}),
    "mov": ("mjpeg", "yuvj420p", {}),
    "webm": ("vp8", "yuv420p", {"deadline": "realtime", "cpu-used": "8"}),
    "avi": ("mpeg4", "yuv420p", {}),
    "ts": ("mpeg2video", "yuv420p", {}),
    "flv": ("flv", "yuv420p", {}),
    "gif": ("gif", "rgb8", {}),
}
"""Codec of each container that mutants are made of."""

PLAYLISTS = {
    "ffconcat": "ffconcat version 1.0\nfile {name}\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{name}\n#EXT-X-ENDLIST\n",
    "hls over http": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{url}\n#EXT-X-ENDLIST\n",
    "dash": '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT1S"><Period><AdaptationSet contentType="video"><Representation '
    'id="0" bandwidth="1"><BaseURL>{url}</BaseURL></Representation></AdaptationSet></Period></MPD>',
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n"
    "a=rtpmap:96 H264/90000\n",
    "rtsp": "[Reference]\nRef1={url}\n",
    "url": "[InternetShortcut]\nURL={url}\n",
    "images": "{name}",
}
"""Texts that make FFmpeg open a file `name` or an address `url`, were it to read them."""


def mutant(data: bytes, seed: int) -> bytes:
    """A damaged copy: bits flipped, cut short, parts spliced elsewhere, sizes made absurd."""
    rng = np.random.default_rng(seed)
    damaged = bytearray(data)
    where, length = int(rng.integers(len(data))), int(rng.integers(1, 200))
    match seed % 5:
        case 0:
            for bit in rng.integers(8 * len(data), size=rng.integers(1, 30)):
                damaged[bit // 8] ^= 1 << bit % 8
        case 1:
            del damaged[where:]
        case 2:
            damaged[where:where] = data[-length:] + data[:length]
        case 3:
            damaged[where : where + length] = bytes([rng.choice([0, 255])]) * length
        case 4:  # lengths and counts are big-endian words in most headers, and near the start
            start = int(rng.integers(min(len(data), 1200)))
            damaged[start : start + 4] = struct.pack(
                ">I", int(rng.choice([0, 1, 2**31, 2**32 - 1]))
            )
    return bytes(damaged)


def absurd(gif: bytes) -> dict[str, bytes]:
    """Small files that claim to be giants."""
    box = struct.pack(">I4sQ", 1, b"mdat", 2**63 - 1)
    ftyp = struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 512, b"isom")
    return {
        "screen.gif": gif[:6] + struct.pack("<HH", 65535, 65535) + gif[10:],
        "picture.y4m": b"YUV4MPEG2 W100000 H100000 F30:1 Ip C420\nFRAME\n" + bytes(64),
        "frames.y4m": b"YUV4MPEG2 W8000 H8000 F1000000000:1 Ip C420\n" + b"FRAME\n" * 8,
        "media.mp4": ftyp + box,
        "nested.mp4": ftyp + struct.pack(">I4s", 2**31, b"moov") * 4000,
        "zeros.mp4": bytes(100_000),
        "ones.mkv": b"\x1a\x45\xdf\xa3" + b"\xff" * 5000,
    }
