"""Known datasets -> video files with their true actions beside them, as `record` writes them."""

import json
import logging
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from playworld.atomic import CannotSave, folder_at
from playworld.config import InputError
from playworld.data.options import ImportOptions
from playworld.data.record.actions import as_json
from playworld.data.record.lerobot import Dataset, EpisodeEntry
from playworld.data.record.lerobot_rows import NoTruth, actions_of, pictures_of
from playworld.data.record.locate_episodes import Claim, Placement, place
from playworld.data.record.recordings import unfinished
from playworld.data.video.extract import FrameTimes, extract, list_frames, write_pictures
from playworld.progress import Progress, silent
from playworld.words import counted

log = logging.getLogger(__name__)


def import_dataset(
    folder: Path, out: Path, options: ImportOptions, progress: Progress = silent
) -> dict[str, int]:
    """Write one video per episode into `out`, with its true actions beside it.

    Frames are those of the dataset, one for one, and packets are copied where that gives exactly
    these. An episode that cannot be used is logged and skipped; one whose actions
    are not known is imported without them, and logged. Files appear whole or not at all; an episode
    that is there already is replaced.

    Returns:
        Counts: `episodes` and `frames` written, how many were `copied` and `encoded`, `skipped`,
        `corrected` (start times), `without_actions`.

    Raises:
        InputError: where there is no such dataset or camera, or no episode that can be used.
    """
    dataset = Dataset.open(folder, options.camera)
    episodes, unlisted = dataset.episodes()
    folder_at(out)
    work = _Import(dataset, out, options, episodes)
    for left_out in unlisted:
        work.skip(left_out.name, left_out.reason)
    for number, episode in enumerate(episodes, start=1):
        try:
            work.write(episode)
        except CannotSave:  # the next one could not be written either
            raise
        except (OSError, ValueError, TypeError) as error:
            work.skip(str(episode.index), error)
        progress(number, len(episodes), counted(work.counts["frames"], "frame"))
    for reason, indices in work.untold.items():
        some = ", ".join(map(str, indices[:5])) + (", ..." if len(indices) > 5 else "")
        log.warning("imported without actions, as %s: episodes %s", reason, some)
    if not work.counts["episodes"]:
        total = len(episodes) + len(unlisted)
        raise InputError(
            f"{folder}: none of its {counted(total, 'episode')} can be used ({work.first_reason})"
        )
    return work.counts


class _Import:
    """One dataset on its way into a folder, and what became of its episodes."""

    def __init__(
        self, dataset: Dataset, out: Path, options: ImportOptions, episodes: Sequence[EpisodeEntry]
    ) -> None:
        self.dataset, self.out, self.options = dataset, out, options
        self.counts = dict.fromkeys(
            ("episodes", "frames", "copied", "encoded", "skipped", "corrected", "without_actions"),
            0,
        )
        self.first_reason = "there are none"
        self.untold: dict[str, list[int]] = defaultdict(list)
        """Episodes without actions, by the reason."""
        self._sharing: Mapping[Path | None, list[EpisodeEntry]] = _by_video(episodes)
        self._seen: tuple[Path, FrameTimes, Mapping[int, Placement | str]] | None = None
        self._fps_said = False

    def skip(self, name: str, reason: object) -> None:
        """Say that an episode is left out."""
        if not self.counts["skipped"]:
            self.first_reason = f"episode {name}: {reason}"
        self.counts["skipped"] += 1
        log.warning("episode %s is left out: %s", name, reason)

    def write(self, episode: EpisodeEntry) -> None:
        """Write both files of an episode.

        Raises:
            InputError: where its frames cannot be had.
        """
        view = self.dataset.camera.rsplit(".", 1)[-1]
        stem = re.sub(r"[^\w-]", "-", f"{self.dataset.folder.resolve().name}-{view}")
        stem += f"-{episode.index:06d}"
        # The actions first: a video whose truth is missing would count as one without any.
        with unfinished(self.out, stem) as (text, video):
            how, times = self._film(episode, video)
            fps = self._rate(times)
            try:
                truth = actions_of(self.dataset, episode, self.options.action, times)
                about = {
                    "dataset": self.dataset.folder.resolve().name,
                    "camera": self.dataset.camera,
                    "episode": episode.index,
                    "tasks": list(episode.tasks),
                }
                text.write_text(json.dumps(as_json(truth, fps, about), allow_nan=False))
            except NoTruth as error:
                self.counts["without_actions"] += 1
                self.untold[str(error)].append(episode.index)
        for key, more in ((how, 1), ("episodes", 1), ("frames", episode.frames)):
            self.counts[key] += more

    def _film(self, episode: EpisodeEntry, video: Path) -> tuple[str, tuple[float, ...]]:
        """Write the frames of an episode; how that was done, and when each is shown."""
        if episode.video is None:
            write_pictures(pictures_of(self.dataset, episode), video, self.dataset.fps)
            return "encoded", tuple(k / self.dataset.fps for k in range(episode.frames))
        if len(self._sharing[episode.video]) == 1 and not self.dataset.grouped:
            how, film = extract(episode.video, video, episode.frames, self.dataset.fps)
            if len(film.ticks) > episode.frames:
                spare = len(film.ticks) - episode.frames
                log.warning(
                    "episode %d: %d frames more in its video than in its list are left out",
                    episode.index,
                    spare,
                )
            return how, film.times(0, episode.frames)
        film, places = self._places(episode.video)
        found = places[episode.index]
        if isinstance(found, str):
            raise InputError(f"{found} ({episode.video})")
        if found.moved:
            self.counts["corrected"] += 1
            log.warning(
                "episode %d begins %+.2f frames off in the dataset: corrected by the frames of "
                "its video",
                episode.index,
                found.moved,
            )
        window = (film.ticks[found.first], film.ticks[found.first + episode.frames - 1])
        how, _ = extract(episode.video, video, episode.frames, self.dataset.fps, window)
        return how, film.times(found.first, episode.frames)

    def _places(self, video: Path) -> tuple[FrameTimes, Mapping[int, Placement | str]]:
        """The frames of a video and where its episodes lie; kept for the next episode."""
        if self._seen is None or self._seen[0] != video:
            film = list_frames(video)
            claims = [Claim(e.index, e.start, e.frames) for e in self._sharing[video]]
            self._seen = video, film, place(claims, film.times(0, len(film.ticks)))
        return self._seen[1], self._seen[2]

    def _rate(self, times: Sequence[float]) -> float:
        """Frames per second: the dataset's, unless the video plainly has others."""
        stated = self.dataset.fps
        if len(times) < 2 or times[-1] <= 0:
            return stated
        own = (len(times) - 1) / times[-1]
        if abs(own / stated - 1) < 0.02:
            return stated
        if not self._fps_said:
            self._fps_said = True
            log.warning(
                "the dataset says %g frames per second, its videos have %.4g: theirs are taken",
                stated,
                own,
            )
        return own


def _by_video(episodes: Sequence[EpisodeEntry]) -> dict[Path | None, list[EpisodeEntry]]:
    sharing = defaultdict(list)
    for episode in episodes:
        sharing[episode.video].append(episode)
    return sharing
