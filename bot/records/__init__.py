"""The records room: what IRIS keeps of its use, in SQLite or PostgreSQL; never words, names or ids unasked."""

from bot.records.database import RecordsError
from bot.records.people import EXTRA_LINE_MAX, Community, CommunitySettings, Person, PersonData
from bot.records.records import Records
from bot.records.updates import Claim

__all__ = [
    "EXTRA_LINE_MAX",
    "Claim",
    "Community",
    "CommunitySettings",
    "Person",
    "PersonData",
    "Records",
    "RecordsError",
]
