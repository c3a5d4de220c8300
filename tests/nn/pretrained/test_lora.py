"""Adapters: W x becomes W x + (α / r) B A x, beside the layers that are named and no others."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
import torch

pytest.importorskip("peft", reason="needs the extra [llm]")

from icdcoder.nn.pretrained.loading import add_lora, load_pretrained


def adapted(models: ModuleType, **settings: Any) -> Any:
    torch.manual_seed(0)
    model = load_pretrained(None, models.architecture("llama"), 200, writes=True).model
    add_lora(model, **{"rank": 2, "alpha": 4.0, "dropout": 0.0, **settings})
    return model.eval()


def beside(model: Any) -> set[str]:
    names = (name.split(".lora_")[0].rpartition(".")[2] for name, _ in model.named_parameters() if ".lora_" in name)
    return set(names)


@pytest.mark.parametrize(("rank", "alpha"), [(2, 4.0), (4, 1.0)])
def test_what_is_added_is_scaled_by_alpha_over_rank(tiny_models: ModuleType, rank: int, alpha: float) -> None:
    model = adapted(tiny_models, rank=rank, alpha=alpha, targets=("q_proj",))
    layer = next(module for name, module in model.named_modules() if name.endswith("q_proj"))
    down, up = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    assert (down.shape[0], up.shape[1]) == (rank, rank)
    x = torch.randn(3, down.shape[1])
    assert torch.equal(layer(x), layer.base_layer(x)), "B is zero at first"
    with torch.no_grad():
        up.normal_()
    torch.testing.assert_close(layer(x), layer.base_layer(x) + alpha / rank * x @ down.T @ up.T)


@pytest.mark.parametrize(
    ("targets", "names"),
    [
        ((), {"q_proj", "v_proj"}),
        (("k_proj", "o_proj"), {"k_proj", "o_proj"}),
        (("all-linear",), {f"{name}_proj" for name in ("q", "k", "v", "o", "gate", "up", "down")}),
    ],
)
def test_adapters_stand_beside_the_layers_that_are_named(
    tiny_models: ModuleType, targets: tuple[str, ...], names: set[str]
) -> None:
    model = adapted(tiny_models, targets=targets)
    assert beside(model) == names
    assert all((".lora_" in name) == weight.requires_grad for name, weight in model.named_parameters())
