"""A reproduction in the terminal: three columns, the baselines, one paragraph."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cryptobt.reports import reproduction_words as words

WIDTH = 118
_HORIZONS = frozenset({1, 2, 4, 8, 12})
_LEGEND = (
    "The claim is the text's number. Its own recipe is run here with its flaws. The honest twin is "
    "the same network on the same test bars, scaled by the past alone, learning returns, "
    "walk-forward. In brackets: lowest and highest of the seeds; before them their median."
)


def reproduction_summary(
    document: Mapping[str, Any], seconds: Mapping[str, float], *, run_folder: str, page: str
) -> str:
    """Write a reproduction for a terminal, at most 118 columns (paths may be longer).

    Parameters
    ----------
    document : dict
        The ``reproduction.json`` document; absent numbers show as a dash.
    seconds : dict
        Model to seconds an epoch.
    """
    lines = [
        *_head(document),
        "",
        *_wrapped(_LEGEND),
        "",
        *_claims(document),
        "",
        *_baselines(document),
        "",
        *_horizons(document),
        *_wrapped(" ".join(document["paragraph"])),
        "",
        *_wrapped(f"Training time, seconds an epoch on one thread here: {_seconds(seconds)}."),
    ]
    return "\n".join([*lines, f"Run folder  {run_folder}", f"Page        {page}"])


def _head(document: Mapping[str, Any]) -> Iterator[str]:
    yield from _wrapped(f"{document['paper']}: {document['source']}")
    yield from _wrapped(words.period(document))
    if document["simulated"]:
        yield "SIMULATED MARKET: not real prices; the paper's claims are not comparable"
    elif not document["comparable"]:
        yield "NOT THE PAPER'S DATA: its claims are about other days, read them as what it said"


def _claims(document: Mapping[str, Any]) -> list[str]:
    groups = words.grouped(document)
    days = groups.pop("days", [])
    head = ("", "the paper's claim", *(words.HEADS[column] for column in words.COLUMNS))
    rows = [head]
    for row in (row for group in groups.values() for row in group):
        cells = [
            f"{words.cell(row[column])} {words.spread(row[column])}".rstrip()
            for column in words.COLUMNS
        ]
        rows.append((row["label"], words.claimed(row), *cells))
    more = [f"The page has {len(days)} more rows, of single days."] if days else []
    return [*_table(rows), *more]


def _baselines(document: Mapping[str, Any]) -> list[str]:
    """Write the table of the nearest horizon; the page has that of the farthest too."""
    nearest = words.horizons_of(document)[0]
    bars = "the next bar" if nearest == "1" else f"{nearest} bars ahead"
    return [
        f"What the paper left out, same test bars, {bars}:",
        *_table(words.baseline_rows(document, nearest)),
        "",
        *_wrapped(
            "skill = 1 − squared error / squared error of no change: above 0 is better than "
            "persistence. direction = share of up and down calls that came true, with its "
            "interval."
        ),
    ]


def _horizons(document: Mapping[str, Any]) -> list[str]:
    """Skill at some horizons, where there are several."""
    rows = words.horizon_rows(document, _HORIZONS)
    return [*_table(rows), ""] if rows else []


def _seconds(seconds: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {spent:.2f}" for name, spent in seconds.items())


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    room = WIDTH - sum(widths[1:]) - 2 * (len(widths) - 1)
    widths[0] = min(widths[0], max(20, room))
    lines = []
    for row in rows:
        label = textwrap.wrap(row[0], widths[0]) or [""]
        rest = (text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True))
        lines += [*label[:-1], "  ".join([label[-1].ljust(widths[0]), *rest]).rstrip()]
    return lines


def _wrapped(text: str) -> list[str]:
    flat = "".join(letter if letter.isprintable() else " " for letter in text)
    return textwrap.wrap(flat, WIDTH)
