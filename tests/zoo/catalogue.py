"""The animals of the zoo: which file is bound how, and what is true of it.

What stands here was worked out from the files, not from what a detector says of them;
``test_zoo`` holds it against the files themselves.
"""

from .animal import FEATURES, ONCHAIN, Animal, Kind
from .worlds import FEW_BARS, LISTING

__all__ = ["CLEAN", "LEAKS", "Animal"]

_LINEAR = "forecaster.name=linear"


def _feature(
    name: str, column: str = "", first: int = 0, line: tuple[str, ...] = (), world: str = "plain"
) -> Animal:
    columns = (column,) if column else ()
    return Animal(
        name, "feature", True, "columns", world, part=("features",), columns=columns, first=first,
        line=line,
    )  # fmt: skip


def _strategy(
    name: str,
    binding: str,
    line: tuple[str, ...],
    *,
    world: str = "few bars",
    first: int | None = 0,
    last: int = 200,
    part: tuple[str, ...] = ("signals", "orders"),
) -> Animal:
    return Animal(
        name, "strategy", True, binding, world, part=part, first=first, last=last, line=line
    )


def _forecaster(name: str, binding: str, line: tuple[str, ...], *more: str) -> Animal:
    # The first fold forecasts from bar 145 on, and a leak of it may show in the next one.
    return Animal(
        name, "forecaster", True, binding, part=("forecasts", *more),
        columns=("score", "mean", "answer_1"), first=145, last=385, line=line,
    )  # fmt: skip


LEAKS = (
    _feature("global_min_max", "close_01", 0, ('["close"].min()', "lowest)")),
    _feature("centred_mean", "distance", 5, ("center=True",)),
    _feature("back_filled_warm_up", "vol_30", 0, ("bfill()",)),
    _feature("shifted_back", "momentum", 0, ("shift(-1)",)),
    _feature("target_left_in", "target", 20, ("shift(-1)",)),
    _feature("ta_vortex_filled", "vortex", 1, ("VortexIndicator(bars", "vortex_indicator_diff")),
    _feature("ta_kst", "kst", 14, ("KSTIndicator(close",)),
    _feature("ta_trix_filled", "trix", 0, ("TRIXIndicator(close",)),
    _feature("ta_ichimoku_visual", "span_a", 0, ("visual=True", "ichimoku_a()")),
    _feature("ta_psar_filled", "stop_below", 0, ("PSARIndicator(bars", "psar_up()")),
    _feature("weekly_by_start", "to_week", 0, ("resample(",)),
    _feature("monthly_mean_transform", "from_month", 0, ('transform("mean")',)),
    _feature("month_high", "place_in_month", 0, ('transform("max")', 'transform("min")')),
    _feature("savgol", "off_smooth", 0, ("savgol_filter(",)),
    _feature("zero_phase", "cycle", 0, ("filtfilt(",)),
    _feature("fourier_low_pass", "slow", 0, ("np.fft", "denoise(log)")),
    _feature("gaussian_smoother", "volume_smooth", 0, ("gaussian_filter1d(",)),
    _feature("hodrick_prescott", "cycle", 0, ("hpfilter(",)),
    _feature("over_last_price", "price", 0, (".iloc[-1]",)),
    Animal(
        "standard_scaler", "feature", True, "columns", part=("features",),
        columns=("ret_z", "range_z"), line=("fit_transform(",),
    ),
    _feature("principal_components", "pc_1", 10, ("fit_transform(",)),
    _feature("market_regimes", "regime", 20, ("fit_predict(", "points.std()")),
    _feature("thin_days_interpolated", "log_volume", 4, ("interpolate()",)),
    _feature("onchain_interpolated", "transactions", 38, ("interpolate()",), "holes"),
    _feature("ranked", "range_rank", 0, ("rank(pct=True)",)),
    _feature("negative_pct_change", "one", 0, ("pct_change(-1)",)),
    _feature("reversed_mean", "gap", 0, ("[::-1]",)),
    _feature("winsorised", "ret", 1, ("describe(", ".clip(")),
    _feature("outliers_removed", "clean_ret", 1, ("ret.mean()", "ret.std()")),
    _feature("detrended", "above_line", 0, ("polyfit(",)),
    _feature("weekday_effect", "weekday_effect", 0, ('transform("mean")',)),
    _feature("swing_lows", "swing_low", 1, ("argrelextrema(",)),
    _feature("in_sample_model", "ridge_says", 5, (".fit(", "model.predict(", "shift(-1)")),
    _feature("nearest_week", "to_week", 4, ('direction="nearest"',)),
    _feature("rolled", "change", 0, ("np.roll(",)),
    _feature("convolved", "to_average", 0, ("np.convolve(",)),
    _feature("gradient", "speed", 0, ("np.gradient(",)),
    _feature("calm_or_wild", "wild", 20, ("volatility.median()", "> usual")),
    _feature("loop_ahead", "confirmed", 0, ("closes[i + 1]", "confirmed.append(")),
    _feature("fill_price", "room", 0, ("shift(-1)",)),
    _feature("volume_left", "left", 0, ("iloc[::-1]",)),
    _feature("after_a_crash", "ret_or_rebound", 250, ("shift(-1)",)),
    _feature("month_end_ahead", "move", 30, ("shift(-1)",)),
    _feature("span_by_length", "trend", 1, ("len(bars)", "ewm(span=span)")),
    Animal(
        "onchain_same_date", "feature", True, "columns", part=("data", "process", "features"),
        columns=("active",), line=("read_csv(", "reindex("),
    ),
    Animal(
        "cached_by_name", "feature", True, "columns", part=("process", "features"),
        columns=("ret", "vol"), last=20, line=("_kept",),
    ),
    Animal(
        "cached_on_disk", "feature", True, "columns", part=("process", "features"),
        columns=("ret", "trend"), last=20, line=("read_csv(", "KEPT", "to_csv("),
    ),
    _strategy("close_ahead", "CloseAhead", ("close[1]", "buflen()")),
    _strategy("close_ahead_plain", "PreviousBar", ("close[1]",), last=FEW_BARS - 1),
    _strategy("close_ahead_caught", "EdgeSafe", ("self.data.close[self.p.back]",)),
    _strategy("wraps_round", "MonthAgo", ("close[-30]",), last=29),
    _strategy("get_ahead", "GetAhead", ("get(ago=1)",)),
    _strategy("array_of_all", "ArrayOfAll", ("close.array", "self.closes[i]")),
    _strategy("smoothed_beforehand", "SmoothedBeforehand", ("center=True", ".array", "self.up[")),
    _strategy("range_of_history", "RangeOfHistory", (".array",)),
    _strategy("cheat_on_close", "CheatOnClose", ("set_coc(",), first=None),
    _strategy("cheat_on_open", "CheatOnOpen", ("set_coo(",), first=None),
    _strategy("limit_at_the_low", "LimitAtTheLow", ("low[1]", "buflen()")),
    _strategy("line_shifted_ahead", "LineShiftedAhead", ("close(1)", "self.coming[0]")),
    _strategy("last_bar_known", "SellsAtTheEnd", ("buflen()",), first=19, last=FEW_BARS - 1),
    _strategy("survivors", "Survivors", (".array",), world="three", last=LISTING),
    _strategy("winners", "Winner", (".array",), world="three"),
    _strategy(
        "own_price_file", "OwnPriceFile", ("read_csv(", "shift(-1)"),
        part=("process", "data", "signals", "orders"),
    ),
    _strategy(
        "closes_by_day", "ClosesByDay", ("read_text()", "CLOSES"),
        part=("process", "data", "signals", "orders"),
    ),
    _strategy("weight_from_ahead", "CalmAhead", ("high[1]", "buflen()")),
    _forecaster("predicts_with_next_close", "NextClose", ("ends + 1", "log_close[following]")),
    _forecaster("standardises_together", "Together", ("np.nanmean(windows.rows",)),
    _forecaster("ranks_its_answers", "Ranks", ("argsort()",)),
    _forecaster("similar_days_asked", "SimilarDays", ("ends + 1", "argsort(")),
    _forecaster("smooths_its_answers", "Smoothed", ("np.convolve(", "np.pad(")),
    _forecaster("refits_while_predicting", "Refits", ("ends[1:]", "x[:-1]")),
    _forecaster("batch_scaled_model", "CentredRidge", ("x.mean(axis=0)",)),
    _forecaster("fitted_once", "FittedOnce", ("KEPT", "np.load("), "process", "scaler"),
    _forecaster("answers_remembered", "Remembers", ("self.answers[key]", "answers"), "process"),
    Animal(
        "shuffled_validation", "settings", True, f"{FEATURES}:columns",
        assignments=(_LINEAR, "walkforward.validation=shuffled"), part=("settings",), first=None,
    ),
    Animal(
        "scaler_sees_everything", "settings", True, f"{FEATURES}:columns",
        assignments=(_LINEAR, "features.scaler_sees=everything"), part=("settings", "scaler"),
        first=None,
    ),
    Animal(
        "onchain_without_lag", "settings", True, f"{ONCHAIN}:columns", "same day",
        assignments=(_LINEAR, "data.onchain_lag_hours=0"), part=("settings", "data"), first=None,
    ),
)  # fmt: skip


def _clean(kind: Kind, worlds: dict[str, str], **bindings: str) -> tuple[Animal, ...]:
    usual = "few bars" if kind == "strategy" else "plain"
    return tuple(
        Animal(name, kind, False, binding, worlds.get(name, usual))
        for name, binding in bindings.items()
    )


_CLEAN_FEATURES = (
    "expanding_min_max", "trailing_mean", "centred_but_late", "forward_fill", "lagged_returns",
    "outcome_of_yesterday", "warm_up_dropped", "back_fill_cut_off", "onchain_with_lag",
    "onchain_file_lagged", "weekly_complete", "weekly_shifted", "month_so_far", "exponential_mean",
    "kalman", "causal_butterworth", "savgol_at_the_edge", "over_first_price", "cached_by_content",
    "cached_on_disk_by_content", "model_of_the_past", "scaler_of_the_past",
    "regimes_of_the_first_year", "gaps_filled_from_the_past", "calendar_week_return",
    "rank_so_far", "winsorised_by_the_past", "weekday_so_far", "calendar_columns", "halving_dates",
    "seeded_noise", "constant_column", "on_balance_volume", "parameter_file", "constant_table",
    "swing_lows_confirmed", "ta_plain", "ta_filled_but_honest", "rolling_slope",
    "window_spectrum", "joined_backward", "prints_much", "rolling_pivot_points",
)  # fmt: skip

CLEAN = (
    *_clean(
        "feature",
        {"gaps_filled_from_the_past": "holes", "calendar_week_return": "gaps"},
        **dict.fromkeys(_CLEAN_FEATURES, "columns"),
    ),
    *_clean(
        "strategy",
        {"by_past_volume": "three", "ratio_of_two": "three", "follows_the_forecast": "plain"},
        close_before="CloseBefore",
        averages_cross="AveragesCross",
        array_up_to_now="ArrayUpToNow",
        computed_beforehand="ComputedBeforehand",
        gets_the_past="GetsThePast",
        limit_below_close="LimitBelowClose",
        trailing_stop="TrailingStop",
        bracket="Bracket",
        keeps_a_diary="KeepsADiary",
        after_the_halving="AfterTheHalving",
        coin_toss="CoinToss",
        first_of_the_month="FirstOfTheMonth",
        on_next_close="OnNextClose",
        by_past_volume="ByPastVolume",
        ratio_of_two="RatioOfTwo",
        weight_by_volatility="CalmNow",
        follows_the_forecast="FollowsTheForecast",
        yesterday_from_file="YesterdayFromFile",
        closes_so_far="ClosesSoFar",
    ),
    *_clean(
        "forecaster",
        {},
        honest_label="HonestLabel",
        scales_by_training="ScalesByTraining",
        scales_each_window="ScalesEachWindow",
        matrix_product="MatrixProduct",
        shuffled_descent="ShuffledDescent",
        nearest_days="NearestDays",
        scaled_pipeline="model",
        forest="model",
        fits_kept_by_content="FitsKept",
        stops_by_validation="StopsByValidation",
    ),
    Animal(
        "one_split", "settings", False, f"{FEATURES}:columns",
        assignments=(_LINEAR, "walkforward.split=single"),
    ),
    Animal(
        "five_bars_ahead", "settings", False, f"{FEATURES}:columns",
        assignments=(_LINEAR, "forecaster.horizon_bars=5"),
    ),
    Animal(
        "onchain_published_late", "settings", False, f"{ONCHAIN}:columns",
        assignments=(_LINEAR,),
    ),
    Animal(
        "network", "settings", False, f"{FEATURES}:columns",
        assignments=("forecaster.name=lstm", "net.units=8"),
    ),
)  # fmt: skip
