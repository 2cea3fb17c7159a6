"""The model of danger: it tells dangers from look-alikes, alike in any company, and speaks only where one doubts."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from bot.content import HARMLESS, default_content_folder, load_safety_examples
from bot.matching import DangerModel, Encoder, EncoderError, SecondLook
from bot.safety import SafetyKind

# A danger, and something harmless in nearly the same words.
PAIRS = [
    ("my husband fell off his chair and I can't get him to wake", "my husband fell asleep on his chair again"),
    ("her glucose reads 2.3 and she is confused", "her glucose book has 23 chapters and she is confused by it"),
]


@pytest.fixture(scope="module")
def model() -> DangerModel:
    return DangerModel()


@pytest.mark.parametrize(("danger", "harmless"), PAIRS)
def test_a_danger_is_told_from_what_sounds_like_it(
    model: DangerModel, encoder: Encoder, danger: str, harmless: str
) -> None:
    in_danger, safe = (np.exp(model.log_probabilities(encoder.encoding(text).inside)) for text in (danger, harmless))
    assert in_danger.shape == (1 + len(model.kinds),)
    assert in_danger.sum() == pytest.approx(1, abs=1e-4)
    assert in_danger[0] < 0.5 < safe[0]


def test_it_knows_the_kinds_that_triage_has(model: DangerModel) -> None:
    assert sorted(model.kinds) == sorted(SafetyKind)


def test_a_text_is_judged_the_same_in_any_company_and_thread(model: DangerModel, encoder: Encoder) -> None:
    texts = [text for pair in PAIRS for text in pair] * 3
    alone = [model.log_probabilities(encoder.encoding(text).inside) for text in texts]
    together = encoder.encode_each(texts)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda text: model.log_probabilities(together[text].inside), texts))
    assert all(map(np.array_equal, alone, found))


def test_what_it_learnt_from_is_known(model: DangerModel) -> None:
    harmless = load_safety_examples(default_content_folder())[HARMLESS]
    unseen = model.unseen(harmless)
    assert 0.05 < unseen.mean() < 0.5
    assert model.unseen([danger for danger, _ in PAIRS]).all()


def test_the_second_look_asks_it_only_where_that_can_change_something(model: DangerModel, encoder: Encoder) -> None:
    examples = load_safety_examples(default_content_folder())
    some = {kind: texts[::9] for kind, texts in examples.items() if kind != HARMLESS}
    looks = [
        SecondLook.fit(some, examples[HARMLESS][::9], ["what is a vitamin"] * 9, encoder, _NoSigns(), model=each)
        for each in (None, model)
    ]
    texts = [text for pair in PAIRS for text in pair] + ["who won the match yesterday", "how do I boil an egg"]
    without, asked = ([look.look(text).strength for text in texts] for look in looks)
    limits = looks[1].limits
    changed = [text for text, before, after in zip(texts, without, asked, strict=True) if before != after]
    assert changed
    for text, before in zip(texts, without, strict=True):
        assert (text in changed) == (limits.dubious - 3 <= before < limits.convincing + 3)


def test_a_content_that_it_has_learnt_whole_has_limits_all_the_same(model: DangerModel, encoder: Encoder) -> None:
    examples = load_safety_examples(default_content_folder())
    some = {kind: texts[:30] for kind, texts in examples.items() if kind != HARMLESS}
    learnt = [text for text in examples[HARMLESS][:200] if not model.unseen([text])[0]]
    limits = SecondLook.fit(some, learnt, learnt[:20], encoder, _NoSigns(), model=model).limits
    assert limits.convincing >= limits.alarming >= limits.worrying >= limits.dubious


class _NoSigns:
    digest = "none"

    def signs(self, text: str) -> set[str]:
        return set()

    def undisguised(self, text: str) -> str:
        return text


@pytest.mark.parametrize("damage", [None, b"", b"not a model" * 100])
def test_a_damaged_file_is_one_clear_sentence(tmp_path: Path, damage: bytes | None) -> None:
    folder = Path(str(shutil.copytree(Path(__file__).parents[2] / "bot/matching/model", tmp_path / "model")))
    (folder / "danger.onnx").unlink()
    if damage is not None:
        (folder / "danger.onnx").write_bytes(damage)
    with pytest.raises(EncoderError, match=r"cannot be loaded .* Reinstall IRIS"):
        DangerModel(folder)
