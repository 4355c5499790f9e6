"""Does an answer to a resolved ticket only confirm it? "Grazie, tutto a posto" does; anything that says more does not.

Words are weighed one by one: an answer confirms when every word of it is one of thanks, agreement or politeness, and one
of them agrees. So a doubt, a question or a new fact always goes on, in whatever language. Refuses to guess.
"""

import re

LONGEST = 40  # words

AGREES = (
    "grazie ringrazio ringraziamo risolto risolta confermo confermiamo conferma funziona perfetto ottimo chiudere chiudete"
    " thanks thank thx solved resolved fixed confirm confirmed works working perfect great close closed danke gelöst"
    " merci résolu gracias resuelto obrigado resolvido"
)
POLITE = (
    "mille molte tante infinite tanto molto davvero per di del della il la lo le l i gli e ed a al alla in tutto tutta tutti"
    " posto ok okay bene va vostro vostra vostri aiuto supporto assistenza intervento risposta velocità rapidità celerità"
    " disponibilità gentilezza cortesia pure potete puoi può possiamo ticket caso richiesta segnalazione problema adesso ora"
    " ciao buongiorno buonasera salve gentile gentili cordiali saluti saluto distinti buona giornata serata lavoro a presto è"
    " sono stato stata che si sì vi ti you your very much so many a lot again all good it is its it's now the this that for"
    " help support quick fast reply answer issue problem can be please yes kind best regards cheers hello hi dear team and"
    " we i appreciate everything fine to"
)
_AGREES, _POLITE = frozenset(AGREES.split()), frozenset(POLITE.split())


def confirms(text: str) -> bool:
    """Whether these words, quoted mail and signature taken out, say nothing but that it is done."""
    words = re.findall(r"[^\W\d_]+", text.lower().replace("’", "'"))
    if not words or len(words) > LONGEST or "?" in text or re.search(r"\d", text):
        return False
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and _is_name(lines[-1]):
        words = re.findall(r"[^\W\d_]+", "\n".join(lines[:-1]).lower())
    return all(word in _AGREES or word in _POLITE for word in words) and not _AGREES.isdisjoint(words)


def _is_name(line: str) -> bool:
    """A signature of one to three words, each with a capital: nothing is said in it."""
    words = line.replace(",", " ").replace(".", " ").split()
    return 1 <= len(words) <= 3 and all(word[0].isupper() and word.isalpha() for word in words)
