"""Tables of any library reduced to numbers, truth values, instants and text."""

import pandas as pd

UNNAMED = "__index_level_0__"
"""What an index without a name is called as a column, as Parquet files call it."""

MISSING = frozenset(
    {
        "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
        "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
    }
)  # fmt: skip
"""Texts that stand for a missing value: those that the reader of text files takes for it."""


def index_as_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Put the levels of the index before the columns; rows are counted from 0 then."""
    index = frame.index
    names = [UNNAMED if name is None else str(name) for name in index.names]
    levels = [pd.Series(index.get_level_values(i)) for i in range(index.nlevels)]
    columns = [frame.iloc[:, i].reset_index(drop=True) for i in range(frame.shape[1])]
    both = pd.concat([*levels, *columns], axis=1)
    both.columns = pd.Index([*names, *map(str, frame.columns)])
    return both


def plain_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave numbers, truth values and instants as they are, and write all else as text.

    Returns
    -------
    DataFrame
        Index: row numbers from 1. Missing values, and text that says that one is missing, are
        NaN or NaT.
    """
    names = [str(name) for name in frame.columns]
    columns = {i: _plain(frame.iloc[:, i]) for i in range(len(names))}
    rows = pd.RangeIndex(1, len(frame) + 1)
    return pd.DataFrame(columns).set_axis(rows, axis=0).set_axis(names, axis=1)


def _plain(column: pd.Series) -> pd.Series:
    kind = column.dtype
    if pd.api.types.is_datetime64_any_dtype(kind) or getattr(kind, "kind", "O") in "biuf":
        return column
    text = column.astype(object).map(lambda value: str(value).replace("\n", " "), "ignore")
    return text.mask(text.isin(MISSING))
