"""LSTM, GRU and one-dimensional CNN on five-minute bars: 256 steps in, 16 out."""

from collections.abc import Callable
from typing import Any

from cryptobt.jobs.papers.paper import HONEST, Claim, Numbers, Paper, Variant
from cryptobt.jobs.papers.words import amount, number, sentences, share, times, worth

LEAD = "lstm_leaky"
_LOSS = "MSE of scaled closes"
_NOTHING = {"training.dropout": 0.0, "training.weight_decay": 0.0}


def _variant(key: str, label: str, net: str, activation: str, **more: float) -> Variant:
    changed = {f"training.{name}": value for name, value in more.items()}
    return Variant(key, label, net, {"net.activation": activation, **_NOTHING, **changed})


_ACTIVATIONS = (
    _variant("lstm_tanh", "LSTM, tanh head", "lstm", "tanh"),
    _variant(LEAD, "LSTM, tanh and Leaky ReLU", "lstm", "leaky_relu"),
    _variant("gru_leaky", "GRU, Leaky ReLU", "gru", "leaky_relu"),
    _variant("cnn3_leaky", "CNN of 3 layers, Leaky ReLU", "cnn3", "leaky_relu"),
    _variant("cnn3_relu", "CNN of 3 layers, ReLU", "cnn3", "relu"),
    _variant("cnn4_leaky", "CNN of 4 layers, Leaky ReLU", "cnn4", "leaky_relu"),
    _variant("cnn4_relu", "CNN of 4 layers, ReLU", "cnn4", "relu"),
    Variant("linear", "linear regression", "linear"),
)
_REGULARISED = tuple(
    _variant(f"{net}_{how}", f"{name}, {word}", net, "leaky_relu", **more)
    for net, name in (("lstm", "LSTM"), ("cnn3", "CNN of 3 layers"))
    for how, word, more in (
        ("l1", "L1 of 1e-5", {"l1": 1e-5}),
        ("l2", "L2 of 1e-3", {"weight_decay": 1e-3}),
        ("dropout", "dropout of 0.2", {"dropout": 0.2}),
    )
)
_RANKED = {
    "lstm_tanh": None, LEAD: "lowest", "gru_leaky": "low", "cnn3_leaky": "competitive",
    "cnn3_relu": "above Leaky ReLU", "cnn4_leaky": "high", "cnn4_relu": "above Leaky ReLU",
    "linear": "baseline",
}  # fmt: skip
_SPEED = {
    LEAD: "moderate", "gru_leaky": "fast", "cnn3_leaky": "very fast, 2 s an epoch on a GPU",
    "cnn4_leaky": "fast", "linear": "instant",
}  # fmt: skip


def _claims() -> list[Claim]:
    rows = []
    for one in (*_ACTIVATIONS, *_REGULARISED):
        said = _RANKED.get(one.key)
        where = "table" if one.key in _RANKED and said else "not given"
        if one.key != "linear":
            rows.append(
                Claim(one.key, "best_validation_loss", f"{one.label}: best validation loss", said,
                      "rank", where)
            )  # fmt: skip
        told = said if one.key == "linear" else None
        rows.append(Claim(one.key, "mse_scaled", f"{one.label}: test MSE", told, _LOSS,
                          "table" if told else "not given"))  # fmt: skip
        if one.key in _SPEED:
            rows.append(Claim(one.key, "weights", f"{one.label}: training speed", _SPEED[one.key],
                              "words", "table"))  # fmt: skip
    return rows


def verdict(numbers: Numbers) -> list[str]:
    """Say what lies between the claim and an honest forecast."""
    own, still = numbers.own(LEAD, "mse_scaled"), numbers.fact("persistence_mse_scaled")
    loss, twin = numbers.own(LEAD, "best_validation_loss"), numbers.twin(LEAD, "mse_scaled")
    leak = worth(numbers.fact("leak_with"), numbers.fact("leak_without"), number)
    twins = _measured(numbers.twin, "mse_scaled").values()
    least, most = min(twins, default=None), max(twins, default=None)
    return sentences(
        *_ranking(numbers),
        ("The LSTM that the text recommends has a validation loss of {}; on bars that came later "
         "its error is {}. Forecasting no change, of which the text says nothing, has {} there: "
         "{} of it.", number(loss), number(own), number(still), share(still, own)),
        ("Leakage, a scaler that sees the test bars: a test error of {}, in the scale of all "
         "closes.", leak),
        ("The honest twins, the same networks on returns, have test errors of {} to {} that of no "
         "change; the recommended LSTM's is {}.",
         times(least, still), times(most, still), times(twin, still)),
    )  # fmt: skip


def _ranking(numbers: Numbers) -> list[tuple[Any, ...]]:
    losses = _measured(numbers.own, "best_validation_loss")
    if not losses:
        return []
    best, worst = (pick(losses, key=lambda key: losses[key]) for pick in (min, max))
    label = {one.key: one.label for one in _ACTIVATIONS}
    return [
        ("Unit: the claim is a ranking by validation loss, on closes that are scaled to 0 and 1 by "
         "everything (a span of {}), at the best epoch, without a test part. Measured like that, "
         "{} has the lowest here and {} the highest, {} that; the text has the LSTM and the CNN "
         "of 4 layers there.", amount(numbers.fact("span"), numbers.unit), label[best],
         label[worst], times(losses[worst], losses[best])),
        *(
            ("The CNN of {} layers has {} with Leaky ReLU and {} with ReLU.", layers,
             number(losses.get(f"cnn{layers}_leaky")), number(losses.get(f"cnn{layers}_relu")))
            for layers in (3, 4)
        ),
    ]  # fmt: skip


def _measured(column: Callable[[str, str], float | None], measure: str) -> dict[str, float]:
    """What a column has of each network that is compared by its activation."""
    keys = [one.key for one in _ACTIVATIONS if one.key != "linear"]
    found = {key: column(key, measure) for key in keys}
    return {key: value for key, value in found.items() if value is not None}


PAPER = Paper(
    name="intraday-multistep",
    title="LSTM, GRU and 1D CNN on five-minute bars",
    source="How deep learning predicts cryptocurrency prices: LSTM, GRU and 1D CNN (2025)",
    system="256 five-minute closes in, the next 16 out",
    interval="5m",
    rows=8640,
    history="paper",
    refit_days=30,
    recipe={
        "features.set": "close",
        "features.scaling": "minmax",
        "features.scaler_sees": "everything",
        "forecaster.target": "scaled_close",
        "forecaster.window_bars": 256,
        "forecaster.horizon_bars": tuple(range(1, 17)),
        "forecaster.purge_bars": 0,
        "walkforward.split": "single",
        "walkforward.test_share": 0.15,
        "walkforward.validation_share": 0.2,
        "walkforward.min_train_rows": 20,
        "walkforward.stride_bars": 16,
        "walkforward.ensemble_seeds": 1,
        "net.units": 50,
        "net.filters": 32,
        "net.attention_heads": 1,
        "training.batch": 32,
        "training.epochs": 30,
        "training.patience": 30,
    },
    twin={**HONEST, "training.patience": 10},
    unleaked={"features.scaler_sees": "training"},
    leak="the scaler sees the test rows",
    leak_measure="mse_scaled",
    variants=(*_ACTIVATIONS, *_REGULARISED),
    lead=LEAD,
    claims=tuple(_claims()),
    baselines=("persistence", "drift", "always_up", "last_sign", "momentum"),
    notes=(
        "The text trains 100 epochs; the default here is 30, so that all networks are done in "
        "minutes on two cores; --set training.epochs=100 --set training.patience=100 is the "
        "text's.",
        "It gives no sizes, no dates and no amount of data: 50 units, 32 filters, every 16th "
        "window, and the newest 8,640 bars, thirty days of them, if there are as many.",
        "It has no test part; here the newest 15 % are one, behind its validation part of a fifth "
        "of the rest.",
        "Its LSTM has tanh inside and Leaky ReLU at the end; beside it stands one with tanh at the "
        "end too. The regularisation that it reports in a notebook alone is compared for the LSTM "
        "and the CNN of 3 layers: none is the row without a word, L1, L2 and dropout stand "
        "beside it.",
        "Seconds an epoch depend on the machine, and stand in run.json; the table has the number "
        "of weights.",
    ),
    verdict=verdict,
)
