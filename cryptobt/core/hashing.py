"""Content hashes: equal for equal content, whatever the file, order or day."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cryptobt.core.time import epoch_ns


def hash_bytes(*parts: bytes) -> str:
    """Hash byte strings, each with its length, so that moving a boundary changes the result."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def hash_json(value: Any) -> str:
    """Hash a JSON document independently of key order."""
    return hash_bytes(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


def hash_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """Hash named arrays by name, type, shape and bytes. NaN payloads are made equal first."""
    parts: list[bytes] = []
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        if array.dtype.kind == "f":
            array = np.where(np.isnan(array), np.array(np.nan, array.dtype), array)
        parts += [name.encode(), array.dtype.str.encode(), str(array.shape).encode()]
        parts.append(array.tobytes())
    return hash_bytes(*parts)


def hash_frame(frame: pd.DataFrame) -> str:
    """Hash a frame of floats on a time index; column order does not matter."""
    index = pd.DatetimeIndex(frame.index)
    arrays = {str(name): frame[name].to_numpy(dtype=float) for name in frame.columns}
    return hash_arrays({"": epoch_ns(index)} | arrays)


def hash_source(paths: list[Path]) -> str:
    """Hash source files by their text, so that a change of code is a change of key."""
    return hash_bytes(*(path.read_bytes() for path in sorted(paths)))
