"""How well IRIS does on an editor's own questions (``iris eval``): a file of questions -> ``Report`` -> text."""

from bot.evaluation.judge import Judged, Rate, Rates, Verdict, judge, judge_all
from bot.evaluation.questions import Expected, QuestionsError, content_id, read_questions
from bot.evaluation.report import Report, evaluate, render

__all__ = [
    "Expected",
    "Judged",
    "QuestionsError",
    "Rate",
    "Rates",
    "Report",
    "Verdict",
    "content_id",
    "evaluate",
    "judge",
    "judge_all",
    "read_questions",
    "render",
]
