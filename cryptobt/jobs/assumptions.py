"""What a run assumed, in words for the tearsheet."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cryptobt.backtests.run import Trader
from cryptobt.core.settings import DataSettings, Settings
from cryptobt.core.time import interval_label
from cryptobt.core.types import Forecasts, MarketData
from cryptobt.core.user_code import is_reference
from cryptobt.data.extras import COINMETRICS
from cryptobt.data.named_files import split_entry
from cryptobt.data.sample import sample_market
from cryptobt.features.sets import find_feature_set
from cryptobt.forecasters.registry import find_forecaster
from cryptobt.jobs.manifest import WHERE, code_version, libraries


def describe(
    settings: Settings,
    markets: Sequence[MarketData],
    forecasts: Forecasts | None,
    trader: Trader,
) -> tuple[tuple[str, str], ...]:
    """Data, dates, costs, refits and seeds of a run as label and sentence."""
    return (
        *(("Data", _data(market)) for market in markets),
        ("Decisions", _decisions(settings, forecasts)),
        ("Timing", "decided at a bar's close, filled at the next bar's open"),
        ("Costs", _costs(settings)),
        ("Sizing", _sizing(settings, len(markets))),
        *((("Margin", _margin(settings)),) if settings.sizing.allow_short else ()),
        ("Forecaster", _forecaster(settings, trader)),
        ("Refits", _refits(settings, forecasts)),
        ("Seeds", _seeds(settings, trader)),
        ("Versions", _versions()),
    )


def repeat_command(
    settings: Settings, markets: Sequence[MarketData], trader: Trader, key: str
) -> str:
    """The command that repeats the run, without any path of the machine it ran on."""
    spec = trader.spec
    name = f"{Path(spec.file).name}:{spec.name}" if spec.file else spec.name
    parts = [f"cryptobt backtest --strategy {shlex.quote(name)}"]
    if markets[0].source == "csv":
        parts.extend(f"--csv {shlex.quote(market.symbol)}=FILE" for market in markets)
    else:
        parts.extend(f"--symbol {shlex.quote(market.symbol)}" for market in markets)
        parts.append(f"--source {markets[0].source}")
    parts.extend(_series_flags(settings.data))
    defaults = Settings().model_dump(mode="json", exclude={"run"})
    chosen = settings.model_dump(mode="json", exclude={"run"})
    for section, key_of_name in (("forecaster", "name"), ("features", "set")):
        if is_reference(own := chosen[section][key_of_name] or ""):
            chosen[section][key_of_name] = Path(own).name
    skipped = {f"data.{name}" for name in WHERE} | {"strategy.name"}
    for section, values in chosen.items():
        for name, value in values.items():
            changed = value != defaults[section][name] and f"{section}.{name}" not in skipped
            if changed:
                parts.extend(_assignments(f"{section}.{name}", value))
    return " ".join(parts) + f"   # settings {key[:12]}"


def _series_flags(data: DataSettings) -> Iterator[str]:
    """Flags of the series beside the bars; where a file lies is left to whoever repeats it."""
    for entry in data.onchain:
        named = split_entry(entry)[0]
        written = entry if entry == COINMETRICS else f"{named}=FILE" if named else "FILE"
        yield f"--onchain {shlex.quote(written)}"
    for entry in data.extras:
        name, sign, _ = entry.partition("=")
        yield f"--extra {shlex.quote(f'{name}=FILE' if sign else name)}"


def _assignments(name: str, value: Any) -> list[str]:
    if isinstance(value, dict):
        return [f"--set {shlex.quote(f'{name}.{k}={_toml(v)}')}" for k, v in value.items()]
    return [f"--set {shlex.quote(f'{name}={_toml(value)}')}"]


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _data(market: MarketData) -> str:
    bars = f"{len(market.bars):,} bars of {interval_label(market.interval)}"
    span = f"{market.times[0]:%Y-%m-%d} to {market.times[-1]:%Y-%m-%d}"
    kind = "the SIMULATED sample market" if market.simulated else f"source {market.source}"
    text = f"{market.symbol} from {kind}: {bars}, {span} (UTC), content {market.hash[:12]}"
    if market.simulated:
        best = sample_market(market.symbol).best_accuracy
        text += f"; who knew its model would call {best:.1%} of ten years' directions right"
    return text


def _decisions(settings: Settings, forecasts: Forecasts | None) -> str:
    if forecasts is None:
        first = settings.data.start or "the first bar"
        return f"from {first} on; a rule does nothing until its indicator is ready"
    times = forecasts.frame["time"]
    return f"{times.min():%Y-%m-%d} to {times.max():%Y-%m-%d}; earlier bars warm up and train only"


def _costs(settings: Settings) -> str:
    costs = settings.costs
    borrow = f", borrowed coins {costs.borrow_bps_per_day:g}" if settings.sizing.allow_short else ""
    return (
        f"fee {costs.fee_bps:g} bps and slippage {costs.slippage_bps:g} bps of every fill, "
        f"funding {costs.funding_bps_per_day:g} bps a day{borrow}; "
        f"{settings.account.cash_quote:,.0f} quote to begin with"
    )


def _sizing(settings: Settings, symbols: int) -> str:
    sizing = settings.sizing
    kind = "long and short" if sizing.allow_short else "long/flat"
    shared = f", together at most {sizing.max_gross:.0%} of equity" if symbols > 1 else ""
    band = f"{100 * sizing.rebalance_band / symbols:.3g}%"
    return (
        f"{kind}; forecasts scaled to {sizing.volatility_target:.0%} volatility a year{shared}, "
        f"rebalanced when off by {band} of equity; lots of "
        f"{sizing.lot_step:g}, at least {sizing.min_notional_quote:g} quote an order"
    )


def _margin(settings: Settings) -> str:
    account = settings.account
    return (
        f"opening needs equity of {account.initial_margin:.0%} of all positions; below "
        f"{account.maintenance_margin:.0%} at a close everything is closed at the next open"
    )


def _forecaster(settings: Settings, trader: Trader) -> str:
    if trader.forecaster is None:
        return "none: the strategy is a rule; trend_only is shown for comparison"
    spec = find_forecaster(trader.forecaster)
    if not spec.trained:
        return f"{spec.name}: {spec.summary}"
    chosen = settings.forecaster
    target = {"trend": "smoothed trend", "scaled_close": "next close"}.get(
        chosen.target, chosen.target.replace("_", " ")
    )
    columns = find_feature_set(settings.features.set).name
    share = f", {chosen.trend_share:.0%} of the score is the known trend"
    return (
        f"{trader.forecaster}, preset {chosen.preset}: {target} from windows of "
        f"{chosen.window_bars} bars of the '{columns}' features"
        + (share if chosen.target == "trend" else "")
    )


def _refits(settings: Settings, forecasts: Forecasts | None) -> str:
    chosen = settings.walkforward
    folds = 0 if forecasts is None else forecasts.frame["fold"].nunique()
    past = "all earlier bars" if chosen.history == "expanding" else f"{chosen.history} days"
    return (
        f"every {chosen.refit_days} days on {past}, {folds} folds in the dates shown; "
        "scaler and network see only bars closed by the fold's date, "
        f"purge {_purge(settings)} bars"
    )


def _purge(settings: Settings) -> int:
    """Bars really kept out: never fewer than the target looks ahead."""
    chosen = settings.forecaster
    ahead = chosen.horizons[-1]
    if chosen.target == "trend":
        ahead = max(k for k, _ in chosen.target_heads)
    return max(chosen.purge_bars, ahead)


def _seeds(settings: Settings, trader: Trader) -> str:
    if trader.forecaster is None or not find_forecaster(trader.forecaster).trained:
        return "nothing random"
    chosen = settings.walkforward
    return f"{chosen.ensemble_seeds} networks a fold, averaged; base seed {chosen.seed}"


def _versions() -> str:
    known = libraries()
    shown = ("python", "torch", "numpy", "pandas", "backtrader", "quantstats")
    return f"cryptobt {code_version()}, " + ", ".join(f"{name} {known[name]}" for name in shown)
