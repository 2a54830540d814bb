import base64
import io
import re

import numpy as np
import torch
from PIL import Image

from playworld.evaluate.page.media import GAP, REST, films, frames_table
from playworld.evaluate.pictures import Grid
from playworld.evaluate.report import SideBySide


def opened(html: str, attribute: str) -> list[Image.Image]:
    found = re.findall(rf'{attribute}="data:image/webp;base64,([^"]+)"', html)
    return [Image.open(io.BytesIO(base64.b64decode(data))) for data in found]


def test_frames_in_the_page_are_exactly_those_of_the_grid(scroll):
    one, other = scroll([(5, 0)], size=32)
    grid = Grid([[one, other], [other, one]], ["start", "end"], ["a", "b"])
    shown = [np.asarray(picture.convert("RGB")) for picture in opened(frames_table(grid), "src")]
    for picture, frame in zip(shown, (one, other, other, one), strict=True):
        assert np.array_equal(picture, frame.numpy())


def test_pictures_say_what_they_are(scroll):
    html = frames_table(Grid([[scroll([], size=16)[0]]], ["frame 1"], ["true"]))
    assert 'alt="true, frame 1"' in html


def test_a_film_has_all_frames_side_by_side_and_rests_at_its_end(scroll):
    video = scroll([(2, 0)] * 6, size=32)
    html = films([SideBySide({"true": video, "generated": video.flip(0)}, fps=10)])
    (film,), (still,) = opened(html, "src"), opened(html, "srcset")
    assert film.n_frames == len(video)
    assert film.size == still.size == (2 * 32 + GAP, 32)
    film.seek(film.n_frames - 1)
    film.load()
    assert film.info["duration"] == 100 * REST
    last = torch.cat([video[-1], video[0]], dim=1).float()
    made = torch.from_numpy(np.asarray(film.convert("RGB")).copy()).float()
    made = torch.cat([made[:, :32], made[:, -32:]], dim=1)
    assert (made - last).abs().mean() < 12  # films are compressed
