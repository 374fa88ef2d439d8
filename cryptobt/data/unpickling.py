"""Pickled notes inside HDF5 files: plain values, zones and frequencies are built, all else not."""

import importlib
import io
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from pandas.tseries import offsets


@contextmanager
def no_pickles() -> Iterator[list[str]]:
    """Let PyTables, which unpickles attributes unasked, build zones and frequencies alone.

    Yields a list that fills with what was refused: PyTables hides the errors of unpickling.
    """
    refused: list[str] = []
    places = [importlib.import_module(f"tables.{name}") for name in ("attributeset", "atom")]
    before = [place.pickle for place in places]
    for place in places:
        setattr(place, "pickle", _Careful(refused))  # noqa: B010
    try:
        yield refused
    finally:
        for place, module in zip(places, before, strict=True):
            setattr(place, "pickle", module)  # noqa: B010


class _Careful:
    """Stands in for the module ``pickle`` while a file is read."""

    def __init__(self, refused: list[str]) -> None:
        self._refused = refused

    def loads(self, data: bytes, **options: Any) -> Any:
        """Read what is built of plain values, zones and frequencies."""
        return _Unpickler(self._refused, bytes(data), options).load()


class _Unpickler(pickle.Unpickler):
    """Knows the few classes with which pandas describes an index of times."""

    def __init__(self, refused: list[str], data: bytes, options: dict[str, Any]) -> None:
        super().__init__(io.BytesIO(data), **options)
        self._refused = refused

    def find_class(self, module: str, name: str) -> Any:
        """Give a class that cannot do harm, or refuse."""
        known: dict[tuple[str, str], Any] = {
            ("datetime", "timedelta"): timedelta,
            ("datetime", "timezone"): timezone,
            ("zoneinfo", "ZoneInfo"): ZoneInfo,
            ("builtins", "getattr"): self._zone_member,
            ("__builtin__", "getattr"): self._zone_member,
        }
        offset = getattr(offsets, name, None) if module == "pandas._libs.tslibs.offsets" else None
        if isinstance(offset, type) and issubclass(offset, offsets.BaseOffset):
            return offset
        if (module, name) not in known:
            self._refuse(f"{module}.{name}")
        return known[module, name]

    def _zone_member(self, owner: Any, name: str) -> Any:
        """Stand for ``getattr``, with which a pickled zone names its own constructor."""
        if owner is not ZoneInfo or name != "_unpickle":
            self._refuse(f"{owner}.{name}")
        return ZoneInfo._unpickle  # type: ignore[attr-defined]

    def _refuse(self, name: str) -> None:
        self._refused.append(name)
        raise pickle.UnpicklingError(name)
