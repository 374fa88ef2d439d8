"""``cryptobt backtest`` from its arguments to what stands on the terminal."""

import json
import resource
import subprocess
from pathlib import Path

import pytest

from tests.jobs.tiny import assignments, command, console, environment, only_run, tiny

from .conftest import Call, Said

ARGUMENTS = ["backtest", *assignments(tiny())]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Home whose fold cache the runs of this module share."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _shared_cache(home: Path, monkeypatch: pytest.MonkeyPatch, _own_surroundings: None) -> None:
    monkeypatch.setenv("CRYPTOBT_HOME", str(home / "cryptobt"))


def warnings_only(said: Said) -> list[str]:
    lines = said.err.splitlines()
    return [line for line in lines if not line.startswith("warning: ") and line != "training"]


def test_a_run_ends_in_fewer_than_25_lines_that_say_where_it_is(call: Call, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    said = call(*ARGUMENTS, "--out", str(out))
    run = only_run(out)
    lines = said.out.splitlines()
    assert said.code == 0
    assert warnings_only(said) == []
    assert len(lines) < 25
    assert lines[0] == "No evidence of skill"
    assert any(
        line.startswith("attn_signal on BTC-USD, 1d, 2016-12-27 to 2017-12-31") for line in lines
    )
    assert "SIMULATED MARKET: not real prices" in lines
    assert f"Run folder  {run.path}" in lines
    assert f"Tearsheet   {run.path / 'tearsheet.html'}" in lines
    assert "\x1b" not in said.out + said.err
    arguments = " ".join(run.manifest["command"].split())
    assert arguments.startswith("cryptobt backtest --set")


def test_json_prints_the_metrics_and_nothing_else(call: Call, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    said = call(*ARGUMENTS, "--json", "--out", str(out))
    assert said.code == 0
    assert said.out == only_run(out).files["metrics.json"].decode()
    assert json.loads(said.out)["simulated"] is True


def test_flags_win_over_assignments_and_those_over_the_file(call: Call, tmp_path: Path) -> None:
    file, out = tmp_path / "cryptobt.toml", tmp_path / "runs"
    file.write_text(
        '[strategy]\nname = "sma_trend"\n[strategy.params]\nlookback = 20\n'
        '[costs]\nfee_bps = 1.0\nslippage_bps = 2.0\n[data]\nend = "2016-12-31"\n'
    )
    said = call(*ARGUMENTS, "-c", str(file), "--set", "costs.fee_bps=7", "--strategy", "momentum",
                "--end", "2017-06-30", "--out", str(out))  # fmt: skip
    assert said.code == 0
    settings = only_run(out).manifest["settings"]
    assert settings["strategy"] == {"name": "momentum", "params": {"lookback": 20}}
    assert (settings["costs"]["fee_bps"], settings["costs"]["slippage_bps"]) == (7.0, 2.0)
    assert settings["data"]["end"] == "2017-06-30"


def test_without_a_network_the_sample_stands_in_with_a_loud_warning(
    home: Path, tmp_path: Path
) -> None:
    sections = tiny(data={"source": "auto"}, strategy={"name": "momentum"})
    arguments = ["backtest", *assignments(sections), "--out", str(tmp_path / "runs")]
    env = environment(tmp_path, CRYPTOBT_HOME=str(home / "cryptobt"))
    done = console(arguments, env, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "the network cannot be reached: this is the SIMULATED sample market" in done.stderr
    assert "SIMULATED MARKET: not real prices" in done.stdout
    assert "Traceback" not in done.stderr
    assert only_run(tmp_path / "runs").metrics["simulated"] is True


@pytest.mark.slow
def test_a_disk_that_fills_up_exits_with_7_and_leaves_no_run(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    env = environment(tmp_path, CRYPTOBT_HOME=str(home / "cryptobt"))
    # The tearsheet is larger than this; what is written before the run folder is not.
    limit = 80_000
    done = subprocess.run(
        command([*ARGUMENTS, "--set", 'strategy.name="momentum"', "--out", str(out)]),
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    told = [line for line in done.stderr.splitlines() if not line.startswith("warning: ")]
    assert done.returncode == 7, done.stderr
    assert len(told) == 1
    assert told[0].startswith(f"cryptobt: cannot write the run to {out}")
    assert "File too large" in told[0]
    assert done.stdout == ""
    assert list(out.iterdir()) == []


@pytest.mark.slow
def test_the_users_home_is_left_alone(call: Call, tmp_path: Path) -> None:
    said = call(*ARGUMENTS, "--strategy", "momentum", "--out", str(tmp_path / "runs"))
    assert said.code == 0
    assert list(Path.cwd().iterdir()) == []
    # matplotlib keeps its list of fonts, as it does for everyone.
    made = {path.relative_to(tmp_path / "user") for path in (tmp_path / "user").glob("*/*")}
    assert {path.name for path in made} <= {"matplotlib"}


@pytest.mark.parametrize("strategy", ["buy_and_hold", "sma_trend"])
def test_a_rule_runs_on_a_history_too_short_for_any_forecast(
    call: Call, tmp_path: Path, strategy: str
) -> None:
    out = tmp_path / "runs"
    said = call("backtest", "--source", "sample", "--strategy", strategy, "--end", "2015-03-01",
                "--set", "metrics.bootstrap_draws=100", "--out", str(out))  # fmt: skip
    assert said.code == 0
    assert len(said.out.splitlines()) < 25
