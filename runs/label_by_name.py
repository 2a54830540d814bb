"""Label clips without a person, by the names of their videos: for tests and studies.

`python label_by_name.py CLIPS LABELS PREFIX COUNT` labels COUNT stretches, in the order in which
the page would show them: 5 where the video's name begins with PREFIX, else 1.
"""

import sys
from pathlib import Path

from playworld.curate.labels import Labels
from playworld.curate.stretches import Footage, label_order


def main(clips: Path, path: Path, prefix: str, count: int) -> None:
    """Write the labels."""
    footage = Footage(clips)
    labels = Labels(path, footage, length=32)
    for stretch in label_order(footage, labels.stretches, seed=0)[:count]:
        labels.give(stretch, 5 if footage.source(stretch).startswith(prefix) else 1)
    labels.save()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
