"""From a content to its Answerer: reads the files, compiles the rules, fits matcher and second look.

Without adapters, records or a server, so that a command that answers one question starts in a second.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from bot.answer import Answerer
from bot.content import (
    HARMLESS,
    ContentError,
    Faq,
    Problem,
    default_content_folder,
    load_faq,
    load_safety_examples,
    load_safety_rules,
)
from bot.matching import (
    DangerModel,
    Encoder,
    EncoderError,
    Intent,
    Matcher,
    NotConverged,
    SecondLook,
    Vocabulary,
    Wording,
)
from bot.matching.likeness import alike
from bot.safety import Triage

# What build_answerer raises for whoever looks after the content or the installation; str() is the sentences to say.
UNUSABLE = (ContentError, EncoderError, NotConverged)

_compiled: dict[bytes, Triage] = {}
"""By the digest of their file: the rules that were compiled last."""


def build_answerer(content: Path | None = None, cache: Path | None = None, encoder: Encoder | None = None) -> Answerer:
    """The Answerer of one content: ``content`` is a folder or a bare FAQ file, None the shipped one.

    A FAQ without ``safety.yaml`` beside it is guarded by the shipped triage rules. ``cache`` keeps between
    starts what is slow to compute; ``encoder`` is one that is loaded already, with the same cache. Raises one of
    UNUSABLE; a ContentError has every problem found.
    """
    faq, triage = load_content(content)
    examples = load_safety_examples(_safety_folder(content or default_content_folder()))
    encoder = encoder or Encoder(cache_folder=cache)
    intents, background, vocabulary = _intents(faq), _background(faq), _vocabulary(faq)
    wording = Wording.of(intents, background, vocabulary, encoder)
    spelt = wording.best_of([text for texts in examples.values() for text in texts], encoder)
    # Together, so that matcher and second look share the vectors of what both read.
    learnt = [text for intent in intents for text in intent.utterances] + background
    learnt += [spelt[text] for kind in sorted(examples, key=HARMLESS.__ne__) for text in examples[kind]]
    encoder.encode_content(learnt)
    risk = {} if faq.risk is None else {"risk": faq.risk}
    matcher = Matcher.fit(intents, background, encoder, vocabulary, wording=wording, **risk)
    return Answerer(faq, triage, matcher, _fit_second_look(faq, triage, examples, matcher, spelt))


def load_content(content: Path | None = None) -> tuple[Faq, Triage]:
    """FAQ and triage ready for use. Raises ContentError with the problems of both files at once."""
    path = content or default_content_folder()
    safety = _safety_folder(path) / "safety.yaml"
    problems: list[Problem] = []
    faq: Faq | None = None
    triage: Triage | None = None
    try:
        faq = load_faq(path)
    except ContentError as error:
        problems += error.problems
    try:
        triage = load_triage(safety)
    except ContentError as error:
        problems += error.problems
    if faq is None or triage is None:
        raise ContentError(problems)
    return faq, triage


def _safety_folder(content: Path) -> Path:
    """The folder whose triage guards ``content``: its own, else the shipped one."""
    beside = content if content.is_dir() else content.parent
    return beside if (beside / "safety.yaml").is_file() else default_content_folder()


def load_triage(file: Path) -> Triage:
    """The compiled rules of one safety file. Raises ContentError.

    The last ones stay for a content that has the same, such as one of which a text was edited: compiling takes a third
    of the time in which a change is taken in.
    """
    try:
        key = hashlib.sha256(file.read_bytes()).digest()
    except OSError:
        key = b""  # the reader says what is wrong with it
    if key not in _compiled:
        rules = load_safety_rules(file)
        try:
            triage = Triage(rules)
        except ValueError as error:  # a phrase that is well formed as YAML, but not as a phrase
            raise ContentError([Problem(str(file), 1, "", f"{error}. Correct the rule.")]) from error
        _compiled.clear()
        _compiled[key] = triage
    return _compiled[key]


def examine(path: Path, cache: Path | None) -> tuple[list[Problem], Faq | None, bool]:
    """Everything wrong with a content folder, a faq file or a safety.yaml: for editors, more than what stops a start.

    Besides, the FAQ and whether safety rules were read, where they could be. Raises EncoderError.
    """
    from bot.content.check import check_faq

    problems: list[Problem] = []
    faq: Faq | None = None
    rules_read = False
    if path.name != "safety.yaml":
        try:
            faq = load_faq(path)
        except ContentError as error:
            problems += error.problems
        problems += check_faq(path, find_alike(cache))
    if path.is_dir() or path.name == "safety.yaml":
        try:
            load_triage(path / "safety.yaml" if path.is_dir() else path)
            load_safety_examples(path)
            rules_read = True
        except ContentError as error:
            problems += error.problems
    return sorted(set(problems)), faq, rules_read


def find_alike(cache: Path | None) -> Callable[[Sequence[str], Sequence[str]], list[tuple[int, int]]]:
    """What finds texts that are nearly the same although their owners differ, for ``check``. Raises EncoderError."""
    encoder = Encoder(cache_folder=cache)
    return lambda texts, owners: alike(texts, owners, encoder)


def wording_of(faq: Faq, encoder: Encoder) -> Wording:
    """How messages are read where ``faq`` is the content."""
    return Wording.of(_intents(faq), _background(faq), _vocabulary(faq), encoder)


def _intents(faq: Faq) -> list[Intent]:
    """All that is answered: entries, then small talk."""
    entries = [
        Intent(entry.id, (entry.question, *entry.utterances), (entry.question, entry.short, entry.details))
        for entry in faq.entries
    ]
    return [*entries, *(Intent(talk.id, (talk.question, *talk.utterances)) for talk in faq.smalltalk)]


def _vocabulary(faq: Faq) -> Vocabulary:
    return Vocabulary(faq.vocabulary.expand, (*faq.vocabulary.diseases, *faq.vocabulary.medicines))


def _background(faq: Faq) -> list[str]:
    return [text for texts in faq.out_of_scope.values() for text in texts]


def _fit_second_look(
    faq: Faq, triage: Triage, examples: dict[str, tuple[str, ...]], matcher: Matcher, spelt: dict[str, str]
) -> SecondLook | None:
    """None where there are no examples: triage then goes by its rules alone."""
    if not examples:
        return None
    dangers = {kind: texts for kind, texts in examples.items() if kind != HARMLESS}
    best, model = matcher.wording.best, _danger_model()
    known = model if dangers.keys() <= set(model.kinds) else None
    return SecondLook.fit(dangers, examples[HARMLESS], asked(faq), matcher.encoder, triage, best, spelt, known)


@cache
def _danger_model() -> DangerModel:
    """Loaded once: it is the same for every content."""
    return DangerModel()


def asked(faq: Faq) -> list[str]:
    """All that people ask without being in danger, as the content has it."""
    of_entries = [text for entry in faq.entries for text in (entry.question, *entry.utterances)]
    return [*of_entries, *(text for talk in faq.smalltalk for text in talk.utterances), *_background(faq)]
