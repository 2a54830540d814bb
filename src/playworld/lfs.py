"""Files of which a clone without Git LFS has only a line of text that names them."""

from pathlib import Path

from playworld.config import InputError

_MARK = b"version https://git-lfs.github.com/spec/"


def refuse_pointer(path: Path) -> None:
    """Raise InputError where a file is the pointer that Git LFS leaves in place of one."""
    if not path.is_file():  # a pipe would block
        return
    try:
        with open(path, "rb") as file:
            begun = file.read(len(_MARK))
    except OSError:  # opening it next reports that better
        return
    if begun == _MARK:
        raise InputError(
            f"{path} is a pointer of Git LFS, not the file itself: run `git lfs install` and "
            "`git lfs pull` in its repository, or download it again with `hf download`"
        )
