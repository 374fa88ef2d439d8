"""Settings: defaults, who wins over whom, and what a user is told about a mistake."""

from pathlib import Path
from typing import Any

import pytest

from cryptobt.core.errors import UsageError
from cryptobt.core.settings import PRESETS, Settings, home, load_settings

# The defaults that other rooms, files and the documentation rely on, written out once more.
DEFAULTS: dict[str, dict[str, Any]] = {
    "data": {
        "source": "auto",
        "symbols": (),
        "interval": "1d",
        "csv": (),
        "onchain": (),
        "start": None,
        "end": None,
        "on_bad_row": "refuse",
        "onchain_lag_hours": 24,
    },
    "features": {"set": "stationary", "clip": 4.0},
    "forecaster": {
        "name": None,
        "preset": "small",
        "target": "trend",
        "target_heads": ((5, 20), (10, 50), (10, 100)),
        "window_bars": 30,
        "horizon_bars": 1,
        "purge_bars": 10,
        "trend_share": 0.5,
    },
    "walkforward": {
        "refit_days": 90,
        "anchor": "2000-01-01",
        "history": "expanding",
        "min_train_rows": 250,
        "validation_share": 0.15,
        "warm_start": False,
        "seed": 0,
        "ensemble_seeds": 3,
    },
    "training": {
        "epochs": 30,
        "patience": 6,
        "batch": 64,
        "learning_rate": 1e-3,
        "weight_decay": 1e-5,
        "plateau_factor": 0.5,
        "plateau_patience": 3,
        "clip_norm": 1.0,
        "dropout": 0.2,
    },
    "net": {"filters": 32, "units": 32, "attention_heads": 4},
    "strategy": {"name": "attn_signal", "params": {}},
    "sizing": {
        "volatility_target": 0.40,
        "max_weight": 1.0,
        "rebalance_band": 0.10,
        "lot_step": 1e-8,
        "min_notional_quote": 10,
    },
    "costs": {"fee_bps": 10, "slippage_bps": 5, "funding_bps_per_day": 0},
    "account": {"cash_quote": 10_000},
    "metrics": {
        "risk_free": 0,
        "confidence": 0.95,
        "bootstrap_draws": 2000,
        "bootstrap_seed": 0,
    },
    "run": {"out": "runs", "workers": 0},
}


def write(folder: Path, text: str) -> Path:
    file = folder / "cryptobt.toml"
    file.write_text(text, encoding="utf-8")
    return file


def refusal(*assignments: str) -> str:
    with pytest.raises(UsageError) as caught:
        load_settings(None, assignments, {})
    message = str(caught.value)
    assert "\n" not in message, "a refusal is one line"
    return message


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [(s, k, v) for s, keys in DEFAULTS.items() for k, v in keys.items()],
)
def test_a_default_is_the_contract_s(section: str, key: str, value: Any) -> None:
    assert load_settings(None, [], {}).model_dump()[section][key] == value


def test_a_file_wins_over_defaults_a_set_over_the_file_and_a_flag_over_both(
    tmp_path: Path,
) -> None:
    file = write(tmp_path, "[costs]\nfee_bps = 1\nslippage_bps = 2\nfunding_bps_per_day = 3\n")
    settings = load_settings(
        file,
        ["costs.slippage_bps=20", "costs.funding_bps_per_day=30"],
        {"costs.funding_bps_per_day": 50.0},
    )
    assert settings.costs.model_dump() == {
        "fee_bps": 1.0,
        "slippage_bps": 20.0,
        "funding_bps_per_day": 50.0,
        "borrow_bps_per_day": 0.0,
    }
    assert settings.account.cash_quote == 10_000.0


def test_the_last_of_two_sets_wins() -> None:
    assert load_settings(None, ["costs.fee_bps=1", "costs.fee_bps=2"], {}).costs.fee_bps == 2.0


def test_a_flag_that_was_not_given_changes_nothing() -> None:
    settings = load_settings(None, ["costs.fee_bps=7"], {"costs.fee_bps": None})
    assert settings.costs.fee_bps == 7.0


def test_a_falsy_flag_counts_as_given() -> None:
    assert load_settings(None, [], {"costs.fee_bps": 0.0}).costs.fee_bps == 0.0


def test_a_set_reads_toml_values_and_plain_text() -> None:
    settings = load_settings(
        None,
        [
            "forecaster.target_heads=[[5, 20], [10, 50]]",
            "walkforward.warm_start=true",
            "strategy.name=momentum",
            "data.start=2020-01-01T00:00",
            "strategy.params.lookback=20",
        ],
        {},
    )
    assert settings.forecaster.target_heads == ((5, 20), (10, 50))
    assert settings.walkforward.warm_start is True
    assert settings.strategy.name == "momentum"
    assert settings.strategy.params == {"lookback": 20}


@pytest.mark.parametrize("where", ["file", "set", "flag"])
def test_a_day_without_quotes_is_understood_wherever_it_is_written(
    tmp_path: Path, where: str
) -> None:
    # 2020-01-01 without quotes is a date in TOML, and what most people will write.
    if where == "file":
        settings = load_settings(write(tmp_path, "[data]\nstart = 2020-01-01\n"), [], {})
    elif where == "set":
        settings = load_settings(None, ["data.start=2020-01-01"], {})
    else:
        settings = load_settings(None, [], {"data.start": "2020-01-01"})
    assert settings.data.start == "2020-01-01"


@pytest.mark.parametrize("key", ["symbols", "csv", "onchain"])
def test_one_name_stands_for_a_list_of_one(key: str) -> None:
    settings = load_settings(None, [f"data.{key}=BTC-USD"], {})
    assert getattr(settings.data, key) == ("BTC-USD",)


def test_the_paper_preset_gives_the_paper_s_sizes() -> None:
    settings = load_settings(None, ["forecaster.preset=paper"], {})
    assert (settings.net.filters, settings.net.units, settings.net.attention_heads) == (64, 128, 4)
    for section, keys in PRESETS["paper"].items():
        assert {k: getattr(settings, section).model_dump()[k] for k in keys} == dict(keys)
    assert settings.training.learning_rate == 1e-3, "what the preset leaves alone is the default"


def test_a_key_that_the_user_sets_wins_over_the_preset(tmp_path: Path) -> None:
    file = write(tmp_path, '[forecaster]\npreset = "paper"\n[net]\nunits = 16\n')
    settings = load_settings(file, ["training.epochs=3"], {"net.filters": 8})
    assert (settings.net.filters, settings.net.units, settings.training.epochs) == (8, 16, 3)
    assert settings.training.batch == 32


def test_a_set_that_repeats_the_default_still_wins_over_the_preset() -> None:
    settings = load_settings(None, ["forecaster.preset=paper", "net.units=32"], {})
    assert settings.net.units == 32


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("costs.fee_bp=1", "costs.fee_bps"),
        ("walkforward.refit_day=9", "walkforward.refit_days"),
        ("cost.fee_bps=1", "costs"),
        ("net.unit=8", "net.units"),
    ],
)
def test_a_misspelt_key_is_answered_with_the_nearest_one(written: str, meant: str) -> None:
    message = refusal(written)
    assert message.startswith("unknown setting '")
    assert f"did you mean '{meant}'?" in message


def test_a_key_like_no_other_is_answered_with_the_known_ones() -> None:
    assert "known: " in refusal("zzzz=1")


@pytest.mark.parametrize(
    ("written", "key", "value", "expected"),
    [
        ("costs.fee_bps=-1", "costs.fee_bps", "-1", "greater than or equal to 0"),
        ("costs.fee_bps=ten", "costs.fee_bps", "'ten'", "number"),
        ("net.units=1.5", "net.units", "1.5", "integer"),
        ("training.dropout=1.0", "training.dropout", "1.0", "less than 1"),
        ("training.epochs=0", "training.epochs", "0", "greater than or equal to 1"),
        ("data.on_bad_row=mend", "data.on_bad_row", "'mend'", "'refuse' or 'quarantine'"),
        ("forecaster.preset=huge", "forecaster.preset", "'huge'", "'small' or 'paper'"),
        ("metrics.confidence=0.5", "metrics.confidence", "0.5", "greater than 0.5"),
        ("costs.fee_bps=nan", "costs.fee_bps", "nan", "finite"),
        ("account.cash_quote=inf", "account.cash_quote", "inf", "finite"),
        ("walkforward.validation_share=0", "walkforward.validation_share", "0", "greater than 0"),
        ("costs=5", "costs", "5", "section"),
        ("forecaster.target_heads=[]", "forecaster.target_heads", "()", "at least 1 item"),
    ],
)
def test_a_wrong_value_is_refused_with_key_value_and_expectation(
    written: str, key: str, value: str, expected: str
) -> None:
    message = refusal(written)
    assert f"'{key}'" in message
    assert f"is {value};" in message.replace("[]", "()")
    assert expected in message.split("; expected ", 1)[1]


@pytest.mark.parametrize("value", ["0", "5000", "[]", "[5, 1]", "[1, 1]", "[0, 1]", "soon", "true"])
def test_horizons_are_numbers_of_bars_that_rise(value: str) -> None:
    assert "'forecaster.horizon_bars'" in refusal(f"forecaster.horizon_bars={value}")


def test_one_horizon_stands_for_a_list_of_one() -> None:
    def horizons(value: str) -> tuple[int, ...]:
        return load_settings(None, [f"forecaster.horizon_bars={value}"], {}).forecaster.horizons

    assert (horizons("5"), horizons("[1, 5, 16]")) == ((5,), (1, 5, 16))


@pytest.mark.parametrize(
    ("losses", "target", "instead"),
    [
        ('["mse", "bce"]', "scaled_close", "'mse', 'huber' or 'pinball'"),
        ("mae", "trend", "'mse', 'huber', 'bce' or 'pinball'"),
    ],
)
def test_a_loss_that_does_not_fit_the_target_is_refused(
    losses: str, target: str, instead: str
) -> None:
    message = refusal(f"training.losses={losses}", f"forecaster.target={target}")
    assert "'training.losses'" in message
    assert instead in message


@pytest.mark.parametrize("value", ["0", "monthly"])
def test_a_wrong_history_names_the_key_as_the_user_writes_it(value: str) -> None:
    message = refusal(f"walkforward.history={value}")
    assert message.startswith("setting 'walkforward.history' is ")


@pytest.mark.parametrize("key", ["walkforward.refit_days", "training.epochs", "costs.fee_bps"])
def test_true_is_not_a_number(key: str) -> None:
    assert key in refusal(f"{key}=true")


def test_attention_heads_must_divide_the_units() -> None:
    message = refusal("net.units=30", "net.attention_heads=4")
    assert "net.units to be a multiple of net.attention_heads" in message
    assert load_settings(None, ["net.units=30", "net.attention_heads=3"], {}).net.units == 30


@pytest.mark.parametrize("written", ["costs.fee_bps", "=5", ""])
def test_a_set_without_key_or_sign_says_how_to_write_it(written: str) -> None:
    assert "section.key=value" in refusal(written)


def test_a_value_is_not_a_section() -> None:
    assert "'name' is 'momentum'; expected a section" in refusal(
        "strategy.name=momentum", "strategy.name.lookback=3"
    )


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.toml cannot be read: No such file"):
        load_settings(tmp_path / "absent.toml", [], {})
    with pytest.raises(UsageError, match=r"cryptobt\.toml is not valid TOML"):
        load_settings(write(tmp_path, "[costs\nfee_bps = 1"), [], {})
    (tmp_path / "cryptobt.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"cryptobt\.toml is not valid TOML"):
        load_settings(tmp_path / "cryptobt.toml", [], {})


def test_settings_cannot_be_changed_once_made() -> None:
    settings = load_settings(None, [], {})
    with pytest.raises(ValueError, match="frozen"):
        settings.costs.fee_bps = 0.0  # type: ignore[misc]


def test_settings_survive_a_round_trip_through_plain_values() -> None:
    settings = load_settings(None, ["net.units=64", "forecaster.preset=paper"], {})
    assert Settings.model_validate_json(settings.model_dump_json()) == settings


def test_one_variable_moves_every_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CRYPTOBT_HOME", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", "/nowhere")
    assert home("cache") == home("data") == tmp_path / "own"


def test_without_it_the_desktop_s_folders_are_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CRYPTOBT_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "d"))
    assert home("cache") == tmp_path / "c" / "cryptobt"
    assert home("data") == tmp_path / "d" / "cryptobt"


def test_without_any_variable_the_folders_lie_under_the_user_s_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("CRYPTOBT_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home("cache") == tmp_path / ".cache" / "cryptobt"
    assert home("data") == tmp_path / ".local" / "share" / "cryptobt"


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CRYPTOBT_HOME", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert home("data") == tmp_path / "cryptobt"
