"""Does what a monitoring system writes tell of trouble or of its end?

Words of both kinds, told apart by weight: a form that only an end has ("resolved", "no longer down"), a word that may stand in
a name too ("up", "online"), a condition ("down", "failed") and a mere heading ("alert"). A negation turns the word after it.
Refuses to take a doubtful text for a recovery: it would hide what is still wrong.
"""

import re
from typing import Literal

State = Literal["problem", "recovery"]

NEAR = 24  # characters between a negation and the word that it turns

ENDS = (  # an end, wherever it stands
    r"recover(?:y|ed|s|ing)?|resolved|cleared|restored|repaired|(?:back|returned) (?:to normal|online)|(?:is|are|now|currently"
    r"|was) back up|re-?connected"
    r"|re-?enabled|unlocked|rientrat[oa]|risolt[oa]|ripristinat[oa]|riparat[oa]|cessat[oa]|rientro|fine (?:dell )?(?:allarme"
    r"|emergenza)|end of (?:the )?(?:alarm|alert|problem|outage|incident)"
    r"|tornat[oa] (?:normale|online|alla normalita|raggiungibile)|di nuovo (?:raggiungibile|online|disponibile|attiv[oa])|behoben"
    r"|reachable again|(?:alarm|alert|event|incident|outage|problem|issue|allarme) (?:has |is |was )?(?:ended|reset|closed|over|chiuso)"
    r"|left (?:the )?(?:warning|critical|error|alarm|down) state|cleaned up|resolu|retabli|resuelto"
)
GOOD = (  # an end where no other word speaks against it
    r"ok|up|clear|closed|normal|online|success(?:ful|fully)?|succeeded|succesfully|healthy|green|completed?|passed|reachable|available"
    r"|(?:is|are|now|again) running|protected|connected|registered|started|enabled|within range|in range|on (?:line|utility"
    r"|mains) power|completat[oa]|riuscit[oa]"
    r"|con successo|successo|raggiungibile|disponibile|attivat[oa]|avviat[oa]|conness[oa]|(?:is|are|now) up to date|verde|ended|reset"
)
BAD = (  # a condition, whatever stands beside
    r"down|critical|crit|warning|warn|firing|failed|failure|fail|fails|errors?|unreachable|unavailable|offline|breached?|degraded|disaster"
    r"|timed? ?out|timeout|no data|critic[oa]|avvis[oi]|fallit[oa]|errore|errori|giu|irraggiungibile|emergency|emergenza|unhealthy"
    r"|unresolved|unsuccessful|missed|not running|red|major|minor|flapping\w*|disconnected|disconness[oa]|scollegat[oa]|stopped"
    r"|ferm[oa]|arrestat[oa]"
    r"|lost|overdue|expired|scadut[oa]|interrott[oa]|guast[oa]|nicht erreichbar|fehlgeschlagen|stoerung|storung|en panne|degradat[oa]|rosso"
    r"|on battery(?: power)?|corrupt(?:ed)?|disabled|locked"
)
HEADS = (  # trouble where nothing else is said
    r"problema?|alarm|alert|allarme|allerta|fired|triggered|re-triggered|renotify|re-notify|high|low|average|unknown|acknowledg\w+"
    r"|escalation"
    r"|yellow|orange"
)
_NEVER_GOOD = r"(?:with|con) (?:\d+ )?(?:errors?|warnings?|failures?|issues|errori|avvisi)"
_COUNTED = (  # how many of them went wrong
    r"(?<![a-z] )[1-9]\d* (?:failed|failures?|errors?|warnings?|critical|missed|falliti|errori)"
    r"|(?:failed|failures?|errors?|falliti|errori)[ :=]{1,3}[1-9]\d*(?!\d*[.,:/]?\d)"
)
_NONE = (
    r"(?:0|no|zero|nessun|without|senza) (?:failed|failures?|errors?|warnings?|critical|missed|problems?|problema?|issues|falliti"
    r"|errore|errori|avvisi|allarmi)|(?:failed|failures?|errors?|warnings?|falliti|errori)[ :=]{1,3}0(?![.,\d])"
)
_IDLE = (  # what only looks like a state
    r"back[ -]?ups?|online (?=back-?up)|set[ -]up|up to (?!date)|success rate|clean[ -]?up|sign[ -]up|start[ -]up|wake[ -]up|look[ -]up"
    r"|up ?time|up/down|on/off|up & running(?= check)|error (?:rate|count|log)|failed login|critical events?|normal mode|low disk"
    r"|high availability"
)
_NOT = r"not(?: yet| been)?|non|no longer|no more|non piu|never|isn t|wasn t|hasn t|doesn t|didn t|nicht|kein\w*"
_CANNOT = r"could not|couldn t|cannot|can ?t|failed to|fails to|unable to|impossibile|impossible"
_SAID = re.compile(
    rf"(?<![\w./-])(?:(?P<idle>{_IDLE})|(?P<bad2>{_NEVER_GOOD}|{_COUNTED})|(?P<ends2>{_NONE})|(?P<cannot>{_CANNOT})"
    rf"|(?P<ends>{ENDS})|(?P<bad>{BAD})|(?P<good>{GOOD})|(?P<heads>{HEADS})|(?P<not>{_NOT}))(?![\w-]|[./]\w)"
)
_ARROW = re.compile(r"(?:->|→|=>)\s*([\w ]{1,30})")
_FROM_TO = re.compile(r"\b(?:from|da|von) [\w ]{1,20} (?:to|a|auf) (\w+)")
_LEADS = re.compile(  # "OK: ", "[UP]", "hp1: OK:", "up alert:"
    rf"(?:^\W{{0,4}}|[:\]|] \W?|[\[(])(?:{GOOD})(?: ?[:\]]| [-–] | (?:alert|alarm|notification)\b)"
)
_ENDED = re.compile(rf"\W{{0,4}}(?:{ENDS})(?![\w./-])")
_CLOSES = re.compile(rf"(?<![\w./-])(?:{GOOD})[ !.*)\]]*$")


def state_of(said: str) -> State | None:
    """`said`: a labelled state, a subject or the beginning of a text, as `masking.plain` writes it. None where no state is told."""
    now = _now(said)
    told = _told(now)
    if _ENDED.match(now):
        return "recovery"
    if "worst" in told:
        return "problem"
    if "ends" in told:
        return "recovery"
    if "good" in told and not told & {"bad", "heads"}:
        return "recovery"
    if "good" in told and (_LEADS.search(now) or ("bad" not in told and _CLOSES.search(now))):
        return "recovery"
    return "problem" if told & {"bad", "heads"} else None


def _now(said: str) -> str:
    """What stands after the last arrow, or after "to" of "from ... to ...", is the state now."""
    arrows = _ARROW.findall(said)
    if arrows:
        return str(arrows[-1])
    changed = _FROM_TO.search(said)
    return changed.group(1) if changed and _told(changed.group(1)) else said


def _told(said: str) -> set[str]:
    """The kinds of words that stand, each turned by a negation before it; "worst": a denied end, and errors that were counted."""
    kinds: set[str] = set()
    denied = -1  # where a negation ended
    for found in _SAID.finditer(said):
        kind = str(found.lastgroup)
        near = denied >= 0 and found.start() - denied <= NEAR
        if kind in ("not", "cannot"):
            denied = found.end()
            kinds |= {"bad"} if kind == "cannot" else set()
            continue
        if kind != "idle":
            kinds.add(_TURNED[kind] if near else _PLAIN[kind])
            denied = -1
    return kinds


_PLAIN = {"bad2": "worst", "ends2": "ends", "ends": "ends", "bad": "bad", "good": "good", "heads": "heads"}
_TURNED = {"bad2": "ends", "ends2": "worst", "ends": "worst", "bad": "ends", "good": "worst", "heads": "ends"}
WORDS = re.compile(rf"(?<![\w./-])(?:{_COUNTED}|{_NONE}|{ENDS}|{BAD}|{GOOD}|{HEADS}|{_CANNOT}|{_NOT})(?![\w-]|[./]\w)")
