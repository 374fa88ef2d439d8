"""``python -m studies [papers|planted|verdict|NIGHTS]``: make studies, write docs/studies."""

import os
import sys
import tempfile
from pathlib import Path

import pandas as pd

from studies.paper_parity import STRATEGIES, Parity, compare
from studies.papers import real_data, study
from studies.planted_page import study as planted_study
from studies.verdict_page import study as verdict_study

OUT = Path(__file__).parent.parent / "docs" / "studies"
NIGHTS = 365
FIRST = pd.Timestamp("2020-06-01", tz="UTC")
FILES = {
    "BTC-USD": "btc_usd_yahoo_1d.csv",
    "ETH-USD": "eth_usd_yahoo_1d.csv",
    "LTC-USD": "ltc_usd_yahoo_1d_to_2022.csv",
}
_COLUMNS = ("strategy", "symbols", "nights", "refits", "fills", "different")


def main() -> None:
    """Make the study that is named, or all of them."""
    named = sys.argv[1:]
    if named in ([], ["papers"]):
        (OUT / "papers.md").write_text(study(real_data()), encoding="utf-8")
    if named in ([], ["planted"]):
        (OUT / "planted-signal.md").write_text(planted_study(), encoding="utf-8")
    if named in ([], ["verdict"]):
        (OUT / "verdict.md").write_text(verdict_study(), encoding="utf-8")
    if named not in (["papers"], ["planted"], ["verdict"]):
        _parity(int(named[0]) if named else NIGHTS)


def _parity(nights: int) -> None:
    """Run an account beside a backtest for each strategy, with one and with three symbols."""
    found = [
        _case(strategy, symbols, nights) for symbols in (1, len(FILES)) for strategy in STRATEGIES
    ]
    text = _page(found)
    sys.stdout.write(text)
    if nights == NIGHTS:
        (OUT / "paper-parity.md").write_text(text, encoding="utf-8")


def _case(strategy: str, symbols: int, nights: int) -> Parity:
    data = Path(os.environ["CRYPTOBT_REAL_DATA"])
    files = {symbol: data / name for symbol, name in list(FILES.items())[:symbols]}
    with tempfile.TemporaryDirectory() as folder:
        parity = compare(Path(folder), strategy, files, FIRST, nights)
    sys.stderr.write(f"{parity}\n")
    return parity


def _page(found: list[Parity]) -> str:
    rows = [
        (one.strategy, one.symbols, one.nights, one.refits, one.fills, len(one.differences))
        for one in found
    ]
    lines = [
        "# Paper nights against a backtest",
        "",
        "Every night of an account was run on its own, half an hour after the close "
        f"(`--as-of`), from {FIRST:%Y-%m-%d} on; afterwards one backtest over the same bars, in "
        "another process with an empty cache, so that every network was trained again. Compared "
        "are the files `equity.csv`, `weights.csv`, `orders.csv` (but for `decided_at`), "
        "`fills.csv` and `trades.csv`, byte for byte. The bars are Yahoo's; the networks are "
        "small, refitted every 30 days; half of the account is the most, and every change of a "
        "weight is traded. Written by `make study`.",
        "",
        "| " + " | ".join(_COLUMNS) + " |",
        "|" + "---|" * len(_COLUMNS),
        *("| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else f"`{cell}`" for cell in row)
          + " |" for row in rows),
        *(f"\n{one.strategy}, {one.symbols}: {line}" for one in found for line in one.differences),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
