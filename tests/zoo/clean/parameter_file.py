"""Periods come from a JSON file beside this one."""

import json
from pathlib import Path

import pandas as pd

PERIODS = json.loads((Path(__file__).parent / "params.json").read_text())["periods"]


def columns(bars):
    close = bars["close"]
    return pd.DataFrame({f"ret_{n}": close.pct_change(n) for n in PERIODS})
