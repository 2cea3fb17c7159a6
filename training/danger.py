"""Tunes the model of danger and writes danger.onnx and danger_learnt_from.bin.

    python training/danger.py --weights bot/matching/model/tuned.safetensors     (make encoder does it after tune.py)

The encoder's two last layers once more, with a linear layer behind their mean, learn to tell the kinds of danger in
``content/utterances/safety.yaml`` from its harmless look-alikes and from what people ask otherwise. The layers before
stay as they are, so that one message is read once for both. Half of the examples are learnt a second time beside a
plain sentence, since a danger may stand in a long message. Texts are read in corrected spelling, as messages are.

A third of the harmless texts that the encoder was not tuned on are not learnt from: on them the second look measures
from which strength on to speak (``danger_learnt_from.bin`` lists the hashes of the others). QUESTIONS are messages by
others, for the report: of the risky ones, how many are above what 2% of the harmless ones reach.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from export import SHARED_LAYERS, build_danger
from minilm import MiniLM, unit_mean
from torch import Tensor, nn
from torch.nn import functional
from tune import MODEL_FOLDER

from bot.assembly import asked, wording_of
from bot.content import HARMLESS, default_content_folder, load_faq, load_safety_examples
from bot.matching import Encoder
from bot.matching.seen_texts import SeenTexts, text_key

EPOCHS, BATCH = 4, 32
RATE, HEAD_RATE = 1e-4, 1e-3
WARM_UP = 50  # steps
SHARPNESS = 4.0  # of the unit vector before the linear layer
DROPPED = 0.1
SMOOTHED = 0.02
BESIDE_PLAIN = 0.5  # share of the examples that are learnt beside a plain sentence too
TOKENS_MAX = 64
HARMLESS_MAX = 0.02  # for the report


def learnt_from(texts: Sequence[str], tuned_on: SeenTexts) -> list[str]:
    """The harmless ``texts`` but for those that are kept for measuring."""
    pairs = zip(texts, tuned_on.unseen(texts), strict=True)
    return [text for text, unseen in pairs if not unseen or text_key(text)[0] % 3]


class Danger(nn.Module):
    """Log probabilities of being harmless and of each kind, shape (texts, 1 + kinds)."""

    def __init__(self, network: MiniLM, kinds: int) -> None:
        super().__init__()
        self.layers = copy.deepcopy(network.layers[SHARED_LAYERS:])
        self.head = nn.Linear(network.words.embedding_dim, 1 + kinds)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, inside: Sequence[Tensor]) -> Tensor:
        length = max(map(len, inside))
        hidden = torch.zeros(len(inside), length, inside[0].shape[1])
        there = torch.zeros(len(inside), length)
        for number, each in enumerate(inside):
            hidden[number, : len(each)], there[number, : len(each)] = each.float(), 1.0
        for layer in self.layers:
            hidden = layer(hidden, there.bool()[:, None, None, :])
        vectors = functional.dropout(SHARPNESS * unit_mean(hidden, there), DROPPED, self.training)
        return torch.log_softmax(self.head(vectors), dim=1)


@torch.no_grad()
def inside_of(texts: Sequence[Sequence[int]], network: MiniLM) -> list[Tensor]:
    """What leaves the shared layers, for each text given by its token ids: shape (tokens, 384), in half precision."""
    found: list[Tensor] = [torch.empty(0)] * len(texts)
    for batch in batches(texts, 64):
        inside, _ = network.after([texts[number] for number in batch], SHARED_LAYERS)
        for number, hidden in zip(batch, inside, strict=True):
            found[number] = hidden[: len(texts[number])].half().clone()
    return found


def batches(texts: Sequence[Sequence[object]], size: int, among: Sequence[int] | None = None) -> list[list[int]]:
    """The numbers of texts of like length, so many together."""
    order = sorted(range(len(texts)) if among is None else among, key=lambda number: len(texts[number]))
    return [order[start : start + size] for start in range(0, len(order), size)]


def tune(model: Danger, inside: Sequence[Tensor], labels: Tensor, often: Sequence[int], seldom: Sequence[int]) -> None:
    """Learn ``often`` once an epoch, and a half of ``seldom``, another one each time."""
    chance = random.Random(1)
    optimiser = torch.optim.AdamW(
        [{"params": model.layers.parameters(), "lr": RATE}, {"params": model.head.parameters(), "lr": HEAD_RATE}],
        weight_decay=0.01,
    )
    steps = EPOCHS * (len(often) + len(seldom) // 2) // BATCH
    rates = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, step / WARM_UP) * max(0.05, 1 - step / steps)
    )
    for epoch in range(EPOCHS):
        numbers = [*often, *chance.sample(seldom, len(seldom) // 2)]
        chance.shuffle(numbers)
        together = BATCH * 40  # sorted by length within these, so that a batch is no epoch's shortest texts
        parts = [numbers[start : start + together] for start in range(0, len(numbers), together)]
        order = [batch for part in parts for batch in batches(inside, BATCH, part)]
        chance.shuffle(order)
        model.train()
        total = 0.0
        for batch in order:
            log_p = model([inside[number] for number in batch])
            loss = functional.cross_entropy(log_p, labels[batch], label_smoothing=SMOOTHED)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.layers.parameters(), 1.0)
            optimiser.step()
            rates.step()
            total += float(loss.detach())
        print(f"  epoch {epoch + 1}: loss {total / len(order):.3f}", flush=True)


@torch.no_grad()
def found(model: Danger, inside: Sequence[Tensor], risky: Sequence[bool]) -> float:
    """Percent of the risky messages above what HARMLESS_MAX of the others reach."""
    model.eval()
    harmless = torch.zeros(len(inside))
    for batch in batches(inside, 64):
        harmless[batch] = model([inside[number] for number in batch])[:, 0]
    strength, of_risky = -harmless.numpy(), np.array(risky)
    return 100 * float((strength[of_risky] >= np.quantile(strength[~of_risky], 1 - HARMLESS_MAX)).mean())


def main() -> None:
    """Tune, report, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=MODEL_FOLDER / "tuned.safetensors", help="what tune.py wrote")
    parser.add_argument("--questions", type=Path, nargs="*", default=[])
    parser.add_argument("--content", type=Path, default=default_content_folder())
    parser.add_argument("--output", type=Path, default=MODEL_FOLDER)
    arguments = parser.parse_args()
    torch.manual_seed(1)
    chance = random.Random(1)
    network = MiniLM()
    network.load(arguments.weights)
    encoder = Encoder()
    faq, examples = load_faq(arguments.content), load_safety_examples(arguments.content)
    wording = wording_of(faq, encoder)

    def read(text: str) -> list[int]:
        return list(encoder.wordpiece(wording.best(text)))[:TOKENS_MAX]

    kinds = [kind for kind in examples if kind != HARMLESS]
    tuned_on = SeenTexts(MODEL_FOLDER / "tuned_on.bin")
    harmless = learnt_from(examples[HARMLESS], tuned_on)
    plain = learnt_from(list(dict.fromkeys(asked(faq))), tuned_on)
    texts = [*harmless, *(text for kind in kinds for text in examples[kind]), *plain]
    labels = [0] * len(harmless) + [1 + n for n, kind in enumerate(kinds) for _ in examples[kind]] + [0] * len(plain)
    tokens = [read(text) for text in texts]
    for number in range(len(texts) - len(plain)):
        if chance.random() < BESIDE_PLAIN:
            pair = [tokens[number], tokens[chance.randrange(len(texts) - len(plain), len(texts))]]
            chance.shuffle(pair)
            tokens.append([*pair[0][:-1], *pair[1][1:]][: 2 * TOKENS_MAX])  # one beginning and one end
            labels.append(labels[number])
    of_plain = range(len(texts) - len(plain), len(texts))
    others = [number for number in range(len(tokens)) if number not in of_plain]
    model = Danger(network, len(kinds))
    tune(model, inside_of(tokens, network), torch.tensor(labels), others, list(of_plain))
    for file in arguments.questions:
        rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        messages = inside_of([read(row["text"]) for row in rows], network)
        share = found(model, messages, [row["kind"] == "safety" for row in rows])
        print(f"  {file.name}: {share:.1f}% of the risky ones above {HARMLESS_MAX:.0%} of the others", flush=True)
    for number, layer in enumerate(model.layers, SHARED_LAYERS):
        network.layers[number] = layer
    head, bias = (part.detach().numpy() for part in (SHARPNESS * model.head.weight.T, model.head.bias))
    onnx.save(build_danger(network.published(), head, bias, kinds), arguments.output / "danger.onnx")
    SeenTexts(arguments.output / "danger_learnt_from.bin").write([*harmless, *plain])


if __name__ == "__main__":
    main()
