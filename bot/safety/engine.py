"""Triage: decides from safety.yaml's rules whether a message needs a safety reply; runs before any matching.

    text -> normalise -> readings -> word classes -> frames -> rules -> Assessment

Deterministic, without state between messages, and without the database or the sentence encoder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bot.content.safety_rules import Frame, Rule, SafetyRules
from bot.safety.assessment import CAN_WAIT, Assessment, Finding, SafetyKind
from bot.safety.normalise import Folded, Normaliser
from bot.safety.patterns import Matcher, Pattern, Sightings, Span, bare, words_in
from bot.safety.readings import MADE, read_numbers
from bot.safety.reply import SafetyText, banner_text, reply_text
from bot.safety.spelling import Speller

# "signs of a stroke", "what is the severe kind of hypo": words that may stand between a governing phrase and its noun.
_BEFORE_REACH = 2
# Beyond this many places a combination is only tried on the first ones: a text that long has said it often enough.
_MOST_SPANS = 60
_YIELDING = 10
# Who and when: a negation before them ("has not moved all day, I am 36 weeks") takes nothing back.
_WHO_AND_WHEN = frozenset({"{personal}", "{me}", "{patient}", "{now}", "{now-strict}", "{acute-time}", "{child}"})
# Word classes that say what a number is; found before the numbers are read, all others after.
_READ_FIRST = ("test-", "not-a-", "glucose-hint", "pill-word")


@dataclass(frozen=True, slots=True)
class _Part:
    """One phrase of a combination, by the name of the class it was compiled to."""

    atom: str
    count: int = 1
    absent: bool = False


@dataclass(frozen=True, slots=True)
class _Compiled:
    rule: Rule
    combinations: tuple[tuple[_Part, ...], ...]
    hit_frames: frozenset[str]
    sentence_frames: tuple[str, ...]
    message_frames: tuple[str, ...]
    rank: int


class _Reading:
    """One message while it is assessed: sightings, frames, and what clears what."""

    def __init__(self, folded: Folded, sightings: Sightings, triage: Triage) -> None:
        self.folded = folded
        self.sightings = sightings
        self._triage = triage
        self._sentence_frames: dict[str, frozenset[int]] = {}
        self._spans: dict[str, list[Span]] = {}
        self._cleared: dict[tuple[str, int, int], str | None] = {}

    def sentence_of(self, span: Span) -> int:
        return self.folded.tokens[span.start].sentence

    def clause_of(self, span: Span) -> int:
        return self.folded.tokens[span.start].clause

    def spans(self, atom: str) -> list[Span]:
        """Return where a class stands, less what its `-not` class takes back (`now` is not in `now and then`)."""
        known = self._spans.get(atom)
        if known is None:
            known = self.sightings.spans(atom)
            taken_back = self.sightings.spans(atom[:-1] + "-not}")
            if taken_back:
                known = [span for span in known if not any(span.meets(other) for other in taken_back)]
            self._spans[atom] = known
        return known

    def words(self, span: Span) -> str:
        return " ".join(token.text for token in self.folded.tokens[span.start : span.end])

    def framed(self, frame: Frame) -> frozenset[int]:
        """Return the sentences that a sentence frame covers, -1 standing for the whole message."""
        known = self._sentence_frames.get(frame.id)
        if known is None:
            cued = {self.sentence_of(span) for span in self.spans(_frame_atom(frame.id))}
            kept = {self.sentence_of(span) for name in frame.unless for span in self.spans(name)}
            if frame.where == "message":
                known = frozenset({-1} if cued and not kept else ())
            elif near := {self.sentence_of(span) for name in frame.unless_near for span in self.spans(name)}:
                known = frozenset(number for number in cued - kept if not near & {number - 1, number + 1})
            else:
                known = frozenset(cued - kept)
            self._sentence_frames[frame.id] = known
        return known

    def hit_cleared(self, span: Span, frames: frozenset[str]) -> str | None:
        """Return the frame that clears this one hit (negation, figure of speech, `signs of ...`), if any does."""
        for name in sorted(frames):
            key = (name, span.start, span.end)
            if key not in self._cleared:
                self._cleared[key] = name if self._clears(name, span) else None
            if self._cleared[key] is not None:
                return name
        return None

    def _clears(self, name: str, span: Span) -> bool:
        if name == "negated":
            return self._negated(span)
        frame = self._triage.frames[name]
        cues = self.spans(_frame_atom(name))
        if frame.where == "overlap":
            return any(cue.meets(span) for cue in cues)
        sentence = self.sentence_of(span)
        if any(abs(self.sentence_of(kept) - sentence) <= 1 for name in frame.unless_near for kept in self.spans(name)):
            return False
        return any(
            0 <= span.start - cue.end <= _BEFORE_REACH
            and self.sentence_of(cue) == sentence
            and not any(set(frame.unless) & self.sightings.at[place].keys() for place in range(cue.end, span.start))
            for cue in cues
        )

    def _negated(self, span: Span) -> bool:
        """Say whether a `no` before the span reaches it: few words before, same clause, no new subject between."""
        tokens, at = self.folded.tokens, self.sightings.at
        first = tokens[span.start]
        clause, crossed = first.clause, 0
        for place in range(span.start - 1, max(-1, span.start - 1 - self._triage.rules.negation.reach), -1):
            if tokens[place].sentence != first.sentence:
                return False
            if tokens[place].clause != clause:
                # "no chest pain, cough or fever" reaches on; "no, my chest hurts" does not.
                clause, crossed = tokens[place].clause, crossed + 1
                if not self._list_goes_on(span):
                    return False
            if "{negation-cue}" in at[place] and "{negation-not-cue}" not in at[place]:
                return not (crossed and place + 1 < len(tokens) and tokens[place + 1].clause != tokens[place].clause)
            if "{negation-stop}" in at[place]:
                return False
        return False

    def _list_goes_on(self, span: Span) -> bool:
        limit = self.sightings.limits[span.start]
        around = range(max(0, span.start - 1), min(limit, span.end + 6))
        return any(self.folded.tokens[place].text in ("or", "nor") for place in around)


def _finding(rule: Rule, matched: str) -> Finding:
    kind = SafetyKind(rule.kind)
    return Finding(kind, rule.id, matched, rule.why, hint=rule.hint or kind in CAN_WAIT)


class Triage:
    """The compiled rules; build once, share freely."""

    def __init__(self, rules: SafetyRules) -> None:
        """Compile the rules; raises ValueError, naming rule or class, if a phrase is not well formed."""
        self.rules = rules
        self.frames = {frame.id: frame for frame in rules.frames}
        compiled: list[_Compiled] = []
        classes = self._classes(compiled)
        self._matcher = Matcher(classes)
        speller = Speller(words_in(self._matcher.patterns), rules.spelling.keys)
        self._normaliser = Normaliser(speller, rules.spelling.rewrites, rules.spelling.emoji)
        first = {name: classes[name] for name in classes if name.startswith(_READ_FIRST)}
        self._numbers = Matcher(first)
        self._compiled = tuple(compiled)
        self._check_names(classes)
        self._by_first: dict[str, list[_Compiled]] = {}
        for entry in self._compiled:
            for atom in {combination[0].atom for combination in entry.combinations}:
                self._by_first.setdefault(atom, []).append(entry)

    def assess(self, text: str) -> Assessment:
        """Return what the message needs; pure and deterministic, and it never raises, whatever the string holds."""
        folded = self._normaliser.fold(text)
        if not folded.tokens:
            return Assessment((), None, ())
        sightings = self._look(folded)
        reading = _Reading(folded, sightings, self)
        fired: list[tuple[_Compiled, Span]] = []
        cleared: list[tuple[_Compiled, str]] = []
        candidates = {
            id(entry): entry
            for atom in self._by_first.keys() & sightings.places.keys()
            for entry in self._by_first[atom]
        }
        for entry in candidates.values():
            span, frame = self._apply(entry, reading)
            if span is not None:
                fired.append((entry, span))
            elif frame is not None:
                cleared.append((entry, frame))
        return self._assessment(reading, fired, cleared)

    @property
    def patterns(self) -> Sequence[Pattern]:
        """Every phrase of the file, compiled, for checks of the content."""
        return self._matcher.patterns

    @cached_property
    def digest(self) -> str:
        """Another one when rules or engine change, and with them what is seen in a text."""
        digest = hashlib.sha256(self.rules.model_dump_json().encode())
        for file in sorted(Path(__file__).parent.iterdir()):
            if file.suffix in (".py", ".txt"):
                digest.update(file.read_bytes())
        return digest.hexdigest()

    def signs(self, text: str) -> frozenset[str]:
        """Return the names of all word classes and measurements seen in the text, whatever rules make of them."""
        return _signs(self.look(text))

    def undisguised(self, text: str) -> str:
        """Return the words of the text as the rules read them: in plain letters, respelt, without what hides them."""
        return " ".join(self._normaliser.words(text))

    def look(self, text: str) -> Sightings:
        """Return every word class and measurement seen in the text, for checks of the content."""
        return self._look(self._normaliser.fold(text))

    def unused_words(self) -> list[str]:
        """Return the word classes that no phrase, rule or frame names, for checks of the content."""
        used = {bare(atom) for pattern in self.patterns for element in pattern.elements for atom in element.atoms}
        used |= {part.atom for entry in self._compiled for parts in entry.combinations for part in parts}
        used |= {name for frame in self.rules.frames for name in (*frame.unless, *frame.unless_near)}
        return [
            name
            for name in self.rules.words
            if "{" + name + "}" not in used and not name.endswith("-not") and not name.startswith(_READ_FIRST)
        ]

    def _look(self, folded: Folded) -> Sightings:
        sightings = Sightings(folded.tokens, self._matcher)
        self._numbers.look(sightings)
        read_numbers(sightings, folded.questions, self.rules.readings)
        self._matcher.look(sightings)
        return sightings

    def advice(self, assessment: Assessment, region: str | None = None, language: str = "en") -> SafetyText:
        """Return the words for what was found; raises ValueError when nothing was."""
        return reply_text(self.rules, assessment.kinds, region, language)

    def banner(self, assessment: Assessment, region: str | None = None, language: str = "en") -> str:
        """Return the line above an answer that names an emergency, or nothing; the same in every region."""
        return banner_text(self.rules, assessment.banner, language) if assessment.banner else ""

    def _assessment(
        self, reading: _Reading, fired: list[tuple[_Compiled, Span]], cleared: list[tuple[_Compiled, str]]
    ) -> Assessment:
        def order(hit: tuple[_Compiled, Span]) -> tuple[int, str]:
            # Two that would each go behind the other stay in the order of urgency.
            rule = hit[0].rule
            yields = any(
                other.rule.kind in rule.yields_to and rule.kind not in other.rule.yields_to for other, _ in fired
            )
            return (hit[0].rank + (_YIELDING if yields else 0), rule.id)

        findings = tuple(_finding(entry.rule, reading.words(span)) for entry, span in sorted(fired, key=order))
        names = sorted(f"{entry.rule.id} ({frame})" for entry, frame in cleared)
        banner = None if findings else self._banner(reading, cleared)
        return Assessment(findings, banner, tuple(names), signs=_signs(reading.sightings))

    def _banner(self, reading: _Reading, cleared: list[tuple[_Compiled, str]]) -> str | None:
        """Choose the banner of the most urgent emergency that the text names without being in it."""
        stories = ("figure", "fiction", "past", "negated")
        spoken = {entry.rule.kind for entry, frame in cleared if frame not in stories}
        for kind in self.rules.kinds:
            for banner in self.rules.banners:
                if banner.id != kind.id:
                    continue
                named = any(
                    reading.hit_cleared(span, frozenset({"figure"})) is None
                    for span in reading.spans("{banner-" + banner.id + "}")
                )
                if named or banner.id in spoken:
                    return banner.id
        return None

    def _apply(self, entry: _Compiled, reading: _Reading) -> tuple[Span | None, str | None]:
        """Return the words on which the rule fires, or the frame that kept it from firing, or neither."""
        cleared: str | None = None
        for combination in entry.combinations:
            if any(not part.absent and part.atom not in reading.sightings.places for part in combination):
                continue
            parts = [(part, reading.spans(part.atom)[:_MOST_SPANS]) for part in combination]
            for anchor in parts[0][1]:
                frame = self._frame_over(entry, anchor, reading)
                if frame is None:
                    if self._completes(entry, anchor, parts, reading, clear=True):
                        return anchor, None
                    if cleared is None and self._completes(entry, anchor, parts, reading, clear=False):
                        cleared = self._why_incomplete(entry, parts, reading)
                elif cleared is None and self._completes(entry, anchor, parts, reading, clear=False):
                    cleared = frame
        return None, cleared

    def _frame_over(self, entry: _Compiled, anchor: Span, reading: _Reading) -> str | None:
        """Return what keeps the rule from firing on these words: the nearest reason, a `no` before a novel."""
        frame = reading.hit_cleared(anchor, entry.hit_frames)
        if frame is not None:
            return frame
        sentence = reading.sentence_of(anchor)
        for name in entry.sentence_frames:
            if sentence in reading.framed(self.frames[name]):
                return name
        for name in entry.message_frames:
            if -1 in reading.framed(self.frames[name]):
                return name
        return None

    @staticmethod
    def _why_incomplete(entry: _Compiled, parts: Sequence[tuple[_Part, list[Span]]], reading: _Reading) -> str | None:
        for part, spans in parts:
            for span in () if part.absent else spans:
                frame = reading.hit_cleared(span, entry.hit_frames)
                if frame is not None:
                    return frame
        return None

    @staticmethod
    def _completes(
        entry: _Compiled,
        anchor: Span,
        parts: Sequence[tuple[_Part, list[Span]]],
        reading: _Reading,
        *,
        clear: bool,
    ) -> bool:
        """Say whether every part of the combination stands near enough to the anchor."""
        within = entry.rule.within

        def near(span: Span) -> bool:
            if within == "message":
                return True
            apart = abs(reading.sentence_of(span) - reading.sentence_of(anchor))
            if within == "neighbours":
                return apart <= 1
            return apart == 0 and (within == "sentence" or reading.clause_of(span) == reading.clause_of(anchor))

        for index, (part, spans) in enumerate(parts):
            frames = entry.hit_frames - {"negated"} if part.atom in _WHO_AND_WHEN else entry.hit_frames
            usable = [
                span
                for span in spans
                if near(span) and not (clear and not part.absent and reading.hit_cleared(span, frames))
            ]
            if part.absent:
                if usable:
                    return False
                continue
            if index:
                # One word cannot be both things, but a phrase may hold the person: "am I diabetic".
                usable = [span for span in usable if span != anchor]
            if part.count > 1:
                apart: dict[str, Span] = {}
                for span in usable if index else [anchor, *usable]:
                    if not any(span.meets(other) for other in apart.values()):
                        apart.setdefault(reading.words(span), span)
                if len(apart) < part.count:
                    return False
            elif not usable and index:
                return False
        return True

    def _classes(self, compiled: list[_Compiled]) -> dict[str, list[str]]:
        """Return every class there is: words, frames, negation, banners, and one for each phrase of a rule."""
        rules = self.rules
        classes = {name: list(phrases) for name, phrases in rules.words.items()}
        for frame in rules.frames:
            classes["frame-" + frame.id] = list(frame.cues)
            if frame.not_cues:
                classes[f"frame-{frame.id}-not"] = list(frame.not_cues)
        for banner in rules.banners:
            classes["banner-" + banner.id] = list(banner.names)
        classes["negation-cue"] = list(rules.negation.cues)
        classes["negation-stop"] = list(rules.negation.stops)
        classes["negation-not-cue"] = list(rules.negation.not_cues)
        ranks = {kind.id: rank for rank, kind in enumerate(rules.kinds)}
        for rule in rules.rules:
            combinations = []
            for line_number, line in enumerate(rule.any):
                parts: list[_Part] = []
                for part_number, text in enumerate(line.split(" + ")):
                    part = text.strip()
                    absent = part.startswith("!")
                    part = part.removeprefix("!")
                    count = 1
                    if part[:2] in ("2x", "3x"):
                        count, part = int(part[0]), part[2:].strip()
                    if part.startswith("{") and part.count("{") == 1 and part.endswith("}"):
                        atom = part
                    else:
                        name = f"rule-{rule.id}-{line_number}-{part_number}"
                        classes[name] = [part]
                        atom = "{" + name + "}"
                    parts.append(_Part(atom, count, absent))
                combinations.append(tuple(parts))
            where = {name: self.frames[name].where for name in rule.cleared_by if name != "negated"}
            compiled.append(
                _Compiled(
                    rule,
                    tuple(combinations),
                    frozenset(n for n in rule.cleared_by if n == "negated" or where[n] in ("overlap", "before")),
                    tuple(n for n in rule.cleared_by if where.get(n) == "sentence"),
                    tuple(n for n in rule.cleared_by if where.get(n) == "message"),
                    ranks[rule.kind],
                )
            )
        return classes

    def _check_names(self, classes: dict[str, list[str]]) -> None:
        known = {"{" + name + "}" for name in classes} | MADE
        used: dict[str, str] = {}
        for pattern in self._matcher.patterns:
            for element in pattern.elements:
                used.update({atom: pattern.source for atom in element.atoms if atom.startswith("{")})
        for entry in self._compiled:
            used.update({part.atom: entry.rule.id for combination in entry.combinations for part in combination})
        for frame in self.rules.frames:
            used.update({name: frame.id for name in frame.unless if name.startswith("{")})
        missing = sorted(f"{name} (in {where})" for name, where in used.items() if name not in known)
        if missing:
            raise ValueError(f"no such word class: {', '.join(missing)}")


def _signs(sightings: Sightings) -> frozenset[str]:
    return frozenset(atom for atom in sightings.places if atom.startswith("{") and not atom.startswith("{rule-"))


def _frame_atom(name: str) -> str:
    return "{frame-" + name + "}"
