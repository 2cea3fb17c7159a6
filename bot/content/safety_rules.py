"""The models of content/safety.yaml: the rules, word classes, texts and numbers that triage works from.

The file is written for clinicians to read and review, so lists of phrases are plain text with commas between. The
models check what a single file can show; what the phrases mean is checked where they are compiled, in bot.safety.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

KindId = Literal[
    "emergency-low-glucose",
    "emergency-high-glucose",
    "emergency-other",
    "self-harm",
    "medication-dosing",
    "personal-diagnosis",
]


def _split(value: object) -> object:
    """Turn `a, b, c` into a list; anything else is left for pydantic to judge."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Listed = Annotated[tuple[str, ...], BeforeValidator(_split, json_schema_input_type=str | list[str])]


class Strict(BaseModel):
    """A model that refuses keys it does not know, so that a typing slip in the file cannot switch a rule off."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Review(Strict):
    """Who has looked at the rules, and when: nobody clinical yet."""

    written: str
    reviewed_by: str | None
    reviewed_at: str | None


class Source(Strict):
    """Where a fact comes from, as in evidence.yaml."""

    title: str
    publisher: str
    year: int | None


class Kind(Strict):
    """One kind of safety reply; the order in the file is the order of urgency, nearest danger first."""

    id: KindId
    meaning: str
    offer: Listed = ()


class Spelling(Strict):
    """Key words that are found through typing slips, and how abbreviations and emoji are read."""

    keys: Listed
    rewrites: dict[str, str]
    emoji: dict[str, str]


class ReadingRules(Strict):
    """Where measurements turn dangerous: glucose in mg/dL, ketones in mmol/L and as plus signs on a urine strip."""

    sources: Listed
    very_low_mg: float
    low_mg: float
    raised_mg: float
    high_mg: float
    very_high_mg: float
    ketones_some: float
    ketones_high: float
    ketones_high_plus: float


class Negation(Strict):
    """How far a `no` reaches."""

    cues: Listed
    not_cues: Listed
    stops: Listed
    reach: int = Field(gt=0, le=12)


class Frame(Strict):
    """A way of speaking that clears a rule: a story, a question in general, a figure of speech, a novel, a job."""

    id: str
    meaning: str
    where: Literal["overlap", "before", "sentence", "message"]
    cues: Listed
    not_cues: Listed = ()
    unless: Listed = ()
    unless_near: Listed = ()


class Rule(Strict):
    """What makes a safety reply: any one of the combinations in `any`, unless a frame clears it.

    A combination is phrases joined by ` + ` that must all occur within the stated distance; `2x {class}` asks for two
    different members, `!{class}` for none.
    """

    id: str
    kind: KindId
    why: str
    sources: Listed
    within: Literal["clause", "sentence", "neighbours", "message"] = "sentence"
    any: tuple[str, ...] = Field(min_length=1)
    cleared_by: Listed
    yields_to: tuple[KindId, ...] = ()
    hint: bool = False
    """Of an urgent kind, but dropped where the second look finds the message quite unlike any danger."""


class Banner(Strict):
    """When a text only names an emergency: the line above the answer, and the words that call for it."""

    id: KindId
    names: Listed


class KindText(Strict):
    """The reply for one kind in one language."""

    title: str
    steps: tuple[str, ...] = Field(min_length=1, max_length=4)
    speak_of: str
    call: Literal["emergency", "crisis", "poison", "none"]
    banner: str | None = None
    sources: Listed


class Texts(Strict):
    """All wording in one language."""

    also: str
    call_emergency: str
    call_elsewhere: str
    call_crisis: str
    crisis_elsewhere: str
    call_poison: str
    kinds: dict[KindId, KindText]

    @model_validator(mode="after")
    def _all_kinds(self) -> Texts:
        missing = set(get_args(KindId)) - set(self.kinds)
        if missing:
            raise ValueError(f"no text for {', '.join(sorted(missing))}")
        return self


class Line(Strict):
    """A telephone number for some regions (ISO 3166 codes), with the words around it by language."""

    regions: Listed
    say: dict[str, str]
    sources: Listed
    caution: str | None = None


class Numbers(Strict):
    """Where to call: only numbers that the evidence has."""

    emergency: tuple[Line, ...]
    crisis: tuple[Line, ...]
    poison: tuple[Line, ...]


class SafetyRules(Strict):
    """The whole of content/safety.yaml."""

    review: Review
    kinds: tuple[Kind, ...]
    texts: dict[str, Texts]
    numbers: Numbers
    readings: ReadingRules
    spelling: Spelling
    negation: Negation
    frames: tuple[Frame, ...]
    words: dict[str, Listed]
    rules: tuple[Rule, ...]
    banners: tuple[Banner, ...]
    sources: dict[str, Source]

    @model_validator(mode="after")
    def _names_exist(self) -> SafetyRules:
        """Check that ids are unique and that whatever is referred to is there."""
        problems: list[str] = []
        for what, ids in (
            ("kind", [str(kind.id) for kind in self.kinds]),
            ("frame", [frame.id for frame in self.frames]),
            ("rule", [rule.id for rule in self.rules]),
        ):
            problems += [f'{what} "{name}" is there twice' for name in {name for name in ids if ids.count(name) > 1}]
        if {kind.id for kind in self.kinds} != set(get_args(KindId)):
            problems.append("kinds must list all six kinds once")
        frames = {frame.id for frame in self.frames} | {"negated"}
        cited = [(rule.id, rule.sources) for rule in self.rules]
        cited += [(f"text {kind}", text.sources) for texts in self.texts.values() for kind, text in texts.kinds.items()]
        numbers = self.numbers
        cited += [
            (line.say.get("en", "?"), line.sources) for line in numbers.emergency + numbers.crisis + numbers.poison
        ]
        for name, sources in [*cited, ("readings", self.readings.sources)]:
            problems += [f'{name}: source "{source}" is not listed' for source in sources if source not in self.sources]
        for rule in self.rules:
            problems += [f'rule {rule.id}: no frame "{frame}"' for frame in rule.cleared_by if frame not in frames]
        if "en" not in self.texts:
            problems.append("texts need English, which every other language falls back to")
        if problems:
            raise ValueError("; ".join(sorted(problems)))
        return self
