"""The flow, on one screen: triage, then match, then a reply. The one door for every adapter."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import structlog

from bot.content import Entry, Faq
from bot.matching import Encodings, Match, Matcher, Outcome, SecondLook
from bot.question import Question
from bot.reply import Reply, ReplyKind, SourceLink, Suggestion
from bot.safety import CAN_WAIT, Assessment, Finding, SafetyKind, Triage

log = structlog.get_logger(__name__)

# The longest message that the platforms let a person send is Telegram's 4,096 UTF-16 units; what is far above
# that came from no person. Triage still reads its beginning and its end.
LONGEST_QUESTION = 8_000

# The share of belief from which on small talk is replied to though the matcher is unsure: a wrong "hello" harms nobody.
_LIKELY_TALK = 0.8


@dataclass(frozen=True, slots=True)
class Topic:
    """A group of entries, for browsing."""

    id: str
    title: str
    entries: tuple[Suggestion, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What the reply will be about, before its words are chosen; ``iris match`` prints it."""

    kind: ReplyKind
    id: str | None
    confidence: float
    candidates: tuple[tuple[str, float], ...]
    """Ids with their share of belief: what a clarifying reply would offer, best first."""
    assessment: Assessment
    in_scope: float = 0.0
    """The estimated probability that one of the candidates is what was asked."""


class Answerer:
    """Answers questions from one revision of the content. Immutable, so that it can be swapped while running."""

    def __init__(
        self, faq: Faq, triage: Triage, matcher: Matcher | None, second_look: SecondLook | None = None
    ) -> None:
        """Without ``matcher`` (its encoder cannot be loaded, say) triage still works and every topic can be browsed."""
        self._faq = faq
        self._triage = triage
        self._matcher = matcher
        self._second_look = second_look
        self._shown: dict[str, Assessment] = {}
        self._completions = _Completions(faq.entries)

    def answer(self, question: Question) -> Reply:
        """The reply to ``question``: a few milliseconds of computation; never raises, whatever the text."""
        return self.answer_all((question,))[0]

    def answer_all(self, questions: Sequence[Question]) -> list[Reply]:
        """The replies to several questions, in their order, each the same as ``answer`` gives it alone.

        One batch takes less time than one after the other: what is computed for several messages is computed
        together. Never raises, whatever the texts: one that nobody foresaw costs the others nothing.
        """
        try:
            decisions = self.decide([question.text for question in questions])
            return [self.reply(*pair) for pair in zip(decisions, questions, strict=True)]
        except Exception as error:
            if len(questions) > 1:
                return [self.answer(question) for question in questions]
            log.error("answer_failed", error=type(error).__name__)
            return [self._by_rules_alone(question) for question in questions]

    def _by_rules_alone(self, question: Question) -> Reply:
        """What is left where matching failed: a safety reply if the rules find a danger, else where to look."""
        try:
            assessment = self._triage.assess(_readable_part(question.text))
            if assessment.kind is not None:
                return self._safety_reply(assessment, question)
        except Exception as error:
            log.error("triage_failed", error=type(error).__name__)
        return self._plain(ReplyKind.OUT_OF_SCOPE, self._faq.replies.unavailable, confidence=0.0)

    def decide(self, texts: Sequence[str]) -> list[Decision]:
        """For each text: a safety reply, an entry, small talk, a question back, or nothing."""
        found = [self._triage.assess(_readable_part(text)) for text in texts]
        known = self._encoded([text for text, assessment in zip(texts, found, strict=True) if assessment.is_open])
        return [self._decide(text, assessment, known) for text, assessment in zip(texts, found, strict=True)]

    def _encoded(self, texts: Sequence[str]) -> Encodings:
        """All that second look and matcher will read of ``texts``, encoded in one batch."""
        readers = [reader for reader in (self._second_look, self._matcher) if reader is not None]
        parts = [part for text in texts if _is_question(text) for reader in readers for part in reader.readings(text)]
        return readers[0].encoder.encode_each(parts) if parts else {}

    def _decide(self, text: str, found: Assessment, known: Encodings) -> Decision:
        match = None
        if self._matcher is not None and _is_question(text) and found.is_open:
            match = self._matcher.match(text, known)
        assessment = self._assess(text, found, known, match)
        if assessment.kind is not None:
            return Decision(ReplyKind.SAFETY, assessment.kind, 1.0, (), assessment)
        if match is None:
            decision = Decision(ReplyKind.OUT_OF_SCOPE, None, 0.0, (), assessment)
        else:
            decision = self._decision(assessment, match)
        if decision.kind in (ReplyKind.CLARIFY, ReplyKind.OUT_OF_SCOPE) and assessment.banner is None:
            # Nothing answers, so a line where to turn takes nothing away.
            return replace(decision, assessment=replace(assessment, banner=assessment.hunch))
        return decision

    def _assess(self, text: str, found: Assessment, known: Encodings, match: Match | None) -> Assessment:
        """What the second look makes of what the rules found.

        An emergency or self-harm that the rules find stands, unless it is no more than a hint. Where they find nothing,
        or what can wait, a strong suspicion of a nearer danger comes first; it must be stronger where the matcher is
        sure what was asked. What can wait is dropped if the message is not like the examples of danger, a hint if no
        part of it in any spelling is.
        """
        if self._second_look is None or not _is_question(text) or not found.is_open:
            return found
        urgent = found.kind is not None and found.kind not in CAN_WAIT
        suspicion = self._second_look.look(text, known, found.signs, closely=urgent)
        limits, strength = self._second_look.limits, suspicion.strength
        if found.kind is not None and strength < limits.dubious:
            dropped = tuple(f"{finding.rule} (second look)" for finding in found.findings)
            return Assessment((), found.banner, found.cleared + dropped, found.kind if urgent else None)
        if urgent:
            return found
        kind = SafetyKind(suspicion.kind)
        can_wait = kind in CAN_WAIT
        is_sure = match is not None and match.outcome is Outcome.ANSWER and found.kind is None
        enough = limits.convincing if is_sure else limits.alarming
        if strength < enough or (can_wait and found.kind is not None):
            worrying = not can_wait and strength >= limits.worrying
            return replace(found, hunch=kind) if worrying else found
        why = f"It is like the examples of this kind (strength {strength:.1f}, enough from {enough:.1f})."
        finding = Finding(kind, "second-look", "", why)
        return Assessment((finding, *found.findings), found.banner, found.cleared)

    def _decision(self, assessment: Assessment, match: Match) -> Decision:
        candidates = tuple((candidate.intent_id, candidate.score) for candidate in match.candidates)
        best = candidates[0][0] if candidates else None
        if best in self._faq.smalltalk_by_id and match.outcome is not Outcome.OUT_OF_SCOPE:
            # Nobody is asked "did you mean: thank you?"; a remark about the bot gets its reply or none.
            likely = match.outcome is Outcome.ANSWER or candidates[0][1] >= _LIKELY_TALK
            kind = ReplyKind.SMALLTALK if likely else ReplyKind.OUT_OF_SCOPE
            return Decision(kind, best if likely else None, match.confidence, candidates, assessment, match.in_scope)
        chosen = best if match.outcome is Outcome.ANSWER else None
        return Decision(
            ReplyKind(match.outcome.value), chosen, match.confidence, candidates, assessment, match.in_scope
        )

    def reply(self, decision: Decision, question: Question) -> Reply:
        """The words for a decision."""
        replies = self._faq.replies
        match decision.kind:
            case ReplyKind.SAFETY:
                return self._safety_reply(decision.assessment, question)
            case ReplyKind.ANSWER:
                entry = self._faq.entry_by_id[decision.id or ""]
                return self._entry_reply(entry, decision.confidence, self._banner(decision.assessment, question))
            case ReplyKind.SMALLTALK:
                talk = self._faq.smalltalk_by_id[decision.id or ""]
                return self._plain(ReplyKind.SMALLTALK, talk.reply, talk.id, confidence=decision.confidence)
            case ReplyKind.CLARIFY:
                ids = [id_ for id_, _ in decision.candidates if id_ in self._faq.entry_by_id]
                offers = tuple(self._suggestion(self._faq.entry_by_id[id_]) for id_ in ids)
                return self._plain(
                    ReplyKind.CLARIFY,
                    replies.clarify,
                    suggestions=offers,
                    banner=self._banner(decision.assessment, question),
                    confidence=decision.confidence,
                )
            case ReplyKind.OUT_OF_SCOPE:
                text = replies.unknown
                if len(question.text) > LONGEST_QUESTION:
                    text = replies.too_long
                elif not _is_question(question.text):
                    text = replies.empty
                elif self._matcher is None:
                    text = replies.unavailable
                banner = self._banner(decision.assessment, question)
                return self._plain(ReplyKind.OUT_OF_SCOPE, text, banner=banner, confidence=decision.confidence)

    @property
    def disclaimer(self) -> str:
        """The short disclaimer, for what an adapter shows without a Reply: a menu of topics, a profile."""
        return self._faq.disclaimer.short

    def show(self, entry_id: str, revision: str = "", question: Question | None = None) -> Reply:
        """The entry behind a pressed button; says so when that entry is gone.

        ``revision`` is the one in the button: when the entry has changed since, the reply shows it as it is now.
        ``question`` gives language and region, where the adapter knows them.
        """
        entry = self._faq.entry_by_id.get(entry_id)
        if entry is None:
            return self._plain(ReplyKind.OUT_OF_SCOPE, self._faq.replies.gone, confidence=0.0)
        # An entry about an emergency opens with where to turn, from a button as from a question.
        if entry_id not in self._shown:
            self._shown[entry_id] = self._triage.assess(entry.question)
        lines = [self._banner(self._shown[entry_id], question or Question(entry.question))]
        if revision and revision != entry.revision:
            lines.append(self._faq.replies.changed)
        return self._entry_reply(entry, 1.0, " ".join(line for line in lines if line))

    def welcome(self) -> Reply:
        """What stands under /start and /help: what the bot can do, with the long disclaimer."""
        talk = self._faq.smalltalk_by_id.get("what-can-you-do")
        text = talk.reply if talk else self._faq.replies.empty
        return self._plain(ReplyKind.SMALLTALK, text, "what-can-you-do", disclaimer=self._faq.disclaimer.long)

    def privacy(self) -> Reply:
        """What is kept of a question, in the words of the content."""
        talk = self._faq.smalltalk_by_id.get("privacy")
        text = talk.reply if talk else "Nothing that you write is stored."
        return self._plain(ReplyKind.SMALLTALK, text, "privacy")

    def topics(self) -> tuple[Topic, ...]:
        """All entries by group, in the order of the content."""
        groups: dict[str, list[Suggestion]] = {}
        for entry in self._faq.entries:
            groups.setdefault(entry.group, []).append(self._suggestion(entry))
        titles = self._faq.groups
        return tuple(
            Topic(group, titles.get(group, group.replace("-", " ").capitalize()), tuple(entries))
            for group, entries in groups.items()
        )

    def sources(self, group: str = "") -> tuple[SourceLink, ...]:
        """Every source that an answer (one of ``group``, if given) names, once each, by publisher and title."""
        used = {id_ for entry in self._faq.entries for id_ in entry.sources if group in ("", entry.group)}
        links = self._links(used)
        return tuple(sorted(links, key=lambda link: (link.publisher.casefold(), link.title.casefold(), link.url)))

    def complete(self, beginning: str, limit: int = 25) -> tuple[Suggestion, ...]:
        """Entries whose question or utterances fit what somebody has typed so far, best first; under a millisecond.

        Every word but the last, which may be unfinished, must stand there as it is for a full match.
        """
        ranked = self._completions.ranked(beginning)[:limit]
        return tuple(self._suggestion(self._faq.entries[number]) for number in ranked)

    def _safety_reply(self, assessment: Assessment, question: Question) -> Reply:
        advice = self._triage.advice(assessment, question.region, _language(question))
        offers = tuple(
            self._suggestion(self._faq.entry_by_id[id_]) for id_ in advice.offer if id_ in self._faq.entry_by_id
        )
        return Reply(
            kind=ReplyKind.SAFETY,
            entry_id=assessment.kind,
            title=advice.title,
            text=advice.text,
            suggestions=offers,
            disclaimer=self._faq.disclaimer.short,
        )

    def _banner(self, assessment: Assessment, question: Question) -> str:
        return self._triage.banner(assessment, question.region, _language(question))

    def _entry_reply(self, entry: Entry, confidence: float, banner: str) -> Reply:
        return Reply(
            kind=ReplyKind.ANSWER,
            entry_id=entry.id,
            revision=entry.revision,
            title=entry.question,
            text=entry.short,
            details=entry.details,
            banner=banner,
            sources=self._links(entry.sources),
            strength=entry.strength,
            reviewed=_reviewed(entry),
            suggestions=tuple(self._suggestion(self._faq.entry_by_id[id_]) for id_ in entry.related),
            confidence=confidence,
            disclaimer=self._faq.disclaimer.short,
        )

    def _links(self, ids: Iterable[str]) -> tuple[SourceLink, ...]:
        sources = [self._faq.sources[id_] for id_ in ids]
        return tuple(SourceLink(source.title, source.publisher, source.year, source.url) for source in sources)

    def _plain(
        self,
        kind: ReplyKind,
        text: str,
        id_: str | None = None,
        *,
        disclaimer: str | None = None,
        suggestions: tuple[Suggestion, ...] = (),
        banner: str = "",
        confidence: float = 1.0,
    ) -> Reply:
        return Reply(
            kind=kind,
            entry_id=id_,
            text=text,
            disclaimer=disclaimer or self._faq.disclaimer.short,
            suggestions=suggestions,
            banner=banner,
            confidence=confidence,
        )

    def _suggestion(self, entry: Entry) -> Suggestion:
        return Suggestion(entry.id, entry.revision, entry.question)


class _Completions:
    """Which entries fit what somebody has typed so far: their words, and the beginnings of these, looked up."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = len(entries)
        self._asked: dict[str, set[int]] = {}
        self._said: dict[str, set[int]] = {}
        """By word: the entries whose question has it, and those that have it anywhere."""
        for number, entry in enumerate(entries):
            for word in _words(entry.question):
                self._asked.setdefault(word, set()).add(number)
            for word in _words(" ".join((entry.question, *entry.utterances))):
                self._said.setdefault(word, set()).add(number)
        self._sorted = sorted(self._said)
        # One or two letters begin hundreds of words: looked up once, here.
        letters = {word[:length] for word in self._sorted for length in (1, 2)}
        self._short = {beginning: self._begun(beginning) for beginning in letters}

    def ranked(self, typed: str) -> list[int]:
        """The numbers of the entries that fit, best first, then in the order of the content."""
        *whole, last = re.findall(r"\w+", typed.casefold()) or [""]
        if not last:
            return list(range(self._entries))
        scores: Counter[int] = Counter()
        found = [(self._asked.get(word, ()), self._said.get(word, ())) for word in whole]
        for asked, said in (*found, self._short.get(last) or self._begun(last)):
            scores.update(said)
            scores.update(asked)  # what stands in the question itself counts twice
        return sorted(scores, key=lambda number: (-scores[number], number))

    def _begun(self, beginning: str) -> tuple[set[int], set[int]]:
        asked: set[int] = set()
        said: set[int] = set()
        for word in islice(self._sorted, bisect_left(self._sorted, beginning), None):
            if not word.startswith(beginning):
                break
            asked |= self._asked.get(word, set())
            said |= self._said[word]
        return asked, said


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.casefold()))


def _language(question: Question) -> str:
    return (question.language or "en").split("-")[0].lower()


def _reviewed(entry: Entry) -> str:
    day = entry.reviewed.isoformat() if entry.reviewed else ""
    return ", ".join(part for part in (day, entry.reviewed_by) if part)


def _is_question(text: str) -> bool:
    return len(text) <= LONGEST_QUESTION and any(character.isalnum() for character in text)


def _readable_part(text: str) -> str:
    """All of a message that a person can have written; the two ends of anything longer."""
    if len(text) <= LONGEST_QUESTION:
        return text
    half = LONGEST_QUESTION // 2
    return f"{text[:half]}\n{text[-half:]}"
