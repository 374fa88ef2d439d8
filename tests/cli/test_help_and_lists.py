"""Help for everything, fast; and the lists of what there is."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import cryptobt
from cryptobt.cli.main import cli
from cryptobt.forecasters.registry import FORECASTERS
from cryptobt.strategies.registry import STRATEGIES
from tests.jobs.tiny import command, environment

from .conftest import Call


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, found in group.commands.items():
        yield (*path, name)
        if isinstance(found, click.Group):
            yield from commands(found, (*path, name))


def found(path: tuple[str, ...]) -> click.Command:
    node: click.Command = cli
    for name in path:
        assert isinstance(node, click.Group)
        node = node.commands[name]
    return node


ALL = list(commands(cli))


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_lists_every_command_on_its_own_line(call: Call, flag: str) -> None:
    said = call(flag)
    assert (said.code, said.err) == (0, "")
    listed = said.out.split("Commands:")[1].splitlines()
    assert [line.split()[0] for line in listed if line.strip()] == sorted(cli.commands)
    assert set(cli.commands) >= {"backtest", "strategies", "forecasters", "cache"}


def test_help_names_the_exit_codes(call: Call) -> None:
    text = " ".join(call("--help").out.split())
    for word in ("0 done", "2 usage", "3 data unavailable", "4 data invalid", "7 cannot write",
                 "130 interrupted"):  # fmt: skip
        assert word in text


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_and_option_has_help(call: Call, path: tuple[str, ...]) -> None:
    said = call(*path, "--help")
    assert said.code == 0
    assert said.out.startswith("Usage: cryptobt " + " ".join(path))
    node = found(path)
    assert node.help
    assert node.help.splitlines()[0].endswith(".") or len(node.help.splitlines()) > 1
    assert [o.name for o in node.params if isinstance(o, click.Option) and not o.help] == []


def test_the_backtest_takes_these_options() -> None:
    options = {text for option in found(("backtest",)).params for text in option.opts}
    assert options >= {
        "--strategy", "--forecaster", "--symbol", "--source", "--csv", "--onchain", "--start",
        "--end", "-c", "--set", "--out", "--json", "--workers",
    }  # fmt: skip


def test_no_arguments_at_all_show_the_help_on_several_lines(call: Call) -> None:
    said = call()
    shown = (said.out + said.err).splitlines()
    assert any(line.split()[:1] == ["backtest"] for line in shown)
    assert "\\b" not in said.out + said.err


def test_the_version_is_the_packages(call: Call) -> None:
    assert call("--version").out == f"cryptobt, version {cryptobt.__version__}\n"


@pytest.mark.parametrize(
    "arguments", [["--help"], ["backtest", "--help"], ["--version"], ["cache", "--help"]]
)
def test_help_imports_no_heavy_library(arguments: list[str]) -> None:
    script = (
        "import sys\n"
        "from cryptobt.cli.main import main\n"
        f"sys.argv = ['cryptobt', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit as left:\n    assert not left.code\n"
        "heavy = ['torch', 'pandas', 'numpy', 'quantstats', 'yfinance', 'matplotlib', 'sklearn',"
        " 'backtrader', 'arch', 'scipy']\n"
        "print('heavy:', [name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "heavy: []"


def test_strategies_are_listed_one_a_line(call: Call) -> None:
    said = call("strategies")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert [line.split()[0] for line in lines] == list(STRATEGIES)
    assert all(STRATEGIES[line.split()[0]].summary in line for line in lines)


def test_forecasters_are_listed_one_a_line(call: Call) -> None:
    said = call("forecasters")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert [line.split()[0] for line in lines] == list(FORECASTERS)
    assert all(FORECASTERS[line.split()[0]].summary in line for line in lines)


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    process = subprocess.Popen(
        command(["strategies"]),
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    complaints = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 0
    assert complaints == ""
