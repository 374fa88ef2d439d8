"""Every leak of the zoo is caught at its time, column and line; no clean look-alike is accused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..forecasters.small import in_process
from .animal import Animal
from .catalogue import CLEAN, LEAKS
from .exam import examine
from .truth import modules_left_as_they_were

QUICK = {"shifted_back"}
"""For the fast tests: an audit takes some seconds; tests/jobs/audits has a clean one."""


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    with in_process(), modules_left_as_they_were():
        yield


def _animals(of: tuple[Animal, ...]) -> list[Any]:
    slow = pytest.mark.slow
    return [
        pytest.param(animal, id=animal.name, marks=() if animal.name in QUICK else slow)
        for animal in of
    ]


@pytest.mark.parametrize("animal", _animals(LEAKS))
def test_a_leak_is_caught_with_its_time_column_and_line(animal: Animal, tmp_path: Path) -> None:
    assert examine(animal, tmp_path).faults() == []


@pytest.mark.parametrize("animal", _animals(CLEAN))
def test_a_clean_look_alike_is_not_accused(animal: Animal, tmp_path: Path) -> None:
    judged = examine(animal, tmp_path)
    assert judged.faults() == []
    assert judged.document["outcome"] == "clean"
