"""A small version of docs/studies/verdict.md: no skill where there is none, some where it is."""

from pathlib import Path

import pytest

from cryptobt.jobs.audits.rates import exact_interval
from cryptobt.records.content import ContentStore
from studies.verdict_markets import CHEAP, judge_nothing, judge_planted
from studies.verdict_page import drifts
from tests.forecasters.small import in_process


@pytest.fixture(autouse=True)
def _here() -> object:
    with in_process():
        yield


def test_a_trend_follower_on_a_drifting_market_without_skill_shows_none(tmp_path: Path) -> None:
    found = judge_nothing(3, CHEAP["momentum"], ContentStore(tmp_path), drift=True)
    assert found.grade == "none"
    assert "same_exposure" not in found.kept


@pytest.mark.slow
def test_a_planted_signal_of_a_fifth_is_found_on_most_markets(tmp_path: Path) -> None:
    found = [judge_planted(seed, 0.2, ContentStore(tmp_path)) for seed in range(100, 105)]
    assert sum(one.grade != "none" for one in found) >= 4
    # The lead is measured after costs: it is nowhere near what the signal is worth before them.
    assert all(one.excess is not None and 0 < one.excess < 15.2 * 0.2 for one in found)


@pytest.mark.slow
def test_claims_on_markets_without_skill_are_as_rare_as_a_twentieth(tmp_path: Path) -> None:
    names = [name for name in CHEAP if name != "linear on trend"]
    found = [
        judge_nothing(2000 + seed, CHEAP[names[seed % len(names)]], ContentStore(tmp_path),
                      drift=seed % 2 == 0)
        for seed in range(16)
    ]  # fmt: skip
    # 16 markets at 5 %: four claims or more have the probability 0.7 %.
    assert sum(one.grade != "none" for one in found) < 4


def test_half_of_the_markets_of_each_strategy_have_a_drift() -> None:
    for place in range(len(CHEAP)):
        own = [drifts(seed) for seed in range(place, 500, len(CHEAP))]
        assert sum(own) == len(own) / 2


def test_the_interval_of_a_share_is_exact() -> None:
    # none of 20: high solves (1 − p)^20 = 0.025
    low, high = exact_interval(0, 20)
    assert low == 0
    assert high == pytest.approx(1 - 0.025 ** (1 / 20))
    assert exact_interval(20, 20)[1] == 1.0
