"""Arrays kept under a key that says what they are made of: written whole or not at all."""

import errno
import json
import logging
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from cryptobt.core.errors import CannotWriteError
from cryptobt.core.files import write_atomically
from cryptobt.core.hashing import hash_bytes

log = logging.getLogger(__name__)
_DIGEST_BYTES = 32
_KEY = "key"
"""In the header: a file that was renamed or copied is not what its new name says."""


@dataclass(frozen=True)
class Entry:
    """Named arrays and a small JSON document."""

    arrays: dict[str, np.ndarray]
    meta: dict[str, Any]


@dataclass(frozen=True)
class ContentStore:
    """A folder of entries, safe with several writers: the same key always means the same arrays.

    Parameters
    ----------
    root : Path
        Made when the first entry is written.
    """

    root: Path

    def get(self, key: str) -> Entry | None:
        """Read an entry; None where there is none, or where it is damaged (said, and removed)."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error
        digest, body = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        try:
            if bytes.fromhex(hash_bytes(body)) != digest:
                raise ValueError("checksum differs")
            entry = _unpack(body)
            if entry.meta.pop(_KEY, key) != key:
                raise ValueError("it was kept under another key")
            return entry
        except (ValueError, KeyError, SafetensorError) as error:
            log.warning("cache entry %s is damaged (%s): it is made again", path.name, error)
            path.unlink(missing_ok=True)
            return None

    def __contains__(self, key: str) -> bool:
        try:
            return self._path(key).exists()
        except OSError as error:
            raise self._unusable(error) from error

    def check_writable(self) -> None:
        """Refuse a folder that nothing could be kept in, before anything is computed.

        Raises
        ------
        CannotWriteError
            Naming the folder and the reason.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self.root).close()
        except OSError as error:
            raise self._unusable(error) from error

    def put(self, key: str, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> None:
        """Write an entry: temporary file, fsync, rename.

        Raises
        ------
        CannotWriteError
            If the disk is full or the folder is not ours to write.
        """
        body = _pack(arrays, {**meta, _KEY: key})
        write_atomically(self._path(key), bytes.fromhex(hash_bytes(body)) + body)

    def paths(self) -> Iterator[Path]:
        """Files of all entries."""
        if self.root.exists() and not self.root.is_dir():
            raise self._unusable(NotADirectoryError(errno.ENOTDIR, "Not a directory"))
        return self.root.glob("??/*.entry")

    def clear(self) -> int:
        """Remove every entry, and what killed writers left; return how many entries there were."""
        entries = list(self.paths())
        for path in [*entries, *self.root.glob("??/.part-*")]:
            path.unlink(missing_ok=True)
        return len(entries)

    def _unusable(self, error: OSError) -> CannotWriteError:
        return CannotWriteError(
            f"cannot use the folder {self.root}: {error.strerror or error}; "
            "set CRYPTOBT_HOME to one that can be written"
        )

    def _path(self, key: str) -> Path:
        return self.root / key[:2] / f"{key}.entry"


def _pack(arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> bytes:
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    header = json.dumps(meta, sort_keys=True).encode()
    return len(header).to_bytes(8, "little") + header + bytes(save(contiguous))


def _unpack(body: bytes) -> Entry:
    size = int.from_bytes(body[:8], "little")
    return Entry(load(body[8 + size :]), json.loads(body[8 : 8 + size]))
