"""Each loss worked by hand, sums of several, and which output a network answers with."""

import math
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from cryptobt.forecasters.losses import QUANTILES, Loss


def loss_of(
    names: Sequence[str],
    outputs: list[list[float]],
    labels: list[list[float]],
    target: str = "next_return",
) -> float:
    return Loss(names, target)(torch.tensor(outputs), torch.tensor(labels)).item()


def test_the_squared_error_by_hand() -> None:
    # (1² + 3²)/2 = 5
    assert loss_of(["mse"], [[1.0], [3.0]], [[0.0], [0.0]]) == 5.0


def test_the_huber_loss_is_quadratic_within_one_and_linear_beyond() -> None:
    # 0.5·0.5² = 0.125 and 3 − 0.5 = 2.5; the mean is 1.3125
    assert loss_of(["huber"], [[0.5], [3.0]], [[0.0], [0.0]]) == 1.3125


def test_cross_entropy_is_that_of_the_log_odds_of_up() -> None:
    # log odds 0 cost ln 2 whatever came; ln 3 is a probability of 0.75, which costs −ln 0.75 when
    # it goes up and −ln 0.25 when not; a label of 0 is no rise.
    half = loss_of(["bce"], [[0.0], [0.0]], [[2.0], [-2.0]])
    assert half == pytest.approx(math.log(2))
    for label, chance in ((0.3, 0.75), (-0.3, 0.25), (0.0, 0.25)):
        cost = loss_of(["bce"], [[math.log(3)]], [[label]])
        assert cost == pytest.approx(-math.log(chance))


def test_the_pinball_loss_by_hand() -> None:
    assert QUANTILES == (0.05, 0.50, 0.95)
    # Quantiles −1, 0 and 1 and a label of 2: errors 3, 2 and 1 above, which cost 0.05·3, 0.5·2
    # and 0.95·1 = 0.15 + 1 + 0.95 = 2.1; over three quantiles 0.7.
    assert loss_of(["pinball"], [[-1.0, 0.0, 1.0]], [[2.0]]) == pytest.approx(0.7)
    # A label of −2 mirrors it: errors −1, −2, −3 cost 0.95·1, 0.5·2 and 0.05·3.
    assert loss_of(["pinball"], [[-1.0, 0.0, 1.0]], [[-2.0]]) == pytest.approx(0.7)


@pytest.mark.parametrize(("level", "place"), [(0.05, 0), (0.50, 1), (0.95, 2)])
def test_the_pinball_loss_is_least_at_the_quantile(level: float, place: int) -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randn(4001, 1, generator=generator)
    loss, guess = Loss(["pinball"], "next_return"), torch.zeros(4001, 3)
    grid = torch.linspace(-3, 3, 601)
    costs = []
    for value in grid:
        guess[:, place] = value
        costs.append(loss(guess, labels).item())
    best = grid[int(torch.tensor(costs).argmin())].item()
    assert best == pytest.approx(torch.quantile(labels, level).item(), abs=0.02)


def test_losses_are_summed() -> None:
    # One output of the point, one of the log odds, three of the quantiles; in this order.
    outputs, labels = [[3.0, math.log(3), -1.0, 0.0, 1.0]], [[2.0]]
    # mse (3 − 2)² = 1; huber 0.5; bce −ln 0.75; pinball 0.7
    total = 1 + 0.5 - math.log(0.75) + 0.7
    names = ["mse", "huber", "bce", "pinball"]
    assert loss_of(names, outputs, labels) == pytest.approx(total)
    assert loss_of(names[::-1], outputs, labels) == pytest.approx(total)


def test_two_targets_have_outputs_of_their_own() -> None:
    loss = Loss(["mse", "bce"], "next_return")
    assert loss.width == 2
    outputs = torch.tensor([[1.0, 0.0, 5.0, 0.0]])  # point and odds of the first, of the second
    labels = torch.tensor([[1.0, 5.0]])
    assert loss(outputs, labels).item() == pytest.approx(math.log(2))
    assert loss.answer(outputs).tolist() == [[1.0, 5.0]]


@pytest.mark.parametrize(
    ("names", "target", "width", "place"),
    [
        ([], "trend", 1, 0),
        ([], "direction", 1, 0),
        (["mse"], "next_return", 1, 0),
        (["huber"], "next_return", 1, 0),
        (["mse", "huber"], "next_return", 1, 0),
        (["bce"], "direction", 1, 0),
        (["pinball"], "next_return", 3, 1),
        (["pinball", "mse"], "next_return", 4, 0),
        (["bce", "pinball"], "direction", 4, 0),
        (["mse", "bce", "pinball"], "next_return", 5, 0),
    ],
    ids=lambda value: "+".join(value) or "own" if isinstance(value, list) else None,
)
def test_a_network_answers_the_point_else_the_log_odds_else_the_median(
    names: list[str], target: str, width: int, place: int
) -> None:
    loss = Loss(names, target)
    assert loss.width == width
    outputs = torch.arange(2.0 * 3 * width).reshape(2, 3 * width)  # two windows, three targets
    expected = [[row * 3 * width + k * width + place for k in range(3)] for row in range(2)]
    assert loss.answer(outputs).tolist() == expected


def test_the_target_s_own_loss_is_used_where_none_is_named() -> None:
    assert Loss([], "direction").names == ("bce",)
    assert Loss([], "trend").names == ("mse",)
    assert Loss([], "scaled_close").names == ("mse",)


@pytest.mark.parametrize("name", ["mse", "huber", "bce", "pinball"])
def test_every_output_is_learnt(name: str) -> None:
    loss = Loss([name], "next_return")
    outputs: Tensor = torch.full((4, 2 * loss.width), 0.3, requires_grad=True)
    loss(outputs, torch.tensor([[1.0, -1.0]] * 4)).backward()
    assert outputs.grad is not None
    assert (outputs.grad.abs() > 0).all()
