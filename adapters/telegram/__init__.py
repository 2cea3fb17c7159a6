"""IRIS on Telegram: update in, reply out.

polling or webhook -> intake -> commands, buttons or inline -> asked ("was I asked?") -> Desk -> render -> delivery
"""

from adapters.telegram.application import TelegramPlatform

__all__ = ["TelegramPlatform"]
