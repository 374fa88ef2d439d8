"""Tables of a paper account's ledger: facts that are only ever added to."""

VERSION = 1
"""Of the tables; stands in the file as ``PRAGMA user_version``."""

_ACCOUNT = """
CREATE TABLE account (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL,
    created_at TEXT NOT NULL,
    settings TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT
"""
_NIGHTS = """
CREATE TABLE nights (
    night_id INTEGER PRIMARY KEY,
    bar_at TEXT NOT NULL UNIQUE,
    decided_at TEXT NOT NULL,
    simulated INTEGER NOT NULL CHECK (simulated IN (0, 1)),
    record TEXT NOT NULL,
    warnings TEXT NOT NULL,
    libraries TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT
"""
_BARS = """
CREATE TABLE bars (
    night_id INTEGER NOT NULL REFERENCES nights DEFERRABLE INITIALLY DEFERRED,
    symbol TEXT NOT NULL,
    time TEXT NOT NULL,
    open REAL NOT NULL,
    high REAL NOT NULL,
    low REAL NOT NULL,
    close REAL NOT NULL,
    volume REAL,
    source TEXT NOT NULL,
    fetched_at TEXT,
    arrived_late INTEGER NOT NULL CHECK (arrived_late IN (0, 1)),
    PRIMARY KEY (symbol, time)
) STRICT
"""
_FORECASTS = """
CREATE TABLE forecasts (
    night_id INTEGER NOT NULL REFERENCES nights DEFERRABLE INITIALLY DEFERRED,
    time TEXT NOT NULL,
    symbol TEXT NOT NULL,
    horizon_bars INTEGER NOT NULL,
    model_id TEXT NOT NULL,
    forecaster TEXT NOT NULL,
    made_at TEXT NOT NULL,
    target_at TEXT NOT NULL,
    score REAL NOT NULL,
    mean REAL,
    p_up REAL,
    q05 REAL,
    q50 REAL,
    q95 REAL,
    seed_spread REAL,
    trained_until TEXT NOT NULL,
    fold TEXT NOT NULL,
    PRIMARY KEY (symbol, time, horizon_bars, model_id)
) STRICT
"""
_MODELS = """
CREATE TABLE models (
    night_id INTEGER NOT NULL REFERENCES nights DEFERRABLE INITIALLY DEFERRED,
    symbol TEXT NOT NULL,
    model_id TEXT NOT NULL,
    fold TEXT NOT NULL,
    trained_until TEXT NOT NULL,
    PRIMARY KEY (symbol, model_id, fold)
) STRICT
"""
_QUOTES = """
CREATE TABLE quotes (
    night_id INTEGER NOT NULL REFERENCES nights DEFERRABLE INITIALLY DEFERRED,
    symbol TEXT NOT NULL,
    price REAL NOT NULL,
    quoted_at TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (night_id, symbol)
) STRICT
"""
_REWRITES = """
CREATE TABLE rewrites (
    night_id INTEGER NOT NULL REFERENCES nights DEFERRABLE INITIALLY DEFERRED,
    symbol TEXT NOT NULL,
    time TEXT NOT NULL,
    recorded TEXT NOT NULL,
    told TEXT NOT NULL,
    seen_at TEXT NOT NULL
) STRICT
"""
_ABSENCES = """
CREATE TABLE absences (
    night_id INTEGER NOT NULL REFERENCES nights DEFERRABLE INITIALLY DEFERRED,
    symbol TEXT NOT NULL,
    newest TEXT NOT NULL,
    PRIMARY KEY (night_id, symbol)
) STRICT
"""
FACTS = ("bars", "forecasts", "models", "quotes", "rewrites", "absences")
"""Tables with rows of a night, in the order in which they are hashed."""


def statements() -> list[str]:
    """Everything that makes an empty ledger."""
    return [*objects(), f"PRAGMA user_version = {VERSION}"]


def objects() -> list[str]:
    """Tables, triggers and indexes, each as SQLite keeps its text."""
    tables = [
        _ACCOUNT, _NIGHTS, _BARS, _FORECASTS, _MODELS, _QUOTES, _REWRITES, _ABSENCES
    ]  # fmt: skip
    return [*(table.strip() for table in tables), *_only_grows(), *_by_night()]


def _only_grows() -> list[str]:
    return [
        f"CREATE TRIGGER {table}_keeps_{what} BEFORE {what} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        for table in ("account", "nights", *FACTS)
        for what in ("UPDATE", "DELETE")
    ]


def _by_night() -> list[str]:
    return [f"CREATE INDEX {table}_by_night ON {table} (night_id)" for table in FACTS]
