"""Runs small enough for tests: two epochs of a tiny network on the sample market."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

NOW = pd.Timestamp("2025-02-03T04:05:06Z")
TINY: dict[str, dict[str, Any]] = {
    "data": {"source": "sample", "end": "2017-12-31"},
    "walkforward": {"refit_days": 365, "ensemble_seeds": 1},
    "training": {"epochs": 2},
    "net": {"filters": 8, "units": 8, "attention_heads": 2},
    "metrics": {"bootstrap_draws": 100},
    "robustness": {"random_strategies": 100},
    # Tests share a home: how many settings others tried is not to change their pages.
    "trials": {"ledger": False},
}
DEAD_PROXY = "http://127.0.0.1:9"


def tiny(**sections: Mapping[str, Any]) -> dict[str, Any]:
    """The tiny settings with some changed."""
    names = {*TINY, *sections}
    return {name: {**TINY.get(name, {}), **sections.get(name, {})} for name in names}


def assignments(sections: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Write settings as command-line arguments."""
    pairs = [(f"{s}.{k}", v) for s, values in sections.items() for k, v in values.items()]
    return [part for key, value in pairs for part in ("--set", f"{key}={json.dumps(value)}")]


@dataclass(frozen=True)
class RunFolder:
    """A run folder, read."""

    path: Path

    @cached_property
    def files(self) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in sorted(self.path.iterdir())}

    @cached_property
    def metrics(self) -> dict[str, Any]:
        return dict(json.loads(self.files["metrics.json"]))

    @cached_property
    def manifest(self) -> dict[str, Any]:
        return dict(json.loads(self.files["run.json"]))

    def table(self, name: str) -> pd.DataFrame:
        """A CSV with every field as text."""
        return pd.read_csv(self.path / name, dtype=str, keep_default_na=False)

    def repeatable(self) -> dict[str, bytes]:
        return {name: content for name, content in self.files.items() if name != "run.json"}


def environment(home: Path, **more: str) -> dict[str, str]:
    """An environment without the user's folders and without a network."""
    kept = {k: v for k, v in os.environ.items() if k in {"PATH", "LANG", "LD_LIBRARY_PATH"}}
    proxies = dict.fromkeys(
        ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"),
        DEAD_PROXY,
    )
    own = {"HOME": str(home / "user"), "CRYPTOBT_HOME": str(home / "cryptobt")}
    return kept | proxies | own | more


def console(
    arguments: Sequence[str],
    env: Mapping[str, str],
    timeout: float = 240.0,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the console script in its own process."""
    return subprocess.run(
        command(arguments),
        env=dict(env),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def command(arguments: Sequence[str]) -> list[str]:
    """The console script of the interpreter that runs the tests."""
    return [str(Path(sys.executable).parent / "cryptobt"), *arguments]


def only_run(out: Path) -> RunFolder:
    """The one run in a folder."""
    (folder,) = out.iterdir()
    return RunFolder(folder)


def run_in_process(sections: Mapping[str, Any], now: pd.Timestamp = NOW) -> RunFolder:
    """Run the job in this process, quietly."""
    from cryptobt.core.settings import Settings
    from cryptobt.jobs.backtest import Events, backtest

    quiet = Events(lambda _: None, lambda _: None, lambda _: None)
    return RunFolder(backtest(Settings.model_validate(sections), now, quiet).folder)
