"""A user's own forecaster: found, asked at a door, and its mistakes told with their own line.

The code of docs/forecasters.md is taken from the page and run.
"""

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cryptobt.core.errors import UsageError
from cryptobt.data.sample import simulate
from cryptobt.features.sets import compute
from cryptobt.forecasters.folds import Fold, Samples, plan_folds
from cryptobt.forecasters.own import ForecasterError, OwnForecaster
from cryptobt.forecasters.protocol import Forecaster, Windows
from cryptobt.forecasters.registry import (
    FORECASTERS,
    ForecasterSpec,
    code_hash,
    design_of,
    find_forecaster,
    installed_forecasters,
    make_forecaster,
)
from cryptobt.forecasters.walkforward import make_samples
from cryptobt.jobs.check_forecaster import check_forecaster
from cryptobt.records.content import ContentStore

from .small import forecast_of, in_process, small

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "forecasters.md").read_text(encoding="utf-8")
CODE = re.findall(r"(?ms)^```python\n(.*?)^```", PAGE)
MARKET = simulate("X", 720, seed=5).market

GOOD = """\
import numpy as np


class Good:
    \"\"\"The mean of what was learnt, tilted by the last row.\"\"\"

    def fit(self, training, validation):
        self.mean = training.labels().mean(axis=0)
        return self

    def predict(self, windows):
        return self.mean + windows.rows[windows.ends, :1]
"""
MODELS = """\
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVR


class LastValue(RegressorMixin, BaseEstimator):
    \"\"\"The last value of the row.\"\"\"

    def fit(self, x, y):
        assert y.ndim == 1
        self.fitted_ = True
        return self

    def predict(self, x):
        return x[:, -1].astype(float)


class Sure(ClassifierMixin, BaseEstimator):
    def fit(self, x, y):
        self.classes_ = np.array([0, 1])
        return self

    def predict(self, x):
        return (x[:, -1] > 0).astype(int)

    def predict_proba(self, x):
        up = (x[:, -1] > 0).astype(float)
        return np.column_stack([1 - up, up])


scaler = StandardScaler()
ridge = Ridge(10.0)
pipeline = make_pipeline(StandardScaler(), LinearSVR(max_iter=20000, tol=0.1))
forest = RandomForestRegressor(5, min_samples_leaf=20)
ensemble = RandomForestRegressor(5, min_samples_leaf=20)
ensemble.random = True
fixed = RandomForestRegressor(5, random_state=3)
logit = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
margin = RidgeClassifier()
grove = RandomForestClassifier(5, min_samples_leaf=20)
"""
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of a user's."""

    def put(text: str, name: str = "mine.py") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return put


@pytest.fixture
def models(write: Write) -> str:
    return str(write(MODELS))


@pytest.fixture(autouse=True)
def _modules_left_as_they_were() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith(("cryptobt_user_", "offered")):
            del sys.modules[name]


def laid_out(*assignments: str) -> tuple[Samples, Fold]:
    settings = small("walkforward.min_train_rows=60", "walkforward.refit_days=90", *assignments)
    samples = make_samples(MARKET, compute(settings.features.set, MARKET), settings)
    return samples, plan_folds(samples, settings.forecaster, settings.walkforward)[0]


def made(reference: str, *assignments: str, seed: int = 0) -> Forecaster:
    spec = find_forecaster(reference)
    return make_forecaster(spec.address, design_of(spec, small(*assignments), 1), seed)


def answered(reference: str, *assignments: str, seed: int = 0) -> np.ndarray:
    samples, fold = laid_out(*assignments)
    model = made(reference, *assignments, seed=seed).fit(*fold.learning(samples))
    return model.predict(fold.forecasting(samples)).answers


def failure(act: Callable[[], Any]) -> str:
    with pytest.raises(ForecasterError) as caught:
        act()
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Found


def test_a_class_is_found_by_its_file_and_name(write: Write) -> None:
    path = write(GOOD)
    spec = find_forecaster(f"{path}:Good")
    assert (spec.name, spec.kind, spec.answers) == ("mine.Good", "estimator", "target")
    assert spec.summary == "The mean of what was learnt, tilted by the last row."
    assert not spec.random
    assert spec.trained
    assert spec.file == str(path)
    assert spec.address == f"{path}:Good"


def test_it_is_found_again_by_the_name_that_it_has_in_results(write: Write) -> None:
    spec = find_forecaster(f"{write(GOOD)}:Good")
    assert find_forecaster("mine.Good") == spec
    assert isinstance(make_forecaster("mine.Good", design_of(spec, small(), 1), 0), OwnForecaster)


def test_a_relative_path_is_found_from_any_folder_by_its_address(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(GOOD)
    monkeypatch.chdir(tmp_path)
    spec = find_forecaster("mine.py:Good")
    monkeypatch.chdir(Path(tmp_path.anchor))
    assert find_forecaster(spec.address) == spec


def test_the_content_of_the_file_is_in_the_keys_and_its_folder_is_not(write: Write) -> None:
    def keys(spec: ForecasterSpec) -> tuple[str, str]:
        return code_hash(spec), str(design_of(spec, small(), 1))

    here, there = (find_forecaster(f"{write(GOOD, f'{folder}/mine.py')}:Good") for folder in "ab")
    changed = find_forecaster(f"{write(GOOD + '# a remark', 'c/mine.py')}:Good")
    assert keys(here) == keys(there)
    assert keys(here)[0] != keys(changed)[0]
    assert keys(here)[1] != keys(changed)[1]
    assert code_hash(here) != code_hash(FORECASTERS["linear"])


def test_a_class_says_itself_whether_seeds_matter(write: Write) -> None:
    path = write(GOOD + "\n\nclass Random(Good):\n    random = True\n")
    assert find_forecaster(f"{path}:Random").random
    assert not find_forecaster(f"{path}:Good").random


@pytest.mark.parametrize(
    ("name", "answers", "random"),
    [
        ("LastValue", "target", False),
        ("Sure", "direction", False),
        ("ridge", "target", False),
        ("pipeline", "target", False),
        ("forest", "target", False),
        ("ensemble", "target", True),
        ("logit", "direction", False),
        ("margin", "direction", False),
    ],
)
def test_what_scikit_learn_has_is_found(models: str, name: str, answers: str, random: bool) -> None:
    spec = find_forecaster(f"{models}:{name}")
    assert (spec.name, spec.answers, spec.random) == (f"mine.{name}", answers, random)
    assert spec.summary or name == "Sure"


def test_what_is_only_imported_or_no_regressor_is_not_the_files_own(models: str) -> None:
    words = failure(lambda: find_forecaster(f"{models}:scaler"))
    assert words.startswith(f"forecaster file {models} has no forecaster 'scaler'; ")
    assert "Ridge:" not in failure(lambda: find_forecaster(models))


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        (GOOD, "Goood", "has no forecaster 'Goood'; did you mean 'Good'?"),
        ("X = 1\n", "Good", "defines no forecaster: a class with fit(training, validation) and "
                            "predict(windows), or a scikit-learn regressor or classifier"),
        (GOOD.replace("def fit", "def learn"), "Good", "defines no forecaster: a class with "),
        (GOOD.replace("class Good:", "class Good"), "Good", ", line 4: SyntaxError: expected ':'"),
        ("1 / 0\n", "Good", ", line 1, in <module>: ZeroDivisionError: division by zero"),
    ],
    ids=["no such class", "nothing", "no fit", "syntax", "import"],
)  # fmt: skip
def test_what_is_wrong_in_the_file_is_told(write: Write, text: str, name: str, words: str) -> None:
    path = write(text)
    told = failure(lambda: find_forecaster(f"{path}:{name}"))
    assert told.startswith(f"forecaster file {path}")
    assert words in told


def test_a_missing_file_and_a_missing_class_name_are_told(write: Write, tmp_path: Path) -> None:
    path = write(GOOD)
    gone = tmp_path / "gone.py"
    assert failure(lambda: find_forecaster(f"{gone}:X")) == (
        f"forecaster file {gone}: there is no such file"
    )
    assert failure(lambda: find_forecaster(str(path))) == (
        f"say which forecaster of the file to ask: {path}:Good"
    )


# Made


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        ("self", "None"),
        ("self, design, seed", "(design['target'], seed)"),
        ("self, seed", "seed"),
        ("self, strength=2.0, *, seed=5", "(strength, seed)"),
    ],
)
def test_a_class_is_given_what_it_names(write: Write, arguments: str, kept: str) -> None:
    path = write(GOOD + f"\n    def __init__({arguments}):\n        self.kept = {kept}\n")
    model = made(f"{path}:Good", seed=9)
    assert isinstance(model, OwnForecaster)
    expected = {"None": None, "seed": 9, "(strength, seed)": (2.0, 9)}
    assert model.model.kept == expected.get(kept, ("trend", 9))


def test_a_class_that_wants_more_is_told_what_there_is(write: Write) -> None:
    path = write(GOOD + "\n    def __init__(self, strength):\n        pass\n")
    assert failure(lambda: made(f"{path}:Good")) == (
        f"forecaster file {path}, in __init__ of 'Good': 'Good' is made with (strength); expected "
        "no arguments but 'design' and 'seed', or default values for the others"
    )


def test_a_constructor_that_fails_is_told_by_its_line(write: Write) -> None:
    path = write(GOOD + "\n    def __init__(self):\n        self.x = {}['gone']\n")
    assert failure(lambda: made(f"{path}:Good")) == (
        f"forecaster file {path}, line 15, in __init__: KeyError: 'gone'"
    )


# Asked


def test_a_plain_array_and_a_prediction_are_answers(write: Write) -> None:
    said = "self.mean + windows.rows[windows.ends, :1]"
    wrapped = GOOD.replace(said, f"Prediction.unexplained({said}, windows)")
    wrapped = f"from cryptobt.forecasters.protocol import Prediction\n{wrapped}"
    plain = answered(f"{write(GOOD)}:Good")
    assert plain.shape[1] == 3
    np.testing.assert_array_equal(plain, answered(f"{write(wrapped, 'b/mine.py')}:Good"))


def test_of_one_target_a_row_of_answers_is_enough(write: Write) -> None:
    flat = GOOD.replace(":1]", "0]")
    said = answered(f"{write(flat)}:Good", "forecaster.target=next_return")
    assert said.shape[1] == 1


ANSWERS = {
    "nothing": ("None", "predict answered shape (); expected"),
    "text": ("'up'", "predict answered a str; expected numbers of shape (90, 3)"),
    "ragged": ("[[1.0], [1.0, 2.0]]", "predict answered a list; expected numbers of shape (90, 3)"),
    "flat": ("np.zeros(len(windows))", "predict answered shape (90,); expected (90, 3), a row for "
             "each window and a column for each target"),
    "NaN": ("np.full((len(windows), 3), [0.0, np.nan, 0.0])", "predict answered nan for 90 of 270 "
            "(first: window 0, target 1); expected finite numbers"),
    "infinite": ("np.full((len(windows), 3), np.inf)", "predict answered inf for 270 of 270 "),
}  # fmt: skip


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_that_cannot_be_used_is_told(write: Write, kind: str) -> None:
    code, words = ANSWERS[kind]
    path = write(GOOD.replace("self.mean + windows.rows[windows.ends, :1]", code))
    told = failure(lambda: answered(f"{path}:Good"))
    assert told.startswith(f"forecaster file {path}:Good: ")
    assert words in told


@pytest.mark.parametrize("call", ["fit", "predict"])
def test_what_is_given_may_not_be_written_to(write: Write, call: str) -> None:
    body = {"fit": "training.log_close[:] = 0.0", "predict": "windows.log_close[:] = 0.0"}[call]
    head = f"def {call}(self, " + {"fit": "training, validation):", "predict": "windows):"}[call]
    path = write(GOOD.replace(head, f"{head}\n        {body}"))
    told = failure(lambda: answered(f"{path}:Good"))
    assert told == (
        f"forecaster file {path}:Good: {call} changed the 'log_close' that it was given; expected "
        "them as they were: copy before writing"
    )


def test_a_failure_is_told_by_the_last_line_of_the_file(write: Write) -> None:
    path = write(GOOD.replace("return self.mean", "return np.linalg.inv(np.zeros((2, 2)))"))
    assert failure(lambda: answered(f"{path}:Good")) == (
        f"forecaster file {path}, line 12, in predict: LinAlgError: Singular matrix"
    )


def test_a_failure_inside_scikit_learn_names_the_model(write: Write) -> None:
    path = write("from sklearn.linear_model import Ridge\n\nmodel = Ridge(-1.0)\n")
    told = failure(lambda: answered(f"{path}:model"))
    assert told.startswith(f"forecaster file {path}, in fit of 'model': InvalidParameterError: ")


def test_what_it_prints_goes_to_stderr(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    answered(f"{write(GOOD.replace('return self.mean', 'print(1); return self.mean'))}:Good")
    assert capsys.readouterr() == ("", "1\n")


def test_losses_and_parameters_are_taken_over(write: Write) -> None:
    more = "        self.losses, self.parameters = [(1.0, 2.0)], np.int64(3)\n        return self"
    samples, fold = laid_out()
    path = write(GOOD.replace("        return self\n", more + "\n", 1))
    model = made(f"{path}:Good").fit(*fold.learning(samples))
    assert (model.losses, model.parameters) == ([(1.0, 2.0)], 3)


@pytest.mark.parametrize(
    ("losses", "words"),
    [("'low'", "losses cannot be read"), ("[1.0, 2.0, 3.0]", "losses cannot be read"),
     ("[(1.0, np.nan)]", "without one finite validation loss")],
)  # fmt: skip
def test_losses_that_cannot_be_read_are_told(write: Write, losses: str, words: str) -> None:
    path = write(GOOD.replace("return self\n", f"self.losses = {losses}\n", 1))
    assert words in failure(lambda: answered(f"{path}:Good"))


def test_arrays_come_back_through_restore(write: Write) -> None:
    kept = "\n    def arrays(self):\n        return {'mean': self.mean}\n"
    again = "\n    def restore(self, arrays):\n        self.mean = arrays['mean']\n"
    path = write(GOOD + kept + again)
    samples, fold = laid_out()
    model = made(f"{path}:Good").fit(*fold.learning(samples))
    arrays = model.arrays()
    assert arrays is not None
    restored = made(f"{path}:Good").restore(arrays)
    asked = fold.forecasting(samples)
    np.testing.assert_array_equal(model.predict(asked).answers, restored.predict(asked).answers)
    nothing = asked.take(np.array([], dtype=int))
    assert restored.predict(nothing).answers.shape == (0, 3)


def test_without_arrays_it_is_fitted_again(write: Write) -> None:
    samples, fold = laid_out()
    assert made(f"{write(GOOD)}:Good").fit(*fold.learning(samples)).arrays() is None


def test_arrays_that_are_no_numbers_are_told(write: Write) -> None:
    path = write(GOOD + "\n    def arrays(self):\n        return {'name': np.array(['x'])}\n"
                 "\n    def restore(self, arrays):\n        pass\n")  # fmt: skip
    samples, fold = laid_out()
    model = made(f"{path}:Good").fit(*fold.learning(samples))
    assert "arrays has 'name' of type <U1; expected numbers" in failure(model.arrays)


# scikit-learn


@pytest.mark.parametrize("target", ["trend", "next_return", "direction", "scaled_close"])
@pytest.mark.parametrize("name", ["LastValue", "ridge", "pipeline", "forest"])
def test_a_regressor_answers_every_target(models: str, name: str, target: str) -> None:
    several = ("forecaster.horizon_bars=[1,5]", f"forecaster.target={target}")
    said = answered(f"{models}:{name}", *several)
    assert said.shape[1] == (3 if target == "trend" else 2)
    assert np.isfinite(said).all()
    if target == "scaled_close":
        assert (said > 0).all()


@pytest.mark.parametrize("target", ["trend", "next_return", "direction"])
@pytest.mark.parametrize("name", ["logit", "margin", "grove", "Sure"])
def test_a_classifier_answers_log_odds_of_up(models: str, name: str, target: str) -> None:
    several = ("forecaster.horizon_bars=[1,5]", f"forecaster.target={target}")
    said = answered(f"{models}:{name}", *several)
    assert said.shape[1] == (3 if target == "trend" else 2)
    assert np.abs(said).max() <= np.log(0.999 / 0.001) + 1e-12
    if name == "margin":  # it has no probabilities
        assert set(np.unique(said)) <= {-1.0, 1.0}
    if name == "Sure":
        assert np.abs(said).min() == pytest.approx(6.9068, abs=1e-4)


def test_log_odds_are_those_of_the_model_itself(models: str) -> None:
    samples, fold = laid_out("forecaster.target=direction")
    spec = find_forecaster(f"{models}:logit")
    design = design_of(spec, small("forecaster.target=direction"), 1)
    model = make_forecaster(spec.address, design, 0).fit(*fold.learning(samples))
    asked = fold.forecasting(samples)
    assert isinstance(model, OwnForecaster)
    inner = model.model
    p_up = inner.models[0].predict_proba(inner._flat(asked))[:, 1]
    np.testing.assert_allclose(
        model.predict(asked).answers[:, 0], np.log(p_up / (1 - p_up)), rtol=1e-3
    )


def test_a_fold_without_a_fall_is_no_error(models: str) -> None:
    samples, fold = laid_out("forecaster.target=direction")
    training, validation = fold.learning(samples)
    up = Windows(**{**vars(training), "targets": np.ones((len(training), 1))})
    model = made(f"{models}:logit", "forecaster.target=direction").fit(up, validation)
    said = model.predict(fold.forecasting(samples)).answers
    assert np.unique(said).tolist() == pytest.approx([6.9068], abs=1e-4)


def test_a_classifier_predicts_no_return(models: str) -> None:
    design = design_of(
        find_forecaster(f"{models}:logit"), small("forecaster.target=next_return"), 1
    )
    assert design["target"] == "direction"


def test_a_classifier_is_refused_a_price(models: str) -> None:
    with pytest.raises(UsageError, match=r"'mine\.logit' is a classifier, which says up or down"):
        design_of(find_forecaster(f"{models}:logit"), small("forecaster.target=scaled_close"), 1)


def test_an_open_random_state_is_set_from_the_seed(models: str) -> None:
    forest, fixed = f"{models}:forest", f"{models}:fixed"
    np.testing.assert_array_equal(answered(forest, seed=1), answered(forest, seed=1))
    assert (answered(forest, seed=1) != answered(forest, seed=2)).any()
    np.testing.assert_array_equal(answered(fixed, seed=1), answered(fixed, seed=2))


def test_an_object_of_the_file_is_never_fitted_itself(models: str) -> None:
    spec = find_forecaster(f"{models}:ridge")
    answered(f"{models}:ridge")
    module = next(m for m in [*sys.modules.values()] if getattr(m, "__file__", None) == models)
    assert not hasattr(module.ridge, "coef_")
    assert spec.summary == "scikit-learn's Ridge"


# In the walk-forward


def test_its_rows_stand_in_the_table_of_forecasts(write: Write, tmp_path: Path) -> None:
    name = find_forecaster(f"{write(GOOD)}:Good").name
    settings = small("walkforward.min_train_rows=60", "walkforward.ensemble_seeds=3")
    with in_process():
        made = forecast_of(MARKET, name, settings, ContentStore(tmp_path / "folds"))
    assert set(made.frame["forecaster"]) == {"mine.Good", "mine.Good_net", "trend_only"}
    assert made.of("mine.Good", "X")["seed_spread"].isna().all()  # one fit a fold
    assert not made.explanations


# From a package


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Install a package that offers forecasters, as far as Python's metadata can tell."""

    def install(module: str, points: str) -> None:
        site = tmp_path / "site"
        info = site / "offered-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: offered\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[cryptobt.forecasters]\n{points}\n")
        (site / "offered.py").write_text(module)
        monkeypatch.syspath_prepend(site)
        importlib.invalidate_caches()

    return install


def test_one_of_a_package_is_found_by_its_name(package: Callable[[str, str], None]) -> None:
    package(MODELS + GOOD, "house_view = offered:Good\n house_ridge = offered:ridge")
    assert list(installed_forecasters()) == ["house_view", "house_ridge"]
    for name in installed_forecasters():
        spec = find_forecaster(name)
        assert (spec.name, spec.address) == (name, name)
        assert spec.file.endswith("offered.py")
        assert spec.file_hash
        assert answered(name).shape[1] == 3


def test_a_misspelt_one_of_a_package_is_answered(package: Callable[[str, str], None]) -> None:
    package(GOOD, "house_view = offered:Good")
    with pytest.raises(UsageError, match="'house_vew'; did you mean 'house_view'"):
        find_forecaster("house_vew")


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ("house_view = offered:Gone", "forecaster 'house_view' (offered:Gone): "),
        ("house_view = offered:np", "forecaster 'house_view' (offered:np) is no forecaster: "),
    ],
)
def test_what_a_package_offers_must_be_a_forecaster(
    package: Callable[[str, str], None], points: str, words: str
) -> None:
    package(GOOD, points)
    assert failure(lambda: find_forecaster("house_view")).startswith(words)


def test_our_own_names_go_before_a_packages(package: Callable[[str, str], None]) -> None:
    package(GOOD, "linear = offered:Good")
    assert find_forecaster("linear") is FORECASTERS["linear"]


# The page


def test_the_page_lists_all_forecasters_and_their_settings() -> None:
    table = re.findall(r"(?m)^\| `(\w+)` \| .+? \| (.+) \|$", PAGE.partition("## What they")[0])
    listed = {name: tuple(re.findall(r"`net\.(\w+)`", settings)) for name, settings in table}
    assert listed == {name: spec.net_settings for name, spec in FORECASTERS.items()}
    assert list(listed) == list(FORECASTERS)


def test_the_page_shows_a_class_and_a_model() -> None:
    assert [code.splitlines()[0] for code in CODE] == ['"""last_moves.py"""', '"""up_or_down.py"""']


@pytest.mark.parametrize(("number", "name"), [(0, "LastMoves"), (1, "model")])
def test_the_code_of_the_page_passes_the_check(write: Write, number: int, name: str) -> None:
    path = write(CODE[number], CODE[number].splitlines()[0].strip('"'))
    with in_process():
        report = check_forecaster(f"{path}:{name}")
    assert report.failed == [], report.lines()
