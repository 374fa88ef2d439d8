"""A user's code is found, imported and told of alike, whatever is looked for in it."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.user_code import (
    Wanted,
    explain_failure,
    is_reference,
    load,
    load_installed,
)


class ColourError(UsageError):
    """What a colour is refused with here."""


WANTED = Wanted(
    "colour", "no colour: text", "paint with", ColourError, lambda value, _: value in ("red", 1)
)


def put(folder: Path, text: str, name: str = "mine.py") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def failure(reference: str) -> str:
    with pytest.raises(ColourError) as caught:
        load(reference, WANTED)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.py:B", True), ("a.py", True), ("~/x/a.py:B", True), ("linear", False), ("a:b", False)],
)
def test_a_reference_names_a_python_file(name: str, expected: bool) -> None:
    assert is_reference(name) is expected


def test_what_is_found_has_its_file_hash_and_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path, "warm = 'red'\n")
    monkeypatch.chdir(tmp_path)
    found = load("mine.py:warm", WANTED)
    assert (found.value, found.name, found.file) == ("red", "warm", str(path))
    assert found.reference == f"{path}:warm"
    assert found == load(found.reference, WANTED)
    put(tmp_path, "warm = 'red'  # so warm\n")
    assert load("mine.py:warm", WANTED).file_hash != found.file_hash


def test_every_lack_is_told_in_the_words_of_what_is_wanted(tmp_path: Path) -> None:
    path = put(tmp_path, "warm = 'red'\nother = 1\ncold = 'blue'\n")
    assert failure(f"{tmp_path}/no.py:x") == f"colour file {tmp_path}/no.py: there is no such file"
    assert failure(f"{path}:cold") == (
        f"colour file {path} has no colour 'cold'; known: other, warm"
    )
    assert (
        failure(f"{path}:wram") == f"colour file {path} has no colour 'wram'; did you mean 'warm'?"
    )
    assert failure(str(path)) == (
        f"say which colour of the file to paint with: {path}:warm or {path}:other"
    )
    empty = put(tmp_path, "", "empty.py")
    assert failure(f"{empty}:warm") == f"colour file {empty} defines no colour: text"


def test_a_file_that_does_not_import_is_told_by_its_line(tmp_path: Path) -> None:
    path = put(tmp_path, "x = (\n")
    assert failure(f"{path}:x").startswith(f"colour file {path}, line 1: SyntaxError: ")
    put(tmp_path, "import os\nraise SystemExit(1)\n")
    before = list(sys.path)
    assert failure(f"{path}:x") == f"colour file {path}, line 2, in <module>: SystemExit: 1"
    assert sys.path == before


def told(error: Exception, file: str, doing: str = "") -> str:
    try:
        raise error
    except type(error) as caught:
        return str(explain_failure(caught, file, WANTED, doing))


def test_a_failure_is_told_by_the_last_line_of_the_file() -> None:
    words = told(ValueError("first\n  second"), __file__)
    assert words.startswith(f"colour file {__file__}, line ")
    assert words.endswith(", in told: ValueError: first second")


def test_a_failure_that_no_line_took_part_in_is_told_by_the_call() -> None:
    assert told(KeyError("x"), "a.py", "in fit of 'red'") == (
        "colour file a.py, in fit of 'red': KeyError: 'x'"
    )
    assert told(KeyError("x"), "a.py") == "colour file a.py: KeyError: 'x'"


def test_what_we_raised_ourselves_says_all_in_its_own_words() -> None:
    assert told(DataInvalidError("too few rows"), "a.py") == "colour file a.py: too few rows"


def point(value: str) -> EntryPoint:
    return EntryPoint("house", value, "cryptobt.colours")


def test_one_of_a_package_is_found_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "warm = 'red'\ncold = 'blue'\n", "offered_colours.py")
    monkeypatch.syspath_prepend(tmp_path)
    found = load_installed(point("offered_colours:warm"), WANTED)
    assert (found.value, found.name, found.reference) == ("red", "house", "house")
    assert found.file == str(tmp_path / "offered_colours.py")
    for value, words in (
        ("offered_colours:cold", "colour 'house' (offered_colours:cold) is no colour: text"),
        ("offered_colours:gone", "colour 'house' (offered_colours:gone): module"),
        ("not_there:warm", "colour 'house' (not_there:warm): No module named 'not_there'"),
    ):
        with pytest.raises(ColourError) as caught:
            load_installed(point(value), WANTED)
        assert str(caught.value).startswith(words)
    del sys.modules["offered_colours"]


def test_names_that_are_wanted_may_depend_on_the_module(tmp_path: Path) -> None:
    def own(value: Any, module: str | None) -> bool:
        return isinstance(value, type) and module in (None, value.__module__)

    path = put(tmp_path, "from pathlib import Path\n\n\nclass Mine:\n    pass\n")
    wanted = Wanted("class", "no class", "use", ColourError, own)
    assert load(f"{path}:Mine", wanted).name == "Mine"
    with pytest.raises(ColourError, match="has no class 'Path'; known: Mine"):
        load(f"{path}:Path", wanted)
