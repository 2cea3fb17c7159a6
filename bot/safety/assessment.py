"""What triage says about one message: the findings, the banner, and what nearly fired; the flow reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class SafetyKind(StrEnum):
    """The six reasons for a safety reply (ids of topics.yaml); their order of urgency is `kinds` in safety.yaml."""

    EMERGENCY_LOW_GLUCOSE = "emergency-low-glucose"
    EMERGENCY_HIGH_GLUCOSE = "emergency-high-glucose"
    EMERGENCY_OTHER = "emergency-other"
    SELF_HARM = "self-harm"
    MEDICATION_DOSING = "medication-dosing"
    PERSONAL_DIAGNOSIS = "personal-diagnosis"


CAN_WAIT = frozenset({SafetyKind.MEDICATION_DOSING, SafetyKind.PERSONAL_DIAGNOSIS})
"""Kinds for which a person is needed, but not now."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that fired: on which words, and why that matters (one plain sentence)."""

    kind: SafetyKind
    rule: str
    matched: str
    why: str
    hint: bool = False
    """Whether a second look may drop it: its rule is marked so, or its kind can wait."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """All that triage found in a message; no findings means that no safety reply is needed."""

    findings: tuple[Finding, ...]
    """Most urgent first, one for each rule that fired."""
    banner: str | None
    """Id of a banner when the text only names an emergency in general: the answer goes on below that one line."""
    cleared: tuple[str, ...]
    """Rules that would have fired but for a negation, a story, a figure of speech and so on: `rule (frame)`."""
    hunch: SafetyKind | None = None
    """An urgent kind that is suspected too weakly for a finding: where nothing answers, its banner stands there."""
    signs: frozenset[str] = field(default=frozenset(), compare=False, repr=False)
    """What was seen in the message, as ``Triage.signs`` names it: the second look reads it too."""

    @property
    def kind(self) -> SafetyKind | None:
        """The most urgent kind, or None when nothing was found."""
        return self.findings[0].kind if self.findings else None

    @property
    def is_open(self) -> bool:
        """Whether a second look has a say: nothing was found, or nothing but hints."""
        return all(finding.hint for finding in self.findings)

    @property
    def kinds(self) -> tuple[SafetyKind, ...]:
        """Every kind that was found, most urgent first, each once."""
        return tuple(dict.fromkeys(finding.kind for finding in self.findings))
