"""Shapes of code that know the future, found in its tree."""

import ast
from collections.abc import Iterator

from cryptobt.jobs.audits import advice
from cryptobt.jobs.audits.advice import Shape

_STATISTICS = frozenset((
    "max", "min", "mean", "std", "var", "median", "quantile", "sum", "sem", "skew", "kurt",
    "describe", "idxmax", "idxmin", "mad", "mode", "ptp", "prod", "nanmax", "nanmin", "nanmean",
    "nanstd", "nanmedian", "percentile", "nanpercentile", "argmax", "argmin", "average", "amax",
    "amin", "corr", "cov", "nlargest", "nsmallest",
))  # fmt: skip
_CAUSAL = frozenset((
    "rolling", "expanding", "ewm", "cumsum", "cummax", "cummin", "cumprod",
))  # fmt: skip
_SMOOTHERS = frozenset((
    "filtfilt", "sosfiltfilt", "savgol_filter", "lowess", "detrend", "fft", "rfft", "ifft",
    "irfft", "gaussian_filter", "gaussian_filter1d", "medfilt", "hilbert", "seasonal_decompose",
    "STL", "UnivariateSpline", "splrep", "CubicSpline", "make_smoothing_spline", "hpfilter",
    "wavedec", "waverec", "dwt", "idwt", "gradient", "find_peaks", "argrelextrema", "argrelmax",
    "argrelmin", "uniform_filter1d", "wiener", "smooth", "bkfilter", "interp1d",
    "PchipInterpolator", "KalmanSmoother",
))  # fmt: skip
_FITS = frozenset((
    "fit", "fit_transform", "fit_predict", "polyfit", "lstsq", "OLS", "zscore", "scale",
    "minmax_scale", "robust_scale", "linregress", "svd", "eigh", "pca", "curve_fit", "RLM",
    "cross_val_predict", "train_test_split", "robust_zscore", "Polynomial", "power_transform",
    "quantile_transform", "winsorize",
))  # fmt: skip
_READS = frozenset((
    "read_csv", "read_parquet", "read_json", "read_pickle", "read_feather", "read_table",
    "read_hdf", "open", "loadtxt", "genfromtxt", "load", "read_text", "read_bytes",
))  # fmt: skip
_KEEPS = frozenset((
    "lru_cache", "cache", "Memory", "dump", "save", "savez", "setdefault", "memoize", "write_text",
    "write_bytes", "to_pickle", "to_csv", "to_parquet", "to_feather", "to_hdf", "to_json",
))  # fmt: skip


def shapes_in(node: ast.AST) -> Iterator[tuple[ast.AST, Shape]]:
    """Walk through a piece of code, and give each node that has a known shape."""
    for inner in ast.walk(node):
        shape = shape_of(inner)
        if shape is not None:
            yield inner, shape


def shape_of(node: ast.AST) -> Shape | None:
    """Tell which known shape a node has."""
    if isinstance(node, ast.Call):
        return _call(node)
    if isinstance(node, ast.Subscript):
        return _subscript(node)
    if isinstance(node, ast.Attribute):
        return advice.WHOLE_LINE if node.attr in ("array", "_dataname") or _of_feed(node) else None
    if isinstance(node, ast.FunctionDef):
        kept = any("cache" in ast.dump(one) for one in node.decorator_list)
        return advice.KEPT if kept else None
    if isinstance(node, ast.Assign):
        return advice.REMEMBERED if any(_of_self(one) for one in node.targets) else None
    return advice.AFTER if isinstance(node, ast.BinOp) and _ends_later(node) else None


def called(node: ast.Call) -> str:
    """Name of what is called, without what it belongs to."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _call(node: ast.Call) -> Shape | None:
    name = called(node)
    options = {word.arg: word.value for word in node.keywords if word.arg}
    return (
        _of_options(name, options)
        or _of_arguments(name, node, options)
        or _of_name(name)
        or _of_statistics(name, node, options)
    )


def _of_options(name: str, options: dict[str, ast.expr]) -> Shape | None:
    if _constant(options.get("center")) is True:
        return advice.CENTRED
    if _constant(options.get("direction")) in ("forward", "nearest"):
        return advice.NEAREST
    method = _constant(options.get("method"))
    if name in ("fillna", "reindex", "get_indexer") and method in ("bfill", "backfill", "nearest"):
        return advice.BACKFILL
    if _constant(options.get("ascending")) is False and name == "sort_index":
        return advice.REVERSED
    return None


def _of_arguments(name: str, node: ast.Call, options: dict[str, ast.expr]) -> Shape | None:
    step = options.get("periods", options.get("shift", node.args[0] if node.args else None))
    if name in ("shift", "diff", "pct_change", "tshift") and _negative(step):
        return advice.BACKWARD
    if name == "roll":
        last = node.args[-1] if len(node.args) > 1 else step
        return advice.BACKWARD if _negative(last) else None
    if name == "get" and _positive(options.get("ago")):
        return advice.LINE_AHEAD
    if _is_line(node.func) and _positive(node.args[0] if node.args else None):
        return advice.LINE_AHEAD
    if name in ("convolve", "correlate", "fftconvolve", "convolve1d"):
        return advice.SAME
    if name == "fillna" and node.args and "bfill" in ast.dump(node.args[0]):
        return advice.BACKFILL
    return None


def _of_name(name: str) -> Shape | None:
    table = {
        "bfill": advice.BACKFILL,
        "backfill": advice.BACKFILL,
        "interpolate": advice.INTERPOLATE,
        "flip": advice.REVERSED,
        "flipud": advice.REVERSED,
        "reversed": advice.REVERSED,
        "set_coc": advice.CHEAT,
        "set_coo": advice.CHEAT,
        "buflen": advice.BARS_TO_COME,
        "rank": advice.RANKED,
        "qcut": advice.RANKED,
        "rankdata": advice.RANKED,
        "argsort": advice.RANKED,
        "groupby": advice.GROUPED,
        "resample": advice.RESAMPLED,
        "Grouper": advice.RESAMPLED,
        "to_period": advice.RESAMPLED,
        "tail": advice.LAST,
    }
    if name in _SMOOTHERS:
        return advice.SMOOTHER
    if name in _FITS:
        return advice.FITTED
    if name in _KEEPS:
        return advice.KEPT
    return advice.READ if name in _READS else table.get(name)


def _of_statistics(name: str, node: ast.Call, options: dict[str, ast.expr]) -> Shape | None:
    if name not in _STATISTICS or _constant(options.get("axis")) in (1, -1, "columns"):
        return None
    if not isinstance(node.func, ast.Attribute):
        return None
    chain = {called(one) for one in ast.walk(node.func.value) if isinstance(one, ast.Call)}
    if chain & _CAUSAL:
        return None
    if "groupby" in chain:
        return advice.GROUPED
    return advice.RESAMPLED if "resample" in chain else advice.WHOLE


def _subscript(node: ast.Subscript) -> Shape | None:
    place = node.slice
    if isinstance(place, ast.Slice):
        if _negative(place.step):
            return advice.REVERSED
        return advice.AHEAD if _adds(place.lower) or _adds(place.upper, least=2) else None
    if _is_line(node.value) and _positive(place):
        return advice.LINE_AHEAD
    if _is_line(node.value) and isinstance(place, (ast.Name, ast.Attribute, ast.BinOp)):
        return advice.LINE_SOMEWHERE
    if isinstance(place, ast.UnaryOp) and _negative(place):
        return advice.LAST if not _is_line(node.value) and _constant_of(place) == -1 else None
    return advice.AHEAD if _adds(place) else None


def _of_feed(node: ast.Attribute) -> bool:
    """Whether parameters of a feed are read, which hold all of its bars: ``data.p.columns``."""
    inner = node.value
    of_params = isinstance(inner, ast.Attribute) and inner.attr in ("p", "params")
    return of_params and node.attr in ("columns", "dataname")


def _of_self(node: ast.expr) -> bool:
    """Whether something is kept by a key in an attribute of the object: ``self.seen[key]``."""
    if not (isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute)):
        return False
    return node.value.attr not in ("loc", "iloc", "at", "iat", "values")


def _is_line(node: ast.expr) -> bool:
    """Whether an expression names a line of backtrader: ``self.data.close``."""
    names = (
        "open",
        "high",
        "low",
        "close",
        "volume",
        "score",
        "expected_return",
        "p_up",
        "datetime",
    )
    return isinstance(node, ast.Attribute) and node.attr in names


def _adds(node: ast.expr | None, least: int = 1) -> bool:
    """Whether an index is a name and something more: ``i + 1``, ``ends + horizon``."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add):
        return False
    constants = [one.value for one in (node.left, node.right) if isinstance(one, ast.Constant)]
    return all(isinstance(one, int) and one >= least for one in constants)


def _ends_later(node: ast.BinOp) -> bool:
    """Whether a sum is a place in the rows and some bars more: ``windows.ends + 1``."""
    names = {getattr(one, "attr", getattr(one, "id", "")) for one in (node.left, node.right)}
    steps = [one for one in (node.left, node.right) if isinstance(one, ast.Constant)]
    return bool(names & {"ends", "end"}) and _adds(node) and bool(steps)


def _negative(node: ast.expr | None) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)


def _positive(node: ast.expr | None) -> bool:
    value = _constant(node)
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _constant(node: ast.expr | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _constant_of(node: ast.UnaryOp) -> object:
    value = _constant(node.operand)
    return -value if isinstance(value, int) else None
