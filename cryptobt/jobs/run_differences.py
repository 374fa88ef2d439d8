"""Where two run folders differ: which files, and the first difference in each."""

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

_SHOWN = 60
"""Letters around a difference that are shown."""


def compare_folders(then: Path, now: Path, but: Collection[str]) -> tuple[int, list[str]]:
    """Compare the files of two folders byte for byte.

    Parameters
    ----------
    but : collection of str
        Names that are left out.

    Returns
    -------
    int
        Files that were compared.
    list of str
        A line for each file that differs: where it does first.
    """
    every = {path.name for folder in (then, now) for path in folder.iterdir()} - set(but)
    return len(every), [line for file in sorted(every) for line in _difference(file, then, now)]


def flat_settings(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of ``run.json`` as ``section.key`` to value."""
    return {
        f"{section}.{key}": value
        for section, values in manifest["settings"].items()
        for key, value in values.items()
    }


def _difference(file: str, then: Path, now: Path) -> Iterator[str]:
    """Say where a file of two folders differs first; nothing where it does not."""
    texts = [_read(folder / file) for folder in (then, now)]
    if texts[0] is None or texts[1] is None:
        yield f"{file}: only {'then' if texts[1] is None else 'now'}"
    elif texts[0] != texts[1]:
        where = _first_key if file.endswith(".json") else _first_line
        yield f"{file}: {where(texts[0], texts[1])}"


def _read(path: Path) -> str | None:
    return path.read_bytes().decode("utf-8", "replace") if path.exists() else None


def _first_line(then: str, now: str) -> str:
    lines = (then.split("\n"), now.split("\n"))
    shared = min(map(len, lines))
    number = next((n for n in range(shared) if lines[0][n] != lines[1][n]), shared)
    if number == shared:
        return f"{len(lines[0]):,} lines then, {len(lines[1]):,} now"
    old, new = (every[number] for every in lines)
    at = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), 0)
    begin = max(at - _SHOWN // 2, 0)
    shown = [line[begin : begin + _SHOWN] for line in (old, new)]
    return f"line {number + 1:,}: '{shown[0]}' then, '{shown[1]}' now"


def _first_key(then: str, now: str) -> str:
    try:
        documents = json.loads(then), json.loads(now)
    except ValueError:
        return _first_line(then, now)
    return next(_walk(*documents, ""), "written otherwise")


def _walk(then: Any, now: Any, path: str) -> Iterator[str]:
    """Places of two JSON documents that differ, in the order of the first."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*then, *now]):
            yield from _walk(then.get(key), now.get(key), f"{path}.{key}" if path else key)
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for number, (old, new) in enumerate(zip(then, now, strict=True)):
            yield from _walk(old, new, f"{path}[{number}]")
    elif then != now:
        shown = [json.dumps(value)[:_SHOWN] for value in (then, now)]
        yield f"{path}: {shown[0]} then, {shown[1]} now"
