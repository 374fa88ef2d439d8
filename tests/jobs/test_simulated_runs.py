"""A simulated market is said to be one wherever a run shows itself."""

import html
import re
import shlex
from pathlib import Path

import pytest

from .tiny import RunFolder, console, environment, only_run


def test_the_documents_say_that_the_market_is_simulated(tiny_run: RunFolder) -> None:
    assert tiny_run.metrics["simulated"] is True
    assert tiny_run.manifest["simulated"] is True
    assert tiny_run.manifest["data"][0]["source"] == "sample"
    assert any("SIMULATED" in line for line in tiny_run.metrics["data"]["warnings"])


def test_the_tearsheet_says_that_the_market_is_simulated(tiny_run: RunFolder) -> None:
    page = tiny_run.files["tearsheet.html"].decode()
    body = page[page.index("<body") :]
    assert "simulated" in body.lower()
    assert "SIMULATED sample market" in body


def test_the_terminal_says_that_the_market_is_simulated(tiny_run: RunFolder) -> None:
    from cryptobt.reports.terminal import summary

    lines = summary(tiny_run.metrics, run_folder="f", tearsheet="t").splitlines()
    assert "SIMULATED MARKET: not real prices" in lines
    assert len(lines) < 25


def repeat_command(run: RunFolder) -> list[str]:
    page = html.unescape(run.files["tearsheet.html"].decode())
    found = re.search(r"cryptobt backtest --strategy [^<]*", page)
    assert found is not None
    return shlex.split(found[0], comments=True)


@pytest.mark.slow
def test_the_command_on_the_tearsheet_repeats_the_run(
    tiny_run: RunFolder, warm_home: Path, tmp_path: Path
) -> None:
    _, *arguments = repeat_command(tiny_run)
    env = environment(tmp_path, CRYPTOBT_HOME=str(warm_home))
    done = console([*arguments, "--out", str(tmp_path / "runs")], env)
    assert done.returncode == 0, done.stderr
    assert only_run(tmp_path / "runs").repeatable() == tiny_run.repeatable()


def test_the_command_on_the_tearsheet_means_the_settings_of_the_run(tiny_run: RunFolder) -> None:
    from cryptobt.core.settings import load_settings
    from cryptobt.data.sample import sample_market
    from cryptobt.jobs.trials import trial_key
    from cryptobt.strategies.registry import find_strategy

    _, _, *arguments = repeat_command(tiny_run)
    pairs = list(zip(arguments[::2], arguments[1::2], strict=True))
    flags = {
        {"--strategy": "strategy.name", "--source": "data.source"}[name]: value
        for name, value in pairs
        if name in {"--strategy", "--source"}
    }
    settings = load_settings(None, [value for name, value in pairs if name == "--set"], flags)
    spec = find_strategy(settings.strategy.name)
    markets = [sample_market("BTC-USD").market]
    assert trial_key(settings, markets, spec) == tiny_run.manifest["trials"]["key"]
