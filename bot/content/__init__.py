"""The content room: ``content/*.yaml`` in, ``Faq`` and ``SafetyRules`` out, or every problem with file and line.

Nothing else in the house reads YAML.
"""

from bot.content.faq import Disclaimer, Entry, Faq, SmallTalk, Source
from bot.content.load import (
    HARMLESS,
    ContentError,
    Problem,
    default_content_folder,
    load_faq,
    load_safety_examples,
    load_safety_rules,
)

__all__ = [
    "HARMLESS",
    "ContentError",
    "Disclaimer",
    "Entry",
    "Faq",
    "Problem",
    "SmallTalk",
    "Source",
    "default_content_folder",
    "load_faq",
    "load_safety_examples",
    "load_safety_rules",
]
