"""ATH-CryptoNet: a bidirectional LSTM with attention beside linear regression and a forest."""

from functools import partial

from cryptobt.jobs.papers.paper import HONEST, Claim, Numbers, Paper, Variant
from cryptobt.jobs.papers.words import (
    amount,
    number,
    of_seeds,
    per_cent,
    sentences,
    times,
    worth,
)

NET, LINEAR, FOREST = "ath-cryptonet", "linear", "random_forest"
_TABLE = (
    (LINEAR, "Linear regression", 1638.44, 2265.77, 0.9772),
    (FOREST, "Random forest", 2158.62, 2768.59, 0.9660),
    (NET, "ATH-CryptoNet", 3571.23, 4318.70, 0.9173),
)
PAGE_CLOSE, PAGE_ANSWER = 40_000.0, 46_495.50395968335
"""The example on the page: the close that was typed in, and the price that it answered."""


def _claims() -> list[Claim]:
    rows = []
    for key, name, mae, rmse, r2 in _TABLE:
        rows += [
            Claim(key, "mae", f"{name}: MAE", mae, "USD", "section 8"),
            Claim(key, "rmse", f"{name}: RMSE", rmse, "USD", "section 8"),
            Claim(key, "r2", f"{name}: R² of prices", r2, "ratio", "section 8"),
            Claim(key, "accuracy", f"{name}: direction", None, "share", "not given"),
        ]
    return rows


def verdict(numbers: Numbers) -> list[str]:
    """Say what lies between the claim and an honest forecast."""
    money = partial(amount, unit=numbers.unit)
    still, twin = numbers.fact("persistence_rmse"), numbers.twin(NET, "rmse")
    net, linear = numbers.claim(NET, "rmse"), numbers.claim(LINEAR, "rmse")
    own = of_seeds(numbers.own(NET, "rmse"), numbers.spread(NET, "rmse"), numbers.unit)
    leak = worth(numbers.fact("leak_with"), numbers.fact("leak_without"), money)
    return sentences(
        ("Unit: R² is of price levels, where it says nothing: forecasting no change at all has {} "
         "on these days; the text claims {} for its network and {} for linear regression.",
         number(numbers.fact("persistence_r2")), number(numbers.claim(NET, "r2")),
         number(numbers.claim(LINEAR, "r2"))),
        ("The text's own table has its network behind: an RMSE of {} is {} the {} of linear "
         "regression.", amount(net, "USD"), times(net, linear), amount(linear, "USD")),
        ("Run here, the recipe has {} (linear regression), {} (random forest, which cannot answer "
         "a price that it never saw) and, for the network, {}; no change has {}.",
         money(numbers.own(LINEAR, "rmse")), money(numbers.own(FOREST, "rmse")), own,
         money(still)),
        ("Leakage, a scaler that sees the test days: the network's RMSE is {}.", leak),
        ("The honest twin, the same network on returns and walk-forward, has {}, {} the error of "
         "no change, and calls {} of the directions right.",
         money(twin), times(twin, still), per_cent(numbers.twin(NET, "accuracy"))),
        ("Its page feeds one row of five fields to a network that was trained on ten days: there "
         "is no window in it. Its example answers {} more than the close that was typed in; the "
         "largest rise in a day of these tests is {}.",
         per_cent(PAGE_ANSWER / PAGE_CLOSE - 1), per_cent(numbers.fact("largest_rise"))),
    )  # fmt: skip


PAPER = Paper(
    name="ath-cryptonet",
    title="ATH-CryptoNet",
    source=(
        "ATH-CryptoNet: Attention-Enhanced BiLSTM Framework for Cryptocurrency Price Prediction "
        "(2026)"
    ),
    system="close, RSI, MACD, volatility and sentiment, 10 days in, the next close out",
    interval="1d",
    rows=1095,
    recipe={
        "features.set": "ath5",
        "features.scaling": "minmax",
        "features.scaler_sees": "everything",
        "forecaster.target": "scaled_close",
        "forecaster.window_bars": 10,
        "forecaster.purge_bars": 0,
        "walkforward.split": "single",
        "walkforward.test_share": 0.2,
        "walkforward.validation_share": 0.1,
        "walkforward.min_train_rows": 50,
        "walkforward.ensemble_seeds": 3,
        "net.as_published": True,
        "net.units": 64,
        "training.batch": 32,
        "training.epochs": 100,
        "training.patience": 10,
        "training.dropout": 0.2,
    },
    twin={**HONEST, "walkforward.validation_share": 0.15},
    unleaked={"features.scaler_sees": "training"},
    leak="the scaler sees the test rows",
    leak_measure="rmse",
    variants=(
        Variant(NET, "ATH-CryptoNet", "attention_bilstm"),
        Variant(LINEAR, "linear regression", "linear"),
        Variant(FOREST, "random forest", "random_forest"),
    ),
    lead=NET,
    claims=tuple(_claims()),
    baselines=("persistence", "drift", "always_up", "last_sign", "momentum"),
    notes=(
        "The text says three years and no dates: the newest 1,095 rows are taken, unless --start "
        "and --end say otherwise. Its errors are in USD of a range that we cannot know; R² and "
        "RMSE of its three rows agree on test closes that deviate by about $15,000.",
        "It says neither the split, the sizes, nor the training: 80/20 in time order, 64 units, "
        "batch 32, at most 100 epochs with patience 10 on the newest tenth.",
        "Its sentiment is synthetic. Here it is --extra feargreed where it is given, else the "
        "share of rises in 14 days.",
        "Linear regression is ridge regression here, its strength chosen on the validation part; "
        "both classical models see the same windows of 10 days.",
    ),
    verdict=verdict,
    refit_days=90,
)
