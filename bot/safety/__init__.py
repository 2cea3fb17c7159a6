"""Triage before any match: who needs a person, and not an answer from a list (rules in content/safety.yaml)."""

from bot.safety.assessment import CAN_WAIT, Assessment, Finding, SafetyKind
from bot.safety.engine import Triage
from bot.safety.reply import SafetyText, banner_text, reply_text

__all__ = ["CAN_WAIT", "Assessment", "Finding", "SafetyKind", "SafetyText", "Triage", "banner_text", "reply_text"]
