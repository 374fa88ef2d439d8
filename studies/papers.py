"""The four papers on real data: what they claim, what their recipes give, what is left."""

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cryptobt.core.settings import load_settings
from cryptobt.jobs.events import Events
from cryptobt.jobs.papers.shelf import PAPERS
from cryptobt.jobs.reproduce import reproduce
from cryptobt.reports import reproduction_words as words

BITCOIN, INTRADAY = "btc_usd_yahoo_1d.csv", "btc_usdt_poloniex_5m_2017.csv"
ONCHAIN, MOOD = "btc_coinmetrics_1d.csv", "fear_greed_1d.csv"
CHOSEN: Mapping[str, Sequence[str]] = {
    "dual-attention": ("walkforward.ensemble_seeds=3",),
    "window-bilstm": ("training.epochs=10",),
}
"""What is set apart from the papers' own, so that all four are done in some twenty minutes."""


def study(data: Path, names: Sequence[str] = tuple(PAPERS)) -> str:
    """Reproduce papers and write the page.

    Parameters
    ----------
    data : Path
        Folder of the real files.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = [_reproduced(name, data, Path(folder)) for name in names]
    return page(found)


def page(documents: Sequence[Mapping[str, Any]]) -> str:
    """Write the study from ``reproduction.json`` documents."""
    lines = [
        "# The four papers",
        "",
        "What each paper claims, what its own recipe gives when it is run here with its flaws, and "
        "what the honest twin gives: the same network on the same test bars, scaled by the past "
        "alone, learning returns, walk-forward. In brackets stand the lowest and highest of the "
        "seeds, before them their median. Bitcoin's daily bars are Yahoo's, its five-minute bars "
        "Poloniex's, on-chain series Coin Metrics'. [How it is done](../reproduce.md). Written by "
        "`make study`.",
    ]
    for document in documents:
        lines += ["", *_chapter(document)]
    return "\n".join(lines) + "\n"


def _chapter(document: Mapping[str, Any]) -> list[str]:
    head = ["", "claim", *(words.HEADS[column] for column in words.COLUMNS)]
    rows = [
        [
            row["label"],
            words.claimed(row),
            *(f"{words.cell(row[c])} {words.spread(row[c])}".rstrip() for c in words.COLUMNS),
        ]
        for row in document["claims"]
    ]
    lines = [
        f"## {document['paper']}",
        "",
        f"{document['source']}. {words.period(document)}.",
        "",
        " ".join(document["paragraph"]),
        "",
        *_table(head, rows),
    ]
    for horizon in words.horizons_of(document):
        first, *rest = words.baseline_rows(document, horizon)
        bars = "the next bar" if horizon == "1" else f"{horizon} bars ahead"
        lines += ["", f"What the paper left out, {bars}:", "", *_table(first, rest)]
    if by_horizon := words.horizon_rows(document, frozenset()):
        lines += ["", "Skill of prices against no change, at every horizon:", ""]
        lines += _table(by_horizon[0], by_horizon[1:])
    said = [f"- {line}" for line in document["warnings"]]
    return [*lines, *(["", "Said by the run:", "", *said] if said else [])]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        "|" + "---|" * len(head),
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def _reproduced(name: str, data: Path, folder: Path) -> Mapping[str, Any]:
    daily = name != "intraday-multistep"
    bars = f"BTC-USD={data / BITCOIN}" if daily else f"BTC-USDT={data / INTRADAY}"
    flags: dict[str, Any] = {"data.csv": (bars,), "run.out": str(folder / "runs")}
    if name in {"dual-attention", "window-bilstm"}:
        flags["data.onchain"] = (str(data / ONCHAIN),)
    if name == "ath-cryptonet":
        flags["data.extras"] = (f"mood={_published(data / MOOD, folder)}",)
    settings = load_settings(None, CHOSEN.get(name, ()), flags)
    told = Events(lambda line: _say(f"{name}: {line}"), lambda _: None, lambda _: None)
    return reproduce(name, settings, pd.Timestamp.now("UTC"), told).document


def _published(source: Path, folder: Path) -> Path:
    """Write the index with its instants: it is published when the day that it names begins."""
    frame = pd.read_csv(source, parse_dates=["date"])
    frame["available_at"] = frame["date"].dt.strftime("%Y-%m-%dT00:00:00Z")
    frame.to_csv(folder / source.name, index=False)
    return folder / source.name


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def real_data() -> Path:
    """Folder of the real files, from the environment."""
    return Path(os.environ["CRYPTOBT_REAL_DATA"])
