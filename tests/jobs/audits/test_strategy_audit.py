"""Strategies that know later bars are found, with bar, column and line; honest ones pass."""

from pathlib import Path

import pytest

from cryptobt.core.errors import UsageError
from cryptobt.jobs.audits.checks import LEAK, NOT_ASKED, PASSED, Check
from cryptobt.jobs.audits.futures import World, cut
from cryptobt.jobs.audits.subject import Subject
from cryptobt.jobs.audits.trading import TradingChecks

from .made import QUIET, settings_of, small_world, write

WORLD = small_world(110)


def asked(name: str, folder: Path, *worlds: World) -> dict[str, Check]:
    settings = settings_of(f"strategy.name={write(folder) / 's.py'}:{name}")
    given = worlds or (WORLD,)
    extras = {world.market.symbol: world.extras for world in given}
    subject = Subject.of(settings, [world.market for world in given], extras, QUIET)
    return {check.name: check for check in TradingChecks(subject, None).checks()}


def leaks(checks: dict[str, Check]) -> list[str]:
    return [name for name, check in checks.items() if check.outcome == LEAK]


def test_tomorrow_s_close_is_told_by_its_line_and_the_first_bar_that_asks(tmp_path: Path) -> None:
    # In the preloaded run it fails on the last bar only; bar by bar on the first.
    checks = asked("Peek", tmp_path)
    assert leaks(checks) == ["orders, bar by bar"]
    leak = checks["orders, bar by bar"]
    assert leak.time == WORLD.times[0]
    assert leak.seen == "it asks for a bar that is not there"
    assert leak.place is not None
    assert leak.place.code.startswith("if self.data.close[1] > self.data.close[0]")
    assert "[1] is a bar that has not been yet" in leak.place.mend
    assert checks["orders, future cut away"].outcome == NOT_ASKED


def test_one_that_expects_the_end_of_the_data_is_found_by_its_orders(tmp_path: Path) -> None:
    checks = asked("Careful", tmp_path)
    found = ["orders, future cut away", "orders, another future", "orders, bar by bar"]
    assert leaks(checks) == found
    leak = checks["orders, future cut away"]
    # It buys at the first bar that rises tomorrow.
    rises = WORLD.market.bars["close"].diff().shift(-1).to_numpy() > 0
    assert leak.time == WORLD.times[int(rises.argmax())]
    assert leak.column == "side"
    assert leak.place is not None
    assert "close[1]" in leak.place.code


def test_cheat_on_close_is_a_leak_and_no_crash(tmp_path: Path) -> None:
    leak = asked("Cheat", tmp_path)["orders, fills to come"]
    assert leak.outcome == LEAK
    assert leak.seen.startswith("set_coc fills at a close that has passed")
    assert leak.place is not None
    assert leak.place.code == "self.broker.set_coc(True)"


def test_a_bar_from_before_the_first_is_one_of_the_newest(tmp_path: Path) -> None:
    checks = asked("Wraps", tmp_path)
    assert "orders, bar by bar" in leaks(checks)
    place = checks["orders, bar by bar"].place
    assert place is not None
    assert "close[-30]" in place.code
    assert "wait until there are that many bars" in place.mend


def test_a_universe_of_survivors_is_found_by_the_symbol_that_ends(tmp_path: Path) -> None:
    dead = small_world(110, seed=6, symbol="DEAD")
    dead = cut(dead, dead.times[70])
    young = small_world(110, seed=7, symbol="YOUNG")
    young = young.with_bars(young.market.bars.iloc[60:])
    checks = asked("Survivors", tmp_path, WORLD, dead, young)
    assert "orders, a symbol that ends" in leaks(checks)
    leak = checks["orders, a symbol that ends"]
    assert leak.symbol in ("X", "DEAD", "YOUNG")
    assert leak.place is not None
    assert ".array[-1]" in leak.place.code


def test_an_honest_strategy_passes(tmp_path: Path) -> None:
    checks = asked("Honest", tmp_path)
    assert not leaks(checks)
    assert checks["orders, a symbol that ends"].seen == "there is one symbol"
    signals = [check for check in checks.values() if check.part == "signals"]
    assert {check.seen for check in signals} == {"it sets no target weights"}
    others = [c for name, c in checks.items() if name != "orders, a symbol that ends"]
    assert {check.outcome for check in others if check not in signals} == {PASSED}


def test_of_a_strategy_that_never_trades_nothing_is_said_to_have_passed(tmp_path: Path) -> None:
    checks = asked("Waits", tmp_path)
    silent = {name for name, check in checks.items() if "sends no order" in check.seen}
    assert silent == {"orders, future cut away", "orders, another future"}
    assert all(checks[name].outcome == NOT_ASKED for name in silent)


def test_a_strategy_that_is_only_broken_ends_as_it_does_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"s\.py, line \d+, in next: AttributeError"):
        asked("Broken", tmp_path)
