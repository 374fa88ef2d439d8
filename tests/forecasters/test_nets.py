"""The layers against their textbook form, and what every network keeps to."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from cryptobt.forecasters.nets import build
from cryptobt.forecasters.nets.attention_bilstm import AttentionBiLstm
from cryptobt.forecasters.nets.dual_attention import DualAttention
from cryptobt.forecasters.nets.layers import (
    AdditiveAttention,
    CausalConv,
    FeatureGate,
    LastStateAttention,
    PaperConv,
)
from cryptobt.forecasters.registry import FORECASTERS, make_forecaster

from .made import design, parts, windows

T, B, F, K = 12, 5, 7, 3


def inputs(seed: int = 0, features: int = F) -> Tensor:
    return torch.randn(T, B, features, generator=torch.Generator().manual_seed(seed))


def net(name: str) -> nn.Module:
    torch.manual_seed(1)
    if name == "dual_attention":
        return DualAttention(F, K, filters=6, units=8, attention_heads=2, dropout=0.3).eval()
    return AttentionBiLstm(F, K, units=8, dropout=0.3).eval()


NETS = pytest.mark.parametrize(("name", "heads"), [("dual_attention", 2), ("attention_bilstm", 1)])


@NETS
def test_shapes_are_as_documented(name: str, heads: int) -> None:
    output = net(name)(inputs())
    assert output.prediction.shape == (B, K)
    assert output.attention.shape == (B, heads, T)
    assert (output.gates is None) == (name == "attention_bilstm")
    if output.gates is not None:
        assert output.gates.shape == (T, B, F)


@NETS
def test_attention_is_positive_and_sums_to_one(name: str, heads: int) -> None:
    weights = net(name)(inputs() * 5).attention
    assert (weights > 0).all()
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(B, heads))


@NETS
def test_a_window_s_answer_does_not_depend_on_the_others_of_its_batch(
    name: str, heads: int
) -> None:
    x, other = inputs(), inputs(9)
    other[:, 2] = x[:, 2]
    model = net(name)
    assert torch.equal(model(x).prediction[2], model(other).prediction[2])
    assert torch.equal(model(x).attention[2], model(other).attention[2])
    assert not torch.equal(model(x).prediction[1], model(other).prediction[1])


@NETS
def test_every_row_of_the_window_counts(name: str, heads: int) -> None:
    x = inputs().requires_grad_()
    net(name)(x).prediction.sum().backward()
    assert x.grad is not None
    assert (x.grad.abs().sum(dim=(1, 2)) > 0).all()


@NETS
def test_dropout_acts_in_training_alone(name: str, heads: int) -> None:
    model = net(name)
    assert torch.equal(model(inputs()).prediction, model(inputs()).prediction)
    model.train()
    assert not torch.equal(model(inputs()).prediction, model(inputs()).prediction)


def test_gates_start_near_one_and_let_everything_through() -> None:
    torch.manual_seed(0)
    gates = torch.cat([FeatureGate(17)(inputs(n, 17)) for n in range(20)])
    assert gates.mean().item() == pytest.approx(1.0, abs=0.1)
    assert gates.std() < 0.25
    assert ((gates > 0) & (gates < 2)).all()


def test_gates_are_twice_the_sigmoid_of_a_bottleneck() -> None:
    gate, x = FeatureGate(F), inputs()
    assert gate.squeeze.out_features == 3
    hidden = functional.relu(x @ gate.squeeze.weight.T + gate.squeeze.bias)
    expected = 2 / (1 + torch.exp(-(hidden @ gate.expand.weight.T + gate.expand.bias)))
    torch.testing.assert_close(gate(x), expected)


def test_a_single_feature_has_a_gate_too() -> None:
    assert FeatureGate(1)(inputs(features=1)).shape == (T, B, 1)


def test_a_gate_reads_its_own_time_step_alone() -> None:
    gate, x = FeatureGate(F), inputs()
    other = x.clone()
    other[4] += 1
    changed = [t for t in range(T) if not torch.equal(gate(x)[t], gate(other)[t])]
    assert changed == [4]


def test_the_causal_convolution_is_conv1d_with_padding_on_the_past_side() -> None:
    layer, x = CausalConv(F, 6), inputs()
    twin = nn.Conv1d(F, 6, kernel_size=3)
    with torch.no_grad():
        # (filters, 3F), oldest copy first → (filters, F, 3)
        twin.weight.copy_(layer.kernel.weight.view(6, 3, F).transpose(1, 2))
        twin.bias.copy_(layer.kernel.bias)  # type: ignore[union-attr]
    padded = functional.pad(x.permute(1, 2, 0), (2, 0))  # (B, F, T+2)
    expected = layer.norm(functional.relu(twin(padded)).permute(2, 0, 1))
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize("step", [0, 5, T - 1])
def test_the_convolution_never_reads_a_later_step(step: int) -> None:
    layer, x = CausalConv(F, 6), inputs()
    other = x.clone()
    other[step] += 1
    before, after = layer(x), layer(other)
    assert torch.equal(before[:step], after[:step])
    assert not torch.equal(before[step], after[step])
    assert torch.equal(before[step + 3 :], after[step + 3 :])


def test_the_attention_of_the_last_state_equals_queries_keys_and_values() -> None:
    torch.manual_seed(3)
    layer, states = LastStateAttention(8, 2), inputs(features=8)
    context, weights = layer(states)
    query = layer.query(states[-1]).view(B, 2, 4)
    key = layer.key(states).view(T, B, 2, 4)
    value = layer.value(states).view(T, B, 2, 4)
    expected = torch.softmax(torch.einsum("bnd,tbnd->bnt", query, key) / 4**0.5, dim=-1)
    torch.testing.assert_close(weights, expected)
    mixed = torch.einsum("bnt,tbnd->bnd", expected, value).reshape(B, 8)
    torch.testing.assert_close(context, mixed)


def test_the_attention_of_the_last_state_equals_torch_s_own() -> None:
    torch.manual_seed(3)
    layer, states = LastStateAttention(8, 2), inputs(features=8)
    own = nn.MultiheadAttention(8, 2, bias=False)
    with torch.no_grad():
        own.in_proj_weight.copy_(
            torch.cat([layer.query.weight, layer.key.weight, layer.value.weight])
        )
        own.out_proj.weight.copy_(torch.eye(8))
    expected, weights = own(states[-1:], states, states, average_attn_weights=False)
    context, ours = layer(states)
    torch.testing.assert_close(context, expected[0])
    torch.testing.assert_close(ours, weights[:, :, 0])


def test_additive_attention_by_its_formula() -> None:
    layer, states = AdditiveAttention(8), inputs(features=8)
    context, weights = layer(states)
    logits = torch.stack(
        [layer.score(torch.tanh(layer.project(states[t])))[:, 0] for t in range(T)]
    )
    expected = torch.softmax(logits, dim=0)  # (T, B)
    torch.testing.assert_close(weights[:, 0], expected.T)
    torch.testing.assert_close(context, sum(expected[t, :, None] * states[t] for t in range(T)))


def test_the_bilstm_reads_backwards_from_the_last_row_of_the_window() -> None:
    model, x = net("attention_bilstm"), inputs()
    _, (last, _) = model.lstm(x)  # type: ignore[operator]
    forward, backward = model.lstm(x)[0][-1, :, :8], model.lstm(x)[0][0, :, 8:]  # type: ignore[operator]
    torch.testing.assert_close(last[0], forward)
    torch.testing.assert_close(last[1], backward)


# Every network there is, as it stands and as its paper has it

PUBLISHED = ("dual_attention", "cnn_lstm", "attention_bilstm")
VARIANTS = [(name, False) for name in build.NETS] + [(name, True) for name in PUBLISHED]
EVERY = pytest.mark.parametrize(
    ("name", "published"), VARIANTS, ids=[n + "-published" * p for n, p in VARIANTS]
)
ATTENTION = {"dual_attention": 2, "attention_bilstm": 1}


def built(name: str, published: bool = False, length: int = T, **changes: Any) -> nn.Module:
    """A small network in the state in which it answers, at fixed weights."""
    torch.manual_seed(2)
    shape = {"net": name, "filters": 6, "units": 8, "attention_heads": 2, "window_bars": length}
    options = {"dropout": 0.3, "activation": "leaky_relu", "as_published": published}
    return build.build_net(shape | options | changes, F, K).eval()


def test_every_network_of_the_registry_is_built_here() -> None:
    nets = {name for name, spec in FORECASTERS.items() if spec.kind == "net"}
    assert nets == set(build.NETS)
    published = {n for n in nets if "as_published" in FORECASTERS[n].net_settings}
    assert published == set(PUBLISHED)


@EVERY
def test_a_network_answers_each_target_and_shows_what_it_looked_at(
    name: str, published: bool
) -> None:
    output = built(name, published)(inputs())
    assert output.prediction.shape == (B, K)
    heads = ATTENTION.get(name)
    assert (output.attention is None) == (heads is None)
    assert heads is None or output.attention.shape == (B, heads, T)
    assert (output.gates is not None) == (name == "dual_attention")


@EVERY
def test_a_window_is_answered_alone_whoever_else_is_in_the_batch(
    name: str, published: bool
) -> None:
    x, other = inputs(), inputs(9) * 100
    other[:, 2] = x[:, 2]
    model = built(name, published)
    ours, theirs = model(x).prediction, model(other).prediction
    assert torch.equal(ours[2], theirs[2])
    assert not torch.equal(ours[1], theirs[1])


@EVERY
def test_every_row_and_every_feature_of_the_window_counts(name: str, published: bool) -> None:
    x = inputs().requires_grad_()
    built(name, published)(x).prediction.sum().backward()
    assert x.grad is not None
    assert (x.grad.abs().sum(dim=(1, 2)) > 0).all(), "a row is not read"
    assert (x.grad.abs().sum(dim=(0, 1)) > 0).all(), "a feature is not read"


@pytest.mark.parametrize("length", [2, 3, 5, 6, 7, 9, 16, 30, 49, 50])
@EVERY
def test_the_newest_bar_counts_whatever_the_window(name: str, published: bool, length: int) -> None:
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(length, B, F, generator=generator)
    later = x.clone()
    later[-1] += 1
    model = built(name, published, length)
    assert not torch.isclose(model(x).prediction, model(later).prediction, atol=1e-4).all()


@EVERY
def test_in_training_a_network_differs_from_itself_where_it_has_dropout(
    name: str, published: bool
) -> None:
    model = built(name, published).train()
    same = torch.equal(model(inputs()).prediction, model(inputs()).prediction)
    assert same == (name == "cnn_lstm")  # its paper has none


@pytest.mark.parametrize("activation", ["tanh", "relu", "leaky_relu"])
@pytest.mark.parametrize("name", ["lstm", "gru", "cnn3", "cnn4"])
def test_an_activation_is_the_one_that_is_named(name: str, activation: str) -> None:
    kinds = {"tanh": nn.Tanh, "relu": nn.ReLU, "leaky_relu": nn.LeakyReLU}
    modules = list(built(name, activation=activation).modules())
    assert [kind for kind in kinds.values() if any(type(m) is kind for m in modules)] == [
        kinds[activation]
    ]


@pytest.mark.parametrize(("name", "layers"), [("cnn3", 3), ("cnn4", 4)])
def test_a_network_of_convolutions_has_as_many_as_its_name_says(name: str, layers: int) -> None:
    found = [m for m in built(name).modules() if isinstance(m, nn.Conv1d)]
    assert len(found) == layers


def test_a_convolution_halves_the_time_axis_upwards_and_ends_on_the_newest_bar() -> None:
    # Three layers: 12 bars become 6, 3 and 2; the last kernel of each ends on the newest bar, so
    # a change of it alone changes the last of the two places that the linear layer reads.
    model, x = built("cnn3"), inputs()
    assert model.head.in_features == 6 * 2
    seen: list[Tensor] = []
    model.head.register_forward_pre_hook(lambda _, given: seen.append(given[0]))  # type: ignore[operator]
    model(x)
    later = x.clone()
    later[-1] += 1
    model(later)
    before, after = (flat.view(B, 6, 2) for flat in seen)
    assert torch.equal(before[..., 0], after[..., 0])
    assert not torch.equal(before[..., 1], after[..., 1])


# As published


def test_the_paper_s_convolution_reads_one_step_ahead_inside_the_window() -> None:
    layer, x = PaperConv(F, 6).eval(), inputs()
    other = x.clone()
    other[5] += 1
    before, after = layer(x), layer(other)
    changed = [t for t in range(T) if not torch.equal(before[t], after[t])]
    assert changed == [4, 5, 6]


def test_batch_norm_mixes_a_batch_in_training_and_not_when_it_answers() -> None:
    torch.manual_seed(0)
    layer, x, other = PaperConv(F, 6), inputs(), inputs(9)
    other[:, 2] = x[:, 2]
    assert not torch.equal(layer.train()(x)[:, 2], layer.train()(other)[:, 2])
    assert torch.equal(layer.eval()(x)[:, 2], layer.eval()(other)[:, 2])


def test_the_paper_s_gate_lies_between_0_and_1() -> None:
    gates = built("dual_attention", published=True)(inputs() * 3).gates
    assert ((gates > 0) & (gates < 1)).all()
    honest = built("dual_attention")(inputs() * 3).gates
    assert honest.max() > 1


def test_the_paper_s_bilstm_answers_from_the_context_of_its_attention_alone() -> None:
    model, x = built("attention_bilstm", published=True), inputs()
    states, _ = model.lstm(x)  # type: ignore[operator]
    context, _ = model.attention(states)  # type: ignore[operator]
    torch.testing.assert_close(model(x).prediction, model.head(context))  # type: ignore[operator]
    assert not any(isinstance(module, nn.LayerNorm) for module in model.modules())


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_network_answers_to_the_bit_after_it_was_kept(name: str) -> None:
    # Running means of BatchNorm are no weights, and have to be kept all the same.
    whole = windows(200)
    options = design(name, "net.as_published=true")
    model = make_forecaster(name, options, 1).fit(*parts(whole))
    kept = model.arrays()
    assert kept is not None
    assert any("running_mean" in key for key in kept) == (name != "attention_bilstm")
    again = make_forecaster(name, options, 5).restore(kept)
    answers = model.predict(whole).answers
    np.testing.assert_array_equal(again.predict(whole).answers, answers)
    some = np.array([3, 60, 150])
    np.testing.assert_array_equal(model.predict(whole.take(some)).answers, answers[some])
