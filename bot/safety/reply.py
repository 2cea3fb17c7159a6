"""Puts together what a safety reply says, from safety.yaml's texts and numbers; the flow makes a Reply of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.content.safety_rules import KindText, Line, SafetyRules, Texts
from bot.safety.assessment import SafetyKind

_FALLBACK_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class SafetyText:
    """The words of a safety reply: a title, the lines below it, and entries to offer as buttons."""

    title: str
    lines: tuple[str, ...]
    offer: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines as a list in the small Markdown of the content."""
        return "\n".join(f"- {line}" for line in self.lines)


def reply_text(
    rules: SafetyRules, kinds: Sequence[SafetyKind], region: str | None = None, language: str = _FALLBACK_LANGUAGE
) -> SafetyText:
    """Return the reply for the kinds found, in the order given (Assessment.kinds: most urgent first).

    `region` is an ISO 3166 code (`GB`); unknown or None lists the main numbers in one line. A language that safety.yaml
    does not have falls back to English. Entries are offered only when no emergency and no self-harm is among the kinds,
    so that nothing stands below a call for help. Raises ValueError if no kind is given.
    """
    if not kinds:
        raise ValueError("a safety reply needs at least one kind")
    spoken = language if language in rules.texts else _FALLBACK_LANGUAGE
    texts = rules.texts[spoken]
    first = texts.kinds[kinds[0].value]
    urgent = [kind for kind in kinds if texts.kinds[kind.value].call in ("emergency", "crisis")]
    # Below an emergency only other emergencies are spoken of: the rest can wait.
    shown = urgent or list(kinds)
    lines = [*first.steps]
    lines += _call_lines(rules, texts, [texts.kinds[kind.value] for kind in shown], region, spoken)
    for kind in shown[1:]:
        text = texts.kinds[kind.value]
        lines.append(f"{texts.also.format(what=text.speak_of)} {text.steps[0]}")
    offer: list[str] = []
    if not urgent:
        offer = [entry for kind in kinds for known in rules.kinds if known.id == kind.value for entry in known.offer]
    return SafetyText(first.title, tuple(lines), tuple(dict.fromkeys(offer)))


def banner_text(rules: SafetyRules, banner: str, language: str = _FALLBACK_LANGUAGE) -> str:
    """Return the one line for Assessment.banner; raises ValueError for an id that has none."""
    texts = rules.texts[language if language in rules.texts else _FALLBACK_LANGUAGE]
    for kind, text in texts.kinds.items():
        if kind == banner and text.banner is not None:
            return text.banner
    raise ValueError(f'no banner "{banner}"')


def _call_lines(
    rules: SafetyRules, texts: Texts, spoken: Sequence[KindText], region: str | None, language: str
) -> list[str]:
    calls = [text.call for text in spoken]
    lines: list[str] = []
    if "crisis" in calls or "emergency" in calls:
        number = _numbers(rules.numbers.emergency, region, language)
        if number and region is not None:
            lines.append(texts.call_emergency.format(number=", ".join(number)))
        else:
            everywhere = ", ".join(_numbers(rules.numbers.emergency, None, language))
            lines.append(texts.call_elsewhere.format(numbers=everywhere))
    if "crisis" in calls:
        line = _numbers(rules.numbers.crisis, region, language)
        if line and region is not None:
            lines.append(texts.call_crisis.format(line="; ".join(line)))
        else:
            everywhere = "; ".join(_numbers(rules.numbers.crisis, None, language))
            lines.append(texts.crisis_elsewhere.format(lines=everywhere))
    if "poison" in calls and region is not None:
        line = _numbers(rules.numbers.poison, region, language)
        lines += [texts.call_poison.format(line=", ".join(line))] if line else []
    return lines


def _numbers(lines: Sequence[Line], region: str | None, language: str) -> list[str]:
    """Return the numbers of a region, or of all regions when none is given."""
    wanted = region.upper() if region else None
    return [
        line.say.get(language, line.say[_FALLBACK_LANGUAGE])
        for line in lines
        if wanted is None or wanted in line.regions
    ]
