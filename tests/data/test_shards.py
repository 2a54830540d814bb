import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from playworld.config import InputError
from playworld.data.clips.shards import DamagedChunk, ShardReader, ShardWriter
from playworld.data.clips.shards import writer as shard_writer


def times(count):
    return [k / 10 for k in range(count)]


@pytest.fixture
def folder(tmp_path, game):
    """Two scenes, of 40 and 21 frames."""
    with ShardWriter(tmp_path / "s", 64, 64, 10.0) as writer:
        writer.write(game(40), "a/b.mp4", times(40))
        writer.write(game(21, seed=1), "c.webm", times(21))
    return tmp_path / "s"


@pytest.mark.parametrize(
    ("start", "length"), [(0, 40), (0, 1), (15, 2), (16, 16), (39, 1), (5, 35)]
)
def test_any_run_of_frames_reads_back_as_written(start, length, folder, game):
    clip = ShardReader(folder).read(0, start, length)
    np.testing.assert_array_equal(clip, game(40)[start : start + length])


def test_a_reader_knows_sources_times_and_shape(folder):
    reader = ShardReader(folder)
    assert [scene.source for scene in reader.scenes] == ["a/b.mp4", "c.webm"]
    assert [scene.num_frames for scene in reader.scenes] == [40, 21]
    assert reader.scenes[1].times.tolist() == times(21)
    assert (reader.height, reader.width, reader.fps) == (64, 64, 10.0)


@pytest.mark.parametrize(("start", "length"), [(-1, 2), (20, 2), (0, 0), (0, 22)])
def test_frames_past_a_scene_are_never_read(start, length, folder):
    with pytest.raises(IndexError, match="scene of 21"):
        ShardReader(folder).read(1, start, length)


def test_a_long_scene_needs_only_the_chunks_asked_for(folder):
    flip(folder / "shard-00000.bin", 100)  # in the first chunk
    assert ShardReader(folder).read(0, 16, 24).shape == (24, 64, 64, 3)


def flip(path, offset):
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("place", [0.0, 0.3, 0.7, 0.999])
def test_a_flipped_byte_is_never_read_as_pixels(place, folder, game):
    data = (folder / "shard-00000.bin").read_bytes()
    flip(folder / "shard-00000.bin", int(place * len(data)))
    reader, damaged = ShardReader(folder), 0
    for number, truth in enumerate([game(40), game(21, seed=1)]):
        for start in range(0, len(truth), 16):
            length = min(16, len(truth) - start)
            try:
                clip = reader.read(number, start, length)
            except DamagedChunk as error:
                assert "shard-00000.bin" in str(error)
                damaged += 1
            else:
                np.testing.assert_array_equal(clip, truth[start : start + length])
    assert damaged == 1


def test_verify_names_a_shard_that_was_altered(folder):
    assert ShardReader(folder).verify() == []
    reader = ShardReader(folder)
    flip(folder / "shard-00000.bin", 10)
    assert len(reader.verify()) == 1 and "shard-00000.bin" in reader.verify()[0]


@pytest.mark.parametrize("remains", [None, b"", b"short"])
def test_a_missing_or_shortened_shard_is_refused_at_once(remains, folder):
    (folder / "shard-00000.bin").unlink()
    if remains is not None:
        (folder / "shard-00000.bin").write_bytes(remains)
    with pytest.raises(InputError, match="shard-00000.bin"):
        ShardReader(folder)


def test_a_folder_that_was_never_closed_cannot_be_read(tmp_path, game):
    with pytest.raises(KeyboardInterrupt), ShardWriter(tmp_path, 64, 64, 10.0) as writer:
        writer.write(game(20), "a", times(20))
        raise KeyboardInterrupt
    with pytest.raises(InputError, match="index.json does not exist"):
        ShardReader(tmp_path)


DAMAGE = {
    "format": lambda index: index.update(format=2),
    "height": lambda index: index.update(height=10**9),
    "no scenes": lambda index: index.pop("scenes"),
    "name": lambda index: index["shards"][0].update(name="../shard-00000.bin"),
    "offset": lambda index: index["scenes"][0].update(offset=-1),
    "sizes": lambda index: index["scenes"][0]["sizes"].append(1),
    "times": lambda index: index["scenes"][0]["times"].reverse(),
    "text": lambda index: index["scenes"][0].update(times=["now"]),
    "shard": lambda index: index["scenes"][0].update(shard=7),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_an_index_that_makes_no_sense_is_refused(damage, folder):
    index = json.loads((folder / "index.json").read_text())
    damage(index)
    (folder / "index.json").write_text(json.dumps(index))
    with pytest.raises(InputError, match=r"index\.json"):
        ShardReader(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a":' * 5000, "\x00"])
def test_an_index_that_is_no_json_object_is_refused(text, folder):
    (folder / "index.json").write_text(text)
    with pytest.raises(InputError, match=r"index\.json"):
        ShardReader(folder)


def test_a_discarded_scene_leaves_no_trace(tmp_path, folder, game):
    with ShardWriter(tmp_path / "t", 64, 64, 10.0) as writer:
        writer.write(game(40), "a/b.mp4", times(40))
        writer.begin("rejected.mp4")
        for time, frame in zip(times(37), game(37, seed=2), strict=True):
            writer.append(time, frame)
        writer.discard()
        writer.write(game(21, seed=1), "c.webm", times(21))
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "t" / path.name).read_bytes()


def test_a_scene_whose_frames_fail_is_taken_back(tmp_path, game):
    def broken():
        yield from game(20)
        raise OSError("gone")

    with ShardWriter(tmp_path, 64, 64, 10.0) as writer:
        with pytest.raises(OSError, match="gone"):
            writer.write(broken(), "a", times(30))
    assert ShardReader(tmp_path).scenes == ()


def test_a_frame_of_another_shape_is_refused(tmp_path):
    with ShardWriter(tmp_path, 64, 64, 10.0) as writer:
        with pytest.raises(ValueError, match=r"\(64, 64, 3\)"):
            writer.write([np.zeros((32, 64, 3), np.uint8)], "a", [0.0])


def test_a_caller_may_use_one_buffer_for_every_frame(tmp_path, game):
    buffer = np.empty((64, 64, 3), np.uint8)
    with ShardWriter(tmp_path, 64, 64, 10.0) as writer:
        writer.begin("a")
        for time, frame in zip(times(20), game(20), strict=True):
            buffer[:] = frame
            writer.append(time, buffer)
        writer.end()
    np.testing.assert_array_equal(ShardReader(tmp_path).read(0, 0, 20), game(20))


def test_a_copied_folder_is_the_same_byte_for_byte(tmp_path, folder):
    reader = ShardReader(folder)
    with ShardWriter(tmp_path / "copy", 64, 64, 10.0) as writer:
        for scene in range(2):
            writer.copy(reader, scene)
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "copy" / path.name).read_bytes()


def test_a_run_of_chunks_can_be_copied_alone(tmp_path, folder, game):
    with ShardWriter(tmp_path / "copy", 64, 64, 10.0) as writer:
        writer.copy(ShardReader(folder), 0, range(1, 3))
    copy = ShardReader(tmp_path / "copy")
    assert copy.scenes[0].times.tolist() == times(40)[16:]
    np.testing.assert_array_equal(copy.read(0, 0, 24), game(40)[16:])


def test_full_shards_are_followed_by_others(tmp_path, game, monkeypatch):
    monkeypatch.setattr(shard_writer, "SHARD_BYTES", 1000)
    with ShardWriter(tmp_path, 64, 64, 10.0) as writer:
        for seed in range(3):
            writer.write(game(20, seed), "a", times(20))
    assert len(list(tmp_path.glob("shard-*.bin"))) == 3
    np.testing.assert_array_equal(ShardReader(tmp_path).read(2, 0, 20), game(20, seed=2))


def test_threads_can_share_a_reader(folder, game):
    reader, truth = ShardReader(folder), game(40)

    def right(start):
        return np.array_equal(reader.read(0, start, 8), truth[start : start + 8])

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(right, [k % 32 for k in range(200)]))
