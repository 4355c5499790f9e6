"""An event of a monitoring system: which alert it is (host and service, without its values) and in which state.

Reads the wordings of the usual systems (Nagios, Icinga, Checkmk, Zabbix, Prometheus and Grafana, PRTG, Datadog, CloudWatch,
UptimeRobot, backup programs) by their common parts: labelled lines, a state in brackets or capitals, values that change.
Refuses to guess for a text that names no state: that is a person's report.
"""

import re
from dataclasses import dataclass
from typing import Literal

from routing.masking import plain

State = Literal["problem", "recovery"]


@dataclass(frozen=True, slots=True)
class Alert:
    """`key` is the same for every repetition of one alert and for its recovery; `host` is None where none is named."""

    key: str
    state: State
    host: str | None = None


_HOSTS = (
    "host|hostname|host name|device|server|instance|node|agent|machine|resource|system|dispositivo"
    "|macchina|computer|url|monitor url|address"
)
_SERVICES = (
    "service|servicedesc|service name|check|check name|trigger|trigger name|alert|alertname|alarm|alarm name|alarmname|sensor|metric"
    "|rule|problem name|item"
    "|job|job name|backup job|task|monitor|monitor name|servizio|sensore|allarme|controllo|lavoro"
)
_STATES = (
    "state|status|new state|alarm state|current state|trigger status|state change|event|stato|result"
    "|outcome|esito|notification type|newstatevalue"
)
_LINE = re.compile(
    rf"^[ \t*•\-]{{0,8}}({_HOSTS}|{_SERVICES}|{_STATES})[ \t]*[:=][ \t]*(\S.*)$", re.IGNORECASE | re.MULTILINE
)
_INLINE = re.compile(r"\b(host|instance|alertname|device|service|job)\s*[:=]\s*\"?([\w./:\-]+)\"?", re.IGNORECASE)

_RECOVERED = re.compile(
    r"\b(?:recover(?:y|ed|s|ing)?|resolved|ok|up|cleared?|closed|normal|online|back to normal|back online|success(?:ful|fully)?"
    r"|rientrat[oa]"
    r"|risolt[oa]|ripristinat[oa]|tornat[oa] (?:normale|online)|behoben|resolu|restored|reachable again|healthy|green|completed|is up"
    r"|passed)\b"
)
_TROUBLE = re.compile(
    r"\b(?:problema?|down|critical|crit|warning|warn|firing|alarm|alert|failed|failure|fail|error|triggered|unreachable|offline"
    r"|breached?|degraded"
    r"|disaster|high|average|unknown|timeout|no data|allarme|critico|avviso|fallit[oa]|errore|giu|irraggiungibile|emergency|escalation"
    r"|unhealthy"
    r"|re-triggered|renotify|re-notify|missed|red|major|minor|acknowledgement|flapping)\b"
)
_MARKED = re.compile(  # what only a machine writes in a subject
    r"^\W*\[?(?:problema?|recovered|recovery|resolved|firing|ok|alarm|alert|triggered|re-triggered|warning|warn|critical|down|up|failed"
    r"|success"
    r"|allarme|risolto|ripristinato|rientrato|error|no data|renotify)\b[^\]\s]*(?:[\]:]| [-–])"
    r"|\*\* ?(?:problem|recovery|acknowledgement|flapping\w*)\b|\[(?:prtg|firing|resolved|zabbix|nagios|icinga|checkmk|check_mk)|^check_mk:"
    r"|^alarm: \"|^ok: \"|^monitor is (?:down|up)|\b(?:ok|up|warn|crit|unknown)\w* ?(?:->|→) ?\w+|^(?:problem|resolved)(?: in [^:]*)?:"
    r"|is (?:critical|warning|down|unreachable|up|ok)\b[ !*]*$|^(?:down|up) alert\b",
    re.IGNORECASE,
)
_ARROW = re.compile(r"(?:->|→|=>)\s*(\w+)")
_VOLATILE = re.compile(
    r"\d{4}[-./]\d{2}[-./]\d{2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\b\d{1,2}:\d{2}(?::\d{2})?\b|\b(?:in|for|after|da"
    r"|dopo)\s+(?:\d+\s*[dhms]\w*\s*)+"
    r"|[<>=]+\s*-?\d[\d.,]*|-?\b\d+(?:[.,]\d+)?\s*(?:%|°c?\b|gb\b|mb\b|kb\b|ms\b|s\b|min\w*\b|rpm\b|v\b)|#\d+|\bfiring:\d+"
    r"|\bresolved:\d+|\d+(?:[.,]\d+)?/s\b",
)
_COUNT = re.compile(r"(?<![\w/.:-])\d+(?:[.,]\d+)?(?![\w/:-])")
_NUMBERED = re.compile(  # a part that has a number is another part than its neighbour
    r"\b(fan|port|porta|cpu|core|disk|disco|drive|sensor|sensore|psu|slot|bay|line|linea|unit|node|nodo|interface|vlan|array|zone|zona"
    r"|ap|phase|fase|rack"
    r"|floor|piano|channel|canale|pump|pompa|ventola|cell|cella|link|trunk|volume|lun|partition|battery|batteria|instance|replica"
    r"|shard) (\d+)\b"
)
_STATE_WORDS = re.compile(
    f"(?:{_RECOVERED.pattern})|(?:{_TROUBLE.pattern})|\\b(?:low|is|state|status|alert|has|been|in|with|since)\\b"
)
_SUBJECT_HOST = re.compile(r"\b((?=[\w.-]*[\d.-])[a-z][\w]*(?:[-.][\w]+)+|[a-z]+[a-z-]*\d+\b)")
_ROBOTS = re.compile(
    r"^(?:monitor\w*|nagios|icinga\w*|zabbix|prtg|alert\w*|alarm\w*|alertmanager|check_?mk|grafana|datadog|uptime\w*|pingdom|veeam"
    r"|backup|noreply-?monitor\w*|prometheus|cloudwatch|watchdog|ups|nas|idrac|ilo)\b"
)


def read(channel: str, sender: str, subject: str, text: str) -> Alert | None:
    """The alert that an event, or a mail that a monitoring system wrote, tells of."""
    low = plain(subject[:300]).strip()
    robot = channel == "event" or _ROBOTS.match(sender.lower()) is not None
    if not robot and not _MARKED.search(low):
        return None  # nearly every mail: its text costs nothing
    fields = _fields(text[:4_000])
    if not robot and not fields and not _shouts(subject, low):
        return None
    state = _state(low, fields, text)
    if state is None:
        return None
    host = fields.get("host")
    if host is None:
        named = _SUBJECT_HOST.search(low)
        host = named.group(1) if named else None
    service = fields.get("service") or _reduced(low, host)
    if not service and host is None:
        return None
    return Alert(f"{host or ''}|{_reduced(service, host, counts=False) or service}", state, host)


def _shouts(subject: str, low: str) -> bool:
    """Brackets or asterisks around the state, or the state in capitals before a host: no person writes so."""
    bracketed = re.match(r"\W*(?:\[|\*\*)", subject)
    return bool(bracketed or (re.search(r"\b[A-Z]{2,}\b", subject) and _SUBJECT_HOST.search(low)))


def _fields(text: str) -> dict[str, str]:
    """Labelled values by what they mean; the first of each counts."""
    found: dict[str, str] = {}
    for pattern in (_LINE, _INLINE):
        for label, value in pattern.findall(text):
            name = plain(label).strip()
            meaning = "host" if name in _HOSTS.split("|") else "service" if name in _SERVICES.split("|") else "state"
            told = plain(value).strip().strip("\"'*")
            found.setdefault(meaning, re.split(r"[,\s(]", told)[0] if meaning == "host" else told)
    return found


def _state(subject: str, fields: dict[str, str], text: str) -> State | None:
    """By the labelled state, then the subject, then the text; what stands after an arrow is the state now."""
    for said in (fields.get("state", ""), subject, plain(text[:500])):
        arrow = _ARROW.search(said)
        now = arrow.group(1) if arrow else said
        good, bad = _RECOVERED.search(now), _TROUBLE.search(now)
        if good and (bad is None or _goodness(now, good, bad)):
            return "recovery"
        if bad:
            return "problem"
    return None


def _goodness(said: str, good: re.Match[str], bad: re.Match[str]) -> bool:
    """Both kinds of words: a marked recovery ("RECOVERY Service Alert", "Resolved: High CPU", "problem has been resolved")."""
    clear = re.search(
        r"\b(?:recover(?:y|ed)|resolved|cleared|restored|back to normal|risolt[oa]|rientrat[oa]|ripristinat[oa])\b",
        said,
    )
    return clear is not None or good.start() < bad.start()


def _reduced(said: str, host: str | None, *, counts: bool = True) -> str:
    """Without state, values, times and the host: what the alert is about. `counts`: bare numbers are values too."""
    rest = said.replace(host, " ") if host else said
    rest = _NUMBERED.sub(r"\1-\2", _VOLATILE.sub(" ", rest))
    if counts:
        rest = _COUNT.sub(" ", rest)
    rest = _STATE_WORDS.sub(" ", rest)
    return " ".join(re.findall(r"[^\W_]+(?:[/.:\\-][^\W_]+)*|/\w+", rest))
