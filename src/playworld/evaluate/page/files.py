"""A report as a folder: report.json for machines, report.html for people, pictures for both."""

import io
import json
from pathlib import Path

from PIL import Image

from playworld.atomic import write_whole
from playworld.evaluate.page.document import render
from playworld.evaluate.report import Report


def write_report(report: Report, out: Path) -> None:
    """Write report.json, report.html and the pictures into the folder `out`, made if need be.

    Each file replaces an older one whole; report.json comes last, so that where it is new the
    others are too. Nothing else in the folder is touched.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name, picture in report.pictures.items():
        (out / name).parent.mkdir(exist_ok=True)
        write_picture(picture, out / name)
    write_whole(out / "report.html", render(report))
    text = json.dumps(report, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_whole(out / "report.json", text + "\n")


def write_picture(picture: Image.Image, path: Path) -> None:
    """Write a PNG file; an older one is replaced whole."""
    data = io.BytesIO()
    picture.save(data, format="PNG")
    write_whole(path, data.getvalue())
