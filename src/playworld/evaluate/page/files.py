"""A report as a folder: report.json for machines, report.html for people, pictures for both."""

import io
import json
import os
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from playworld.atomic import move_aside, write_whole
from playworld.evaluate.page.document import render
from playworld.evaluate.report import Report

_MARK = b"Playworld"
"""In the first bytes of the pictures and pages that we write."""


def write_report(report: Report, out: Path) -> None:
    """Write report.json, report.html and the pictures into the folder `out`, made if need be.

    Each file replaces an older one whole; report.json comes last, so that where it is new the
    others are too. Nothing else in the folder is touched (see `write_result`).
    """
    out.mkdir(parents=True, exist_ok=True)
    for name, picture in report.pictures.items():
        (out / name).parent.mkdir(exist_ok=True)
        write_picture(picture, out / name)
    write_result(out / "report.html", render(report))
    text = json.dumps(report, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_result(out / "report.json", text + "\n")


def write_picture(picture: Image.Image, path: Path) -> None:
    """Write a PNG file; see `write_result`."""
    data, mark = io.BytesIO(), PngInfo()
    mark.add_text("Software", _MARK.decode())
    picture.save(data, format="PNG", pnginfo=mark)
    write_result(path, data.getvalue())


def write_result(path: Path, content: str | bytes) -> None:
    """Write a file of results; an older one is replaced whole.

    A file of that name that is not ours is renamed to NAME.orig: a folder for results may hold
    anything.
    """
    data = content.encode() if isinstance(content, str) else content
    if os.path.lexists(path) and not _is_ours(path, data):
        move_aside(path)
    write_whole(path, data)


def _is_ours(path: Path, new: bytes) -> bool:
    """Whether a file is of the kind that is about to replace it."""
    if not path.is_file():
        return False
    if path.suffix != ".json":
        with open(path, "rb") as file:
            return _MARK in file.read(1000)
    try:
        return json.loads(path.read_bytes()).keys() == json.loads(new).keys()
    except (ValueError, AttributeError, RecursionError):  # no JSON, or no object
        return False
