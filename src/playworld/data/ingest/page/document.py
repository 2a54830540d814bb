"""The page: one file without scripts that asks nothing of any network."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from playworld.data.ingest.cleaning import REASONS, Reason
from playworld.data.ingest.page.pictures import Example, Gathered
from playworld.markup import Html, join, section, table, tag
from playworld.words import counted

TIMELINES, SKIPPED = 40, 200
"""Files that are drawn, and files that are listed, at most."""
TITLES: dict[Reason, str] = {
    "damaged": "Damaged",
    "letterbox": "Black bars",
    "black": "Black",
    "static": "Standing still",
    "duplicate": "Copies",
    "short": "Too short",
}


def render(report: Mapping[str, Any], gathered: Gathered) -> str:
    """The page of what `ingest` reports, with pictures."""
    body = tag(
        "body",
        _header(report),
        tag(
            "main",
            _tiles(report),
            _whole(report),
            _reasons(report),
            _kept(gathered),
            *(_examples(report, reason, found) for reason, found in gathered.left_out.items()),
            _timelines(gathered),
            _skipped(report),
        ),
        _footer(report),
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{_name(report)}: kept and left out"),
        tag("style", Html(files(__package__).joinpath("style.css").read_text())),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def span(seconds: float) -> str:
    """A length of time as people say it."""
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def moment(seconds: float) -> str:
    """A place in a video, as a player shows it."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


def share(part: float, whole: float) -> str:
    """A share in percent, never rounded to nothing."""
    percent = 100 * part / whole if whole else 0.0
    return "under 0.1%" if 0 < percent < 0.1 else f"{percent:.1f}%"


def _name(report: Mapping[str, Any]) -> str:
    return report["videos"].replace("\\", "/").rstrip("/").rpartition("/")[2] or "videos"


def _kept_frames(report: Mapping[str, Any]) -> int:
    return sum(split["frames"] for split in report["splits"].values())


def _dropped_frames(report: Mapping[str, Any]) -> int:
    return sum(count["frames"] for count in report["dropped"].values())


def _header(report: Mapping[str, Any]) -> Html:
    options = report["options"]
    lead = (
        f"What became of the videos: frames of {options['size'].replace('x', ' x ')} pixels, "
        f"{options['fps']:g} per second, cut into scenes and cleaned."
    )
    return tag("header", tag("h1", _name(report)), tag("p", lead, class_="lead"))


def _tiles(report: Mapping[str, Any]) -> Html:
    fps, kept, gone = report["options"]["fps"], _kept_frames(report), _dropped_frames(report)
    train, valid = report["splits"]["train"], report["splits"]["valid"]
    scenes, whole = train["scenes"] + valid["scenes"], kept + gone
    tiles = [
        ("Kept", span(kept / fps), f"{counted(kept, 'frame')} in {counted(scenes, 'scene')}"),
        ("Left out", share(gone, whole), f"{span(gone / fps)} of {span(whole / fps)}"),
        (
            "Videos used",
            str(len(report["ok"])),
            f"{counted(len(report['skipped']), 'file')} left out",
        ),
        (
            "Held out",
            span(valid["seconds"]),
            f"of {counted(valid['videos'], 'video')}, to validate",
        ),
    ]
    return tag(
        "div",
        *(
            tag("div", tag("h2", name), tag("div", value, class_="value"), tag("p", note))
            for name, value, note in tiles
        ),
        class_="tiles",
    )


def _whole(report: Mapping[str, Any]) -> Html:
    parts: list[tuple[Reason | None, int]] = [(None, _kept_frames(report))]
    parts += [(reason, report["dropped"][reason]["frames"]) for reason in REASONS]
    legend = [
        tag("li", tag("i", class_=f"swatch {reason or 'kept'}"), _title(reason))
        for reason, frames in parts
        if frames
    ]
    return tag("figure", _bar(parts, "whole"), tag("ul", *legend, class_="legend"))


def _title(reason: Reason | None) -> str:
    return "Kept" if reason is None else TITLES[reason]


def _bar(parts: Iterable[tuple[Reason | None, int]], class_: str = "") -> Html:
    """Stretches as a bar, each as long as its frames and in the colour of its fate."""
    segments = [
        tag(
            "i",
            class_=reason or "kept",
            style=f"flex-grow:{frames}",
            title=f"{_title(reason)}: {counted(frames, 'frame')}",
        )
        for reason, frames in parts
        if frames
    ]
    return tag("div", *segments, class_=f"bar {class_}".strip())


def _rule(reason: Reason, options: Mapping[str, Any]) -> str:
    """What a reason means, with the thresholds that were used."""
    clean, fps = options["clean"], options["fps"]
    rules = {
        "damaged": ("What could not be decoded as it was written, up to the next keyframe.", True),
        "letterbox": ("Scenes with dark bars that could not be cut away.", clean["bars"]),
        "black": (f"Nothing to see for {clean['black']:g} s or more.", clean["black"]),
        "static": (f"Nothing moves for more than {clean['static']:g} s.", clean["static"]),
        "duplicate": (
            f"Seen before, in this or another file, for {clean['duplicates']:g} s or more.",
            clean["duplicates"],
        ),
        "short": (
            f"Fewer than {options['min_frames']} frames ({options['min_frames'] / fps:g} s) "
            "between cuts, or beside what was left out.",
            True,
        ),
    }
    text, on = rules[reason]
    return text if on else "Not looked for."


def _reasons(report: Mapping[str, Any]) -> Html:
    fps, options = report["options"]["fps"], report["options"]
    whole = _kept_frames(report) + _dropped_frames(report)
    rows = []
    for reason in REASONS:
        count = report["dropped"][reason]
        name = join([tag("i", class_=f"swatch {reason}"), TITLES[reason]])
        row = [name, str(count["stretches"]), span(count["frames"] / fps)]
        rows.append([*row, share(count["frames"], whole), _rule(reason, options)])
    cut = [e for e in report["ok"] if any(e["video"]["bars"])]
    about = "A stretch counts once, for the first reason that applies, from the top."
    if cut:
        about += f" Black bars were cut away from the picture of {counted(len(cut), 'video')}."
    head = ["Reason", "Stretches", "Time", "Share", "What it means"]
    return section("What was left out, and why", table(head, rows, "reasons"), about=about)


def _kept(gathered: Gathered) -> Html:
    if not gathered.kept:
        return Html("")
    shown = [
        tag("figure", _image(e, f"{e.source} at {moment(e.start)}"), title=_where(e))
        for e in gathered.kept
    ]
    about = "The middle frame of scenes spread evenly over all that was kept."
    return section("Kept", tag("div", *shown, class_="sheet"), about=about)


def _examples(report: Mapping[str, Any], reason: Reason, found: Sequence[Example]) -> Html:
    if not found:
        return Html("")
    strips = []
    for example in found:
        rows = [tag("figcaption", _where(example)), _image(example, _where(example))]
        if example.original is not None:
            original = "copied from " + _where(example.original)
            rows += [tag("figcaption", original, class_="original")]
            rows += [_image(example.original, original)]
        strips.append(tag("figure", *rows))
    total = report["dropped"][reason]["stretches"]
    about = _rule(reason, report["options"])
    if total > len(found):
        about += f" The longest of {total}."
    return section(TITLES[reason], tag("div", *strips, class_="strips"), about=about)


def _where(example: Example) -> str:
    times = f"{moment(example.start)} to {moment(example.end)}"
    return f"{example.source}, {times} ({counted(example.frames, 'frame')})"


def _image(example: Example, text: str) -> Html:
    picture = example.picture
    return tag("img", src=picture.address, alt=text, width=picture.width, height=picture.height)


def _timelines(gathered: Gathered) -> Html:
    """Files as bars, as long as they are; where there are many, those that lost most."""
    lost = [sum(n for reason, n in parts if reason) for _, parts in gathered.timelines]
    order = sorted(range(len(lost)), key=lambda number: -lost[number])[:TIMELINES]
    shown = [gathered.timelines[number] for number in sorted(order)]
    longest = max((sum(n for _, n in parts) for _, parts in shown), default=1)
    rows = []
    for source, parts in shown:
        width = 100 * sum(n for _, n in parts) / longest
        line = tag("div", _bar(parts), style=f"width:{max(1.0, width):.2f}%")
        rows.append(tag("li", tag("span", source, title=source), tag("div", line)))
    about = "Every file from its start to its end, in the colours above."
    if len(lost) > len(shown):
        about = (
            f"The {len(shown)} of {counted(len(lost), 'file')} that lost most, from start to end."
        )
    return section("File by file", tag("ul", *rows, class_="files"), about=about)


def _skipped(report: Mapping[str, Any]) -> Html:
    skipped = report["skipped"]
    if not skipped:
        return Html("")
    rows = [(entry["source"], entry["reason"]) for entry in skipped[:SKIPPED]]
    about = "Nothing of these is among the clips."
    if len(skipped) > SKIPPED:
        about += f" The first {SKIPPED} of {len(skipped)}; report.json names all."
    return section("Files not used", table(["File", "Reason"], rows), about=about)


def _footer(report: Mapping[str, Any]) -> Html:
    notes = [tag("p", warning) for warning in report["warnings"]]
    clean = report["options"]["clean"]
    used = ", ".join(f"{name.replace('_', '-')} {value}" for name, value in clean.items())
    return tag("footer", *notes, tag("p", f"Thresholds: {used}. Everything is in report.json."))
