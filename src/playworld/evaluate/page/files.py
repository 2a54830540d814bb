"""A report as a folder: report.json for machines, report.html for people, pictures for both."""

import io
import json
import os
import tempfile
from pathlib import Path

from PIL import Image

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
    _write(out / "report.html", render(report).encode())
    text = json.dumps(report, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    _write(out / "report.json", (text + "\n").encode())


def write_picture(picture: Image.Image, path: Path) -> None:
    """Write a PNG file; an older one is replaced whole."""
    data = io.BytesIO()
    picture.save(data, format="PNG")
    _write(path, data.getvalue())


def _write(path: Path, data: bytes) -> None:
    """Put `data` under its name in one step: a reader sees the old file or the new one."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp gives 0600, and reports are there to be read
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
