"""The commands that make a world: from a game or videos to clips, from clips to a world."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from rich.console import Console
from tyro.conf import OmitArgPrefixes, Positional

from playworld.cli.bars import Bars, say
from playworld.cli.verb import FLAT, Verb, endings, then
from playworld.data.options import ImportOptions, IngestOptions, RecordOptions
from playworld.studies.options import CreateOptions
from playworld.train.options import TrainOptions
from playworld.words import counted


@dataclass(frozen=True, kw_only=True)
class Record(Verb):
    """Film games or a simulated robot; the true actions go beside, for evaluation."""

    example: ClassVar[str] = "playworld record coinrun videos --episodes 200 --no-backgrounds"
    groups: ClassVar[dict[str, str]] = {
        "how much": "episodes max-frames min-frames seed",
        "how it looks": "mode backgrounds themes size",
        "who plays": "player blunders",
    }

    game: Positional[str]
    """A game, such as coinrun, a robot's scene, such as fetch, zoo, photo, drawn or scroller; or
    several: procgen (all but ninja and climber, for training) or unseen (for tests of looks)."""
    videos: Positional[Path]
    """Folder for the video files."""
    options: Annotated[RecordOptions, FLAT]

    def run(self, console: Console, bars: Bars) -> int:
        from playworld.data.record.recorder import record

        counts = record(self.game, self.videos, self.options, bars("record"))
        done = "recorded"
        if self.options.player == "expert":
            solved = counted(int(str(counts["episodes"])), "level")
            done = f"{solved} solved, {counts['unsolved']} left out"
        say(console, then(done, "ingest", self.videos, "CLIPS"))
        return 0


@dataclass(frozen=True, kw_only=True)
class Import(Verb):
    """Turn a LeRobot dataset into video files, with the true actions beside them."""

    example: ClassVar[str] = "playworld import lerobot/pusht videos --camera observation.image"

    dataset: Positional[Path]
    """Folder of a dataset of version 2 or 3 on this machine."""
    videos: Positional[Path]
    """Folder for the video files."""
    options: Annotated[ImportOptions, FLAT]

    def run(self, console: Console, bars: Bars) -> int:
        from playworld.data.record.import_dataset import import_dataset

        counts = import_dataset(self.dataset, self.videos, self.options, bars("import"))
        done = f"{counted(counts['episodes'], 'episode')} imported, {counts['skipped']} left out"
        parts = {"without_actions": "without actions", "corrected": "with a corrected start"}
        for what, words in parts.items():
            done += f", {counts[what]} {words}" if counts[what] else ""
        say(console, then(done, "ingest", self.videos, "CLIPS"))
        return 0


@dataclass(frozen=True, kw_only=True)
class Ingest(Verb):
    """Turn a folder of videos into clips, split by source video into training and validation."""

    example: ClassVar[str] = "playworld ingest videos clips --fps 10 --size 64x64"
    groups: ClassVar[dict[str, str]] = {
        "the frames": "fps size fit bars",
        "what is left out": "min-frames static static-change black black-level duplicates "
        "duplicate-bits",
        "scenes and splits": "cuts valid-fraction seed",
        "how the work is done": "workers engine",
    }

    videos: Positional[Path]
    """Folder of video files, in any container that FFmpeg reads."""
    clips: Positional[Path]
    """Folder for the clips; an older one is replaced once the new one is complete."""
    options: Annotated[IngestOptions, FLAT, OmitArgPrefixes]

    def run(self, console: Console, bars: Bars) -> int:
        from playworld.data.ingest.documents import summary
        from playworld.data.ingest.pipeline import ingest

        report = ingest(self.videos, self.clips, self.options, bars("ingest"))
        say(console, f"{summary(report)}; look at {self.clips / 'report.html'}")
        say(console, then("ingested", "train", "small", self.clips, "WORLD"))
        return 0


@dataclass(frozen=True, kw_only=True)
class Train(Verb):
    """Train a world on clips; the same command again goes on where it stopped."""

    example: ClassVar[str] = "playworld train small clips world"
    groups: ClassVar[dict[str, str]] = {
        "what is trained": "stage from keep-actions masking tokens",
        "steps": "tokenizer-steps world-steps batch-size learning-rate seed",
        "the finished world": "name about prompts",
        "checkpoints and logs": "run save-every wandb",
        "devices and memory": "device parallel tensor-parallel gradient-accumulation-steps "
        "activation-checkpointing",
    }

    preset: Positional[str]
    """Name of a preset: tiny (for tests), small (for 2 cores), robotics-small (that at 160x90),
    motion (any picture stays itself), coinrun-paper, or one of the paper's sizes, genie-41m to
    genie-10.7b (docs/scale.md)."""
    clips: Positional[str]
    """Folder that `playworld ingest` wrote, or a URL of one, such as s3://bucket/clips."""
    world: Positional[Path]
    """Folder for the world."""
    options: Annotated[TrainOptions, FLAT]

    def run(self, console: Console, bars: Bars) -> int:
        from playworld.data.clips.remote import at_hand
        from playworld.presets import preset
        from playworld.train.stages import train_world

        recipe = preset(self.preset)
        with endings():
            made = train_world(recipe, at_hand(self.clips), self.world, self.options, bars)
        if os.environ.get("RANK", "0") != "0":  # one of several processes under torchrun
            return 0
        words: tuple[object, ...] = ("evaluate", self.world, self.clips)
        if made is None:
            words = ("train", self.preset, self.clips, self.world, "--stage", "world")
            words += ("--run", self.options.run) if self.options.run else ()
        say(console, then("trained", *words))
        return 0


@dataclass(frozen=True, kw_only=True)
class Create(Verb):
    """Make a world from a folder of videos within a time budget: ingest, train, evaluate."""

    example: ClassVar[str] = "playworld create videos world --minutes 60"

    videos: Positional[Path]
    """Folder of video files, in any container that FFmpeg reads."""
    world: Positional[Path]
    """Folder for the world."""
    options: Annotated[CreateOptions, FLAT]

    def run(self, console: Console, bars: Bars) -> int:
        from playworld.studies.create import create

        with endings():
            say(console, create(self.videos, self.world, self.options, bars))
        return 0
