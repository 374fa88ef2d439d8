"""Three bidirectional LSTM layers on windows that are each scaled by their first row."""

from cryptobt.jobs.papers.paper import BASELINES, HONEST, Claim, Numbers, Paper, Variant
from cryptobt.jobs.papers.words import number, per_cent, sentences, share, times, worth

NET = "bilstm"
_MSE = "MSE of window-relative closes"
_WHERE = "step 8"


def verdict(numbers: Numbers) -> list[str]:
    """Say what lies between the claim and an honest forecast."""
    own, twin = numbers.own(NET, "mse_windows"), numbers.twin(NET, "mse_windows")
    claim, still = numbers.claim(NET, "mse_windows"), numbers.fact("persistence_mse_windows")
    f1, up = numbers.claim(NET, "f1"), numbers.fact("always_up_f1")
    lower = None if f1 is None or up is None else "below" if f1 < up else "not below"
    leak = worth(numbers.fact("leak_with"), numbers.fact("leak_without"), number)
    return sentences(
        ("F1: the claimed {} is {} the {} that always saying up has on these days, of which {} "
         "rose; our run of the recipe has {}, the twin {}.",
         number(f1, 2), lower, number(up, 2), per_cent(numbers.fact("always_up_precision")),
         number(numbers.own(NET, "f1"), 2), number(numbers.twin(NET, "f1"), 2)),
        ("Unit: the MSE of {} is of closes over the first close of their window, less 1. "
         "Forecasting no change has {} in that unit, {} of the claim; the recipe run here has {}, "
         "{} that of no change.",
         number(claim, 3), number(still, 3), share(still, claim), number(own, 3),
         times(own, still)),
        ("Leakage, validation windows drawn among the training ones, which share up to 49 of their "
         "50 rows: the best validation loss is {}; on the test days the error is {}.",
         leak, number(own, 3)),
        ("The honest twin, the same network on returns and walk-forward, has {}: {} that of no "
         "change, and calls {} of the directions right.",
         number(twin, 3), times(twin, still), per_cent(numbers.twin(NET, "accuracy"))),
    )  # fmt: skip


PAPER = Paper(
    name="window-bilstm",
    title="Three-layer bidirectional LSTM with window-relative scaling",
    source=(
        "Predicting cryptocurrency prices with a bidirectional LSTM in Python, in nine steps (2025)"
    ),
    system="bars and every further series, 49 days in, the 50th day's close out",
    interval="1d",
    rows=2717,
    history="paper",
    refit_days=365,
    recipe={
        "features.set": "levels",
        "features.scaling": "window",
        "features.scaler_sees": "training",
        "forecaster.target": "scaled_close",
        "forecaster.window_bars": 49,
        "forecaster.purge_bars": 0,
        "walkforward.split": "single",
        "walkforward.test_share": 0.1,
        "walkforward.validation": "shuffled",
        "walkforward.validation_share": 0.1,
        "walkforward.min_train_rows": 50,
        "walkforward.ensemble_seeds": 1,
        "net.units": 49,
        "net.attention_heads": 1,
        "training.batch": 1024,
        "training.epochs": 100,
        "training.patience": 10,
        "training.dropout": 0.2,
        "training.weight_decay": 0.0,
    },
    twin={**HONEST, "walkforward.validation_share": 0.15},
    unleaked={"walkforward.validation": "latest"},
    leak="validation windows are drawn among the training ones",
    leak_measure="best_validation_loss",
    variants=(Variant(NET, "three-layer BiLSTM", "bilstm"),),
    lead=NET,
    claims=(
        Claim(NET, "tp", "TP: called up, rose", None, "days", "step 7, no number"),
        Claim(NET, "fp", "FP: called up, did not rise", None, "days", "step 7, no number"),
        Claim(NET, "tn", "TN: called down, did not rise", None, "days", "step 7, no number"),
        Claim(NET, "fn", "FN: called down, rose", None, "days", "step 7, no number"),
        Claim(NET, "precision", "Precision of daily changes", 0.62, "share", _WHERE),
        Claim(NET, "recall", "Recall", 0.55, "share", _WHERE),
        Claim(NET, "f1", "F1", 0.58, "share", _WHERE),
        Claim(NET, "mse_windows", "MSE", 0.043, _MSE, _WHERE),
        Claim(NET, "accuracy", "Accuracy of daily changes", None, "share", "not given"),
        Claim(NET, "rmse", "RMSE of prices", None, "USD", "not given"),
        Claim(NET, "r2", "R² of prices", None, "ratio", "not given"),
        Claim(NET, "epochs", "Epochs", 100, "epochs", "step 3"),
        Claim(NET, "best_validation_loss", "Best validation loss", None, _MSE, "not given"),
    ),
    baselines=BASELINES,
    notes=(
        "The text's file has more than 20 columns and no name; here are the bars and every series "
        "given with --onchain and --extra. Its numbers are 'typical', of no market and no days.",
        "Its start of the test part, 2400, is hard-coded and is 90 % of 2,667 windows: so the "
        "newest 2,717 rows are taken.",
        "A series that crosses zero cannot be divided by the first value of its window; one that "
        "begins a window at zero becomes 0 in it here.",
        "A zero in the first row is replaced by the file's last row in the text's code; here it is "
        "missing.",
        "The text trains all 100 epochs; here training ends after 10 without a better validation "
        "loss, and the best weights are kept. --set training.patience=100 trains on.",
        "Its advice to retrain every week or two, to backtest, and to manage risk is what "
        "`cryptobt backtest` and `cryptobt paper` are for.",
    ),
    verdict=verdict,
)
