"""Equal settings, data and code give equal files, wherever and whenever they are made."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cryptobt.data.sample import sample_market
from cryptobt.records.content import ContentStore

from .tiny import (
    RunFolder,
    assignments,
    console,
    environment,
    only_run,
    run_in_process,
    tiny,
)


@pytest.fixture(scope="module")
def again(
    warm_home: Path, tiny_run: RunFolder, tmp_path_factory: pytest.TempPathFactory
) -> RunFolder:
    """The tiny run once more: warm cache, another folder, another day, one worker."""
    assert list((warm_home / "folds").rglob("*.entry"))
    later = pd.Timestamp("2026-07-08T09:10:11Z")
    out = tmp_path_factory.mktemp("elsewhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRYPTOBT_HOME", str(warm_home))
        return run_in_process(tiny(run={"out": str(out), "workers": 1}), later)


def test_a_warm_cache_another_folder_and_another_day_change_only_the_manifest(
    tiny_run: RunFolder, again: RunFolder
) -> None:
    assert again.repeatable() == tiny_run.repeatable()
    assert again.path.name != tiny_run.path.name
    assert again.manifest["created_at"] == "2026-07-08T09:10:11Z"


def test_the_manifests_of_equal_runs_differ_in_clock_and_place_alone(
    tiny_run: RunFolder, again: RunFolder
) -> None:
    ours, theirs = dict(tiny_run.manifest), dict(again.manifest)
    for key in ("run_id", "created_at", "command", "timings_s", "workers", "paths"):
        ours.pop(key)
        theirs.pop(key)
    assert ours == theirs


@pytest.mark.parametrize(
    ("changed", "moved"),
    [
        ({"costs": {"fee_bps": 11.0}}, True),
        ({"metrics": {"bootstrap_seed": 1}}, False),
    ],
)
def test_a_changed_setting_changes_what_it_shapes_and_fits_nothing_again(
    tiny_run: RunFolder, tmp_path: Path, changed: dict[str, Any], moved: bool
) -> None:
    cache = Path(tiny_run.manifest["paths"]["cache"])
    before = sorted(cache.rglob("*.entry"))
    again = run_in_process(tiny(run={"out": str(tmp_path)}, **changed))
    assert sorted(cache.rglob("*.entry")) == before
    assert again.files["forecasts.csv"] == tiny_run.files["forecasts.csv"]
    assert again.files["metrics.json"] != tiny_run.files["metrics.json"]
    assert (again.files["equity.csv"] != tiny_run.files["equity.csv"]) is moved
    assert again.manifest["trials"]["key"] != tiny_run.manifest["trials"]["key"]


def test_a_forecast_does_not_depend_on_the_first_decision(
    tiny_run: RunFolder, tmp_path: Path
) -> None:
    data = {"source": "sample", "end": "2017-12-31", "start": "2017-06-01"}
    later = run_in_process(tiny(data=data, run={"out": str(tmp_path)}))
    whole, part = tiny_run.table("forecasts.csv"), later.table("forecasts.csv")
    assert part["time"].iloc[0] == "2017-06-01T00:00:00Z"
    assert later.table("equity.csv")["time"].iloc[0] == "2017-06-01T00:00:00Z"
    common = whole[whole["time"] >= "2017-06-01"].reset_index(drop=True)
    pd.testing.assert_frame_equal(part, common)


@pytest.mark.slow
def test_a_rule_without_forecasts_trades_a_history_too_short_for_any(tmp_path: Path) -> None:
    data = {"source": "sample", "end": "2015-03-01"}
    run = run_in_process(
        tiny(data=data, strategy={"name": "buy_and_hold"}, run={"out": str(tmp_path)})
    )
    rows = run.metrics["rows"]
    assert len(run.table("equity.csv")) == 31 + 28 + 1
    assert rows["strategy"]["performance"]["total_return"]["value"] is not None
    assert rows["trend_only"]["performance"]["sharpe"]["value"] is None
    assert "too few rows" in rows["trend_only"]["performance"]["sharpe"]["reason"]


@pytest.mark.slow
def test_a_run_without_forecasts_has_their_header(tmp_path: Path, tiny_run: RunFolder) -> None:
    data = {"source": "sample", "end": "2015-03-01"}
    run = run_in_process(
        tiny(data=data, strategy={"name": "buy_and_hold"}, run={"out": str(tmp_path)})
    )
    header = tiny_run.files["forecasts.csv"].split(b"\n")[0]
    assert run.files["forecasts.csv"] == header + b"\n"


@pytest.mark.slow
def test_a_damaged_fold_is_made_again_in_the_same_run(
    tiny_run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A home of its own: another test's folds would not be made again.
    home, kept = tmp_path / "home", tmp_path / "kept"
    monkeypatch.setenv("CRYPTOBT_HOME", str(home))
    run_in_process(tiny(run={"out": str(tmp_path / "before")}))
    shutil.copytree(home / "folds", kept)
    entries = sorted((home / "folds").rglob("*.entry"))
    for entry in entries[::2]:
        entry.write_bytes(entry.read_bytes()[:-7])
    again = run_in_process(tiny(run={"out": str(tmp_path / "runs")}))
    assert again.repeatable() == tiny_run.repeatable()
    for entry in entries:
        # Only the seconds that a fit took are another time's.
        now, before = (ContentStore(folder).get(entry.stem) for folder in (home / "folds", kept))
        assert now is not None
        assert before is not None
        assert now.meta.keys() == before.meta.keys()
        assert now.arrays.keys() == before.arrays.keys()
        for name, array in before.arrays.items():
            np.testing.assert_array_equal(now.arrays[name], array)


@pytest.mark.slow
def test_the_place_of_a_csv_file_changes_nothing_but_the_manifest(tmp_path: Path) -> None:
    bars = sample_market("BTC-USD").market.bars.iloc[:700].reset_index()
    runs = []
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        file = tmp_path / folder / f"{folder}.csv"
        bars.to_csv(file, index=False)
        sections = tiny(
            data={"source": "csv", "csv": [f"BTC-USD={file}"], "end": None},
            strategy={"name": "momentum"},
            run={"out": str(tmp_path / "runs")},
        )
        runs.append(run_in_process(sections).repeatable())
    assert runs[0] == runs[1]


def subprocess_run(
    tmp_path: Path, name: str, home: str, hash_seed: str, *more: str, **sections: Any
) -> RunFolder:
    out = tmp_path / name
    arguments = ["backtest", *assignments(tiny(**sections)), "--out", str(out), *more]
    env = environment(tmp_path / home, PYTHONHASHSEED=hash_seed, TZ="Asia/Tokyo")
    done = console(arguments, env)
    assert done.returncode == 0, done.stderr
    return only_run(out)


def test_another_process_cache_hash_seed_and_time_zone_make_the_same_files(
    tiny_run: RunFolder, tmp_path: Path
) -> None:
    other = subprocess_run(tmp_path, "a", "cold", "12345", "--workers", "1")
    assert other.repeatable() == tiny_run.repeatable()


@pytest.mark.slow
def test_several_seeds_and_folds_do_not_depend_on_workers_cache_or_hash_seed(
    tmp_path: Path,
) -> None:
    chosen = {"walkforward": {"refit_days": 180, "ensemble_seeds": 2}}
    runs = [
        subprocess_run(tmp_path, "one", "h1", "0", "--workers", "1", **chosen),
        subprocess_run(tmp_path, "two", "h2", "1", "--workers", "2", **chosen),
        subprocess_run(tmp_path, "warm", "h2", "2", "--workers", "2", **chosen),
        subprocess_run(tmp_path, "half", "h1", "3", "--end", "2017-08-31", **chosen),
        subprocess_run(tmp_path, "half-cold", "h3", "4", "--end", "2017-08-31", **chosen),
    ]
    one, two, warm, half, half_cold = (run.repeatable() for run in runs)
    assert one == two == warm
    assert half == half_cold != one


@pytest.mark.slow
def test_warm_started_folds_do_not_depend_on_workers_or_cache(tmp_path: Path) -> None:
    chosen = {
        "walkforward": {"refit_days": 180, "ensemble_seeds": 2, "warm_start": True},
    }
    runs = [
        subprocess_run(tmp_path, "one", "h1", "0", "--workers", "1", **chosen),
        subprocess_run(tmp_path, "two", "h2", "1", "--workers", "2", **chosen),
        subprocess_run(tmp_path, "warm", "h1", "2", "--workers", "2", **chosen),
    ]
    one, two, warm = (run.repeatable() for run in runs)
    assert one == two == warm


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["bilstm_signal", "momentum"])
def test_other_strategies_repeat_byte_for_byte(tmp_path: Path, strategy: str) -> None:
    first = subprocess_run(tmp_path, "a", "h1", "0", strategy={"name": strategy})
    second = subprocess_run(tmp_path, "b", "h2", "1", strategy={"name": strategy})
    assert first.repeatable() == second.repeatable()
