import json

import numpy as np
import pytest

from playworld.config import InputError
from playworld.data.clips import token_store
from playworld.data.clips.token_store import TokenLayout, TokenStore, write_shard

FRAMES = (40, 7, 33, 64, 1)
N = 6


@pytest.fixture
def layout(monkeypatch):
    """Five scenes in three shards: of 47, 97 and 1 frames."""
    monkeypatch.setattr(token_store, "LEAST_FRAMES", 41)
    return TokenLayout("a" * 64, "b" * 64, N, FRAMES)


def truth(scene: int) -> np.ndarray:
    return np.random.default_rng(scene).integers(0, 2**16, (FRAMES[scene], N))


@pytest.fixture
def folder(layout, tmp_path):
    """All of it written, in pieces of 10 frames."""
    for shard in layout.shards():
        rows = np.concatenate([truth(scene) for scene in shard.scenes])
        write_shard(tmp_path, shard, (rows[i : i + 10] for i in range(0, len(rows), 10)))
    layout.write_index(tmp_path)
    return tmp_path


def test_scenes_are_shared_out_by_their_lengths(layout):
    assert [(s.scenes, s.frames) for s in layout.shards()] == [
        (range(0, 2), 47),
        (range(2, 4), 97),
        (range(4, 5), 1),
    ]


def test_many_frames_make_about_64_shards():
    shards = TokenLayout("", "", 1, (1_000,) * 1_000).shards()
    assert 50 < len(shards) <= 64 and sum(shard.frames for shard in shards) == 10**6


@pytest.mark.parametrize(
    ("scene", "start", "length"),
    [(0, 0, 40), (0, 15, 2), (1, 0, 7), (1, 6, 1), (2, 3, 30), (3, 0, 64), (3, 47, 17), (4, 0, 1)],
)
def test_any_run_of_frames_reads_back_as_written(scene, start, length, folder):
    found = TokenStore(folder, "a" * 64).read(scene, start, length)
    np.testing.assert_array_equal(found, truth(scene)[start : start + length])


@pytest.mark.parametrize(("scene", "start", "length"), [(1, 0, 8), (0, -1, 2), (4, 1, 1)])
def test_frames_past_a_scene_are_never_read(scene, start, length, folder):
    with pytest.raises(IndexError, match=f"scene {scene}"):
        TokenStore(folder, "a" * 64).read(scene, start, length)


def test_the_tokens_of_another_tokenizer_are_refused(folder):
    with pytest.raises(InputError, match="another tokenizer"):
        TokenStore(folder, "c" * 64)


def test_another_tokenizer_or_other_clips_have_another_folder(layout):
    others = [TokenLayout(*hashes, N, FRAMES) for hashes in (("c", "b" * 64), ("a" * 64, "c"))]
    assert len({layout.name, *(other.name for other in others)}) == 3


@pytest.mark.parametrize("place", [0.0, 0.4, 0.999])
def test_a_flipped_bit_is_never_read_as_tokens(place, folder):
    path = folder / "tokens-00001.u16"
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 1
    path.write_bytes(data)
    store, damaged = TokenStore(folder, "a" * 64), 0
    for scene in (2, 3):
        for start in range(FRAMES[scene]):
            try:
                row = store.read(scene, start, 1)[0]
            except InputError as error:
                assert "tokens-00001.u16 is damaged" in str(error)
                damaged += 1
            else:
                np.testing.assert_array_equal(row, truth(scene)[start])
    assert 1 <= damaged <= 16


@pytest.mark.parametrize("what", ["index.json", "tokens-00000.u16"])
def test_a_cache_that_is_not_complete_is_refused(what, folder):
    (folder / what).unlink()
    with pytest.raises(InputError, match="index.json is missing|tokens-00000.u16 is not whole"):
        TokenStore(folder, "a" * 64)


def test_a_shortened_shard_is_refused(folder):
    path = folder / "tokens-00000.u16"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"tokens-00000\.u16 is not whole"):
        TokenStore(folder, "a" * 64)


def test_a_cache_of_another_version_is_refused(folder):
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps(index | {"format": 1}))
    with pytest.raises(InputError, match="no token cache of this version"):
        TokenStore(folder, "a" * 64)


def test_a_shard_that_breaks_off_is_still_missing(layout, tmp_path):
    def broken():
        yield truth(0)
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        write_shard(tmp_path, layout.shards()[0], broken())
    assert layout.missing(tmp_path) == layout.shards()
