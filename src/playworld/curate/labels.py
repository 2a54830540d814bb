"""The file of labels: small JSON beside the clips, bound to them, saved after every key."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from playworld.atomic import write_whole
from playworld.config import InputError, from_dict, to_dict
from playworld.curate.options import BEST, WORST
from playworld.curate.stretches import Footage, LabelStretch
from playworld.data.clips.shards import read_json
from playworld.data.clips.split_names import Split

FORMAT = 1


@dataclass(frozen=True)
class Entry:
    """One label as it is stored."""

    split: Split
    scene: int
    start: int
    """First frame within the scene."""
    source: str
    """The video; for people, and to see that the file belongs to these clips."""
    label: int | None
    """1 (worst) to 5 (best), or null for a stretch that was skipped."""

    def __post_init__(self) -> None:
        if self.label is not None and not WORST <= self.label <= BEST:
            raise ValueError(f"label should be 1 to 5, or null, got {self.label}")


@dataclass(frozen=True)
class Document:
    """The whole file."""

    format: int
    clips_sha256: str
    """`Footage.sha256` of the clips that the labels are about."""
    length: int
    """Frames of a stretch."""
    labels: tuple[Entry, ...]
    """In the order in which they were given."""


class Labels:
    """Labels of the stretches of some clips.

    Raises:
        InputError: where the file is damaged, or about other clips or stretches.
    """

    def __init__(self, path: Path, footage: Footage, length: int | None = None) -> None:
        """Open the file; where there is none, begin one for stretches of `length` frames."""
        self.path, self.footage = Path(path), footage
        document = self._read()
        if document is None and length is None:
            raise InputError(f"there are no labels in {path}; give some: playworld curate label")
        if document and length not in (None, document.length):
            raise InputError(
                f"{path} has labels for stretches of {document.length} frames; ask for "
                f"--length {document.length}, or name another file with --labels"
            )
        self.length = document.length if document else length or 0
        self.stretches = footage.stretches(self.length)
        self.given: dict[LabelStretch, int | None] = {}
        """Label of each stretch, None for a skipped one, in the order in which they were given."""
        known = {stretch[:3]: stretch for stretch in self.stretches}
        for entry in document.labels if document else ():
            stretch = known.get((entry.split, entry.scene, entry.start))
            if stretch is None or footage.source(stretch) != entry.source:
                raise InputError(
                    f"{path}: there is no stretch of {entry.source!r} at {entry.split} scene "
                    f"{entry.scene}, frame {entry.start}"
                )
            self.given[stretch] = entry.label

    def _read(self) -> Document | None:
        if not self.path.exists():
            return None
        document = from_dict(Document, read_json(self.path), where=str(self.path))
        if document.format != FORMAT:
            raise InputError(f"{self.path}: expected format {FORMAT}, is it from a newer version?")
        if document.clips_sha256 != self.footage.sha256:
            raise InputError(
                f"{self.path} labels other clips than {self.footage.clips} holds now; name the "
                "clips it was made with, or another file"
            )
        return document

    def give(self, stretch: LabelStretch, label: int | None) -> None:
        """Label a stretch, or label it anew; None skips it."""
        self.given.pop(stretch, None)
        self.given[stretch] = label

    def take_back(self) -> LabelStretch | None:
        """Forget the label that was given last; returns its stretch, None if there is none."""
        return self.given.popitem()[0] if self.given else None

    def counts(self) -> Counter[int | None]:
        """How often each label was given; None counts the skipped ones."""
        return Counter(self.given.values())

    def save(self) -> None:
        """Write the file so that at every moment the old one or the new one is there, complete."""
        entries = (
            Entry(*stretch[:3], self.footage.source(stretch), label)
            for stretch, label in self.given.items()
        )
        head = {
            "format": FORMAT,
            "clips_sha256": self.footage.sha256,
            "length": self.length,
        }
        lines = ",\n".join(json.dumps(to_dict(entry), ensure_ascii=False) for entry in entries)
        text = json.dumps(head)[:-1] + f', "labels": [\n{lines}\n]}}\n'
        write_whole(self.path, text)


def labels_path(clips: Path) -> Path:
    """Where labels lie by default: beside the clips, which stay as they are."""
    clips = Path(clips).resolve()
    return clips.with_name(f"{clips.name}.labels.json")
