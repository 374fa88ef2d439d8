"""Every fold fitted anew on bars cut at its end: its forecasts must be those of the whole run."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cryptobt.core.errors import CryptobtError, DataInvalidError, UsageError
from cryptobt.core.settings import Settings
from cryptobt.core.types import ExtraSeries, Forecasts, MarketData
from cryptobt.features.sets import compute
from cryptobt.forecasters.walkforward import forecast
from cryptobt.jobs.audits.checks import Check, Question
from cryptobt.jobs.audits.futures import World, cut
from cryptobt.jobs.events import Events
from cryptobt.records.content import ContentStore

COLD = Question(
    "forecasts, retrained on cut data",
    "deep",
    "each fold, fitted anew on bars cut at its end, gives the same forecasts to the last bit",
)
_KEY = ["time", "model_id", "horizon_bars"]
_COMPARED = ("score", "mean", "p_up", "q05", "q50", "q95", "seed_spread", "trained_until")


@dataclass(frozen=True)
class Cold:
    """Every fold of one symbol, fitted anew where nothing is remembered.

    Attributes
    ----------
    whole : DataFrame
        Forecasts of the whole run, of this symbol.
    name : str
        Of the forecaster.
    """

    settings: Settings
    market: MarketData
    extras: tuple[ExtraSeries, ...]
    whole: pd.DataFrame
    name: str
    joins_late: bool
    events: Events

    def compared(self) -> Check | None:
        """The first fold whose forecasts differ; None where all are the same."""
        whole = self.whole
        ends = whole.groupby("fold")["time"].max().sort_values()
        with tempfile.TemporaryDirectory(prefix="cryptobt-") as folder:
            for number, (fold, last) in enumerate(ends.items(), start=1):
                self.events.step(f"deep: fold {number} of {len(ends)} retrained cold")
                try:
                    made = self._made(pd.Timestamp(last), ContentStore(Path(folder)))
                except (UsageError, DataInvalidError) as error:
                    return self._failed(pd.Timestamp(last), error)
                found = self._parted(whole[whole["fold"] == fold], made)
                if found is not None:
                    return found
        return None

    def _made(self, last: pd.Timestamp, cold: ContentStore) -> Forecasts:
        """Forecasts from bars up to one; what the folds before learnt, they learnt as cold."""
        world = cut(World(self.market, self.extras), last)
        table = compute(self.settings.features.set, world.market, world.extras)
        return forecast(
            world.market,
            table,
            self.name,
            self.settings,
            cold,
            lambda _: None,  # a bar for each fold's few fits would tell no more than the steps do
            joins_late=self.joins_late,
        )

    def _parted(self, whole: pd.DataFrame, made: Forecasts) -> Check | None:
        """Name the first forecast that is another; to the last bit."""
        one = whole.set_index(_KEY).sort_index()
        two = made.frame.set_index(_KEY).reindex(one.index)
        for column in _COMPARED:
            a, b = one[column], two[column]
            apart = ~((a == b) | (a.isna() & b.isna())).to_numpy()
            if apart.any():
                row = int(apart.argmax())
                time = one.index[row][0]
                return COLD.leaked(
                    f"'{column}' of {one['forecaster'].iloc[row]} at {time:%F} is {a.iloc[row]}, "
                    f"and {b.iloc[row]} from a fold that was fitted on bars cut at its end",
                    time=time,
                    column=column,
                    symbol=self.market.symbol,
                    mend="Fit scalers, choose features and train on rows of the training windows "
                    "alone; compute every column from bars up to its own",
                )
        return None

    def _failed(self, last: pd.Timestamp, error: CryptobtError) -> Check:
        told = f"on bars cut at {last:%F} the pipeline fails: {error}"
        return COLD.noted(told, time=last, symbol=self.market.symbol)
