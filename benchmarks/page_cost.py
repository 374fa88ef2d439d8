"""What the page costs beyond quantstats' own time: drawn again from one finished run.

``python -m benchmarks.page_cost OUT`` runs the main job from a warm cache and prints the seconds
that each drawing took, as JSON; quantstats' part is there already.
"""

import json
import sys
import time
from collections.abc import Callable

import pandas as pd

from cryptobt.core.settings import load_settings
from cryptobt.jobs import run_files
from cryptobt.jobs.backtest import Events, backtest
from cryptobt.reports.sheet import Sheet

ROUNDS = 5


def main() -> None:
    """Draw the page of the main job several times."""
    seconds: list[float] = []
    render = run_files.render_tearsheet

    def timed(sheet: Sheet, quantstats: Callable[[], str] | None = None) -> str:
        drawn = quantstats() if quantstats else ""
        page = ""
        for _ in range(ROUNDS):
            began = time.perf_counter()
            page = render(sheet, lambda: drawn)
            seconds.append(time.perf_counter() - began)
        return page

    run_files.render_tearsheet = timed
    flags = {"data.source": "sample", "run.out": sys.argv[1], "run.workers": 2}
    quiet = Events(lambda _: None, lambda _: None, lambda _: None)
    backtest(load_settings(None, [], flags), pd.Timestamp.now(tz="UTC"), quiet)
    sys.stdout.write(json.dumps(seconds))


if __name__ == "__main__":
    main()
