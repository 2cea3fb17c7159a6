"""MiniLM in torch, just enough of it to be tuned: the same arithmetic as the graph that ``export.py`` writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import save_file
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

LAYERS, HEADS, WIDTH, INNER = 6, 12, 384, 1536
WORDS, POSITIONS, TOKEN_TYPES = 30522, 512, 2
_AT_ONCE = 32
"""Texts of like length that are run together: padding costs more than a smaller batch."""


class _Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.attended = nn.Linear(WIDTH, WIDTH)
        self.settled = nn.LayerNorm(WIDTH, eps=1e-12)
        self.wide, self.narrow = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)
        self.out = nn.LayerNorm(WIDTH, eps=1e-12)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        batch, length, _ = hidden.shape
        query, key, value = (
            part(hidden).view(batch, length, HEADS, -1).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        mixed = mixed.transpose(1, 2).reshape(batch, length, WIDTH)
        settled = self.settled(self.attended(mixed) + hidden)
        result: Tensor = self.out(self.narrow(functional.gelu(self.wide(settled))) + settled)
        return result


# Our names of a layer's parts -> those in the published weights.
_PARTS = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attended": "attention.output.dense",
    "settled": "attention.output.LayerNorm",
    "wide": "intermediate.dense",
    "narrow": "output.dense",
    "out": "output.LayerNorm",
}


def unit_mean(hidden: Tensor, there: Tensor) -> Tensor:
    """The mean over the tokens that are ``there``, of unit length: shape (texts, 384)."""
    mean = (hidden * there[..., None]).sum(1) / there.sum(1, keepdim=True)
    return functional.normalize(mean, dim=1)


class MiniLM(nn.Module):
    """Token ids -> unit vectors of shape (texts, 384): the mean of the last layer over a text's tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.positions = nn.Embedding(POSITIONS, WIDTH)
        self.token_types = nn.Embedding(TOKEN_TYPES, WIDTH)
        self.embedded = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(_Layer() for _ in range(LAYERS))

    def forward(self, texts: Sequence[Sequence[int]]) -> Tensor:
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        vectors: list[Tensor] = [torch.empty(0)] * len(texts)
        for start in range(0, len(order), _AT_ONCE):
            chosen = order[start : start + _AT_ONCE]
            for number, vector in zip(chosen, self._run([texts[number] for number in chosen]), strict=True):
                vectors[number] = vector
        return torch.stack(vectors)

    def _run(self, texts: Sequence[Sequence[int]]) -> Tensor:
        return unit_mean(*self.after(texts, LAYERS))

    def after(self, texts: Sequence[Sequence[int]], layers: int) -> tuple[Tensor, Tensor]:
        """What leaves so many of the first layers, shape (texts, longest length, 384), and 1 where a token is."""
        length = max(map(len, texts))
        ids = torch.tensor([[*text, *[0] * (length - len(text))] for text in texts])
        there = torch.tensor([[1.0] * len(text) + [0.0] * (length - len(text)) for text in texts])
        hidden = self.words(ids) + self.positions.weight[:length] + self.token_types.weight[0]
        hidden = self.embedded(hidden)
        mask = there.bool()[:, None, None, :]
        for layer in self.layers[:layers]:
            hidden = layer(hidden, mask)
        return hidden, there

    def load(self, file: Path) -> None:
        """Take the weights of ``file``, which has the names of the published model."""
        published = load_file(file)
        self.load_state_dict({ours: published[theirs] for ours, theirs in self._names().items()})

    def save(self, file: Path) -> None:
        """Write the weights under the names of the published model."""
        save_file(self.published(), file)

    def published(self) -> dict[str, npt.NDArray[np.float32]]:
        """The weights under the names of the published model."""
        own = self.state_dict()
        return {theirs: own[ours].contiguous().numpy() for ours, theirs in self._names().items()}

    def _names(self) -> dict[str, str]:
        names = {
            "words.weight": "embeddings.word_embeddings.weight",
            "positions.weight": "embeddings.position_embeddings.weight",
            "token_types.weight": "embeddings.token_type_embeddings.weight",
        }
        for kind in ("weight", "bias"):
            names[f"embedded.{kind}"] = f"embeddings.LayerNorm.{kind}"
            for layer in range(LAYERS):
                for ours, theirs in _PARTS.items():
                    names[f"layers.{layer}.{ours}.{kind}"] = f"encoder.layer.{layer}.{theirs}.{kind}"
        return names
