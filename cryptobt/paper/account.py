"""A paper account: its folder, its frozen settings, and what it may be replayed with."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

import cryptobt
from cryptobt.backtests.run import Trader
from cryptobt.core.errors import LedgerError, UsageError, did_you_mean
from cryptobt.core.files import locked
from cryptobt.core.hashing import hash_json, hash_source
from cryptobt.core.settings import Settings, home
from cryptobt.core.time import DAY, iso, parse_interval
from cryptobt.data.frames import split_key
from cryptobt.data.named_files import pair_files, split_entry
from cryptobt.features.sets import find_feature_set
from cryptobt.jobs.manifest import libraries
from cryptobt.jobs.trader import forecaster_of, trader_of
from cryptobt.paper.ledger import Ledger, create_ledger

_MONEY = ("backtests", "strategies")
"""Rooms whose code decides what an account is worth."""


@dataclass(frozen=True)
class PaperAccount:
    """An account by its name.

    Attributes
    ----------
    settings : Settings
        As they were when it was opened.
    trader : Trader
        The strategy that they name.
    fingerprint : dict
        What it was opened with: hashes of strategy, settings and code, version of backtrader.
    """

    name: str
    created_at: pd.Timestamp
    settings: Settings
    trader: Trader
    fingerprint: dict[str, str]

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols that it trades, in the order in which they were named."""
        return self.settings.data.symbols

    def check_unchanged(self) -> None:
        """Refuse to go on with what would not give the same account again.

        Raises
        ------
        LedgerError
            Naming what changed.
        """
        now = fingerprint_of(self.settings, self.trader)
        changed = [name for name, value in self.fingerprint.items() if now.get(name) != value]
        if changed:
            name = changed[0]
            raise LedgerError(
                f"account '{self.name}': {name} changed since it was opened "
                f"({self.fingerprint[name][:16]} then, {now.get(name, 'none')[:16]} now), so its "
                "past would not replay; bring back what it was opened with, or open a new account"
            )


def fingerprint_of(settings: Settings, trader: Trader) -> dict[str, str]:
    """What decides an account's money, each thing by version or hash.

    Settings that the account's own document does not name are left out: to a version of the
    program that knows more of them it is the same account.
    """
    root = Path(cryptobt.__file__).parent
    code = [path for room in _MONEY for path in (root / room).glob("*.py")]
    forecaster = forecaster_of(settings, trader.spec)
    # cryptobt's own may change: forecasts are facts, and stay as they were made
    own = forecaster is not None and forecaster.file_hash
    columns = find_feature_set(settings.features.set)
    return {
        "the strategy": f"{trader.spec.name} {trader.spec.file_hash}".strip(),
        **({"the forecaster": f"{trader.forecaster} {own}"} if own else {}),
        **({"the features": f"{columns.name} {columns.file_hash}"} if columns.file else {}),
        "the settings": hash_json(
            settings.model_dump(mode="json", exclude={"run"}, exclude_unset=True)
        ),
        "cryptobt's code of backtests and strategies": hash_source(code),
        "backtrader": version("backtrader"),
    }


def open_account(settings: Settings, name: str, now: pd.Timestamp) -> PaperAccount:
    """Write a new account with its settings frozen.

    Raises
    ------
    UsageError
        If the name is taken or cannot be one, or the settings are not those of a paper account.
    CannotWriteError
        If it cannot be written; nothing is left behind.
    """
    text = settings.model_dump_json(exclude={"run"})
    written = Settings.model_validate_json(text)
    trader = trader_of(written)
    fingerprint = fingerprint_of(written, trader)
    with locked(folder_of(name) / "lock", 0.0, f"account '{name}'"):
        check_free(name)
        create_ledger(ledger_path(name), name, iso(now), text, json.dumps(fingerprint))
    return PaperAccount(name, now, written, trader, fingerprint)


def check_free(name: str) -> None:
    """Refuse a name that an account cannot have.

    Raises
    ------
    UsageError
        If it is taken, or cannot be one.
    """
    if ledger_path(name).exists():
        raise UsageError(f"there is an account '{name}' already; choose another name")


def frozen(settings: Settings) -> Settings:
    """Settings of an account, checked: what a night loads has to be fixed.

    Raises
    ------
    UsageError
        Naming the setting that an account cannot have.
    """
    data = settings.data
    for key in ("start", "end"):
        if getattr(data, key) is not None:
            raise UsageError(f"data.{key} is set; a paper account begins with its first night")
    if parse_interval(data.resample or data.interval) != DAY:
        raise UsageError(
            "paper accounts trade daily bars; set data.interval or data.resample to 1d"
        )
    files = {symbol: str(path.resolve()) for symbol, path in
             pair_files(data.csv, data.symbols, "csv").items()}  # fmt: skip
    source = "csv" if files else {"auto": "yahoo"}.get(data.source, data.source)
    symbols = tuple(files) or data.symbols
    if not symbols:
        raise UsageError("say which symbols to trade, such as --symbol BTC-USD")
    other = None if data.cross_check is None else _absolute_entry(data.cross_check)
    fixed = {"csv": tuple(f"{symbol}={path}" for symbol, path in files.items()),
             "source": source, "symbols": symbols,
             "onchain": _absolute(data.onchain), "extras": _absolute(data.extras),
             "cross_check": other}  # fmt: skip
    strategy = settings.strategy.model_copy(
        update={"name": _absolute_reference(settings.strategy.name)}
    )
    return settings.model_copy(
        update={"data": data.model_copy(update=fixed), "strategy": strategy}
        | _absolute_forecaster(settings)
        | _absolute_features(settings)
    )


def read_account(ledger: Ledger) -> PaperAccount:
    """Read what a ledger says of its account.

    Raises
    ------
    LedgerError
        If its settings are not settings of this version, or its strategy or features are not there
        any more.
    """
    row = ledger.account
    try:
        settings = Settings.model_validate_json(row["settings"])
    except ValueError as error:
        said = " ".join(str(error).split())[:200]
        raise LedgerError(
            f"account '{row['name']}' was opened with settings that this version of cryptobt does "
            f"not know ({said}); use the version that it was opened with"
        ) from error
    created_at = pd.Timestamp(row["created_at"])
    fingerprint: dict[str, str] = json.loads(row["fingerprint"])
    try:
        trader = trader_of(settings)
        find_feature_set(settings.features.set)
    except UsageError as error:
        raise LedgerError(
            f"account '{row['name']}': its code cannot be loaded ({error}); bring it back as "
            "it was when the account was opened"
        ) from error
    return PaperAccount(row["name"], created_at, settings, trader, fingerprint)


def accounts_folder() -> Path:
    """Folder of all accounts."""
    return home("data") / "accounts"


def folder_of(name: str) -> Path:
    """Folder of an account.

    Raises
    ------
    UsageError
        If that cannot be a name.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise UsageError(
            f"'{name}' cannot be an account's name; use letters, digits, dots, dashes and "
            "underscores, 64 at most"
        )
    return accounts_folder() / name


def ledger_path(name: str) -> Path:
    """File of an account's ledger."""
    return folder_of(name) / "ledger.sqlite3"


def account_names() -> list[str]:
    """Every account that there is."""
    folder = accounts_folder()
    if not folder.is_dir():
        return []
    return sorted(one.name for one in folder.iterdir() if _is_there(one / "ledger.sqlite3"))


def _is_there(path: Path) -> bool:
    """Whether a ledger is there; of one that may not be looked for this is said on opening it."""
    try:
        return path.exists()
    except PermissionError:
        return True


def existing_ledger(name: str) -> Path:
    """File of an account that exists.

    Raises
    ------
    UsageError
        With the nearest known name.
    """
    path = ledger_path(name)
    if not _is_there(path):
        known = account_names()
        advice = did_you_mean(name, known) if known else "open one with `cryptobt paper init`"
        raise UsageError(f"there is no paper account '{name}'; {advice}")
    return path


def describe_versions(then: dict[str, Any], warn: Callable[[str], None]) -> None:
    """Warn of libraries that changed since the night before; forecasts are facts and stay."""
    for name, known in libraries().items():
        if name in then and then[name] != known:
            warn(f"{name} is {known}, and was {then[name]} the night before")


def _absolute(entries: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_absolute_entry(entry) for entry in entries)


def _absolute_entry(entry: str) -> str:
    name, path = split_entry(entry)
    if not split_key(path)[0].is_file():
        return entry
    return f"{name}={path.resolve()}" if name else str(path.resolve())


def _absolute_forecaster(settings: Settings) -> dict[str, Any]:
    name = settings.forecaster.name
    if name is None:
        return {}
    chosen = settings.forecaster.model_copy(update={"name": _absolute_reference(name)})
    return {"forecaster": chosen}


def _absolute_features(settings: Settings) -> dict[str, Any]:
    name = _absolute_reference(settings.features.set)
    if name == settings.features.set:
        return {}
    return {"features": settings.features.model_copy(update={"set": name})}


def _absolute_reference(name: str) -> str:
    """Give a reference into a file, ``my_file.py:Name``, its whole path; leave other names."""
    file, sign, own = name.rpartition(":")
    path = Path(file).expanduser()
    return f"{path.resolve()}{sign}{own}" if file and path.is_file() else name
