"""Discord: slash commands, mentions and direct messages in, rendered Replies out."""

from adapters.discord.platform import DiscordPlatform

__all__ = ["DiscordPlatform"]
