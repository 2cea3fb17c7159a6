"""IRIS on Telegram: update in, reply out.

polling -> order -> commands or buttons -> asked ("was I asked?") -> Answerer -> render -> delivery
"""

from adapters.telegram.application import TelegramPlatform

__all__ = ["TelegramPlatform"]
