"""A last bar that is edited is answered by the forecast's own pipeline, and nothing else moves."""

import json
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cryptobt.core.errors import DataInvalidError, UsageError
from cryptobt.core.settings import Settings
from cryptobt.features.sets import FEATURE_SETS
from cryptobt.jobs.events import Events
from cryptobt.jobs.field_meanings import describe_field
from cryptobt.jobs.next_forecast import next_forecast
from cryptobt.jobs.what_if import (
    AtLastBar,
    EditsError,
    ask_again,
    at_last_bar,
    last_row,
    show,
    what_if,
)

from ..forecasters.small import in_process
from .test_next_forecast import bars_until, csv_of
from .tiny import NOW, tiny

PAGE = Path(__file__).parents[2] / "docs" / "serve.md"
BTC, ETH = "BTC-USD", "ETH-USD"
QUIET = Events(lambda _: None, lambda _: None, lambda _: None)
ATH5 = {"set": "ath5"}
GAIN = 0.2
ANSWERED = ("score", "mean", "p_up", "q05", "q50", "q95")
SUM_OF_A_WINDOW = '''\
import numpy as np


class Sum:
    """The sum of the first feature over the window, in hundredths."""

    def fit(self, training, validation):
        return self

    def predict(self, windows):
        rows = np.array([windows.rows[e - windows.length + 1 : e + 1, 0] for e in windows.ends])
        return rows.sum(axis=1, keepdims=True).repeat(3, axis=1) / 100
'''


def opened(symbol: str = BTC, **sections: Any) -> AtLastBar:
    settings = Settings.model_validate(tiny(**{"forecaster": {"name": "linear"}, **sections}))
    with in_process():
        return at_last_bar(settings, symbol, NOW, QUIET)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def paper(home: Path) -> AtLastBar:
    """The fields of the paper's page, asked of the linear forecaster."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRYPTOBT_HOME", str(home))
        return opened(features=ATH5, strategy={"params": {"gain": GAIN}})


def ask(bar: AtLastBar, **edits: float | str) -> dict[str, Any]:
    with in_process():
        return ask_again(bar, edits).to_json()


def same_as_forecast(sections: dict[str, Any], symbol: str) -> dict[str, Any]:
    """Compare an answer without edits with `cryptobt forecast`, and give it."""
    settings = Settings.model_validate(sections)
    with in_process():
        made = next_forecast(settings, NOW, QUIET).document
        found = what_if(settings, symbol, {}, NOW, QUIET).to_json()
    (told,) = [one for one in made["symbols"] if one["symbol"] == symbol]
    forecast = told["forecasts"][0]
    assert {name: found["answer"][name] for name in ANSWERED} == {
        name: forecast[name] for name in ANSWERED
    }
    assert found["answer"] == found["before"]
    prices = ("mean_price", "q05_price", "q95_price")
    assert [found["answer"][name] for name in ("price", "price_low", "price_high")] == [
        forecast[name] for name in prices
    ]
    assert found["strategy"]["target_weight"] == told["target_weight"]
    assert (found["target_at"], found["close"]) == (forecast["target_at"], told["close"])
    assert (found["edited"], found["unit"]) == ({}, told["unit"])
    return found


def test_without_an_edit_the_answer_is_the_forecast_s_to_the_bit(warm_home: Path) -> None:
    found = same_as_forecast(tiny(), BTC)
    assert found["forecaster"] == "dual_attention"
    names = [one["name"] for one in found["looked_at"]["features"]]
    assert len(names) == 17
    assert names[0] == "return_1"
    assert all(0 < one["weight"] < 2 for one in found["looked_at"]["features"])
    bars = found["looked_at"]["bars"]
    assert len(bars) == 30
    assert bars[-1]["time"] == found["time"]
    assert sum(bar["weight"] for bar in bars) == pytest.approx(1)


def test_so_it_is_of_one_of_several_symbols_and_horizons(home: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("CRYPTOBT_HOME", str(home))
    data = {"symbols": [BTC, ETH]}
    chosen = {"name": "linear", "horizon_bars": [1, 5], "target": "next_return"}
    found = same_as_forecast(tiny(data=data, forecaster=chosen), ETH)
    assert found["horizon_bars"] == 1
    assert found["looked_at"] is None


@pytest.mark.slow
@pytest.mark.parametrize(
    "sections",
    [
        {"forecaster": {"name": "random_forest"}},
        {"forecaster": {"name": "attention_bilstm"}, "walkforward": {"ensemble_seeds": 2}},
        {"forecaster": {"name": "lstm", "target": "scaled_close"},
         "features": ATH5 | {"scaling": "minmax"}},
        {"forecaster": {"name": "cnn3", "target": "direction"}, "features": {"set": "levels",
         "scaling": "window"}},
        {"forecaster": {"name": "gru"}, "walkforward": {"warm_start": True}},
        {"strategy": {"name": "bilstm_signal"}, "walkforward": {"split": "single"}},
    ],
)  # fmt: skip
def test_so_it_is_of_every_kind_of_forecaster_and_target(sections: dict[str, Any]) -> None:
    same_as_forecast(tiny(**sections), BTC)


@pytest.mark.slow
@pytest.mark.real_data
def test_so_it_is_on_real_prices(real_data: Path) -> None:
    file = str(real_data / "ltc_usd_yahoo_1d_to_2022.csv")
    data = {"csv": [f"LTC-USD={file}"], "end": "2021-06-30"}
    found = same_as_forecast({**tiny(features=ATH5), "data": data}, "LTC-USD")
    assert found["simulated"] is False


def test_the_paper_s_form_has_its_five_fields(paper: AtLastBar) -> None:
    shown = show(paper).to_json()
    labels = [field["label"] for field in shown["fields"]]
    assert labels == ["Close", "RSI", "MACD", "Volatility", "Sentiment"]
    close = shown["fields"][0]
    assert close["value"] == shown["close"] == bars_until("2017-12-31")["close"].iloc[-1]
    learnt = paper.learnt.rows[:, 0]
    assert shown["training_rows"] == len(learnt)
    assert (close["low"], close["high"]) == (learnt.min(), learnt.max())
    assert close["quantile"] == (learnt <= close["value"]).mean()
    assert (shown["time"], shown["window_bars"]) == ("2017-12-31T00:00:00Z", 30)
    untouched = {field["name"]: field["text"] for field in shown["fields"]}
    assert ask(paper, **untouched)["edited"] == {}


def test_what_was_learnt_from_had_closed_before_the_fold(paper: AtLastBar) -> None:
    fold, samples = paper.window.fold, paper.window.samples
    known = samples.rows[: fold.stop]
    assert samples.times[fold.stop - 1] + samples.interval <= fold.date
    assert {tuple(row) for row in paper.learnt.rows} <= {tuple(row) for row in known}


def test_a_linear_forecaster_answers_an_edit_in_proportion(paper: AtLastBar) -> None:
    rsi = paper.fields[1].value
    before, half, whole = (ask(paper, rsi=rsi + d)["answer"]["score"] for d in (0.0, 2.0, 4.0))
    assert half != before
    assert whole - before == pytest.approx(2 * (half - before), rel=1e-4)


def test_only_the_last_row_is_edited(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(SUM_OF_A_WINDOW)
    bar = opened(forecaster={"name": f"{tmp_path}/own.py:Sum", "trend_share": 0.0}, features=ATH5)
    moved = ask(bar, close=bar.close + 50)
    # The sum over 30 rows moves by 50, the answer by 0.50, and z by that over the deviation.
    (member,) = bar.window.members
    difference = moved["answer"]["score"] - moved["before"]["score"]
    assert difference == pytest.approx(0.50 / float(member.centre[1, 0]))
    assert moved["edited"] == {"close": {"was": bar.close, "is": bar.close + 50}}
    assert ask(bar)["answer"] == moved["before"]


def test_columns_of_a_user_s_own_can_be_edited(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n\n\ndef columns(bars):\n"
        "    day = np.log(bars['close']).diff()\n"
        "    return day.to_frame('day').assign(close=bars['close'] / 1000)\n"
    )
    bar = opened(features={"set": f"{tmp_path}/mine.py:columns"})
    found = ask(bar, day=0.1, close=0.5)
    assert found["features"] == "mine.columns"
    assert list(found["edited"]) == ["day", "close"]
    # its close is not in units of price: no price to start from
    assert found["answer"]["price"] == bar.close * math.exp(found["answer"]["mean"])
    assert [field.label for field in bar.fields] == ["day", "close"]


def test_an_edited_close_is_the_price_to_start_from(paper: AtLastBar) -> None:
    found = ask(paper, close=800.0)
    answer = found["answer"]
    assert answer["price"] == 800.0 * math.exp(answer["mean"])
    assert answer["price_low"] < answer["price"] < answer["price_high"]
    assert found["before"]["price"] == found["close"] * math.exp(found["before"]["mean"])
    for said in (answer, found["before"]):
        assert said["direction"] == ("UP" if said["mean"] > 0 else "DOWN")


def test_other_edits_leave_the_price_to_start_from(paper: AtLastBar) -> None:
    answer = ask(paper, rsi=20, sentiment=0.1)["answer"]
    assert answer["price"] == paper.close * math.exp(answer["mean"])


def test_the_strategy_s_weight_follows_the_edited_score(paper: AtLastBar) -> None:
    found = ask(paper, rsi=paper.fields[1].value - 5)
    # It wants ½ + gain·score, clipped at 0 and 1, times what volatility allows, edited or not.
    after, before = found["answer"]["score"], found["before"]["score"]
    wanted = [0.5 + GAIN * score for score in (after, before)]
    assert 0 < min(wanted) < max(wanted) < 1
    weights = found["strategy"]
    ratio = weights["target_weight"] / weights["before"]
    assert ratio == pytest.approx(wanted[0] / wanted[1])


def test_far_outside_it_answers_and_says_so(paper: AtLastBar) -> None:
    found = ask(paper, close=250_000, macd=-9000)
    names = [one["name"] for one in found["distance"]["outside"]]
    assert names[:2] == ["close", "macd"]
    assert found["distance"]["value"] > 100 > found["distance"]["unedited"]
    assert found["distance"]["quantile"] == 1.0
    words = "close 250000 lies above everything seen in training"
    assert found["distance"]["text"].startswith(words)
    assert any(line.startswith("close 250000 lies more than 4 dev") for line in found["warnings"])
    # Clipped at 4 deviations: ten times as far is the same input.
    assert ask(paper, rsi=5000)["answer"] == ask(paper, rsi=50_000)["answer"]


def test_a_learnt_row_is_near_and_said_to_be(paper: AtLastBar) -> None:
    row = paper.learnt.rows[len(paper.learnt.rows) // 2]
    names = [field.name for field in paper.fields]
    found = ask(paper, **dict(zip(names, map(float, row), strict=True)))["distance"]
    assert (found["value"], found["quantile"], found["outside"]) == (0.0, 0.0, [])
    assert found["text"].startswith("Like rows seen in training: 0% of them")


def test_wrong_values_are_refused_before_anything_is_asked(paper: AtLastBar) -> None:
    with pytest.raises(EditsError, match="field 'close': 0 is no price") as caught:
        ask(paper, close=0, rsi="nan", volume=3)
    assert list(caught.value.problems) == ["close", "rsi", "volume"]


def test_an_answer_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        SUM_OF_A_WINDOW.replace("/ 100", "/ 100 * (1 if rows.max() < 1e9 else np.float64('nan'))")
    )
    bar = opened(forecaster={"name": f"{tmp_path}/own.py:Sum"}, features=ATH5)
    with pytest.raises(UsageError, match=r"NaN|finite"):
        ask(bar, close=1e12)


def test_documents_cross_processes_and_are_json(paper: AtLastBar) -> None:
    for document in (show(paper), ask_again(paper, {})):
        sent = pickle.loads(pickle.dumps(document)).to_json()
        assert json.loads(json.dumps(sent, allow_nan=False)) == document.to_json()


def test_the_functions_give_what_their_parts_give(paper: AtLastBar, home: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, in_process():
        patch.setenv("CRYPTOBT_HOME", str(home))
        assert last_row(paper.settings, BTC, NOW, QUIET) == show(paper)
        edits = {"rsi": "40"}
        asked = what_if(paper.settings, BTC, edits, NOW, QUIET)
    assert asked.to_json() == ask(paper, **edits)
    assert {path.name for path in home.iterdir()} == {"folds"}


def test_before_it_is_calibrated_there_is_no_price_and_the_score_has_the_direction() -> None:
    found = ask(opened(data={"end": "2017-02-01"}, features=ATH5), rsi=30)
    answer = found["answer"]
    assert answer["reason"] == "fewer than 250 of its past forecasts have a known outcome"
    assert answer["mean"] is answer["price"] is answer["price_low"] is None
    assert answer["direction"] == ("UP" if answer["score"] > 0 else "DOWN")


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"strategy": {"name": "sma_trend"}, "forecaster": {}},
         "sma_trend trades by no forecast: there is nothing to edit; name a trained forecaster"),
        ({"forecaster": {"name": "drift"}},
         "attn_signal trades by drift, a rule that reads no feature: there is nothing to edit"),
    ],
)  # fmt: skip
def test_rules_read_no_feature_and_are_refused(sections: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        opened(**sections)


def test_a_symbol_that_is_not_loaded_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="symbol 'BTC-USB' is not among those loaded; did you mea"):
        opened("BTC-USB")


def test_a_last_bar_without_a_forecast_is_refused(tmp_path: Path) -> None:
    bars = bars_until("2017-12-31")
    file = csv_of(bars.drop(bars.index[-10]), tmp_path)
    with pytest.raises(DataInvalidError, match="BTC-USD: the last bar, 2017-12-31 00:00, has no f"):
        opened(data={"csv": [file], "source": "auto", "end": None})


@pytest.mark.parametrize("name", ["stationary", "paper16", "ath5", "close", "levels"])
def test_every_feature_of_the_sets_has_a_meaning(name: str) -> None:
    bars = bars_until("2017-12-31")
    columns = FEATURE_SETS[name].compute(bars, bars[[]]).columns
    assert all(describe_field(name, str(column))[1] for column in columns)


def test_a_feature_of_a_series_has_the_meaning_of_its_ending() -> None:
    assert describe_field("stationary_onchain", "txcnt_z")[1].endswith("deviations, of txcnt")
    assert describe_field("stationary_extras", "mood_level_z")[1].endswith("deviations, of mood")
    assert describe_field("own.columns", "secret_sauce") == ("secret_sauce", "")


def test_every_key_is_in_the_page(paper: AtLastBar) -> None:
    text = PAGE.read_text(encoding="utf-8")
    document, row = ask(paper, rsi=40), show(paper).to_json()
    keys = [*document, *document["answer"], *document["distance"], *row, *row["fields"][0]]
    missing = [key for key in dict.fromkeys(keys) if f"`{key}`" not in text]
    assert not missing


def test_edits_are_not_read_from_other_bars(paper: AtLastBar) -> None:
    rows = paper.window.samples.rows.copy()
    ask(paper, close=1.0, rsi=1.0)
    assert np.array_equal(rows, paper.window.samples.rows, equal_nan=True)
