"""The matching room: text -> ``Match``, learnt from the content's utterances; knows no entry texts, no platform."""

from bot.matching.encoder import Encoder, Vectors
from bot.matching.head import NotConverged
from bot.matching.match import Candidate, Match, Outcome
from bot.matching.matcher import Matcher
from bot.matching.runtime import EncoderError
from bot.matching.second_look import SecondLook
from bot.matching.wording import Intent, Vocabulary, Wording

__all__ = [
    "Candidate",
    "Encoder",
    "EncoderError",
    "Intent",
    "Match",
    "Matcher",
    "NotConverged",
    "Outcome",
    "SecondLook",
    "Vectors",
    "Vocabulary",
    "Wording",
]
