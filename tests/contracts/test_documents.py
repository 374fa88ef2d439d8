"""The documents say what the code does: names, columns, defaults, commands and links."""

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
import pytest

from cryptobt.cli.main import INTERRUPTED, cli
from cryptobt.core import columns
from cryptobt.core.errors import CryptobtError
from cryptobt.core.settings import PRESETS, Settings, load_settings
from cryptobt.data.sample import COINS, sample_market
from cryptobt.features.sets import FEATURE_SETS, STALE_AFTER, compute
from cryptobt.forecasters.calibration import KEEP, NEED
from cryptobt.forecasters.registry import FORECASTERS
from cryptobt.jobs import verdict
from cryptobt.jobs.backtest import BacktestReport, Events, backtest
from cryptobt.jobs.rows import ROWS
from cryptobt.jobs.verdict import STRONG_RULES, TEXTS, WEAK_RULES
from cryptobt.metrics.attribution import ATTRIBUTION
from cryptobt.metrics.calibration import reliability
from cryptobt.metrics.direction import COUNTS
from cryptobt.metrics.direction import NAMES as DIRECTION
from cryptobt.metrics.forecast import NAMES as FORECAST
from cryptobt.metrics.performance import PERFORMANCE
from cryptobt.strategies.registry import STRATEGIES, check_params, find_strategy

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "benchmarks" / "results.md"]
)
FILES = {
    "forecasts.csv": columns.FORECASTS,
    "equity.csv": columns.EQUITY,
    "weights.csv": columns.WEIGHTS,
    "orders.csv": columns.ORDERS,
    "fills.csv": columns.FILLS,
    "trades.csv": columns.TRADES,
}
SECTIONS = list(Settings.model_fields)


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def section(name: str, heading: str) -> str:
    """Text below one heading, up to the next of any level."""
    parts = re.split(r"(?m)^(#+ .+)$", text(name))
    found = [body for head, body in zip(parts[1::2], parts[2::2], strict=True) if head == heading]
    assert len(found) == 1, f"{name} has {len(found)} headings '{heading}'"
    return found[0]


def rows(name: str, heading: str) -> list[list[str]]:
    """Cells of the table below a heading, its head left out, without code marks."""
    lines = [line for line in section(name, heading).splitlines() if line.startswith("|")]
    assert len(lines) > 2, f"{name}: there is no table below '{heading}'"
    return [
        [cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in lines[2:]
    ]


def first_column(name: str, heading: str) -> list[str]:
    return [cells[0] for cells in rows(name, heading)]


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```", text(name))


def commands(program: str) -> list[tuple[str, list[str]]]:
    """Every command line of a program in the shell blocks of all documents."""
    found = []
    for path in DOCUMENTS:
        name = str(path.relative_to(ROOT))
        for line in "\n".join(blocks(name, "sh")).splitlines():
            words = shlex.split(line, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                del words[0]
            if words[:1] == [program]:
                found.append((name, words[1:]))
    return found


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> BacktestReport:
    """The smallest run there is: a rule on half a year of the sample market."""
    out = str(tmp_path_factory.mktemp("runs"))
    assignments = ["data.source=sample", "strategy.name=momentum", "metrics.bootstrap_draws=100"]
    settings = load_settings(None, assignments, {"data.end": "2015-06-30", "run.out": out})
    now = pd.Timestamp("2025-06-01", tz="UTC")
    return backtest(settings, now, Events(lambda _: None, lambda _: None, lambda _: None))


# Files and their columns


@pytest.mark.parametrize("file", FILES)
def test_every_column_is_in_the_contract_in_the_order_of_the_file(file: str) -> None:
    assert tuple(first_column("docs/contract.md", f"### {file}")) == FILES[file]


@pytest.mark.parametrize("file", FILES)
def test_every_column_has_a_type(file: str) -> None:
    types = {cells[1] for cells in rows("docs/contract.md", f"### {file}")}
    assert types <= {"time", "text", "float", "integer", "boolean"}


def test_a_run_folder_holds_the_documented_files(report: BacktestReport) -> None:
    documented = set(first_column("docs/contract.md", "## Run folder"))
    assert {path.name for path in report.folder.iterdir()} == documented


def test_a_run_s_files_begin_with_the_documented_columns(report: BacktestReport) -> None:
    for file in set(FILES) - {"forecasts.csv"}:
        header = (report.folder / file).read_text(encoding="utf-8").splitlines()[0]
        assert tuple(header.split(",")) == FILES[file]


def test_metrics_json_has_the_documented_keys(report: BacktestReport) -> None:
    document = json.loads((report.folder / "metrics.json").read_text(encoding="utf-8"))
    assert first_column("docs/contract.md", "## metrics.json") == list(document)
    prose = section("docs/contract.md", "## metrics.json")
    sharpe = document["rows"]["strategy"]["performance"]["sharpe"]
    for key in [*document["comparison"], *document["orders"], *document["data"], *sharpe]:
        assert f"`{key}`" in prose or f'"{key}"' in prose, key


def test_run_json_has_the_documented_keys(report: BacktestReport) -> None:
    document = json.loads((report.folder / "run.json").read_text(encoding="utf-8"))
    assert first_column("docs/contract.md", "## run.json") == list(document)
    prose = section("docs/contract.md", "## run.json")
    for key in [*document["data"][0], *document["extras"][0], *document["trials"]]:
        assert f"`{key}`" in prose, key


# Metrics


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        ("### Direction", (*DIRECTION, "coverage", *COUNTS, "down")),
        ("### Performance", (*PERFORMANCE, "trades")),
        ("### Forecast", FORECAST),
        ("### Attribution", ATTRIBUTION),
        ("### Rows", ROWS),
    ],
)
def test_every_metric_is_in_the_contract(heading: str, names: tuple[str, ...]) -> None:
    assert tuple(first_column("docs/contract.md", heading)) == names


def test_the_documented_metrics_are_those_of_a_run(report: BacktestReport) -> None:
    measured = report.metrics["rows"]["strategy"]
    assert first_column("docs/contract.md", "### Direction") == list(measured["direction"])
    assert first_column("docs/contract.md", "### Performance") == list(measured["performance"])
    assert first_column("docs/contract.md", "### Rows") == list(report.metrics["rows"])
    assert first_column("docs/contract.md", "### Forecast") == list(report.metrics["forecast"])
    (symbol,) = report.metrics["per_symbol"].values()
    assert first_column("docs/contract.md", "### Each symbol") == list(symbol)
    assert all(f"`{name}`" in section("docs/contract.md", "### Each symbol") for name in
               symbol["account"])  # fmt: skip


def test_the_documented_units_are_those_of_a_run(report: BacktestReport) -> None:
    measured = report.metrics["rows"]["strategy"]["performance"] | report.metrics["forecast"]
    for heading in ("### Performance", "### Forecast"):
        for name, unit, *_ in rows("docs/contract.md", heading):
            if isinstance(measured[name], dict):
                assert measured[name]["unit"] == unit, name


@pytest.mark.parametrize(
    "name", ["verdict", "significance", "risk", "robustness", "attribution", "calibration"]
)
def test_the_evidence_of_a_run_has_the_documented_keys(report: BacktestReport, name: str) -> None:
    heading = f"### {name.capitalize()}"
    found = report.metrics[name]
    documented = first_column("docs/contract.md", heading)
    if name == "calibration":
        # Half a year calibrates nothing: the keys are those of what is made of any forecast.
        assert found == []
        (found,) = reliability(np.array([0.5]), np.array([0.01]))
    assert documented == list(found)
    prose = section("docs/contract.md", heading)
    for key, part in found.items():
        for one in part if isinstance(part, list) else [part]:
            for inner in _names(one) - _OF_A_METRIC:
                assert f"`{inner}`" in prose, f"{name}.{key}: {inner}"


_OF_A_METRIC = {"value", "unit", "low", "high", "level", "reason", *ROWS}


def _names(part: Any) -> set[str]:
    """Keys at any depth, but for those inside a metric."""
    if isinstance(part, list):
        return set().union(*(_names(child) for child in part))
    if not isinstance(part, dict) or {"value", "unit"} <= set(part):
        return set()
    return set(part).union(*(_names(child) for child in part.values()))


def test_the_documented_units_of_significance_are_those_of_a_run(report: BacktestReport) -> None:
    for name, unit, *_ in rows("docs/contract.md", "### Significance"):
        found = report.metrics["significance"][name]
        parts = found.values() if name == "pinball" else [found]
        units = {part["unit"] for part in parts if isinstance(part, dict) and "unit" in part}
        # An empty cell runs into the next one.
        assert units == (set() if unit.startswith("|") else {unit}), name


def test_the_rules_of_the_verdict_are_published(report: BacktestReport) -> None:
    found = report.metrics["verdict"]
    documented = first_column("docs/verdict.md", "## The rules")
    listed = [reason["rule"] for reason in found["reasons"]]
    assert [name for name in documented if name in listed] == listed
    assert set(documented) - set(listed) == {"honest", "trend_only"}
    assert len(documented) == len(WEAK_RULES) + len(STRONG_RULES) + 3
    assert first_column("docs/verdict.md", "## What the grades mean") == list(TEXTS.values())


def test_the_thresholds_of_the_verdict_are_those_of_the_code() -> None:
    said = {cells[0]: cells[1] for cells in rows("docs/verdict.md", "## The rules")}
    assert f"at least {verdict.LEAST_FILLS} " in said["fills"]
    assert f"{verdict.LEVEL:.0%}" in said["random"]
    assert f"{verdict.LEVEL:.0%}" in said["direction"]
    assert f"{1 - verdict.LEVEL:.0%}" in said["trials"]
    assert f"{verdict.COST_MARGIN:g} times" in said["break_even"]
    warned = section("docs/verdict.md", "## Warnings")
    assert f"{verdict.SUSPECT_ACCURACY:.0%}" in warned
    assert f"{verdict.FEW_FOR_ACCURACY} calls" in warned


# Settings


def test_every_section_of_the_settings_is_in_the_contract() -> None:
    headings = re.findall(r"(?m)^### \[(\w+)\]$", text("docs/contract.md"))
    assert headings == SECTIONS


@pytest.mark.parametrize("name", SECTIONS)
def test_every_setting_is_in_the_contract_with_its_default(name: str) -> None:
    documented = {cells[0]: cells[1] for cells in rows("docs/contract.md", f"### [{name}]")}
    defaults = getattr(Settings(), name).model_dump(mode="json")
    assert list(documented) == list(defaults)
    for key, default in defaults.items():
        shown = "none" if default is None else json.dumps(default)
        assert documented[key] == shown, f"{name}.{key}"


def test_the_presets_are_in_the_contract() -> None:
    documented = {
        key: (small, paper) for key, small, paper in rows("docs/contract.md", "### Presets")
    }
    keys = {f"{part}.{key}" for part, values in PRESETS["paper"].items() for key in values}
    assert set(documented) == keys
    for position, preset in enumerate(("small", "paper")):
        settings = load_settings(None, [f"forecaster.preset={preset}"], {})
        for key, shown in documented.items():
            part, name = key.split(".")
            assert json.loads(shown[position]) == getattr(getattr(settings, part), name), key


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_settings_files_in_the_documents_are_accepted(path: Path, tmp_path: Path) -> None:
    for number, block in enumerate(blocks(str(path.relative_to(ROOT)), "toml")):
        file = tmp_path / f"{number}.toml"
        file.write_text(block, encoding="utf-8")
        chosen = load_settings(file, [], {}).strategy
        check_params(find_strategy(chosen.name), chosen.params)


# Names


def test_every_name_that_can_be_chosen_is_in_the_contract() -> None:
    for heading, key, names in (
        ("### [strategy]", "name", STRATEGIES),
        ("### [forecaster]", "name", FORECASTERS),
        ("### [features]", "set", FEATURE_SETS),
    ):
        cell = next(cells[2] for cells in rows("docs/contract.md", heading) if cells[0] == key)
        assert re.findall(r"\w+", cell) == list(names)


def test_the_recipe_lists_the_default_features_in_their_order() -> None:
    sample = sample_market("BTC-USD")
    computed = compute("stationary", sample.market, ()).frame
    assert first_column("docs/recipe.md", "## Features") == list(computed.columns)


def test_the_recipe_names_the_columns_of_the_paper() -> None:
    sample = sample_market("BTC-USD")
    words = section("docs/recipe.md", "## Features").partition("`paper16`")[2]
    for name in compute("paper16", sample.market, (sample.onchain,)).frame.columns:
        shown = name in {*columns.BARS, *columns.ONCHAIN} or f"`{name}`" in words
        assert shown, name


def test_the_glossary_is_in_alphabetical_order() -> None:
    terms = re.findall(r"(?m)^- \*\*(.+?)\*\*:", text("docs/glossary.md"))
    assert len(terms) > 40
    assert terms == sorted(terms, key=str.lower)


def test_the_architecture_shows_the_rooms_that_are_enforced() -> None:
    project = tomllib.loads(text("pyproject.toml"))["tool"]["importlinter"]
    layers = next(c["layers"] for c in project["contracts"] if c["type"] == "layers")
    enforced = [re.findall(r"cryptobt\.(\w+)", layer) for layer in layers]
    rooms = {room for layer in enforced for room in layer}
    block = re.findall(r"(?ms)^```\n(.*?)^```", section("docs/architecture.md", "## Rooms"))[0]
    drawn = [
        [word for word in re.split(r"\s{2,}", line) if word in rooms] for line in block.splitlines()
    ]
    assert drawn == enforced
    assert rooms == {path.parent.name for path in ROOT.glob("cryptobt/*/__init__.py")}


def test_the_best_accuracy_of_the_sample_market_is_right() -> None:
    documented = dict(rows("docs/architecture.md", "## Sample market"))
    assert documented == {coin: f"{sample_market(coin).best_accuracy:.3f}" for coin in COINS}


def test_constants_in_the_prose_are_those_of_the_code() -> None:
    calibration = section("docs/architecture.md", "### Calibration")
    assert f"the latest {KEEP} pairs" in calibration
    assert f"at least {NEED}" in calibration
    assert f"until {NEED} past forecasts" in section("docs/contract.md", "### forecasts.csv")
    assert STALE_AFTER.days == 7
    assert "seven\ndays past its publication" in section("docs/contract.md", "## Files read")


# Exit codes, commands and links


def test_the_exit_codes_are_those_of_the_code() -> None:
    codes = {0, 1, INTERRUPTED, *(kind.exit_code for kind in _kinds(CryptobtError))}
    assert {int(code) for code in first_column("docs/contract.md", "## Exit codes")} == codes
    sentence = re.search(r"Exit codes: ([^.]+)\.", text("README.md"))
    assert sentence is not None
    assert {int(code) for code in re.findall(r"\d+", sentence[1])} == codes


def _kinds(kind: type[CryptobtError]) -> list[type[CryptobtError]]:
    return [kind, *(deeper for below in kind.__subclasses__() for deeper in _kinds(below))]


def test_every_command_is_shown_in_the_readme() -> None:
    assert {words[0] for name, words in commands("cryptobt") if name == "README.md"} == set(
        cli.commands
    )


@pytest.mark.parametrize(("name", "words"), commands("cryptobt"), ids=str)
def test_every_documented_command_is_understood(name: str, words: list[str]) -> None:
    command: click.Command = cli
    while isinstance(command, click.Group) and words:
        assert words[0] in command.commands, f"{name}: cryptobt {shlex.join(words)}"
        command, words = command.commands[words[0]], words[1:]
    given: dict[str, Any] = command.make_context(command.name, list(words)).params
    chosen = load_settings(None, given.get("assignments", ()), {})
    spec = find_strategy(given.get("strategy") or chosen.strategy.name)
    check_params(spec, chosen.strategy.params)
    assert chosen.features.set in FEATURE_SETS


def test_every_make_target_in_the_documents_exists() -> None:
    phony = re.search(r"(?m)^\.PHONY: (.+)$", text("Makefile"))
    assert phony is not None
    targets = phony[1].split()
    named = commands("make")
    assert {words[0] for _, words in named} == set(targets)
    first = [words for name, words in named if name == "README.md"][:2]
    assert first == [["backtest"], ["test"]]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))
    for link in links:
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        file = (path.parent / target).resolve() if target else path
        assert file.exists(), f"{path.name}: {link}"
        if anchor:
            assert anchor in _anchors(file), f"{path.name}: {link}"


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"(?m)^#+ (.+)$", path.read_text(encoding="utf-8"))
    kept = [re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in headings]
    return {heading.replace(" ", "-") for heading in kept}


def test_every_document_can_be_reached_from_the_readme() -> None:
    seen, waiting = set(), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in seen or path.suffix != ".md":
            continue
        seen.add(path)
        links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8"))
        waiting += [(path.parent / link).resolve() for link in links if "://" not in link]
    assert seen == set(DOCUMENTS)
