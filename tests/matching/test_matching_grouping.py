"""Questions that were sent in, put into groups of one meaning."""

from __future__ import annotations

import numpy as np
import pytest

from bot.matching import Encoder
from bot.matching.grouping import group_by_meaning, nearest_owners

SENT = [
    "Does berberine help with insulin resistance?",
    "Can I donate blood with Hashimoto's?",
    "berberine instead of metformin?",
    "What about insulin resistance in cats?",
    "is berberin any good for my sugar",
    "can people with hashimotos give blood",
]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


def test_questions_of_one_meaning_come_together_the_biggest_group_first(encoder: Encoder) -> None:
    groups = group_by_meaning(SENT, encoder)
    assert [sorted(group) for group in groups[:2]] == [[0, 2, 4], [1, 5]]
    assert sorted(place for group in groups for place in group) == list(range(len(SENT)))


def test_one_question_and_none(encoder: Encoder) -> None:
    assert group_by_meaning([], encoder) == []
    assert group_by_meaning(SENT[:1], encoder) == [[0]]
    assert group_by_meaning(SENT[:1] * 3, encoder) == [[0, 1, 2]]


@pytest.mark.parametrize("same_from", [0.3, 0.5, 0.7])
def test_it_is_average_linkage(encoder: Encoder, same_from: float) -> None:
    """The groups are those of the definition: the two with the highest mean cosine of all pairs are joined first."""
    texts = [f"{text} {word}" for text in SENT for word in ("please", "today", "for my mother", "really", "again")]
    vectors = np.stack([encoder.encode(text) for text in texts])
    groups = [[place] for place in range(len(texts))]
    while len(groups) > 1:
        means = {
            (one, other): float((vectors[groups[one]] @ vectors[groups[other]].T).mean())
            for one in range(len(groups))
            for other in range(one)
        }
        one, other = max(means, key=lambda pair: means[pair])
        if means[one, other] < same_from:
            break
        groups[other] += groups.pop(one)
    found = group_by_meaning(texts, encoder, same_from)
    assert sorted(map(sorted, found)) == sorted(map(sorted, groups))


def test_the_nearest_entries_come_with_the_nearest_first_and_each_once(encoder: Encoder) -> None:
    known = ["Is berberine any good?", "What does berberine do?", "Can I give blood?", "Do cats get diabetes?"]
    owners = ["supplements", "supplements", "blood", "animals"]
    found = nearest_owners(SENT[:2], known, owners, encoder, limit=2)
    assert [ids[0] for ids in found] == ["supplements", "blood"]
    assert [len(set(ids)) for ids in found] == [2, 2]
    assert nearest_owners([], known, owners, encoder) == []
