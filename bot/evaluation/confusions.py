"""What is taken for what, and which utterances of the wrong entry pull the questions there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bot.content import Faq
from bot.evaluation.judge import Judged, Verdict
from bot.evaluation.questions import Expected
from bot.matching import Encoder
from bot.reply import ReplyKind


@dataclass(frozen=True, slots=True)
class Pull:
    """An utterance of the wrong entry that lies nearest to questions which went there; ``lines`` of the file.

    ``similarity`` is the largest cosine of those questions to it, ``to_right`` to any utterance of the right entry.
    """

    utterance: str
    similarity: float
    to_right: float | None
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Confusion:
    """What was taken for what: so many times as an answer, so many times as the first of the suggestions."""

    expected: str
    got: str
    answered: int
    suggested_first: int
    pulls: tuple[Pull, ...]


def find_confusions(judged: Iterable[Judged], faq: Faq, cache: Path | None) -> list[Confusion]:
    """Most frequent first."""
    pairs: dict[tuple[str, str], list[Judged]] = defaultdict(list)
    for each in judged:
        candidates = each.decision.candidates
        first = each.decision.id or (candidates[0][0] if candidates else "")
        suggested = each.verdict is Verdict.ASKED_BACK or (
            each.verdict is Verdict.SUGGESTED and (ReplyKind.ANSWER, first) not in each.expected.right
        )
        # To ask back about something out of scope is caution, not confusion.
        if each.verdict is Verdict.WRONG or (suggested and each.expected.kind is not ReplyKind.OUT_OF_SCOPE):
            pairs[each.expected.name, first].append(each)
    nearest = _Nearest(faq, {id_ for pair in pairs for id_ in pair}, cache) if pairs else None
    confusions = [
        Confusion(
            expected,
            got,
            sum(each.verdict is Verdict.WRONG for each in members),
            sum(each.verdict is not Verdict.WRONG for each in members),
            nearest.pulls(expected, got, [each.expected for each in members]) if nearest else (),
        )
        for (expected, got), members in pairs.items()
    ]
    return sorted(confusions, key=lambda each: (-each.answered - each.suggested_first, each.expected, each.got))


class _Nearest:
    """Finds the utterances of some ``ids`` that lie nearest to a question, by the matcher's own sentence vectors."""

    def __init__(self, faq: Faq, ids: Collection[str], cache: Path | None) -> None:
        self._encoder = Encoder(cache_folder=cache)
        utterances = {entry.id: [entry.question, *entry.utterances] for entry in faq.entries}
        utterances.update({talk.id: [talk.question, *talk.utterances] for talk in faq.smalltalk})
        self._utterances = {id_: texts for id_, texts in utterances.items() if id_ in ids}
        every = [text for texts in self._utterances.values() for text in texts]
        self._vectors = dict(zip(every, self._encoder.encode_content(every), strict=True))

    def pulls(self, expected: str, got: str, questions: Sequence[Expected]) -> tuple[Pull, ...]:
        """The utterances of ``got``, the one that most questions lie nearest to first."""
        utterances = self._utterances.get(got)
        if utterances is None:  # a safety reply: triage goes by rules, not by likeness
            return ()
        vectors = np.stack([self._vectors[text] for text in utterances])
        own = [self._vectors[text] for text in self._utterances.get(expected, ())]
        near: dict[int, list[tuple[float, float | None, int]]] = defaultdict(list)
        for question in questions:
            vector = self._encoder.encode(question.text)
            similarities = vectors @ vector
            to_right = round(max(float(each @ vector) for each in own), 3) if own else None
            best = int(similarities.argmax())
            near[best].append((round(float(similarities[best]), 3), to_right, question.line))
        found = []
        for number, hits in near.items():
            similarity, to_right, _ = max(hits, key=lambda hit: hit[0])
            found.append(Pull(utterances[number], similarity, to_right, tuple(line for _, _, line in hits)))
        return tuple(sorted(found, key=lambda pull: (-len(pull.lines), -pull.similarity)))
