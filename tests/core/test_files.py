"""Files of strangers are read whole, or not at all and at once."""

import os
from pathlib import Path

import pytest

from cryptobt.core.files import read_whole


def test_a_file_is_read_whole_through_a_link_or_not(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(b"ten bytes.")
    link.symlink_to(file)
    assert read_whole(file, 10) == read_whole(link, 10) == b"ten bytes."
    with pytest.raises(OSError, match="symbolic links"):
        read_whole(link, 10, links=False)


def test_what_is_larger_than_it_can_be_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"ten bytes.")
    with pytest.raises(OSError, match="it has 10 bytes"):
        read_whole(file, 9)


def test_what_is_no_file_is_neither_waited_for_nor_left_open(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    before = len(list(Path("/dev/fd").iterdir()))
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError, match="it is no file"):
            read_whole(path, 10)
    with pytest.raises(FileNotFoundError):
        read_whole(tmp_path / "nothing", 10)
    assert len(list(Path("/dev/fd").iterdir())) == before
