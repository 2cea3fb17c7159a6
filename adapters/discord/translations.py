"""Names and descriptions of the commands in other languages, as Discord's menus show them; the texts are English.

Discord has no name for "any Spanish": both of its Spanish locales get the same words.
"""

from __future__ import annotations

from discord import Locale, app_commands

_WORDS: dict[str, tuple[str, str, str, str]] = {
    # English: Spanish, German, French, Portuguese (Brazil). Names have to be lower case, without spaces.
    "ask": ("preguntar", "fragen", "demander", "perguntar"),
    "topics": ("temas", "themen", "sujets", "temas"),
    "sources": ("fuentes", "quellen", "sources", "fontes"),
    "help": ("ayuda", "hilfe", "aide", "ajuda"),
    "about": ("acerca-de", "info", "à-propos", "sobre"),
    "privacy": ("privacidad", "datenschutz", "confidentialité", "privacidade"),
    "mydata": ("mis-datos", "meine-daten", "mes-données", "meus-dados"),
    "forgetme": ("olvídame", "vergiss-mich", "oublie-moi", "esqueça-me"),
    "settings": ("ajustes", "einstellungen", "paramètres", "configurações"),
    "question": ("pregunta", "frage", "question", "pergunta"),
    "public": ("público", "öffentlich", "public", "público"),
    "Answer with IRIS": ("Responder con IRIS", "Mit IRIS antworten", "Répondre avec IRIS", "Responder com IRIS"),
    "Ask about insulin resistance and autoimmunity": (
        "Pregunta sobre resistencia a la insulina y autoinmunidad",
        "Frage zu Insulinresistenz und Autoimmunität stellen",
        "Poser une question sur l'insulinorésistance et l'auto-immunité",
        "Pergunte sobre resistência à insulina e autoimunidade",
    ),
    "Your question in your own words, or one from the list": (
        "Tu pregunta con tus palabras, o una de la lista",
        "Deine Frage in eigenen Worten oder eine aus der Liste",
        "Ta question avec tes mots, ou une de la liste",
        "Sua pergunta com suas palavras, ou uma da lista",
    ),
    "Show the answer to everyone here": (
        "Mostrar la respuesta a todos aquí",
        "Die Antwort hier allen zeigen",
        "Montrer la réponse à tout le monde ici",
        "Mostrar a resposta a todos aqui",
    ),
    "Browse everything that IRIS has an answer to": (
        "Explora todo lo que IRIS sabe responder",
        "Alles durchsehen, worauf IRIS eine Antwort hat",
        "Parcourir tout ce à quoi IRIS sait répondre",
        "Veja tudo o que a IRIS sabe responder",
    ),
    "Which publications the answers come from": (
        "De qué publicaciones vienen las respuestas",
        "Aus welchen Veröffentlichungen die Antworten stammen",
        "De quelles publications viennent les réponses",
        "De quais publicações vêm as respostas",
    ),
    "Only the sources of this answer": (
        "Solo las fuentes de esta respuesta",
        "Nur die Quellen dieser Antwort",
        "Seulement les sources de cette réponse",
        "Somente as fontes desta resposta",
    ),
    "What IRIS can do and how to ask": (
        "Qué puede hacer IRIS y cómo preguntar",
        "Was IRIS kann und wie man fragt",
        "Ce que fait IRIS et comment demander",
        "O que a IRIS faz e como perguntar",
    ),
    "What IRIS is: version, licences, number of answers": (
        "Qué es IRIS: versión, licencias, número de respuestas",
        "Was IRIS ist: Version, Lizenzen, Zahl der Antworten",
        "Ce qu'est IRIS : version, licences, nombre de réponses",
        "O que é a IRIS: versão, licenças, número de respostas",
    ),
    "What IRIS does with what you write": (
        "Qué hace IRIS con lo que escribes",
        "Was IRIS mit dem macht, was du schreibst",
        "Ce qu'IRIS fait de ce que tu écris",
        "O que a IRIS faz com o que você escreve",
    ),
    "What IRIS keeps about you": (
        "Qué guarda IRIS sobre ti",
        "Was IRIS über dich aufbewahrt",
        "Ce qu'IRIS conserve sur toi",
        "O que a IRIS guarda sobre você",
    ),
    "Delete everything that IRIS keeps about you": (
        "Borrar todo lo que IRIS guarda sobre ti",
        "Alles löschen, was IRIS über dich aufbewahrt",
        "Supprimer tout ce qu'IRIS conserve sur toi",
        "Apagar tudo o que a IRIS guarda sobre você",
    ),
    "For those who manage this server": (
        "Para quienes administran este servidor",
        "Für alle, die diesen Server verwalten",
        "Pour ceux qui gèrent ce serveur",
        "Para quem gerencia este servidor",
    ),
    "Where and how IRIS answers on this server": (
        "Dónde y cómo responde IRIS en este servidor",
        "Wo und wie IRIS auf diesem Server antwortet",
        "Où et comment IRIS répond sur ce serveur",
        "Onde e como a IRIS responde neste servidor",
    ),
}
_COLUMNS = {
    Locale.spain_spanish: 0,
    Locale.latin_american_spanish: 0,
    Locale.german: 1,
    Locale.french: 2,
    Locale.brazil_portuguese: 3,
}


class CommandTranslator(app_commands.Translator):
    """Translates what Discord shows of the commands in its own menus."""

    async def translate(
        self, string: app_commands.locale_str, locale: Locale, context: app_commands.TranslationContextTypes
    ) -> str | None:
        if (column := _COLUMNS.get(locale)) is None or (words := _WORDS.get(string.message)) is None:
            return None
        return words[column]
