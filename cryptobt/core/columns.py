"""Column names of the frames that rooms pass to each other and of the files of a run.

The order of each tuple is the order in the file. ``docs/contract.md`` explains every column.
"""

TIME = "time"
OPEN, HIGH, LOW, CLOSE, VOLUME = "open", "high", "low", "close", "volume"
PRICES = (OPEN, HIGH, LOW, CLOSE)
BARS = (*PRICES, VOLUME)
AVAILABLE_AT = "available_at"
ONCHAIN = ("adractcnt", "txcnt", "feetotntv")

FORECASTS = (
    "time", "symbol", "horizon_bars", "model_id", "forecaster", "made_at", "target_at", "score",
    "mean", "p_up", "q05", "q50", "q95", "seed_spread", "trained_until", "fold",
)  # fmt: skip
EQUITY = (
    "time", "equity_quote", "cash_quote", "return", "drawdown", "gross_weight", "net_weight",
    "fees_quote", "slippage_quote", "funding_quote",
)  # fmt: skip
WEIGHTS = ("time", "symbol", "target_weight", "weight", "quantity_base", "close")
ORDERS = (
    "order_id", "time", "symbol", "side", "exec_type", "quantity_base", "limit_price_quote",
    "stop_price_quote", "valid_until", "decided_at", "target_weight", "status", "reason",
)  # fmt: skip
FILLS = (
    "fill_id", "order_id", "time", "symbol", "side", "quantity_base", "price_quote", "open_quote",
    "fee_quote", "slippage_quote", "position_base", "late",
)  # fmt: skip
TRADES = (
    "trade_id", "time", "exit_time", "symbol", "direction", "quantity_base", "entry_price_quote",
    "exit_price_quote", "pnl_quote", "return", "fees_quote", "bars_held", "open",
)  # fmt: skip
