"""What /privacy says: exactly what is kept and for how long, made from the settings in force."""

from __future__ import annotations

from bot.settings import RecordSettings


def text(settings: RecordSettings) -> str:
    """Small Markdown for people; docs/privacy.md says the same at length."""
    questions, counts = settings.keep_questions_days, settings.keep_counts_days
    return "\n".join(
        [
            "I don't keep what you write, your name or your id. This is what I do keep:",
            "",
            "- **Numbers**: how often each answer was given in each hour, on which platform and how sure I was. "
            f"They are deleted after {_days(counts)}.",
            "- **Votes** (thumbs up or down): your vote, with a code in place of your id so that each person has one "
            f"vote. After {_days(questions)} to {_days(questions + 31)} the codes are destroyed and only totals stay.",
            "- **Questions that you send in** with the button: the text, encrypted, without your name. I take out "
            "mentions, names with @, phone numbers, mail addresses, links, full dates and long numbers. "
            f"They are deleted after {_days(questions)}.",
            "- **Settings** that the people who run a chat have chosen, encrypted, until they change them.",
            "- **Codes of messages** that I have answered, so that I answer none twice: for a day.",
            "",
            "/mydata shows what can be tied to you, and /forgetme deletes it. Discord or Telegram keep messages under "
            "their own rules.",
        ]
    )


def _days(number: int) -> str:
    return f"{number} day{'' if number == 1 else 's'}"
