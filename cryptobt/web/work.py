"""What the page's worker processes do: read, replay and forecast, and check what they give back.

Heavy libraries are imported here where they are used: the server itself never loads them.
"""

import contextlib
import math
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pydantic

from cryptobt.core.errors import CryptobtError, DataInvalidError
from cryptobt.web import foreign, models

if TYPE_CHECKING:
    from cryptobt.core.settings import Settings
    from cryptobt.jobs.at_last_bar import AtLastBar
    from cryptobt.jobs.events import Events

_BARS: dict[Any, "AtLastBar"] = {}
"""The newest bars that were asked about, loaded."""
_MOST_BARS = 4


def account(name: str) -> dict[str, Any]:
    """Read an account, with its figures under ``figures``."""
    from cryptobt.paper.sheet import account_sheet
    from cryptobt.web.figures import account_figures

    # a ledger that was copied still says what it was opened as: here it is called as it lies
    sheet = account_sheet(name) | {"account": name}
    found = _checked(models.Account, sheet, f"account '{name}'")
    return {"account": found, "figures": account_figures(found)}


def digests(name: str) -> dict[str, list[str]]:
    """Tell the nights of an account before its newest again."""
    from cryptobt.paper.sheet import earlier_digests

    return earlier_digests(name)


def tearsheet(name: str, now: str) -> str:
    """Draw the live tearsheet of an account, as of an instant."""
    import pandas as pd

    from cryptobt.paper.report import live_tearsheet

    return live_tearsheet(name, pd.Timestamp(now), _quiet())


def runs(out: Path) -> dict[str, Any]:
    """List the backtests in a folder: ``rows``, ``folders`` by id, and ``problems``.

    A folder that is not there yet has none.
    """
    from cryptobt.jobs.runs import list_runs

    if not out.is_dir():
        return _listed(out, models.RunRow, [], [])
    problems: list[str] = []
    told = list_runs(out, None, None, problems.append).rows
    return _listed(out, models.RunRow, told, problems)


def audits(out: Path) -> dict[str, Any]:
    """List the audits in a folder of runs, as :func:`runs`."""
    from cryptobt.jobs.audits.list import list_audits

    if not out.is_dir():
        return _listed(out, models.AuditRow, [], [])
    problems: list[str] = []
    told = [row | {"run_id": row["id"]} for row in list_audits(out, problems.append)]
    return _listed(out, models.AuditRow, told, problems)


def run(folder: Path) -> dict[str, Any]:
    """Read one backtest; ``id`` and ``files`` are the caller's."""
    from cryptobt.jobs.run_sheet import run_sheet

    sheet = {key: value for key, value in run_sheet(folder).items() if key != "folder"}
    return _checked(models.Run, sheet | {"id": "", "files": []}, folder.name)


def audit(folder: Path) -> dict[str, Any]:
    """Read one audit; ``id`` and ``files`` are the caller's."""
    from cryptobt.jobs.audits.list import find_audit

    found = find_audit(folder.name, folder.parent)
    own = {key: found[key] for key in models.AuditRow.model_fields if key != "id"}
    document = _plain(found["document"])
    _checked(foreign.AuditDocument, document, f"audit.json of {folder.name}")
    return _checked(models.Audit, own | {"id": "", "files": [], "document": document}, folder.name)


def comparison(one: Path, other: Path) -> dict[str, Any]:
    """Compare two backtests, with the figures under ``figures``."""
    from cryptobt.jobs.compare_sheet import compare_sheet
    from cryptobt.web.figures import compare_figures

    found = _plain(compare_sheet(one, other))
    _checked(foreign.Compared, found["document"], f"{one.name} or {other.name}")
    for which in ("a", "b"):
        found["document"][which].pop("folder", None)
    return found | {"figures": compare_figures(found)}


def policy() -> str:
    """Content-Security-Policy of the pages in run folders."""
    from cryptobt.jobs.page_policy import page_policy

    return page_policy()


def stored(now: str) -> dict[str, Any]:
    """Say what is stored of the market."""
    import pandas as pd

    from cryptobt.jobs.stored import stored_sheet

    return _checked(
        models.Data,
        stored_sheet(pd.Timestamp(now)) | {"state": "ready"},
        "the store of market data",
    )


def account_settings(name: str) -> "Settings":
    """Read the settings that an account was opened with."""
    from cryptobt.paper.account import existing_ledger, read_account
    from cryptobt.paper.ledger import open_ledger

    with open_ledger(existing_ledger(name), verify=False, read_only=True) as ledger:
        return read_account(ledger).settings


def forecast(settings: "Settings | str", now: str) -> dict[str, Any]:
    """Forecast what comes after the last bar complete at an instant; text names an account."""
    import pandas as pd

    from cryptobt.jobs.next_forecast import next_forecast

    with _own_output():
        made = next_forecast(_settings(settings), pd.Timestamp(now), _quiet())
    return _plain(made.document)


def last_row(settings: "Settings | str", symbol: str, now: str, state: Any) -> dict[str, Any]:
    """Give the fields of the newest complete bar."""
    from cryptobt.jobs.what_if import show

    return _plain(show(_at_last_bar(settings, symbol, now, state)).to_json())


def what_if(
    settings: "Settings | str", symbol: str, now: str, state: Any, edits: Mapping[str, str | float]
) -> dict[str, Any]:
    """Ask a forecaster about an edited bar."""
    from cryptobt.jobs.what_if import ask_again

    return _plain(ask_again(_at_last_bar(settings, symbol, now, state), edits).to_json())


def _at_last_bar(settings: "Settings | str", symbol: str, now: str, state: Any) -> "AtLastBar":
    """Load a bar once for each state of its files."""
    import pandas as pd

    from cryptobt.jobs.at_last_bar import at_last_bar

    key = (symbol, state)
    if key not in _BARS:
        with _own_output():
            loaded = at_last_bar(_settings(settings), symbol, pd.Timestamp(now), _quiet())
        while len(_BARS) >= _MOST_BARS:
            _BARS.pop(next(iter(_BARS)))
        _BARS[key] = loaded
    return _BARS[key]


def _settings(settings: "Settings | str") -> "Settings":
    """Settings to forecast with: by one process, so that pages stay quick meanwhile."""
    found = account_settings(settings) if isinstance(settings, str) else settings
    return found.model_copy(update={"run": found.run.model_copy(update={"workers": 1})})


@contextlib.contextmanager
def _own_output() -> Iterator[None]:
    """Let what a user's own code prints go to stderr."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


def _quiet() -> "Events":
    from cryptobt.jobs.events import Events

    def ignore(_: object) -> None:
        """Warnings stand in the documents; nobody watches the steps."""

    return Events(ignore, ignore, ignore)


def _listed(
    out: Path, model: type[pydantic.BaseModel], told: list[dict[str, Any]], problems: list[str]
) -> dict[str, Any]:
    """Check the rows of a list one by one, and give each an id of its own."""
    # a link may lead to anywhere: what lies behind it is not of this folder
    own = [row for row in told if not Path(str(row["folder"])).is_symlink()]
    counted = [str(row["run_id"]) for row in own]
    rows, folders = [], {}
    for row in own:
        folder = Path(row["folder"]).name
        short = str(row["run_id"])
        plain = counted.count(short) == 1 and short.isalnum() and len(short) <= _LONGEST_ID
        called = short if plain else folder
        known = {key: row[key] for key in row if key in model.model_fields}
        try:
            rows.append(_checked(model, known | {"id": called}, folder))
        except CryptobtError as error:
            problems.append(str(error))
            continue
        folders[called] = folder
    said = [text.replace(f"{out}{os.sep}", "") for text in problems]
    return {"rows": rows, "folders": folders, "problems": said}


_LONGEST_ID = 32


def _checked(model: type[pydantic.BaseModel], document: Any, what: str) -> dict[str, Any]:
    """Check a document against its model; files may come from someone else."""
    try:
        return model.model_validate(_plain(document)).model_dump(mode="json", by_alias=True)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DataInvalidError(
            f"{what} is damaged: '{place}' is not what it should be ({first['msg']})"
        ) from error


def _plain(value: Any) -> Any:
    """Give values as JSON has them; a number that is not finite is null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
