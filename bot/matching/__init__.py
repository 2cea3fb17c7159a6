"""The matching room: text -> ``Match``, learnt from the content's utterances; knows no entry texts, no platform."""

from bot.matching.danger import DangerModel
from bot.matching.encoder import Encoder, Encodings
from bot.matching.head import NotConverged
from bot.matching.match import Candidate, Match, Outcome
from bot.matching.matcher import Matcher
from bot.matching.runtime import EncoderError
from bot.matching.second_look import SecondLook
from bot.matching.wording import Intent, Vocabulary, Wording

__all__ = [
    "Candidate",
    "DangerModel",
    "Encoder",
    "EncoderError",
    "Encodings",
    "Intent",
    "Match",
    "Matcher",
    "NotConverged",
    "Outcome",
    "SecondLook",
    "Vocabulary",
    "Wording",
]
