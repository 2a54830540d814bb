"""ONNX Runtime Web, which computes the frames of a site in a browser: its files, and their source.

    python -m playworld.site.fetch

Building and installing the project do the same (hatch_build.py), before anything else of it can be
imported: this file needs the standard library alone.
"""

import base64
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""Of the package."""
FILES = (
    "package.json",  # says version and licence
    "dist/ort.wasm.min.mjs",
    "dist/ort-wasm-simd-threaded.mjs",
    "dist/ort-wasm-simd-threaded.wasm",
    "dist/ort.webgpu.min.mjs",
    "dist/ort-wasm-simd-threaded.asyncify.mjs",
    "dist/ort-wasm-simd-threaded.asyncify.wasm",
)
"""What is used of the package: one runtime for processors, and one for WebGPU, too."""
FOLDER = Path(__file__).parent / "ort"
LONGEST = 300
"""Seconds of a download."""


class CannotFetch(Exception):
    """The package is not to be had, for a reason in one sentence."""


def names() -> list[str]:
    """Names of the files in `FOLDER`."""
    return [Path(file).name for file in FILES]


def sha512(package: bytes) -> str:
    """Hash of a package, as the registry writes it."""
    return base64.b64encode(hashlib.sha512(package).digest()).decode()


def is_fetched() -> bool:
    """Whether all files of this version are here."""
    try:
        version = json.loads((FOLDER / "package.json").read_bytes())["version"]
    except (OSError, ValueError, KeyError):
        return False
    return version == VERSION and all((FOLDER / name).is_file() for name in names())


def fetch() -> None:
    """Download the package with npm and keep the files that are used, unless they are here already.

    Raises:
        CannotFetch: there is no npm, no way to its registry, or the package is another one.
    """
    if is_fetched():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise CannotFetch("npm is not installed")
    with tempfile.TemporaryDirectory(dir=FOLDER.parent, prefix=".ort-") as place:
        _unpack(_pack(npm, place), new := Path(place, "new"))
        shutil.rmtree(FOLDER, ignore_errors=True)
        new.rename(FOLDER)


def _pack(npm: str, place: str) -> bytes:
    """The package as npm keeps it."""
    command = [npm, "pack", "--silent", "--ignore-scripts", "--fetch-retries=1"]
    try:
        subprocess.run(
            [*command, f"{PACKAGE}@{VERSION}"],
            cwd=place,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LONGEST,
        )
        (path,) = Path(place).glob("*.tgz")
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise CannotFetch(f"npm cannot download {PACKAGE} {VERSION}") from error
    package = path.read_bytes()
    if sha512(package) != SHA512:
        raise CannotFetch(f"the download of {PACKAGE} {VERSION} is not the package it should be")
    return package


def _unpack(package: bytes, folder: Path) -> None:
    folder.mkdir()
    with tarfile.open(fileobj=io.BytesIO(package)) as members:
        for name in FILES:
            content = members.extractfile(f"package/{name}")
            assert content is not None
            (folder / Path(name).name).write_bytes(content.read())


if __name__ == "__main__":
    try:
        fetch()
    except CannotFetch as error:
        sys.exit(f"{error}: install Node.js with npm, connect to the network, and try again")
