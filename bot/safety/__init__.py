"""Triage before any match: who needs a person, and not an answer from a list (rules in content/safety.yaml)."""

from bot.safety.assessment import Assessment, Finding, SafetyKind
from bot.safety.engine import Triage
from bot.safety.reply import SafetyText, banner_text, reply_text

__all__ = ["Assessment", "Finding", "SafetyKind", "SafetyText", "Triage", "banner_text", "reply_text"]
