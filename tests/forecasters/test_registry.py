"""Forecasters by name, without importing what they are made of."""

import subprocess
import sys

import pytest

from cryptobt.core.errors import UsageError
from cryptobt.forecasters.registry import (
    FORECASTERS,
    code_hash,
    design_of,
    find_forecaster,
    make_forecaster,
)

from .small import small


def test_knowing_the_forecasters_does_not_import_torch() -> None:
    code = "import sys, cryptobt.forecasters.registry; print('torch' in sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("name", sorted(FORECASTERS))
def test_a_forecaster_can_be_made_by_its_name(name: str) -> None:
    spec = find_forecaster(name)
    assert spec.summary
    assert make_forecaster(name, design_of(spec, small(), 1), 0).losses == []


def test_an_unknown_name_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="did you mean 'trend_only'"):
        find_forecaster("trend_ony")


def test_a_design_holds_the_settings_that_shape_a_fit_and_no_others() -> None:
    def design(name: str, *changes: str) -> dict[str, object]:
        return design_of(find_forecaster(name), small(*changes), 1)

    both = "dual_attention", "attention_bilstm"
    for change in ("training.epochs=9", "features.clip=3.0", "net.units=4"):
        assert all(design(name, change) != design(name) for name in both), change
    for change in ("costs.fee_bps=1", "run.workers=3", "sizing.max_weight=0.5"):
        assert all(design(name, change) == design(name) for name in both), change
    # A BiLSTM has no filters: changing them must not fit it again.
    assert design("attention_bilstm", "net.filters=4") == design("attention_bilstm")
    assert design("dual_attention", "net.filters=4") != design("dual_attention")
    assert design("trend_only") == {"horizons": [1]}


@pytest.mark.parametrize("name", sorted(FORECASTERS))
def test_the_hash_of_the_code_is_stable(name: str) -> None:
    spec = find_forecaster(name)
    assert code_hash(spec) == code_hash(spec)
    assert len(code_hash(spec)) == 64


def test_another_kind_of_forecaster_has_other_code() -> None:
    assert code_hash(find_forecaster("linear")) != code_hash(find_forecaster("lstm"))
