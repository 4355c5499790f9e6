"""What a page says in writing, to engineers and to the customer: Italian and English, English for everybody else."""

from collections.abc import Mapping

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "page": "{number} {priority} {customer} ({plan}): {subject}. {left}Reply 1 to accept, 3 to pass on. {link}",
        "subject": "[{number}] {priority} {customer}: you are on call",
        "exhausted": "NOBODY HAS ACCEPTED {number} {priority} {customer} ({plan}): {subject}. {left}Reply 1 to accept. {link}",
        "exhausted.subject": "[{number}] NOBODY HAS ACCEPTED: {priority} {customer}",
        "left": "{minutes} minutes left ({target}). ",
        "over": "Time ran out {minutes} minutes ago ({target}). ",
        "accepted": "{number} is yours. Thank you.",
        "already-yours": "{number} is yours already.",
        "passed": "{number} is passed on.",
        "escalated": "{number}: the next is rung now.",
        "nobody": "{number}: there is nobody else whom we could ring.",
        "taken": "{number} was already taken by {name}.",
        "none": "There is no open page for you now; the desk's console shows all tickets.",
        "help": "Reply 1 to accept, 3 to pass on or 5 to have the next rung too, perhaps with the ticket's number: 1 {example}.",
        "customer": "nobody of our engineers on duty has taken your report in charge yet. All of them have been alarmed, we go on"
        " calling, and a person reads your report as soon as one can be reached. The deadlines that we promised do not change.",
    },
    "it": {
        "page": "{number} {priority} {customer} ({plan}): {subject}. {left}Rispondi 1 per accettare, 3 per passare. {link}",
        "subject": "[{number}] {priority} {customer}: sei reperibile",
        "exhausted": "NESSUNO HA ACCETTATO {number} {priority} {customer} ({plan}): {subject}. {left}Rispondi 1 per accettare. {link}",
        "exhausted.subject": "[{number}] NESSUNO HA ACCETTATO: {priority} {customer}",
        "left": "Restano {minutes} minuti ({target}). ",
        "over": "Tempo scaduto da {minutes} minuti ({target}). ",
        "accepted": "{number} è tua. Grazie.",
        "already-yours": "{number} è già tua.",
        "passed": "{number} passa a un altro.",
        "escalated": "{number}: ora squilla dal prossimo.",
        "nobody": "{number}: non c'è nessun altro da chiamare.",
        "taken": "{number} è già di {name}.",
        "none": "Ora non c'è nessuna chiamata aperta per te; la console mostra tutte le segnalazioni.",
        "help": "Rispondi 1 per accettare, 3 per passare o 5 per far squillare anche il prossimo, se vuoi con il numero: 1 {example}.",
        "customer": "nessuno dei nostri reperibili ha ancora preso in carico la Sua segnalazione. Sono stati avvisati tutti,"
        " continuiamo a chiamare, e una persona la leggerà non appena ne raggiungiamo una. Le scadenze promesse non cambiano.",
    },
}


def words(language: str | None, name: str, /, **fields: str) -> str:
    """A sentence with its fields put in last, so that no field is read as a template."""
    return WORDS.get(language or "en", WORDS["en"])[name].format_map(fields)


def left(language: str | None, minutes: str, target: str) -> str:
    """What is left on which clock; nothing without a clock."""
    if not minutes:
        return ""
    over = int(minutes) < 0
    return words(language, "over" if over else "left", minutes=str(abs(int(minutes))), target=target)
