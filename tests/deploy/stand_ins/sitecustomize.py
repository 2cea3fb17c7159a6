"""Points an unmodified IRIS in a process or container of its own at stand-ins; Python loads it from PYTHONPATH.

STAND_IN_DISCORD is host:port of a Discord. STAND_IN_UNLIMITED lifts Telegram's flood limits on our side, so that a
benchmark measures computing and not waiting. Telegram's address needs no trick: IRIS_TELEGRAM_API_URL is a setting.
"""

import functools
import os
import sys

# `iris health` and the process that tries out content stay as quick as they are.
if "run" in sys.orig_argv:
    if address := os.environ.get("STAND_IN_DISCORD"):
        import discord
        import yarl

        discord.http.Route.BASE = f"http://{address}/api/v10"
        discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(f"ws://{address}/")
    if os.environ.get("STAND_IN_UNLIMITED"):
        import adapters.telegram
        from adapters.telegram.flood import Rates

        unlimited = Rates((10_000, 1), (10_000, 1), (10_000, 1))
        adapters.telegram.TelegramPlatform = functools.partial(adapters.telegram.TelegramPlatform, rates=unlimited)
