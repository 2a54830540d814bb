"""The clip format: whole scenes as zstd chunks of 16 frames, with an index and checksums.

A folder holds `shard-00000.bin`, ... and `index.json`. A scene is an unbroken run of frames from
one video; it lies in one shard as consecutive chunks, each the zstd frame of up to 16 raw uint8
frames. Sixteen is only the unit of compression: any run of frames inside a scene can be read. The
index is written last, so a folder without it was never finished.
"""

from playworld.data.clips.shards.layout import (
    CHUNK_FRAMES,
    FORMAT,
    Scene,
    read_json,
    sha256_of,
    write_json,
)
from playworld.data.clips.shards.reader import DamagedChunk, ShardReader
from playworld.data.clips.shards.storage import REMOTE_FILE
from playworld.data.clips.shards.writer import ShardWriter

__all__ = [
    "CHUNK_FRAMES",
    "FORMAT",
    "REMOTE_FILE",
    "DamagedChunk",
    "Scene",
    "ShardReader",
    "ShardWriter",
    "read_json",
    "sha256_of",
    "write_json",
]
