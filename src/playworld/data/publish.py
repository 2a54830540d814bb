"""A folder that appears whole or not at all, and is replaced in one step."""

import errno
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType

from playworld.atomic import fsync
from playworld.config import InputError


class Publication:
    """A temporary folder beside `target` that `publish` puts in its place.

    Left without `publish`, it is removed. What a killed run has left behind is cleaned up by the
    next one; a lock keeps two runs from writing the same target.

    Raises:
        InputError: where the folder around `target` cannot be written, or another run is at it.
    """

    def __init__(self, target: Path) -> None:
        self.target = Path(os.path.realpath(target))
        self._old = self.target.with_name(f".{self.target.name}.old")
        self._prefix = f".{self.target.name}.new-"

    def __enter__(self) -> "Publication":
        parent = self.target.parent
        try:
            parent.mkdir(parents=True, exist_ok=True)
            self._lock()
            self._clean_up()
            self.folder = Path(tempfile.mkdtemp(prefix=self._prefix, dir=parent))
            self.folder.chmod(0o755)  # mkdtemp makes folders for one user only
        except OSError as error:
            raise InputError(f"{parent} cannot be written ({error.strerror})") from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock_path.unlink(missing_ok=True)
        self._lock_file.close()

    def publish(self) -> None:
        """Put the folder in place of the target, durably."""
        for folder, _, _ in os.walk(self.folder):
            fsync(Path(folder))
        if self.target.exists():
            os.rename(self.target, self._old)
        os.rename(self.folder, self.target)
        fsync(self.target.parent)
        shutil.rmtree(self._old, ignore_errors=True)

    def _lock(self) -> None:
        self._lock_path = self.target.with_name(f".{self.target.name}.lock")
        while True:
            self._lock_file = open(self._lock_path, "w")
            try:
                fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Another run may have removed the file between our opening and locking it.
                if os.path.samestat(os.fstat(self._lock_file.fileno()), os.stat(self._lock_path)):
                    return
            except FileNotFoundError:
                pass
            except OSError as error:
                self._lock_file.close()
                if error.errno in (errno.EAGAIN, errno.EACCES):
                    raise InputError(f"another run is writing {self.target}; wait for it") from None
                raise
            self._lock_file.close()

    def _clean_up(self) -> None:
        """Put back a target that was on its way out when a run was killed; remove its leftovers."""
        if self._old.exists() and not self.target.exists():
            os.rename(self._old, self.target)
        shutil.rmtree(self._old, ignore_errors=True)
        for left in self.target.parent.iterdir():
            if left.name.startswith(self._prefix):
                shutil.rmtree(left, ignore_errors=True)
