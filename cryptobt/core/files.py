"""Files read and written whole or not at all, and folders that one process works in at a time."""

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptobt.core.errors import CannotWriteError, LockHeldError


def read_whole(path: Path, most_bytes: int, *, links: bool = True) -> bytes:
    """Read a file that someone else may have made: a pipe or a device would never end.

    Parameters
    ----------
    most_bytes : int
        Beyond which it cannot be what it is taken for.
    links : bool
        Whether the path itself may be a link to a file elsewhere.

    Raises
    ------
    OSError
        Also where it is no file, or a larger one.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | (0 if links else os.O_NOFOLLOW))
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is no file")
        if found.st_size > most_bytes:
            raise OSError(errno.EFBIG, f"it has {found.st_size:,} bytes")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(most_bytes)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file so that a crash leaves the old one or the new one, never a part.

    Raises
    ------
    CannotWriteError
        Naming the path and the reason that the system gives.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".part-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                # mkstemp makes a private file; what is kept is as readable as any of the user's.
                os.fchmod(descriptor, 0o666 & ~umask())
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CannotWriteError(f"cannot write {path}: {error.strerror or error}") from error


def umask() -> int:
    """Permissions that the user's files do not have."""
    current = os.umask(0)
    os.umask(current)
    return current


@contextmanager
def locked(path: Path, wait_seconds: float, what: str) -> Iterator[None]:
    """Let one process at a time work on a file; the lock dies with its process.

    Parameters
    ----------
    path : Path
        Of the lock itself, beside what it guards.
    wait_seconds : float
        How long to wait for another process.
    what : str
        What is locked, for the message.

    Raises
    ------
    LockHeldError
        If another process holds it for longer than that.
    CannotWriteError
        If the folder is not ours to write.
    """
    from filelock import FileLock, Timeout

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=wait_seconds)
        lock.acquire()
    except Timeout as error:
        raise LockHeldError(
            f"another process is working on {what} for more than {wait_seconds:g} s; "
            "wait for it to end and try again"
        ) from error
    except OSError as error:
        raise CannotWriteError(f"cannot write {path}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()
