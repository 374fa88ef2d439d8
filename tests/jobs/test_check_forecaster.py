"""What the check of a forecaster finds: nothing in ours, and each way of cheating by its name."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cryptobt.core.errors import UsageError
from cryptobt.forecasters.registry import FORECASTERS
from cryptobt.jobs.check_forecaster import CHECKS, FAILED, NOT_ASKED, OK, check_forecaster
from tests.forecasters.small import in_process

HONEST = """
import numpy as np


class Honest:
    def fit(self, training, validation):
        self.mean = training.labels().mean(axis=0)
        return self

    def predict(self, windows):
        return self.mean + windows.rows[windows.ends, :1]

    def arrays(self):
        return {"mean": self.mean}

    def restore(self, arrays):
        self.mean = arrays["mean"]
        return self


class Cheat(Honest):
"""
Write = Callable[[str], str]
TINY = ("net.units=4", "net.filters=4", "training.epochs=1")


@pytest.fixture(autouse=True, scope="module")
def _here() -> Iterator[None]:
    with in_process():
        yield


def outcomes(name: str, *assignments: str) -> dict[str, str]:
    return {check.name: check.outcome for check in check_forecaster(name, assignments).checks}


@pytest.fixture
def cheat(tmp_path: Path) -> Write:
    """Write a forecaster with these methods in place of the honest ones, and name it."""

    def write(body: str) -> str:
        path = tmp_path / "mine.py"
        path.write_text(HONEST + "\n".join(f"    {line}" for line in body.splitlines()) + "\n")
        return f"{path}:Cheat"

    return write


@pytest.mark.parametrize("name", sorted(FORECASTERS))
def test_every_forecaster_of_ours_passes(name: str) -> None:
    report = check_forecaster(name, TINY)
    assert report.failed == [], report.lines()
    asked = {check.name for check in report.checks if check.outcome == OK}
    assert asked >= {"fit", "inputs", "shape", "finite", "same seed", "own rows", "own window",
                     "alone", "asked again", "future"}  # fmt: skip
    spec = FORECASTERS[name]
    assert ("other seeds" in asked) == spec.random
    assert ("past" in asked) == spec.trained
    kept = spec.trained and name not in {"random_forest", "gradient_boosting"}
    assert ("restore" in asked) == kept


@pytest.mark.parametrize("target", ["next_return", "direction", "scaled_close"])
@pytest.mark.parametrize("name", ["linear", "dual_attention", "trend_only", "persistence"])
def test_they_pass_whatever_the_target(name: str, target: str) -> None:
    report = check_forecaster(name, [*TINY, f"forecaster.target={target}"])
    assert report.failed == [], report.lines()
    assert report.target == target


def test_an_honest_one_passes(cheat: Write) -> None:
    found = outcomes(cheat("pass"))
    assert set(found.values()) == {OK, NOT_ASKED}
    assert [name for name, outcome in found.items() if outcome == NOT_ASKED] == ["other seeds"]


CHEATS = {
    "the next row": (
        "def predict(self, windows):\n"
        "    following = np.minimum(windows.ends + 1, len(windows.rows) - 1)\n"
        "    return self.mean + windows.rows[following, :1]",
        "own rows",
    ),
    "the next close": (
        "def predict(self, windows):\n"
        "    following = np.minimum(windows.ends + 1, len(windows.log_close) - 1)\n"
        "    move = windows.log_close[following] - windows.log_close[windows.ends]\n"
        "    return self.mean + move[:, None]",
        "future",
    ),
    "normalises over all windows that are asked": (
        "def predict(self, windows):\n"
        "    said = super().predict(windows)\n"
        "    return (said - said.mean()) / (said.std() + 1)",
        "own window",
    ),
    "normalises over all rows that it is given": (
        "def predict(self, windows):\n"
        "    centre = np.nanmean(windows.rows, axis=0)\n"
        "    return self.mean + (windows.rows - centre)[windows.ends, :1]",
        "own rows",
    ),
    "keeps state between calls": (
        "calls = 0\n"
        "def predict(self, windows):\n"
        "    self.calls += 1\n"
        "    return super().predict(windows) + self.calls",
        "asked again",
    ),
    "a random number without a seed": (
        "def fit(self, training, validation):\n"
        "    super().fit(training, validation)\n"
        "    self.mean = self.mean + np.random.default_rng().normal()",
        "same seed",
    ),
    "random when asked": (
        "def predict(self, windows):\n"
        "    return super().predict(windows) + np.random.default_rng().normal()",
        "asked again",
    ),
    "NaN": (
        "def predict(self, windows):\n"
        "    said = super().predict(windows)\n"
        "    said[3] = np.nan\n"
        "    return said",
        "finite",
    ),
    "NaN where it learnt": (
        "def predict(self, windows):\n"
        "    said = super().predict(windows)\n"
        "    return said if windows.targets is None else said * np.inf",
        "finite",
    ),
    "another shape": (
        "def predict(self, windows):\n    return super().predict(windows).mean(axis=1)",
        "shape",
    ),
    "fewer windows": (
        "def predict(self, windows):\n    return super().predict(windows)[1:]",
        "shape",
    ),
    "writes to its inputs": (
        "def predict(self, windows):\n"
        "    windows.rows[:] -= windows.rows.mean(axis=0)\n"
        "    return super().predict(windows)",
        "inputs",
    ),
    "looks at nothing": (
        "def predict(self, windows):\n    return np.zeros((len(windows), len(self.mean)))",
        "past",
    ),
    "comes back another": (
        "def restore(self, arrays):\n"
        "    self.mean = arrays['mean'].astype('float32')\n"
        "    return self",
        "restore",
    ),
    "says that seeds matter": ("random = True", "other seeds"),
    "fails": ("def fit(self, training, validation):\n    self.gone", "fit"),
}


@pytest.mark.parametrize("kind", CHEATS)
def test_a_cheat_is_caught_by_name(cheat: Write, kind: str) -> None:
    body, must = CHEATS[kind]
    report = check_forecaster(cheat(body))
    assert must in report.failed, report.lines()
    told = next(check for check in report.checks if check.name == must)
    assert told.seen
    assert f"{told.seen}; expected: {told.expected}" in told.line()
    assert told.line().startswith("FAILED")
    assert "\n" not in told.line()


def test_what_cannot_be_asked_after_a_failure_is_said_so(cheat: Write) -> None:
    found = outcomes(cheat(CHEATS["another shape"][0]))
    assert found["shape"] == FAILED
    after = [check.name for check in CHECKS][3:]
    assert {found[name] for name in after} == {NOT_ASKED}


def test_a_failure_is_told_by_the_users_line(cheat: Write, tmp_path: Path) -> None:
    report = check_forecaster(cheat(CHEATS["fails"][0]))
    assert f"forecaster file {tmp_path}/mine.py, line 23, in fit: AttributeError" in (
        report.checks[0].seen
    )


def test_a_forecaster_that_cannot_learn_the_target_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("from sklearn.linear_model import LogisticRegression\n\n"
                    "model = LogisticRegression()\n")  # fmt: skip
    with pytest.raises(UsageError, match=r"'mine\.model' is a classifier"):
        check_forecaster(f"{path}:model", ["forecaster.target=scaled_close"])


def test_the_document_has_what_the_lines_say(cheat: Write) -> None:
    report = check_forecaster(cheat(CHEATS["NaN"][0]))
    document = report.to_json()
    assert document["failed"] == 1
    assert document["simulated"] is True
    assert [check["name"] for check in document["checks"]] == [check.name for check in CHECKS]
    assert len(report.lines()) == len(CHECKS) + 1
    assert "finite" in report.problem()
