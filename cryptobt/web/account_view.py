"""An account as it stands now: ages, and what a person should look at, from its kept document."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptobt.web import models

_DAY = timedelta(days=1)
_WORST = ("damaged", "mismatch", "overdue", "unreadable", "stale", "late", "warning")


def instant(text: str) -> datetime:
    """Read an instant as documents have it."""
    return datetime.fromisoformat(text).astimezone(UTC)


def iso(time: datetime) -> str:
    """Write an instant as documents have it."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def account_now(kept: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Add ages, and alarms, to the document of an account."""
    document = dict(kept)
    if document["state"] == "ready":
        document |= _ages(document, now)
    alarms = alarms_of(document)
    return models.Account.model_validate(document | {"alarms": alarms}).model_dump(
        mode="json", by_alias=True
    )


def unread(told: Mapping[str, Any]) -> dict[str, Any]:
    """Give the document of an account that has not been read."""
    return models.Account.model_validate(told).model_dump(mode="json", by_alias=True)


def row_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Tell an account in a row of a list."""
    names = {field.alias or name for name, field in models.AccountRow.model_fields.items()}
    own = {key: value for key, value in document.items() if key in names}
    waiting = len(document["orders"]) if document["state"] == "ready" else None
    return models.AccountRow.model_validate(own | {"orders": waiting}).model_dump(
        mode="json", by_alias=True
    )


def by_weight(alarm: Mapping[str, Any]) -> int:
    """Order alarms, the worst first."""
    return _WORST.index(alarm["kind"])


def alarms_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Say what a person should look at, the worst first."""
    name, state = document["account"], document["state"]
    if state == "failed":
        kind = document.get("fault") or "unreadable"
        return [_alarm(name, kind, document["problem"])]
    if state == "empty":
        return [_alarm(name, "late", "It has not had a night yet.", f"cryptobt paper run {name}")]
    if state != "ready":
        return []
    found = [*_timing(document), *_stale(document)]
    found += [_alarm(name, "warning", text) for text in document["warnings"]]
    return sorted(found, key=by_weight)


def _timing(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    name, found = document["account"], []
    if document["overdue"]:
        missing = instant(document["bar"]) + _DAY
        found.append(
            _alarm(
                name,
                "overdue",
                f"The night of {missing:%Y-%m-%d} is not decided, and its deadline was "
                f"{instant(document['overdue_from']):%Y-%m-%d %H:%M} UTC.",
                f"cryptobt paper run {name}",
            )
        )
    if document["late"]:
        text = (
            f"The night of {document['bar'][:10]} was decided after its deadline: its orders fill "
            "at the first open after that."
        )
        found.append(_alarm(name, "late", text))
    return found


def _stale(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        _alarm(
            document["account"],
            "stale",
            f"{one['symbol']} had no bar that night; its newest is of {one['bar'][:10]}.",
        )
        for one in document["positions"]
        if one["stale"]
    ]


def _alarm(account: str, kind: str, text: str, command: str | None = None) -> dict[str, Any]:
    level = "notice" if kind in ("late", "warning") else "alarm"
    return {"account": account, "kind": kind, "level": level, "text": text, "command": command}


def _ages(document: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Count ages from instants; none where the clock was put back."""
    since = max(now - instant(document["closed_at"]), timedelta())
    trained = document["trained_until"]
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    age = None
    if trained is not None:
        closed = instant(document["closed_at"])
        age = round((closed - instant(trained)) / _DAY, 2)
    return {
        "overdue": now >= instant(document["overdue_from"]),
        "next_close": iso(today + _DAY),
        "data_age_hours": round(since / timedelta(hours=1), 2),
        "model_age_days": age,
    }
