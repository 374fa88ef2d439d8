"""Days since and until the halving, whose dates are known years ahead."""

import pandas as pd

HALVINGS = pd.to_datetime(["2016-07-09", "2020-05-11", "2024-04-20"], utc=True)


def columns(bars):
    after = HALVINGS.searchsorted(bars.index, side="right")
    since = (bars.index - HALVINGS[after - 1]).days
    until = (HALVINGS[after] - bars.index).days
    return pd.DataFrame(
        {"ret": bars["close"].pct_change(), "since": since / 1000, "until": until / 1000},
        index=bars.index,
    )
