"""From target weights to equity, many accounts at once: what other costs would have left.

The same rules as :func:`cryptobt.backtests.run.run_backtest` (docs/architecture.md, "Sizing"), in
arrays over accounts instead of objects over orders. Tests hold the two to each other; every account
that is shown as the run's own comes from ``run_backtest``.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from cryptobt.core.settings import Settings

_DUST = 1e-12
_OVER = 1 + 1e-9


@dataclass(frozen=True)
class Prices:
    """What is traded, bar by bar.

    Attributes
    ----------
    opens, closes : ndarray, shape (T, S)
        Quote price of each symbol, from the first decision on; NaN where it has no bar.
    days : float
        Days between two bars.
    """

    opens: np.ndarray
    closes: np.ndarray
    days: float


@dataclass(frozen=True)
class Paths:
    """What each account wants, and what it pays.

    Attributes
    ----------
    targets : callable
        From a bar's number to the weights wanted at its close, shape (P, S); NaN for no opinion.
    fee_bps, slippage_bps : ndarray, shape (P,)
        Of every fill.
    band : ndarray, shape (P,)
        Distance of weights that is left alone, before it is divided by the number of symbols.
    """

    targets: Callable[[int], np.ndarray]
    fee_bps: np.ndarray
    slippage_bps: np.ndarray
    band: np.ndarray


@dataclass(frozen=True)
class WeightAccounts:
    """What became of each account.

    Attributes
    ----------
    equity : ndarray, shape (T, whole)
        In quote, at every close, of the first accounts.
    glimpses : ndarray, shape (rows, P)
        In quote, at the closes that were asked for, of all accounts.
    mean, deviation : ndarray, shape (P,)
        Of the simple returns per bar, ddof 1; NaN with fewer than two.
    exposure : ndarray, shape (P,)
        Mean gross weight at closes.
    turnover : ndarray, shape (P,)
        Mean value filled a bar, as a share of the equity at the close before.
    """

    equity: np.ndarray
    glimpses: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    exposure: np.ndarray
    turnover: np.ndarray

    def sharpe(self, periods: float, risk_free: float) -> np.ndarray:
        """Annualised Sharpe ratio of each account; NaN where its returns do not vary."""
        varies = self.deviation > 1e-15
        excess = self.mean - risk_free / periods
        ratio = np.divide(excess, self.deviation, out=np.full(len(excess), np.nan), where=varies)
        return np.asarray(ratio * np.sqrt(periods))


def weight_equity(
    prices: Prices,
    paths: Paths,
    settings: Settings,
    whole: int | None = None,
    rows: np.ndarray | None = None,
) -> WeightAccounts:
    """Trade target weights, many accounts at once, decided at closes and filled at next opens.

    Causality: equity at bar t depends on prices up to t and targets before it.

    Parameters
    ----------
    settings : Settings
        Sizing, account, funding; fee, slippage and band are the paths' own.
    whole : int, optional
        How many accounts' equity is kept at every bar; all of them if it is not given.
    rows : ndarray of int, optional
        Bars at which the equity of every account is kept; none if it is not given.

    Notes
    -----
    A margin account is not closed out here when its margin is used up: where the run had a margin
    call, ask ``run_backtest``.
    """
    with _quiet():
        count = len(paths.fee_bps) if whole is None else whole
        asked = np.zeros(0, dtype=int) if rows is None else rows
        return _Book(prices, paths, settings).live(count, asked)


@contextmanager
def _quiet() -> Iterator[None]:
    # An account that is lost divides by nothing; its weights are set to 0 as the engine does.
    with np.errstate(divide="ignore", invalid="ignore"):
        yield


class _Book:
    """Cash, holdings and waiting orders of every account: arrays of shape (P,) and (P, S)."""

    def __init__(self, prices: Prices, paths: Paths, settings: Settings) -> None:
        count, symbols = len(paths.fee_bps), prices.opens.shape[1]
        self.prices, self.paths, self.settings = prices, paths, settings
        self.fee, self.slip = paths.fee_bps / 1e4, paths.slippage_bps / 1e4
        self.room = (1 + self.fee) * (1 + self.slip) * (1 + settings.sizing.gap_reserve)
        self.short = settings.sizing.allow_short
        self.funding = settings.costs.funding_bps_per_day / 1e4 * prices.days
        self.borrow = settings.costs.borrow_bps_per_day / 1e4 * prices.days
        self.cash = np.full(count, float(settings.account.cash_quote))
        self.held = np.zeros((count, symbols))
        self.orders = np.zeros((count, symbols))
        self.opening = np.zeros((count, symbols), dtype=bool)
        self.sent_at = np.zeros((count, symbols), dtype=int)
        self.close = np.full(symbols, np.nan)
        self.filled = np.zeros(count)

    def live(self, whole: int, rows: np.ndarray) -> WeightAccounts:
        bars, count = len(self.prices.opens), len(self.cash)
        equity, glimpses = np.empty((bars, whole)), np.empty((len(rows), count))
        place = {int(bar): row for row, bar in enumerate(rows)}
        sums, squares, gross, turned = np.zeros((4, count))
        before = self.cash.copy()
        for bar in range(bars):
            has = np.isfinite(self.prices.opens[bar])
            self._fill(self.prices.opens[bar], has)
            self.close = np.where(has, self.prices.closes[bar], self.close)
            now, weights = self._close(has)
            if bar:
                move = np.where(before > 0, now / before - 1, 0.0)
                sums += move
                squares += move * move
                turned += np.where(before > 0, self.filled / before, 0.0)
            gross += np.abs(weights).sum(axis=1)
            equity[bar] = now[:whole]
            if bar in place:
                glimpses[place[bar]] = now
            self._decide(bar, has, now, weights)
            before = now
        mean, deviation = _moments(sums, squares, bars - 1)
        turnover = turned / (bars - 1) if bars > 1 else np.full(count, np.nan)
        return WeightAccounts(equity, glimpses, mean, deviation, gross / max(bars, 1), turnover)

    def _fill(self, opens: np.ndarray, has: np.ndarray) -> None:
        """Fill what waits for a symbol that has a bar, in the order in which it was sent."""
        self.filled = np.zeros(len(self.cash))
        waiting = self.orders.any(axis=0) & has
        # What only closes was sent before what opens; orders of an earlier bar before both.
        turn = 2 * self.sent_at + self.opening
        for now in np.unique(turn[:, waiting][self.orders[:, waiting] != 0]):
            for symbol in np.flatnonzero(waiting).tolist():
                due = np.where(turn[:, symbol] == now, self.orders[:, symbol], 0.0)
                if due.any():
                    self._trade(symbol, due, opens)
        self.orders[:, waiting] = 0.0

    def _trade(self, symbol: int, size: np.ndarray, opens: np.ndarray) -> None:
        price = opens[symbol] * (1 + np.sign(size) * self.slip)
        cost = size * price + np.abs(size) * price * self.fee
        allowed = self._allowed(symbol, size, price, cost, opens)
        size, cost = np.where(allowed, size, 0.0), np.where(allowed, cost, 0.0)
        self.held[:, symbol] += size
        self.cash -= cost
        self.filled += np.abs(size) * opens[symbol]

    def _allowed(
        self,
        symbol: int,
        size: np.ndarray,
        price: np.ndarray,
        cost: np.ndarray,
        opens: np.ndarray,
    ) -> np.ndarray:
        """Whether cash, or the initial margin, covers each order at its fill."""
        if not self.short:
            return (size <= 0) | (self.cash - cost >= 0)
        after = self.held[:, symbol] + size
        grows = np.abs(after) > np.maximum(np.abs(self.held[:, symbol]), _DUST)
        values = np.nan_to_num(self.held * np.where(np.isfinite(opens), opens, self.close))
        values[:, symbol] = after * price
        equity = self.cash - cost + values.sum(axis=1)
        enough = equity >= self.settings.account.initial_margin * np.abs(values).sum(axis=1)
        return ~grows | enough

    def _close(self, has: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Charge funding; give equity, shape (P,), and weights, shape (P, S), at the close."""
        values = np.nan_to_num(self.held * self.close)
        equity = self.cash + values.sum(axis=1)
        if self.funding or self.borrow:
            owed = values[:, has]
            paid = (owed * self.funding - np.minimum(owed, 0.0) * self.borrow).sum(axis=1)
            paid = np.minimum(paid, np.maximum(equity, 0.0))
            self.cash -= paid
            equity = equity - paid
        weights = np.where(equity[:, None] > 0, values / equity[:, None], 0.0)
        return equity, weights

    def _decide(self, bar: int, has: np.ndarray, equity: np.ndarray, weights: np.ndarray) -> None:
        sizing = self.settings.sizing
        wanted = self.paths.targets(bar)
        known = np.isfinite(wanted) & has
        lowest = -sizing.max_weight if self.short else 0.0
        target = np.clip(np.where(known, wanted, 0.0), lowest, sizing.max_weight)
        besides = (np.abs(weights) * ~known).sum(axis=1)
        left = np.maximum(sizing.max_gross - besides, 0.0)
        asked = np.abs(target).sum(axis=1)
        target *= np.where(asked > left, left / np.where(asked > 0, asked, 1.0), 1.0)[:, None]
        gross = np.abs(weights).sum(axis=1)
        heavy = (gross > sizing.max_gross * _OVER)[:, None] & (np.abs(target) < np.abs(weights))
        heavy |= np.abs(weights) > sizing.max_weight * _OVER
        leaves = (target == 0) & (np.abs(self.held) > _DUST)
        band = self.paths.band / max(int(np.isfinite(self.close).sum()), 1)
        near = np.abs(target - weights) < band[:, None]
        changes = known & (equity > 0)[:, None] & (leaves | heavy | ~near)
        if changes.any():
            sent = self._send(changes, target, equity, gross)
            self.sent_at = np.where(sent, bar, self.sent_at)

    def _send(
        self, changes: np.ndarray, target: np.ndarray, equity: np.ndarray, gross: np.ndarray
    ) -> np.ndarray:
        """Size the orders, cut what is opened to what can be paid, and say which now wait."""
        close = np.where(np.isfinite(self.close), self.close, 1.0)
        quantity = np.where(changes, target * equity[:, None] / close - self.held, 0.0)
        side = np.where(quantity > 0, 1.0, -1.0)
        against = changes & (self.held * side < 0)
        closing = np.where(against, np.minimum(np.abs(quantity), np.abs(self.held)), 0.0)
        opening = np.where(changes, self._lots(np.abs(quantity) - closing), 0.0)
        closing = np.where(against & (opening == 0), self._closed(closing), closing)
        opening, closing = self._affordable(opening, closing, close, equity, gross)
        size = opening + closing
        # What opens is judged as a whole by the exchange; what only closes was judged before.
        refused = (opening > 0) & (size * close < self.settings.sizing.min_notional_quote)
        size = np.where(refused, 0.0, size)
        sent = size > 0
        # An order of a symbol without a bar waits on; a decision is only made at a bar.
        self.orders = np.where(sent, size * side, self.orders)
        self.opening = np.where(sent, opening > 0, self.opening)
        return sent

    def _affordable(
        self,
        opening: np.ndarray,
        closing: np.ndarray,
        close: np.ndarray,
        equity: np.ndarray,
        gross: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        small = (closing <= _DUST) | (closing * close < self.settings.sizing.min_notional_quote)
        closing = np.where((opening == 0) & small, 0.0, closing)
        freed, cost = (closing * close).sum(axis=1), (opening * close).sum(axis=1)
        if self.short:
            margin = self.settings.account.initial_margin * self.room
            budget = equity / margin - gross * equity + freed
        else:
            cost, budget = cost * self.room, self.cash + freed / self.room
        budget = np.maximum(budget, 0.0)
        share = np.where(cost > budget, budget / np.where(cost > 0, cost, 1.0), 1.0)
        opening = np.where(opening > 0, self._lots(opening * share[:, None]), 0.0)
        return opening, np.where((opening == 0) & small, 0.0, closing)

    def _lots(self, quantity: np.ndarray) -> np.ndarray:
        lots = quantity / self.settings.sizing.lot_step
        return np.floor(lots + 4e-15 * lots + 1e-9) * self.settings.sizing.lot_step

    def _closed(self, quantity: np.ndarray) -> np.ndarray:
        """Whole lots of a reduction, or all: no remainder may keep a position open."""
        size, held = self._lots(quantity), np.abs(self.held)
        all_of_it = (quantity >= held) | (held - size < self.settings.sizing.lot_step / 2)
        return np.where(all_of_it, held, size)


def _moments(sums: np.ndarray, squares: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation (ddof 1) from sums; NaN of fewer than two."""
    if count < 2:
        none = np.full(len(sums), np.nan)
        return none, none
    mean = sums / count
    return mean, np.sqrt(np.maximum(squares - count * mean**2, 0.0) / (count - 1))
