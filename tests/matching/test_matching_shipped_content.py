"""What the shipped content does with questions that nobody tuned to, through the Answerer as a community runs it.

The floors are those of the project's aims: of questions with an entry 96% find it, as the answer or among the
suggestions; of messages without one at most 6% get an answer.
"""

from __future__ import annotations

from itertools import pairwise

import pytest

from bot.answer import Answerer, Decision
from bot.content import Faq
from bot.matching.names import Names
from bot.reply import ReplyKind

FOUND_MIN = 0.96
WRONG_MAX = 0.04
ANSWERED_OUT_OF_SCOPE_MAX = 0.06

QUESTIONS = [
    # insulin resistance
    ("what job does insulin have in the body", "what-is-insulin"),
    ("could you explain insulin resistance in simple terms", "what-is-insulin-resistance"),
    ("my lab says fasting insulin is high, is that because I'm insulin resistant?", "hyperinsulinemia"),
    ("why do people become insulin resistant", "ir-causes"),
    ("what breaks down inside cells so that they ignore insulin", "ir-mechanism"),
    ("which signs tell you that you may be insulin resistant", "ir-symptoms"),
    ("is a HOMA-IR calculation or OGTT used to check for insulin resistance", "ir-tests"),
    ("what happens if you leave insulin resistance alone for years", "ir-complications"),
    ("who is most likely to become insulin resistant", "ir-risk-factors"),
    ("what share of adults is insulin resistant", "ir-prevalence"),
    ("can a slim person with a normal weight be insulin resistant", "ir-lean"),
    ("is being insulin resistant already diabetes", "ir-vs-diabetes"),
    ("what A1C counts as prediabetes", "prediabetes"),
    ("explain t2d", "type-2-diabetes"),
    ("what makes up the metabolic syndrome", "metabolic-syndrome"),
    ("can you get rid of insulin resistance for good", "ir-reversal"),
    # blood sugar
    ("what counts as a hypo and why does it happen", "low-blood-sugar"),
    ("what is DKA", "diabetic-ketoacidosis"),
    # autoimmunity
    ("what does it mean when the immune system attacks your own body", "what-is-autoimmune-disease"),
    ("what are antibodies against your own tissue called and what do they do", "autoantibodies"),
    ("why does someone develop an autoimmune disease at all", "autoimmune-causes"),
    ("name some well known autoimmune diseases", "autoimmune-examples"),
    ("do autoimmune diseases come in pairs, will I get a second one", "polyautoimmunity"),
    # the central question
    ("does insulin resistance count as an autoimmune condition", "is-ir-autoimmune"),
    ("what evidence is lacking for calling insulin resistance autoimmune", "why-ir-not-autoimmune"),
    ("is t2dm an autoimmune disorder like type 1", "is-t2d-autoimmune"),
    ("in what way does chronic inflammation make cells resistant to insulin", "inflammation-and-ir"),
    ("role of TNF alpha and interleukin 6", "cytokines"),
    ("what do macrophages do in adipose tissue", "fat-tissue-macrophages"),
    ("why is fat round the tummy worse than fat on the hips", "visceral-fat"),
    ("explain the word metaflammation", "metaflammation"),
    ("what do scientists study in immunometabolism", "immunometabolism"),
    ("inflammation or autoimmunity, aren't they the same thing", "inflammation-vs-autoimmunity"),
    ("by which routes does an autoimmune illness lead to insulin resistance", "autoimmune-to-ir-mechanism"),
    ("why should I care if insulin resistance involves the immune system", "why-it-matters"),
    ("would an anti-TNF drug cure common insulin resistance", "immune-treatment-for-ir"),
    ("do gut bacteria play a part in insulin resistance", "gut-and-immunity"),
    ("why does my glucose go up when I have the flu", "infection-and-blood-sugar"),
    # type 1
    ("what is T1D", "type-1-diabetes"),
    ("how do type 1 diabetes and insulin resistance differ", "type-1-vs-ir"),
    ("type 1 versus type 2 diabetes", "type-1-vs-type-2"),
    ("can type 1 diabetics become insulin resistant as well", "double-diabetes"),
    ("tell me about diabetes type 1.5 in adults", "lada"),
    # type B
    ("what's type B insulin resistance", "type-b"),
    ("how does someone with type B insulin resistance look and feel", "type-b-symptoms"),
    ("which blood tests prove type B insulin resistance", "type-b-diagnosis"),
    ("is rituximab used for type B insulin resistance", "type-b-treatment"),
    ("why do patients with type B insulin resistance get hypos", "type-b-hypoglycemia"),
    ("how are SLE and type B insulin resistance connected", "type-b-lupus"),
    ("how many people in the world have type B insulin resistance", "type-b-rarity"),
    ("Rabson-Mendenhall and other severe insulin resistance syndromes", "type-a-and-other-severe-ir"),
    ("what is Hirata disease", "insulin-autoimmune-syndrome"),
    # linked diseases
    ("which autoimmune conditions go together with insulin resistance", "which-autoimmune-diseases"),
    ("hashis and insulin resistance, is there a connection", "hashimotos"),
    ("can an overactive thyroid raise my blood sugar", "graves"),
    ("is celiac disease connected with insulin resistance", "celiac"),
    ("are people with lupus more often insulin resistant", "lupus"),
    ("can RA make you insulin resistant", "rheumatoid-arthritis"),
    ("psoriasis and insulin resistance", "psoriasis"),
    ("does MS go along with insulin resistance", "multiple-sclerosis"),
    ("is polycystic ovary syndrome an autoimmune disease", "pcos"),
    ("NAFLD and insulin resistance", "fatty-liver"),
    ("is insulin resistance bad for my heart", "heart-disease"),
    ("will prednisone make me insulin resistant", "steroids"),
    ("I have an autoimmune disease, should I get tested for insulin resistance", "screening-with-autoimmune"),
    # living with it
    ("ways to become more insulin sensitive", "improve-insulin-sensitivity"),
    ("does working out help against insulin resistance", "exercise"),
    ("which foods are good with insulin resistance", "diet"),
    ("would eating anti-inflammatory foods help with insulin resistance", "anti-inflammatory-diet"),
    ("does intermittent fasting or keto improve insulin resistance", "low-carb-and-fasting"),
    ("do sweets cause insulin resistance", "sugar"),
    ("how many kilos do I need to lose to improve insulin resistance", "weight-loss"),
    ("I lost weight but am still insulin resistant, why", "weight-loss-not-enough"),
    ("do short nights make insulin resistance worse", "sleep"),
    ("can stress make me insulin resistant", "stress"),
    ("does smoking make insulin resistance worse", "smoking-and-alcohol"),
    ("are berberine or magnesium supplements any good for insulin resistance", "supplements"),
    ("is metformin used for insulin resistance", "medications"),
    ("which kind of specialist should I see about insulin resistance", "when-to-see-doctor"),
    ("why are pregnant women more insulin resistant", "pregnancy"),
    ("can a teenager be insulin resistant", "children"),
    ("does menopause make insulin resistance worse", "menopause-and-hormones"),
    # about the bot
    ("good morning IRIS", "greeting"),
    ("thank you very much", "thanks"),
    ("what sort of things can I ask you", "what-can-you-do"),
    ("am I talking to a real doctor", "are-you-a-doctor"),
    ("do you keep what people write here", "privacy"),
]

OUT_OF_SCOPE = [
    "how do I change a bicycle tyre",
    "what is the capital of Norway",
    "recommend a film for tonight",
    "when does the next train to Leeds leave",
    "write me a poem about autumn",
    "how do you prune roses in winter",
    "what's the exchange rate of the pound to the euro",
    "who painted the Mona Lisa",
    "why won't my printer connect to the laptop",
    "how many players are in a rugby team",
    "best way to learn Spanish quickly",
    "xkcd qqq zzz wumpf",
    # near by: health, but no entry
    "how long does a sprained ankle take to heal",
    "which sunscreen is best for sensitive skin",
    "what causes cataracts",
    "how is asthma treated in children",
    "is gout painful",
    "can you donate blood after a tattoo",
    "what should I do about a wasp sting",
    "how do hearing aids work",
    "what is the difference between a virus and a bacterium",
    "how do I get rid of warts",
    "does Omnipod work with my phone",
    "is cancer hereditary",
    "what are the symptoms of sarcoidosis",
    "how long is the recovery after a hip replacement",
]

MISSPELT = [
    ("waht is insluin resistence", "what-is-insulin-resistance"),
    ("symtoms of insuline resistnce", "ir-symptoms"),
    ("is isnulin resistance autoimune", "is-ir-autoimmune"),
    ("what are autoantibodys", "autoantibodies"),
    ("diference betwen type 1 and type 2 diabeties", "type-1-vs-type-2"),
    ("tretment of type b insulin resistnace", "type-b-treatment"),
    ("rhuematoid arthritis and inuslin resistance", "rheumatoid-arthritis"),
    ("dose hashimotos cuase insulin resistnce", "hashimotos"),
    ("can pyschological stres make insulin resistance worse", "stress"),
    ("wich supliments help insulin resistance", "supplements"),
    ("what is perdiabetes", "prediabetes"),
    ("waht is diabetic ketoacedosis", "diabetic-ketoacidosis"),
]


def offered(decision: Decision) -> list[str]:
    """The entries that the person sees: one answer, several suggestions, or none."""
    if decision.kind is ReplyKind.CLARIFY:
        return [id_ for id_, _ in decision.candidates]
    return [decision.id] if decision.id else []


def test_every_entry_of_the_content_has_a_question_here(answerer: Answerer) -> None:
    entries = {entry.entry_id for topic in answerer.topics() for entry in topic.entries}
    assert entries - {id_ for _, id_ in QUESTIONS} == set()


@pytest.fixture(scope="module")
def asked(answerer: Answerer) -> list[tuple[tuple[str, str], Decision]]:
    """The questions, and what is decided about them."""
    return list(zip(QUESTIONS, answerer.decide([text for text, _ in QUESTIONS]), strict=True))


def test_questions_find_their_entry_as_answer_or_suggestion(asked: list[tuple[tuple[str, str], Decision]]) -> None:
    missed = [
        (text, decision.kind.value, offered(decision))
        for (text, id_), decision in asked
        if id_ not in offered(decision)
    ]
    assert len(missed) <= (1 - FOUND_MIN) * len(QUESTIONS), missed


def test_hardly_a_question_gets_a_wrong_answer(asked: list[tuple[tuple[str, str], Decision]]) -> None:
    wrong = [(text, decision.id) for (text, id_), decision in asked if decision.id not in (None, id_)]
    assert len(wrong) <= WRONG_MAX * len(QUESTIONS), wrong


def test_messages_without_an_entry_are_not_answered(answerer: Answerer) -> None:
    decisions = answerer.decide(OUT_OF_SCOPE)
    answered = [(text, decision.id) for text, decision in zip(OUT_OF_SCOPE, decisions, strict=True) if decision.id]
    assert len(answered) <= ANSWERED_OUT_OF_SCOPE_MAX * len(OUT_OF_SCOPE), answered


def test_misspelt_questions_find_their_entry_too(answerer: Answerer) -> None:
    decisions = answerer.decide([text for text, _ in MISSPELT])
    asked = list(zip(MISSPELT, decisions, strict=True))
    missed = [
        (text, decision.kind.value, offered(decision))
        for (text, id_), decision in asked
        if id_ not in offered(decision)
    ]
    assert len(missed) <= 1, missed


def test_the_entrys_own_question_is_answered_with_that_entry(answerer: Answerer) -> None:
    entries = [entry for topic in answerer.topics() for entry in topic.entries]
    decisions = answerer.decide([entry.label for entry in entries])
    missed = [entry.label for entry, decision in zip(entries, decisions, strict=True) if decision.id != entry.entry_id]
    assert len(missed) <= 0.04 * len(entries), missed


def test_two_questions_in_a_message_are_both_offered(answerer: Answerer) -> None:
    (entries,) = (topic.entries for topic in answerer.topics() if topic.id == "autoimmunity")
    for one, other in pairwise(entries):
        (decision,) = answerer.decide([f"Hello everybody. {one.label} {other.label} Thank you."])
        assert decision.kind is ReplyKind.CLARIFY
        assert offered(decision) == [one.entry_id, other.entry_id]


def test_a_message_that_tells_a_story_is_matched_on_what_it_asks(answerer: Answerer) -> None:
    story = "We moved house in May. The dog is well and the children like their school. {} Have a lovely day."
    entries = [entry for topic in answerer.topics() for entry in topic.entries][::8]
    decisions = answerer.decide([story.format(entry.label) for entry in entries])
    missed = [
        entry.label for entry, seen in zip(entries, decisions, strict=True) if entry.entry_id not in offered(seen)
    ]
    assert len(missed) <= 1, missed


def test_a_message_asked_alone_or_among_others_gets_the_same_decision(
    answerer: Answerer, asked: list[tuple[tuple[str, str], Decision]]
) -> None:
    for (text, _), decision in asked[::8]:
        assert answerer.decide([text]) == [decision]


def unmentioned(faq: Faq) -> list[str]:
    """The usual names of the diseases and medicines that stand in the vocabulary and in no entry."""
    things = (*faq.vocabulary.diseases, *faq.vocabulary.medicines)
    names = Names(things)
    texts = [text for entry in faq.entries for text in (entry.question, entry.short, entry.details, *entry.utterances)]
    texts += [text for talk in faq.smalltalk for text in (talk.question, *talk.utterances)]
    mentioned = frozenset().union(*map(names.named_in, texts))
    return [thing[0] for number, thing in enumerate(things) if number not in mentioned]


@pytest.mark.parametrize(
    ("number", "question"),
    list(
        enumerate(["what is {}", "does {} cause insulin resistance", "is {} an autoimmune disease", "what about {}?"])
    ),
)
def test_a_question_that_names_what_no_entry_mentions_is_never_answered_outright(
    answerer: Answerer, shipped: Faq, number: int, question: str
) -> None:
    texts = [question.format(name) for name in unmentioned(shipped)[number::6]]
    assert len(texts) > 100
    decisions = zip(texts, answerer.decide(texts), strict=True)
    answered = [(text, decision.id) for text, decision in decisions if decision.kind is ReplyKind.ANSWER]
    assert answered == []
