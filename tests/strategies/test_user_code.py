"""A user's own strategy: found, checked, and its mistakes told with their own line.

The code of docs/strategies.md is taken from the page and run.
"""

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cryptobt.backtests.run import Trader, run_backtest
from cryptobt.core import columns
from cryptobt.core.errors import UsageError
from cryptobt.core.types import BacktestResult, Forecasts, MarketData
from cryptobt.core.user_code import is_reference
from cryptobt.data.sample import simulate
from cryptobt.forecasters.registry import FORECASTERS
from cryptobt.strategies.registry import (
    STRATEGIES,
    check_params,
    find_strategy,
    installed_strategies,
    own_params,
)
from cryptobt.strategies.user_code import StrategyError, load_class

from ..backtests.accounts import flat_market, make_settings

PAGE = Path(__file__).parents[2] / "docs" / "strategies.md"
CODE = re.findall(r"(?ms)^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"))
MARKET = simulate("X", 500, seed=5).market

GOOD = """
import backtrader as bt


class Good(bt.Strategy):
    \"\"\"Buys and keeps.\"\"\"

    params = (("size", 1.0), ("bars", 3), ("anything", None))

    def next(self):
        if not self.position:
            self.buy(size=self.p.size)
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of a user's."""

    def put(text: str, name: str = "mine.py") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return put


@pytest.fixture(autouse=True)
def _modules_left_as_they_were() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith(("cryptobt_user_", "beside", "offered")):
            del sys.modules[name]


def failure(reference: str) -> str:
    with pytest.raises(StrategyError) as caught:
        find_strategy(reference)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Found


def test_a_class_is_found_by_its_file_and_name(write: Write) -> None:
    path = write(GOOD)
    spec = find_strategy(f"{path}:Good")
    assert (spec.name, spec.summary, spec.forecaster) == ("Good", "Buys and keeps.", None)
    assert spec.reads_forecasts
    assert spec.file == str(path)
    result = run_backtest([flat_market(100, 3)], None, Trader(spec, {}), make_settings())
    assert result.fills["quantity_base"].tolist() == [1.0]


def test_a_relative_path_and_a_home_are_understood(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(GOOD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_strategy("mine.py:Good").name == "Good"
    assert find_strategy("./mine.py:Good").name == "Good"
    assert find_strategy("~/mine.py:Good").name == "Good"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.py:B", True), ("a.py", True), ("/x/a.py:B", True), ("momentum", False), ("a:b", False)],
)
def test_a_reference_names_a_python_file(name: str, expected: bool) -> None:
    assert is_reference(name) is expected


def test_the_hash_is_of_the_files_content_wherever_it_lies(write: Write) -> None:
    here, there = write(GOOD), write(GOOD, "elsewhere/other.py")
    changed = write(GOOD + "# a remark\n", "changed.py")
    hashes = [load_class(f"{path}:Good")[1] for path in (here, there, changed)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_two_files_may_name_their_classes_alike(write: Write) -> None:
    first = write(GOOD.replace('"size", 1.0', '"size", 2.0'), "a/mine.py")
    second = write(GOOD.replace('"size", 1.0', '"size", 3.0'), "b/mine.py")
    specs = [find_strategy(f"{path}:Good") for path in (first, second)]
    fills = [
        run_backtest([flat_market(100, 3)], None, Trader(spec, {}), make_settings()).fills
        for spec in specs
    ]
    assert [frame["quantity_base"].tolist() for frame in fills] == [[2.0], [3.0]]


def test_a_file_that_has_changed_is_read_again(write: Write) -> None:
    path = write(GOOD)
    find_strategy(f"{path}:Good")
    write(GOOD.replace('"bars", 3', '"bars", 44'))
    assert own_params(find_strategy(f"{path}:Good").strategy)["bars"] == 44


def test_a_module_beside_the_file_can_be_imported(write: Write) -> None:
    write("SIZE = 4.0\n", "beside_me.py")
    path = write("from beside_me import SIZE\n" + GOOD.replace("1.0", "SIZE"))
    assert own_params(find_strategy(f"{path}:Good").strategy)["size"] == 4.0


def test_the_search_path_of_modules_is_as_it_was(write: Write) -> None:
    before = list(sys.path)
    load_class(f"{write(GOOD)}:Good")
    failure(f"{write('X = 1 / 0', 'bad.py')}:Good")
    assert sys.path == before


def test_a_relative_import_is_explained_by_its_line(write: Write) -> None:
    write("SIZE = 4.0\n", "beside_me.py")
    path = write("from .beside_me import SIZE\n" + GOOD)
    words = failure(f"{path}:Good")
    assert words.startswith(f"strategy file {path}, line 1, in <module>: ImportError: ")


def test_a_strategy_that_is_only_imported_is_not_the_files_own(write: Write) -> None:
    path = write("from cryptobt.strategies.rules import Momentum\n" + GOOD)
    words = failure(f"{path}:Momentum")
    assert words == f"strategy file {path} has no strategy 'Momentum'; known: Good"


# Not found


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.py"
    assert failure(f"{path}:Good") == f"strategy file {path}: there is no such file"


def test_a_missing_class_is_answered_with_the_nearest(write: Write) -> None:
    path = write(GOOD)
    assert failure(f"{path}:Goood") == (
        f"strategy file {path} has no strategy 'Goood'; did you mean 'Good'?"
    )


def test_a_file_without_a_class_named_is_answered_with_its_classes(write: Write) -> None:
    path = write(GOOD + "\n\nclass Better(Good):\n    pass\n")
    assert failure(str(path)) == (
        f"say which strategy of the file to trade: {path}:Good or {path}:Better"
    )


def test_an_empty_class_name_is_answered_with_the_files_classes(write: Write) -> None:
    path = write(GOOD)
    assert failure(f"{path}:") == f"strategy file {path} has no strategy ''; known: Good"


def test_a_file_without_a_strategy_is_named(write: Write) -> None:
    path = write("class Good:\n    pass\n")
    assert failure(f"{path}:Good") == f"strategy file {path} defines no backtrader Strategy"


# Does not import


def test_a_syntax_error_is_told_with_its_line(write: Write) -> None:
    path = write("import backtrader as bt\n\nclass Good(bt.Strategy)\n    pass\n")
    assert failure(f"{path}:Good") == f"strategy file {path}, line 3: SyntaxError: expected ':'"


def test_a_syntax_error_in_a_module_beside_it_is_told_with_that_modules_name(write: Write) -> None:
    beside = write("X = 1\nY = = 2\n", "beside_broken.py")
    path = write("import beside_broken\n" + GOOD)
    words = failure(f"{path}:Good")
    assert "SyntaxError: invalid syntax" in words
    assert f"{beside}, line 2" in words or f"{path}, line 1" in words


def test_an_exception_on_import_is_told_with_its_line(write: Write) -> None:
    path = write("import backtrader as bt\n\nX = 1 / 0\n")
    assert failure(f"{path}:Good") == (
        f"strategy file {path}, line 3, in <module>: ZeroDivisionError: division by zero"
    )


def test_an_exception_in_a_module_beside_it_is_told_by_the_line_that_imports_it(
    write: Write,
) -> None:
    write("X = 1 / 0\n", "beside_failing.py")
    path = write("import backtrader\n\nimport beside_failing\n")
    assert failure(f"{path}:Good") == (
        f"strategy file {path}, line 3, in <module>: ZeroDivisionError: division by zero"
    )


def test_a_module_that_is_not_there_is_told_with_its_line(write: Write) -> None:
    path = write("import no_such_module_anywhere\n")
    words = failure(f"{path}:Good")
    assert words.startswith(f"strategy file {path}, line 1, in <module>: ModuleNotFoundError: ")


def test_a_file_that_ends_the_program_on_import_is_told(write: Write) -> None:
    path = write("import sys\n\nsys.exit(3)\n")
    assert failure(f"{path}:Good").startswith(f"strategy file {path}, line 3")


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_bytes(b"\xff\xfe\x00 = 1\n")
    assert failure(f"{path}:Good").startswith(f"strategy file {path}")


def test_after_a_failed_import_the_mended_file_is_read(write: Write) -> None:
    path = write("X = = 1\n")
    failure(f"{path}:Good")
    write(GOOD)
    assert find_strategy(f"{path}:Good").name == "Good"


# Fails while it trades


def trade(reference: str, market: MarketData | None = None, **params: Any) -> BacktestResult:
    trader = Trader(find_strategy(reference), params)
    return run_backtest([market or flat_market(100, 9)], None, trader, make_settings())


@pytest.mark.parametrize(
    ("method", "arguments"),
    [("next", ""), ("start", ""), ("stop", ""), ("nextstart", ""), ("notify_order", ", order")],
)
def test_a_failure_is_told_with_the_files_own_line(
    write: Write, method: str, arguments: str
) -> None:
    bad = f"    def {method}(self{arguments}):\n        return {{}}['gone']\n"
    own = (
        "" if method in {"next", "nextstart"} else GOOD.partition("anything")[2].partition("\n")[2]
    )
    path = write(f"import backtrader as bt\n\n\nclass Bad(bt.Strategy):\n{bad}\n"
                 + own.replace("self.p.size", "1.0"))  # fmt: skip
    with pytest.raises(StrategyError) as caught:
        trade(f"{path}:Bad")
    assert caught.value.exit_code == 2
    assert str(caught.value) == (f"strategy file {path}, line 6, in {method}: KeyError: 'gone'")


def test_a_failure_in_the_middle_is_told_with_the_last_line_of_the_file(write: Write) -> None:
    path = write(
        "import math\n\nimport backtrader as bt\n\n\nclass Bad(bt.Strategy):\n"
        "    def next(self):\n        if len(self) == 5:\n            self.deeper()\n\n"
        "    def deeper(self):\n        return math.sqrt(-1.0)\n"
    )
    with pytest.raises(StrategyError, match=r"line 12, in deeper: ValueError: "):
        trade(f"{path}:Bad")


def test_a_failure_inside_backtrader_is_told_by_the_line_that_called_it(write: Write) -> None:
    path = write(
        "import backtrader as bt\n\n\nclass Bad(bt.Strategy):\n    def __init__(self):\n"
        "        self.average = bt.indicators.SMA(self.data.nothing, period=3)\n"
    )
    with pytest.raises(StrategyError, match=r"line 6, in __init__: AttributeError: "):
        trade(f"{path}:Bad")


def test_a_failure_of_a_built_in_strategy_is_not_blamed_on_a_user() -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of any kind but a user's
        run_backtest([flat_market(100, 3)], None, Trader(STRATEGIES["momentum"], {"lookback": 1}),
                     make_settings(data={"start": "2030-01-01"}))  # fmt: skip
    assert not isinstance(caught.value, StrategyError)


# Parameters


def test_parameters_of_a_file_are_checked_like_ours(write: Write) -> None:
    spec = find_strategy(f"{write(GOOD)}:Good")
    assert own_params(spec.strategy) == {"size": 1.0, "bars": 3, "anything": None}
    given = {"size": 2, "bars": -5, "anything": "text"}
    assert check_params(spec, given) == given
    with pytest.raises(UsageError) as caught:
        check_params(spec, {"sise": 2.0})
    assert str(caught.value) == "strategy 'Good' has no parameter 'sise'; did you mean 'size'?"
    with pytest.raises(UsageError, match=r"'strategy\.params\.bars' of 'Good' is 1\.5; expected"):
        check_params(spec, {"bars": 1.5})


def test_parameters_reach_the_strategy(write: Write) -> None:
    result = trade(f"{write(GOOD)}:Good", size=2.5)
    assert result.fills["quantity_base"].tolist() == [2.5]


# From a package


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Install a package that offers strategies, as far as Python's metadata can tell."""

    def install(module: str, points: str) -> None:
        site = tmp_path / "site"
        info = site / "offered-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: offered\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[cryptobt.strategies]\n{points}\n")
        (site / "offered.py").write_text(module)
        monkeypatch.syspath_prepend(site)
        importlib.invalidate_caches()

    return install


def test_a_strategy_of_a_package_is_found_by_its_name(
    package: Callable[[str, str], None],
) -> None:
    package(GOOD, "house_rule = offered:Good")
    assert list(installed_strategies()) == ["house_rule"]
    spec = find_strategy("house_rule")
    assert (spec.name, spec.summary) == ("house_rule", "Buys and keeps.")
    assert spec.file.endswith("offered.py")
    assert spec.file_hash
    result = run_backtest([flat_market(100, 3)], None, Trader(spec, {}), make_settings())
    assert len(result.fills) == 1


def test_a_misspelt_strategy_of_a_package_is_answered_with_its_name(
    package: Callable[[str, str], None],
) -> None:
    package(GOOD, "house_rule = offered:Good")
    with pytest.raises(UsageError, match="unknown strategy 'house_rul'; did you mean 'house_rule'"):
        find_strategy("house_rul")


def test_our_own_names_go_before_a_packages(package: Callable[[str, str], None]) -> None:
    package(GOOD, "momentum = offered:Good")
    assert find_strategy("momentum") is STRATEGIES["momentum"]


@pytest.mark.parametrize("points", ["house_rule = offered:Gone", "house_rule = not_there:Good"])
def test_a_package_that_does_not_load_is_named(
    package: Callable[[str, str], None], points: str
) -> None:
    package(GOOD, points)
    assert failure("house_rule").startswith(f"strategy 'house_rule' ({points.split()[-1]}): ")


def test_what_a_package_offers_must_be_a_strategy(package: Callable[[str, str], None]) -> None:
    package("class Good:\n    pass\n", "house_rule = offered:Good")
    assert failure("house_rule").startswith("strategy 'house_rule' (offered:Good)")


# The page


def forecasts_for(market: MarketData, forecaster: str) -> Forecasts:
    """Forecasts that swing slowly, absent at first, as before the first fold."""
    swing = np.sin(np.arange(len(market.bars)) / 7.0)
    frame = pd.DataFrame(
        {"time": market.times, "symbol": market.symbol, "horizon_bars": 1,
         "forecaster": forecaster, "score": swing,
         "mean": swing / 100, "p_up": 0.5 + swing / 5, "q05": -0.05, "q50": 0.0, "q95": 0.06}
    )  # fmt: skip
    return Forecasts(
        frame.reindex(columns=list(columns.FORECASTS)).iloc[60:].reset_index(drop=True)
    )


def test_the_page_shows_four_strategies() -> None:
    assert len(CODE) == 4


@pytest.mark.parametrize("code", CODE, ids=lambda code: code.splitlines()[0].strip('"'))
def test_every_strategy_of_the_page_trades(code: str, write: Write) -> None:
    file = code.splitlines()[0].strip('"')
    (name,) = re.findall(r"(?m)^class (\w+)\(", code)
    spec = find_strategy(f"{write(code, file)}:{name}")
    assert f"--strategy {file}:{name}" in PAGE.read_text(encoding="utf-8") or "Dip" in name
    assert spec.forecaster is None or spec.forecaster in FORECASTERS
    forecasts = forecasts_for(MARKET, spec.forecaster) if spec.forecaster else None
    trader = Trader(spec, {}, spec.forecaster)
    result = run_backtest([MARKET], forecasts, trader, make_settings())
    assert len(result.trades) >= 3
    assert "insufficient cash" not in set(result.orders["reason"])
    assert not result.orders["status"].eq("rejected").any()
    kinds = {"limit", "stop", "market"} if "Dip" in name else {"market"}
    assert set(result.orders["exec_type"]) == kinds


def test_a_bid_of_the_page_expires_or_fills_within_three_bars(write: Write) -> None:
    code = next(code for code in CODE if "BuyTheDip" in code)
    spec = find_strategy(f"{write(code)}:BuyTheDip")
    result = run_backtest([MARKET], None, Trader(spec, {}), make_settings())
    bids = result.orders[result.orders["exec_type"] == "limit"]
    assert {"filled", "expired"} <= set(bids["status"])
    assert (bids["valid_until"] - bids["time"] == pd.Timedelta(days=3)).all()
    filled = result.fills.merge(bids[["order_id", "time"]], on="order_id", suffixes=("", "_sent"))
    waited = filled["time"] - filled["time_sent"]
    assert waited.between(pd.Timedelta(days=1), pd.Timedelta(days=3)).all()


def test_the_forecast_lines_of_the_page_are_those_of_the_feed() -> None:
    from cryptobt.backtests.feed import FORECAST_LINES

    shown = set(re.findall(r"`self\.data\.(\w+)\[0\]`", PAGE.read_text(encoding="utf-8")))
    assert shown == {*FORECAST_LINES, "volatility"}


def test_the_reasons_of_the_page_are_those_of_the_broker() -> None:
    text = PAGE.read_text(encoding="utf-8")
    from cryptobt.backtests.broker import EXEC_TYPES

    assert f"only {', '.join(EXEC_TYPES.values())} orders are simulated" in text
    for reason in ("sells more than is held (long/flat account)", "insufficient cash",
                   "below the minimum notional of 10"):  # fmt: skip
        assert f"`{reason}`" in text
