"""Documents that are kept: computed once a state, shown while a newer one is made, tried again."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from cryptobt.core.errors import LedgerError, LockHeldError
from cryptobt.web.desk import Desk, Outcome, outcome_of
from cryptobt.web.files import folder_state, read_own, state_of
from cryptobt.web.rendered import Rendered, page_of
from cryptobt.web.shelf import RETRY_SECONDS, Shelf


class Making:
    """Work that ends when it is told to."""

    def __init__(self) -> None:
        self.begun: list[Future[Outcome]] = []

    def __call__(self) -> "Future[Outcome]":
        self.begun.append(Future())
        return self.begun[-1]

    def end(self, outcome: Outcome) -> None:
        self.begun[-1].set_result(outcome)


@pytest.fixture
def making() -> Making:
    return Making()


def test_a_state_is_computed_once_whoever_asks(making: Making) -> None:
    shelf = Shelf()
    assert {shelf.ask("k", 1, making).state for _ in range(5)} == {"computing"}
    making.end(Outcome("one"))
    answers = [shelf.ask("k", 1, making) for _ in range(5)]
    assert {(one.document, one.state, one.updating) for one in answers} == {("one", "ready", False)}
    assert len({one.stamp for one in answers}) == len(making.begun) == 1


def test_the_older_document_is_shown_until_the_newer_is_there(making: Making) -> None:
    shelf = Shelf()
    shelf.ask("k", 1, making)
    making.end(Outcome("one"))
    older = shelf.ask("k", 2, making, 60.0)
    assert (older.document, older.updating) == ("one", True)
    making.end(Outcome("two"))
    newer = shelf.ask("k", 2, making)
    assert (newer.document, newer.updating) == ("two", False)
    assert newer.stamp != older.stamp


def test_a_state_that_changed_while_it_was_computed_is_computed_again(making: Making) -> None:
    shelf = Shelf()
    shelf.ask("k", 1, making)
    shelf.ask("k", 2, making)
    assert len(making.begun) == 1
    making.end(Outcome("one"))
    assert shelf.ask("k", 2, making).updating
    assert len(making.begun) == 2


def test_what_failed_is_said_and_tried_again_after_a_while(making: Making) -> None:
    now = [0.0]
    shelf = Shelf(lambda: now[0])
    shelf.ask("k", 1, making)
    making.end(Outcome(problem="no", code=LedgerError.exit_code))
    assert shelf.ask("k", 1, making).problem == "no"
    assert len(making.begun) == 1
    now[0] = RETRY_SECONDS + 1
    assert shelf.ask("k", 1, making).problem == "no"
    making.end(Outcome("there"))
    assert shelf.ask("k", 1, making).document == "there"


def test_a_file_that_is_held_leaves_what_was_read_before(making: Making) -> None:
    shelf = Shelf()
    shelf.ask("k", 1, making)
    making.end(Outcome("one"))
    shelf.ask("k", 2, making)
    making.end(Outcome(problem="held", code=LockHeldError.exit_code))
    kept = shelf.ask("k", 2, making)
    assert (kept.document, kept.updating) == ("one", True)


def test_a_first_document_is_waited_for_by_few(making: Making) -> None:
    shelf = Shelf()
    shelf.ask("k", 1, making)
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(shelf.ask("k", 1, making, 30.0).state))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 10
    while len(found) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    assert found == ["computing"] * 3
    making.end(Outcome("one"))
    for thread in threads:
        thread.join()
    assert sorted(found) == ["computing"] * 3 + ["ready"] * 3


def test_a_process_that_died_is_an_outcome_in_words() -> None:
    future: Future[Outcome] = Future()
    future.set_exception(RuntimeError("gone"))
    assert "load the page again" in outcome_of(future).problem


def length(text: str) -> int:
    return len(text)


def refusing(_: str) -> None:
    raise LedgerError("two\nlines")


def failing(_: str) -> None:
    raise ZeroDivisionError("private")


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk(__name__)
    yield made
    made.close()


@pytest.mark.slow
def test_a_desk_works_in_a_process_of_its_own_and_tells_errors_as_sentences(desk: Desk) -> None:
    assert desk.ask(length, "four").result(60) == Outcome(4)
    refused = desk.ask(refusing, "").result(60)
    assert (refused.problem, refused.code) == ("two lines", 5)
    failed = desk.ask(failing, "").result(60)
    assert "private" not in failed.problem
    assert failed.code == 1


def test_a_state_is_another_once_a_file_is(tmp_path: Path) -> None:
    path = tmp_path / "a"
    states = [state_of((path,)), folder_state(tmp_path)]
    path.write_text("x")
    assert state_of((path,)) != states[0]
    assert folder_state(tmp_path) != states[1]
    assert folder_state(tmp_path / "none") is None


def test_only_a_file_that_lies_in_the_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "own")
    (tmp_path / "folder").mkdir()
    assert read_own(tmp_path, "own") == b"x"
    assert [read_own(tmp_path, name) for name in ("link", "folder", "none")] == [None] * 3


def test_pages_are_forgotten_once_they_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cryptobt.web.rendered._MOST_BYTES", 250)
    kept, made = Rendered(), []

    def page(name: str) -> None:
        def render() -> object:
            made.append(name)
            return page_of(name * 100)

        kept.get(name, render)  # type: ignore[arg-type]

    for name in "abacab":
        page(name)
    assert made == ["a", "b", "c", "b"]
