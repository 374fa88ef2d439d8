"""``cryptobt cache``: the fitted folds that are kept."""

from dataclasses import dataclass
from pathlib import Path

from cryptobt.core.settings import home
from cryptobt.records.content import ContentStore


@dataclass(frozen=True)
class CacheState:
    """Where the fold cache is and how large."""

    folder: Path
    entries: int
    size_bytes: int


def fold_cache() -> ContentStore:
    """The store of fitted folds and their forecasts."""
    return ContentStore(home("cache") / "folds")


def describe_cache() -> CacheState:
    """Count what is kept."""
    store = fold_cache()
    sizes = [path.stat().st_size for path in store.paths()]
    return CacheState(store.root, len(sizes), sum(sizes))


def clear_cache() -> int:
    """Remove everything that is kept; return how many entries there were."""
    return fold_cache().clear()
