"""An event of a monitoring system: which alert it is (host and service, without its values) and in which state.

Reads the wordings of the usual systems (Nagios, Icinga, Checkmk, Zabbix, Prometheus and Grafana, PRTG, Datadog, CloudWatch,
UptimeRobot, backup programs) by their common parts: labelled lines, a state in brackets or capitals, values that change.
Refuses to guess for a text that names no state: that is a person's report.
"""

import re
from dataclasses import dataclass

from routing.alert_marks import key_words, marks_of
from routing.alert_states import WORDS, State, state_of
from routing.masking import plain


@dataclass(frozen=True, slots=True)
class Alert:
    """`key` is the same for every repetition of one alert and for its recovery; `host` is None where none is named.

    `marks`: what it names, by which two alerts of one key are told apart (`alert_marks`); empty in what was kept before.
    """

    key: str
    state: State
    host: str | None = None
    marks: frozenset[str] = frozenset()


_FIRM = "host|hostname|host name|nome host|instance"  # they win over the other labels of a host
_HOSTS = (
    f"{_FIRM}|device|device name|devname|server|server name|node|node name|agent|machine|machine id|machine name|dispositivo"
    "|macchina|computer|computer name|vm|vm name|virtual machine|monitor url|url|address|impianto|target|affected resource|resource name"
    "|nas name|appliance|asset|system host name|system name|where it happened|nodo|nome computer|nome server|apparato|fqdn"
)
_SERVICES = (
    "service|servicedesc|service name|check|check name|trigger|trigger name|alert|alertname|alarm|alarm name|alarmname|sensor|metric"
    "|rule|problem name|nome problema|backup task"
    "|job|job name|backup job|backup copy job|replication job|task|monitor|monitor name|servizio|sensore|allarme|controllo|lavoro"
)
_STATES = (
    "state|status|new state|new status|alarm state|alarm status|current state|trigger status|state change|event|stato|result"
    "|outcome|esito|notification type|newstatevalue"
)
_MEANING = {
    label: meaning
    for meaning, labels in (("host", _HOSTS), ("service", _SERVICES), ("state", _STATES))
    for label in labels.split("|")
}
_LINE = re.compile(
    rf"^[ \t*•\-]{{0,8}}({_HOSTS}|{_SERVICES}|{_STATES})[ \t]*[:=][ \t]*(\S.*)$", re.IGNORECASE | re.MULTILINE
)
_INLINE = re.compile(
    r"\b(host|instance|alertname|device|devname|service|job)\s{0,4}[:=]\s{0,4}\"?([\w./:\-]+)\"?|\b(status)=\"?(\w+)",
    re.IGNORECASE,
)
_NO_NAME = re.compile(r"\[arn:|/dev/|[\[*(]")  # a value that begins so names no host and no service
_DIGEST = re.compile(r"(?<![\w-])(?:digest|reports?|weekly|monthly|riepilogo|rapporto|resoconto)(?![\w-])")

_MARKED = re.compile(  # what only a machine writes in a subject
    r"^\W*\[?(?:problema?|recovered|recovery|resolved|fired|firing|ok|alarm|alert|triggered|re-triggered|warning|warn|critical|down|up|failed"
    r"|success|succeeded|reset|cleared|information(?:al)?|info|high|low|warnung|attenzione|avviso|critico"
    r"|allarme|risolto|ripristinato|rientrato|error|no data|renotify)\b[^\]\s]*(?:[\]:]| [-–])"
    r"|\*\* ?(?:problem|recovery|acknowledgement|flapping\w*)\b|\[(?:prtg|firing|resolved|zabbix|nagios|icinga|checkmk|check_mk)|^check_mk:"
    r"|^alarm: \"|^ok: \"|^monitor is (?:down|up)|\b(?:ok|up|warn|crit|unknown)\w* ?(?:->|→) ?\w+|^(?:problem|resolved)(?: in [^:]*)?:"
    r"|is (?:critical|warning|down|unreachable|up|ok)\b[ !*]*$|^(?:down|up) alert\b|^(?:alert|alarm|allarme|problem) "
    r"(?:resolved|cleared|ended|reset|closed|rientrato)\b",
    re.IGNORECASE,
)
_SUBJECT_HOST = re.compile(r"(?<![\w.@/-])((?=[\w.-]*[\d.-])[a-z][\w]*(?:[-.][\w]+)+|[a-z]+[a-z-]*\d+\b)")
_BRACKETED = re.compile(r"\[([^\[\]]{2,40})\] ?\[")
_NO_HOST = re.compile(  # words that only look like a host's name
    r"(?:sev|p|v|day|level|phase|ipv|smb|http|tcp|udp|raid|md|eth|wan|lan|gi|fan|cpu|psu)\d+$|alarm\.|re-|n-|non-|on-|off-|up-|real-|high-|low-|pre-|e-"
)
_ROBOTS = re.compile(
    r"^(?:monitor\w*|nagios|icinga\w*|zabbix|prtg|alert\w*|alarm\w*|alertmanager|check_?mk|grafana|datadog|uptime\w*|allarm\w*|pingdom|veeam"
    r"|backup|noreply-?monitor\w*|prometheus|cloudwatch|watchdog|ups|nas|idrac|ilo)\b"
)


def read(channel: str, sender: str, subject: str, text: str) -> Alert | None:
    """The alert that an event, or a mail that a monitoring system wrote, tells of."""
    low = plain(subject[:300]).strip()
    robot = channel == "event" or _ROBOTS.match(sender.lower()) is not None
    if not robot and not _MARKED.search(low):
        return None  # nearly every mail: its text costs nothing
    text = _without_line(text[:4_000], subject.strip())
    fields = _fields(text)
    if fields is None or _DIGEST.search(low):
        return None  # of more than one
    if not robot and not fields and not _shouts(subject, low):
        return None
    state = _state(low, fields, text)
    if state is None:
        return None
    host = fields.get("host") or _host_in(low)
    service = _named(fields.get("service", ""), host) or ("" if host else key_words(low))
    if not service and host is None:
        return None
    return Alert(f"{host or ''}|{service}", state, host, marks_of(subject, text))


def _without_line(text: str, subject: str) -> str:
    """Many systems write the subject again as the first line: it is no labelled value."""
    first, _, rest = text.lstrip().partition("\n")
    return rest if subject and first.strip() == subject else text


def _shouts(subject: str, low: str) -> bool:
    """Brackets or asterisks around the state, or the state in capitals before a host: no person writes so."""
    bracketed = re.match(r"\W*(?:\[|\*\*)", subject)
    return bool(bracketed or (re.search(r"\b[A-Z]{2,}\b", subject) and _SUBJECT_HOST.search(low)))


def _fields(text: str) -> dict[str, str] | None:
    """Labelled values by what they mean, the first of each; None where one label of a host or a service stands with two values."""
    found: dict[str, str] = {}
    values: dict[str, str] = {}
    for pattern in (_LINE, _INLINE):
        for label, value, *inline in pattern.findall(text):
            name = plain(label or inline[0]).strip()
            told = plain(value or inline[1]).strip().strip("\"'*")
            meaning = _MEANING.get(name)
            if meaning is None or (meaning != "state" and _NO_NAME.match(told)):
                continue  # None: a letter that only looks like one of ours, as the dotless i
            if meaning == "host":
                told = _host(told)
            if pattern is _LINE and meaning != "state" and values.setdefault(name, told) != told:
                return None
            if pattern is _LINE and meaning == "host" and name in _FIRM.split("|") and values.get("firm") is None:
                values["firm"] = found["host"] = told
            found.setdefault(meaning, told)
    return found


def _host(told: str) -> str:
    """The whole value, without an address in brackets behind it."""
    return re.sub(r"\s?\([^()]*\)$", "", told).strip(" ,;\"'")


def _host_in(subject: str) -> str | None:
    """A name in the subject; of "[name] [state]" the first."""
    named = _BRACKETED.match(subject)
    if named and state_of(named.group(1)) is None:
        return named.group(1)
    return next((one for one in _SUBJECT_HOST.findall(subject) if not _NO_HOST.match(one)), None)


def _state(subject: str, fields: dict[str, str], text: str) -> State | None:
    """By the labelled state, then the subject, then the text."""
    said = (fields.get("state", ""), subject, plain(text[:500]))
    return next((state for one in said if (state := state_of(one)) is not None), None)


def _named(service: str, host: str | None) -> str:
    """A service without its state and without the host in it; a name that is all state stays whole."""
    rest = service.replace(host, " ") if host else service
    return " ".join(WORDS.sub(" ", rest.partition(" = ")[0]).split()) or service
