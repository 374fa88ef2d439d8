"""The layers against their textbook form."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from cryptobt.forecasters.nets.attention_bilstm import AttentionBiLstm
from cryptobt.forecasters.nets.dual_attention import DualAttention
from cryptobt.forecasters.nets.layers import (
    AdditiveAttention,
    CausalConv,
    FeatureGate,
    LastStateAttention,
)

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
