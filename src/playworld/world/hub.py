"""Worlds on the Hugging Face Hub: a model repository that holds the files of a world folder."""

import re
from pathlib import Path

from playworld.checkpoint import MANIFEST
from playworld.config import InputError
from playworld.world import folder as files

_PATTERNS = [
    MANIFEST,
    files.CONFIG_FILE,
    *files.WEIGHT_FILES,
    files.CARD_FILE,
    f"{files.PROMPTS_FOLDER}/*.png",
]


def is_repo_id(name: str | Path) -> bool:
    """Whether this is "owner/name" and no folder on this machine."""
    looks = isinstance(name, str) and re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name)
    return bool(looks) and not Path(name).exists()


def download(repo_id: str, revision: str | None = None, endpoint: str | None = None) -> Path:
    """Fetch a world into the Hub's own cache and return its folder; only a world's files.

    Raises:
        InputError: if the Hub does not have it or cannot be reached.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                repo_id, revision=revision, endpoint=endpoint, allow_patterns=_PATTERNS
            )
        )
    except Exception as error:
        raise _refused(f"no world at {repo_id!r}, which is no folder either", error) from error


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
