"""Worlds on the Hugging Face Hub: a model repository that holds the files of a world folder."""

import importlib.resources
import logging
import os
import re
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from playworld.config import InputError, did_you_mean
from playworld.manifest import MANIFEST
from playworld.world import folder as files

log = logging.getLogger(__name__)

_PATTERNS = [
    MANIFEST,
    files.CONFIG_FILE,
    *files.WEIGHT_FILES,
    files.CARD_FILE,
    f"{files.PROMPTS_FOLDER}/*.png",
]


def locate(
    path_or_name: str | Path, revision: str | None = None, endpoint: str | None = None
) -> AbstractContextManager[Path]:
    """The folder of a world, for the length of a `with`.

    A folder that holds a world comes first, then a built-in world of that name, then "owner/name"
    on the Hugging Face Hub, or in its cache on this machine.

    Raises:
        InputError: if it is none of these.
    """
    path, name = Path(os.path.expanduser(path_or_name)), str(path_or_name)
    worlds = files.built_in_worlds()
    if name in worlds:
        if not (path / MANIFEST).is_file():
            root = importlib.resources.files("playworld") / "worlds"
            return importlib.resources.as_file(root / name)
        log.warning(
            "%s is the world in the folder %s here, not the built-in one", name, path.resolve()
        )
    if path.exists():
        return nullcontext(path)
    if re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name):
        return nullcontext(download(name, revision, endpoint))
    hint = did_you_mean(name, worlds) if worlds else "no world is built in"
    raise InputError(
        f"no world at {name!r}: no such folder, no built-in world, and no owner/name of the "
        f"Hugging Face Hub; {hint}"
    )


def download(repo_id: str, revision: str | None = None, endpoint: str | None = None) -> Path:
    """Fetch a world into the Hub's own cache and return its folder; only a world's files.

    Where the first half of the name is a folder here, it is more likely a path with a slip in it:
    only the cache is read.

    Raises:
        InputError: if the Hub does not have it or cannot be reached.
    """
    from huggingface_hub import snapshot_download

    is_path = Path(repo_id).parent.is_dir()
    try:
        return Path(
            snapshot_download(
                repo_id,
                revision=revision,
                endpoint=endpoint,
                allow_patterns=_PATTERNS,
                local_files_only=is_path,
            )
        )
    except Exception as error:
        if is_path:
            raise InputError(f"no world at {repo_id!r}: no such folder") from error
        what = f"no world at {repo_id!r}: no such folder, and no such world on the Hugging Face Hub"
        raise _refused(what, error) from error


def upload(
    folder: Path,
    repo_id: str,
    private: bool = False,
    token: str | None = None,
    endpoint: str | None = None,
) -> str:
    """Put a world folder into a model repository, created if need be; returns its address.

    Raises:
        InputError: if the Hub refuses it or cannot be reached.
    """
    from huggingface_hub import HfApi

    api = HfApi(endpoint=endpoint, token=token)
    try:
        address = api.create_repo(repo_id, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=address.repo_id,
            folder_path=folder,
            commit_message="Upload a Playworld world",
            delete_patterns=[f"{files.PROMPTS_FOLDER}/*.png"],  # those that it no longer has
        )
    except Exception as error:
        raise _refused(f"cannot upload to {repo_id!r}", error) from error
    return str(address)


def _refused(what: str, error: Exception) -> InputError:
    """One line of whatever came: the classes differ with the Hub client's HTTP library."""
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return InputError(f"{what}; the Hugging Face Hub says: {reason}")
