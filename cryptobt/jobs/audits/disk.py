"""A disk of its own for a user's code: what it writes is kept apart, what it reads is noted."""

import builtins
import contextlib
import functools
import io
import os
import re
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

_CODE = (".py", ".pyc", ".pyi", ".so", ".pyd")
_SYSTEM = ("/proc/", "/dev/", "/sys/", "/etc/", "/usr/share/zoneinfo")
_WITH_CODE = re.compile(r"(__pycache__|\.dist-info|\.egg-info)[/\\]")


@dataclass
class Disk:
    """What a user's code sees of the disk while it runs.

    Files that it writes, and folders that it makes, lie below ``root`` and are found there again;
    nothing outside changes. Python's own ``open`` is what is watched: a library that opens files by
    other means is not seen.

    Attributes
    ----------
    root : Path
        An empty folder.
    hidden : frozenset of str
        Files that are not there.
    replaced : mapping
        Files to others that are read in their place.
    read, written : list of str
        What was opened, in order, each once.
    """

    root: Path
    hidden: frozenset[str] = frozenset()
    replaced: Mapping[str, str] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def in_use(self) -> Iterator["Disk"]:
        """Let everything that is opened in this process go through it."""
        opened = self._opening(builtins.open)
        _libraries()  # looked up while the disk is still its own
        with contextlib.ExitStack() as stack:
            for owner, name, made in (
                (builtins, "open", opened),
                (io, "open", opened),
                (os, "stat", self._placed(os.stat)),
                (os, "lstat", self._placed(os.lstat)),
                (os, "mkdir", self._made(os.mkdir)),
                (os, "remove", self._placed(os.remove, changes=True)),
                (os, "unlink", self._placed(os.unlink, changes=True)),
                (os, "rename", self._moved(os.rename)),
                (os, "replace", self._moved(os.replace)),
            ):
                stack.enter_context(patch.object(owner, name, made))
            yield self

    def _opening(self, opened: Callable[..., Any]) -> Callable[..., Any]:
        def open_(file: Any, mode: str = "r", *more: Any, **options: Any) -> Any:
            path = _user_path(file)
            if path is None or path.startswith(str(self.root)):
                return opened(file, mode, *more, **options)
            if set(mode) & set("wax+"):
                return opened(self._for_writing(path, mode), mode, *more, **options)
            return opened(self._for_reading(path), mode, *more, **options)

        return open_

    def _for_writing(self, path: str, mode: str) -> str:
        _keep_once(self.written, path)
        own = self._own(path)
        Path(own).parent.mkdir(parents=True, exist_ok=True)
        kept = path not in self.hidden and "w" not in mode and "x" not in mode
        if kept and Path(path).is_file() and not Path(own).exists():
            Path(own).write_bytes(Path(path).read_bytes())
        return own

    def _for_reading(self, path: str) -> str:
        found = self._where(path)
        if path in self.replaced or (found == path and Path(path).is_file()):
            _keep_once(self.read, path)
        return found

    def _where(self, path: str) -> str:
        """The file that stands for a path: what was written, what replaces it, or itself."""
        own = self._own(path)
        if os.path.lexists(own):
            return own
        if path in self.hidden:
            return own  # where there is nothing
        return self.replaced.get(path, path)

    def _own(self, path: str) -> str:
        return str(self.root / path.lstrip(os.sep).replace(":", "_"))

    def _placed(self, call: Callable[..., Any], *, changes: bool = False) -> Callable[..., Any]:
        def placed(path: Any, *more: Any, **options: Any) -> Any:
            own = _user_path(path)
            if own is None or own.startswith(str(self.root)):
                return call(path, *more, **options)
            found = self._where(own)
            if changes and not found.startswith(str(self.root)):
                return None  # what lies outside stays
            return call(found, *more, **options)

        return placed

    def _made(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def made(path: Any, *more: Any, **options: Any) -> Any:
            own = _user_path(path)
            if own is None or own.startswith(str(self.root)) or Path(own).is_dir():
                return call(path, *more, **options)
            with contextlib.suppress(FileExistsError):
                Path(self._own(own)).mkdir(parents=True)
            return None

        return made

    def _moved(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def moved(source: Any, target: Any, **options: Any) -> Any:
            one, two = _user_path(source), _user_path(target)
            if one is None or two is None or one.startswith(str(self.root)):
                return call(source, target, **options)
            _keep_once(self.written, two)
            own = self._own(two)
            Path(own).parent.mkdir(parents=True, exist_ok=True)
            return call(self._where(one), own, **options)

        return moved


def _user_path(file: Any) -> str | None:
    """An absolute path that user code may mean; None for code, libraries and the system's own."""
    if not isinstance(file, (str, bytes, os.PathLike)):
        return None
    # Links stay as they are: a path is what the code calls it.
    path = os.path.abspath(os.fsdecode(file))  # noqa: PTH100
    if path.endswith(_CODE) or path.startswith(_SYSTEM) or _WITH_CODE.search(path):
        return None
    return None if path.startswith(_libraries()) else path


@functools.cache
def _libraries() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    own = str(Path(__file__).resolve().parents[3] / "cryptobt")
    names = {own, sys.prefix, sys.base_prefix, paths["stdlib"], paths["purelib"], paths["platlib"]}
    return tuple(name + os.sep for name in sorted(names))


def _keep_once(names: list[str], name: str) -> None:
    if name not in names:
        names.append(name)
