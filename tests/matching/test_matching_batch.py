"""Many questions at once: the replies are those that each gets alone, and one bad text costs the others nothing."""

from __future__ import annotations

from types import MappingProxyType

from bot.answer import LONGEST_QUESTION, Answerer
from bot.assembly import load_content
from bot.matching import Encoder, Encodings, Intent, Match, Matcher
from bot.question import Question
from bot.reply import ReplyKind

NOTHING: Encodings = MappingProxyType({})

TEXTS = [
    "what is insulin resistance",
    "What is insulin resistance?",
    "wat is insuln resistanc",
    "how is T1D different from IR, and can hashis cause it",
    "What is celiac disease? Does stress matter for insulin resistance?",
    "my sugar is 38 and I am shaking",
    "how much metformin should I take",
    "I don't want to live any more",
    "how do I fix a puncture",
    "hello",
    "thank you so much",
    "",
    "😂😂",
    "a\0b\ud83d",
    "insulin " * 400,
    "I have had lupus since 2003 and live in the country with two dogs. " * 6 + "Can it make me insulin resistant?",
    "x" * (LONGEST_QUESTION + 1),
    "is insulin resistance an autoimmune disease",
]


def test_a_batch_gets_the_replies_that_each_question_gets_alone(answerer: Answerer) -> None:
    questions = [Question(text, region="DE") for text in TEXTS]
    alone = [answerer.answer(question) for question in questions]
    assert answerer.answer_all(questions) == alone
    assert answerer.answer_all(questions[::-1]) == alone[::-1]
    assert answerer.answer_all(questions * 3) == alone * 3


def test_no_questions_get_no_replies(answerer: Answerer) -> None:
    assert answerer.answer_all([]) == []
    assert answerer.decide([]) == []


class StumblingMatcher(Matcher):
    """Fails where nobody foresaw it."""

    def match(self, text: str, known: Encodings = NOTHING) -> Match:
        if "stumble" in text:
            raise ZeroDivisionError
        return super().match(text, known)


def test_a_text_that_nobody_foresaw_costs_the_others_nothing(encoder: Encoder) -> None:
    faq, triage = load_content()
    few = [Intent(entry.id, (entry.question, *entry.utterances[:5])) for entry in faq.entries[:6]]
    answerer = Answerer(faq, triage, StumblingMatcher.fit(few, [], encoder))
    texts = [few[0].utterances[1], "stumble", few[1].utterances[2], "stumble, my chest hurts and I can't breathe"]
    first, second, third, fourth = answerer.answer_all([Question(text) for text in texts])
    assert (first.entry_id, third.entry_id) == (few[0].id, few[1].id)
    assert (second.kind, second.text) == (ReplyKind.OUT_OF_SCOPE, faq.replies.unavailable)
    assert (fourth.kind, fourth.entry_id) == (ReplyKind.SAFETY, "emergency-other")
    assert {reply.disclaimer for reply in (first, second, third, fourth)} == {faq.disclaimer.short}
