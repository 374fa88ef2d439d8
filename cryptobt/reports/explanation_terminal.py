"""The few lines that end an explanation in the terminal."""

from typing import Any

from cryptobt.reports import explanation_words as words
from cryptobt.reports.numbers import measure, short_name

MOST_FEATURES = 10
_NOISE = "not distinguishable from noise"


def explanation_summary(document: dict[str, Any], *, run_folder: str, page: str) -> str:
    """Sum an explanation up: what matters most, which bar, and whether attention is believed.

    Parameters
    ----------
    document : dict
        The ``explanation.json`` document.
    run_folder, page : str
        Where it was written.
    """
    lines = []
    for symbol, explained in document["explained"].items():
        lines += [*_symbol(document, symbol, explained), ""]
    lines.append(words.about_target(document).text)
    lines += [f"Warning: {line}" for line in document["warnings"]]
    if document["simulated"]:
        lines.append("Warning: SIMULATED market of cryptobt's sample model: no real prices")
    plain = ["".join(c if c.isprintable() else " " for c in line) for line in lines]
    return "\n".join([*plain, f"Run folder  {run_folder}", f"Explanation {page}"])


def _symbol(document: dict[str, Any], symbol: str, explained: dict[str, Any]) -> list[str]:
    span = f"{explained['first'][:10]} to {explained['last'][:10]}"
    folds = words.counted(explained["folds"], "fold")
    head = (
        f"{document['forecaster']} on {symbol}, {document['interval']}, {span}: "
        f"{explained['windows']:,} windows of {folds}, out of sample"
    )
    mse = words.small(measure(explained, "mse").value)
    table = [
        f"ΔMSE when a feature is moved, in ({document['target_units'][symbol]})²; MSE is {mse}:",
        *_features(explained),
    ]
    said = [
        words.skill_sentence(explained),
        words.features_sentence(explained, document["level"]),
        words.group_sentence(explained),
        words.lag_sentence(explained),
        words.attention_verdict(explained),
        words.gates_verdict(explained),
        words.caution(explained),
    ]
    return [head, "", *table, "", *(one.whole for one in said if one)]


def _features(explained: dict[str, Any]) -> list[str]:
    rows = [row for row in explained["importance"] if row["kind"] == "feature"][:MOST_FEATURES]
    cells = [(f"{row['rank']:>3}", short_name(row["name"]), *_numbers(row)) for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(4)]
    return [
        "  ".join(
            [
                row[0],
                row[1].ljust(widths[1]),
                row[2].rjust(widths[2]),
                row[3].ljust(widths[3]),
                row[4],
            ]
        ).rstrip()
        for row in cells
    ]


def _numbers(row: dict[str, Any]) -> tuple[str, str, str]:
    value, _, interval = words.with_interval(measure(row, "delta_mse")).partition(" ")
    return value, interval, _NOISE if row["distinguishable"] is False else ""
