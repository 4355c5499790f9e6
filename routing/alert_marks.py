"""What an alert names: the tokens by which two events of one key are told apart.

A name with a number in it, an address, a path, a drive letter, a word of the subject, the value of a labelled line. What
changes from one repetition to the next (times, measurements, counters, ids, states) is no mark. Refuses to know any product:
a mark is known by its form and its place. Looks at the subject and at the first characters of the text alone.
"""

import re
from collections.abc import Iterator
from hashlib import sha256

from routing.alert_states import WORDS
from routing.masking import plain

LOOKED_AT = 1_500  # characters of the text
MOST = 40  # marks of one alert
LONG = 60  # characters of a mark; of a longer one its beginning and a hash are kept
SENTENCE = 4  # blanks: a longer value of a label is a sentence, with measurements in it
WORD = "~"  # begins the mark that is a mere word of the subject
BODY = "*"  # begins the mark that is a name written large in the text

_IP = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2}\b)?(?!\d|\.\d)")
_DATES = (
    r"\b\d{4}[-./_]\d{2}[-./_]\d{2}(?:[t_-]?\d{2}[:_]\d{2}(?:[:_]\d{2})?)?|\b\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})\b(?![./])"
    r"|\b\d{1,2}-[a-z]{3}-\d{2,4}\b|\b(?:mon|tue|wed|thu|fri|sat|sun|lun|mar|mer|gio|ven|sab|dom)[a-z]*\.?,? +\d{1,2}\b"
    r"|\b(?:(?:mon|tues?|wednes|thurs?|fri|satur|sun)(?:day)?,? )?(?:\d{1,2} )?"
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|gen|mag|giu|lug|ago|set|ott|dic)[a-z]{0,7}\.?,? ?\d{1,2}?,?(?: ?\d{4})?\b(?=\W|$)"
)
_DIGITS = r"-?\d[\d.,]*"
_NUMBER = rf"(?<![\w/:.-]){_DIGITS}"
_MEASURED = (  # a number with one of these is a value wherever it stands
    rf"{_NUMBER}\s?(?:%|°\s?[cf]?\b|percent\b|per cent\b|ms\b|msec\b|rpm\b|[kmg]?bps\b|iops\b|dbm?\b|(?:[kmg]i?b|req\w*|/?)/s\b)"
    rf"|\b\d+ (?:of|di|/) \d+\b|\b\d+(?:st|nd|rd|th)\b|\b(?:\d+ ?[dhms] ?){{2,4}}\b"
    r"|\b0x[0-9a-f]+\b|\bv?\d+(?:\.\d+){2,}\b|\bv\d+\.\d+\b|\b[0-9a-f]{8}-[0-9a-f-]{20,36}\b|\b[1-9]\d{5,}\b"
)
_UNIT = r"(?:\s?(?:[kmgt]i?b|bytes?|[dhms]|ms|msec|secs?|seconds?|min(?:utes?|uti)?|hours?|ore|days?|giorni|volts?|v|va|w|a|hz|x|times))?\b"
_LED = (  # a number after one of these is a value; after a measure one digit alone is a name ("temperature 2")
    rf"(?:[<>=]+|\b(?:at|alle|is|was|of|in|for|after|da|dopo|since|from|to|than|above|below|over|under|sopra|sotto|count|attempt"
    rf"|retry|try|notification|escalation|reminder|firing|resolved|code"
    rf"|codice))[ :=]{{0,3}}{_DIGITS}{_UNIT}(?: \d+ ?[dhms]\b){{0,3}}(?![\w/:]\w|[\w.,]?\d)"
    rf"|\b(?:load|average|media|temperature|temperatura|temp|usage|used|utilization|loss|latency|value|valore|speed|carico)"
    rf"[ :=]{{1,3}}-?\d[\d.,]+{_UNIT}(?![\w/:]\w|[\w.,]?\d)"
)
_CLOCK = r"\b\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?\b(?!:)|(?:\bat|\balle|\bore|\bh|[@,(\[]|\d )\s?\d{1,2}:\d{2}\b(?!:)(?: ?[ap]m\b)?"
_HASHED = (
    r"(?:\b(?:id|incident|ticket|event|problem|case|alert id|run|job run) ?)?#\s?\d{3,}"
    r"|\b(?:problem|incident|ticket|alert|run) id[ :=]{0,3}\w+"
    r"|/(?:alerts?|events?|incidents?|problems?|issues?|tickets?|runs?)/[\w-]+"
)
_COUNTED = (
    r"(?<![\w.,/:-])(?:(?<![a-z] )\d+ (?:failed|warnings?|errors?|ok)|\d+ (?:objects?|vms?|hosts?|datapoints?|alerts?|events?|times?"
    r"|attempts?|volte))\b"
)
_VALUE = re.compile(f"{_DATES}|{_MEASURED}|{_CLOCK}|{_LED}|{_HASHED}|{_COUNTED}")
_BODY_VALUE = re.compile(f"{_VALUE.pattern}|{_NUMBER}{_UNIT}(?![\\w/:.-])|\\b\\d{{1,2}}:\\d{{2}}(?::\\d{{2}})?\\b")
_BRACKETS = re.compile(r"\((?:[^()]|\([^()]{0,80}\)){0,120}\)")
_SAYS_VALUE = re.compile(
    r"(?i)\d\s?%|\b(?:\d+ (?:objects?|m?sec|ms)|was|code|error|http|for|over|under|used|after)\b|[<>=]"
)
_TOKEN = re.compile(r"[\w./:\\@-]+")
_JOINT = re.compile(r"(?<=\w\w):(?=[a-z])")
_ENDING = re.compile(r"[-_](?:up|down|ok|failed|failure|success|error|start|stop|end)$")
_DRIVE = re.compile(r"^[a-z]:\\?$")
_NUMBERED = re.compile(  # a part that has a number is another part than its neighbour
    r"\b(fan|port|porta|cpu|core|disk|disco|drive|sensor|sensore|psu|supply|slot|bay|line|linea|unit|node|nodo|interface|vlan|array|zone"
    r"|zona|ap|phase|fase|rack|floor|piano|channel|canale|pump|pompa|ventola|cell|cella|link|trunk|volume|lun|partition|battery|batteria"
    r"|instance|replica|shard|pool|vm|vmid|ct|door|camera|telecamera|extension|interno|tunnel|queue|coda|box|enclosure|controller|index"
    r"|ifindex|tank|serbatoio|lane|gate|job|process|event id|evento id|tape|chiller|loop|ramo|dimm|tray) ?[:#=]? ?"
    r"(\d{1,4}(?:[.:/]\d+)*)(?![\d,]|\.\d|\s?%|:\d)"
)
_LABELLED = re.compile(r"^[ \t*•\-]{0,8}([a-z][\w /#'.-]{1,30}?)[ \t]{0,4}[:=][ \t]*(\S.{0,200})$")
_PAIR = re.compile(r"(?<![\w?&/])([a-z_]{2,20})=\"?([^\s\",;&]{1,80})")
_CHANGES = re.compile(  # labels of times, counters, links and of the state itself: nothing of the line is a mark
    r"\b(?:date|time|timestamp|ora|data|datetime|when|quando|last|ultim[oa]|prev\w*|duration|durata|elapsed|age|since|dal|started?"
    r"|inizio|end|fine"
    r"|fired|created|raised|updated|sent|transition|evaluated|severity|gravita|priority|priorita|status|stato|state|level|livello|uptime"
    r"|downtime|coverage|url|link|https?|silence|dashboard|view|acknowledge|rta|http|run|event ?time|(?:alert|problem|incident"
    r"|unique|original"
    r"|notification|ticket|request|correlation|message|trace|session|original problem|original event|problema originale) ?-?id"
    r"|incident|attempts?|count\w*|version|level|fw|action|logid|tz|how|what you|notification type|escalation|notes?|comment\w*|commento)\b"
)
_TELLS = re.compile(  # labels of what is said or measured: names in the line are marks, its words are none
    r"\b(?:value|values|valore|val|result|risultato|esito|message|messaggio|msg|info|information|output"
    r"|details?|dettagli|reason|motivo|cause|error|errors|errore|success|warning|warnings|event|operational|operativi|dati|metric usage"
    r"|usage|size|bytes|free|used|load|rate|percentage|quantitative|conditions?|transferred|processed|carica|battery|runtime|power"
    r"|temperature|threshold|what happened|additional|activity|notifications?|expression|current|actual|alarm (?:cleared|generated)"
    r"|log\w*)\b"
)
_LARGE = re.compile(r"(?<=[a-z,;] )[A-Z][\w-]+|[\"“'‘«]([^\"”'’»\n]{2,40})[\"”'’»]")
_FILLERS_WORDS = (
    "is are was has have been be the a an in on of for with from to at by and or su di del della il lo la le un una per con "
    "alle e still again now currently ancora nuovamente ora adesso since stato stata state status recovery notification "
    "escalation reminder acknowledged acknowledgement needs attention updated update started ended over re gone since "
    "critical service host"
)
_FILLERS = frozenset(_FILLERS_WORDS.split())
_WORDING_WORDS = (  # by which the subject of an end may differ from that of the problem
    "information informational info notice detected registration updated found entered left into went no longer not could now fired"
)
_WORDING = frozenset(_WORDING_WORDS.split())
_GENERAL_WORDS = (
    "alert alarm disk space full backup job task check memory cpu load usage error errors failure login notification message "
    "condition meets hosts multiple url system server database network heartbeat event connection service services device "
    "devices monitor trap test high low disco spazio memoria servizio rete errore notifica messaggio sistema dispositivo "
    "pieno your website site"
)
_GENERAL = frozenset(_GENERAL_WORDS.split())
_KEPT = frozenset(["high", "low", "red", "green"])


def marks_of(subject: str, text: str) -> frozenset[str]:
    """The first marks in order of their weight: names of the subject, labels, names of the text, words of the subject."""
    head = _masked(plain(subject[:300]), brackets=True)
    found = dict.fromkeys(_names(head))
    lines = text[:LOOKED_AT].split("\n")
    lines = lines[:-1] if len(text) > LOOKED_AT and len(lines) > 1 else lines
    said = [mark for line in lines for mark in _of_line(line)]
    found.update(dict.fromkeys(f"{WORD}{word}" for word in words_of(subject)))
    found.update(dict.fromkeys(said))
    return frozenset(map(_short, list(found)[:MOST]))


def words_of(subject: str) -> list[str]:
    """The words and numbers of a subject that are neither state nor value; of a condition beside a severity the condition."""
    rest = _masked(_without_values(plain(subject[:300])), brackets=True)
    return [word for word in re.findall(r"\w+(?:[.:/]\w+)*", _without_state(rest)) if word not in _FILLERS]


def key_words(said: str) -> str:
    """What a subject is about, without every state and value: the same for the problem and for its end."""
    rest = WORDS.sub(" ", _masked(_without_values(said), brackets=True))
    return " ".join(word for word in re.findall(r"\w+(?:[/.:\\-]\w+)*|/\w+", rest) if word not in _FILLERS)


def told_apart(new: frozenset[str], old: frozenset[str], same_state: bool) -> str | None:
    """What one of two alerts names and the other does not; of a recovery only what each has and the other lacks."""
    if not new or not old:
        return None  # kept before there were marks
    mine, theirs = _labels(new), _labels(old)
    for label in sorted(mine.keys() & theirs.keys()):
        if _another(label, mine[label], theirs[label], same_state):
            return f"{label} {', '.join(sorted(mine[label]))}, not {', '.join(sorted(theirs[label]))}"
    kinds = (_is_name, _is_word, _is_large) if same_state else (_is_name,)
    for kind in kinds:
        more, less = sorted(filter(kind, new - old)), sorted(filter(kind, old - new))
        if (more or less) if same_state and kind is not _is_large else (more and less):
            return f"{_spoken(more)}, not {_spoken(less)}"
    return None


def _another(label: str, mine: set[str], theirs: set[str], same_state: bool) -> bool:
    """Do the values of a label differ? In a heading the end of an alert may say it in other words, but for high and low."""
    if same_state:
        return mine != theirs
    if label in _HEADINGS:
        return _sides(mine) != _sides(theirs) and bool(_sides(mine)) and bool(_sides(theirs))
    return mine.isdisjoint(theirs)


def _sides(values: set[str]) -> frozenset[str]:
    return _KEPT & {word for value in values for word in value.split()}


def same_subject(new: frozenset[str], old: frozenset[str]) -> bool:
    """Are the subjects of a problem and of its end the same but for states?"""
    return not new or not old or _about(new) == _about(old)


def may_end(new: frozenset[str], old: frozenset[str]) -> bool:
    """Could an end that no alert is known for be that of this problem? Where in doubt it is."""
    return told_apart(new, old, False) is None and (
        not _about(new) or not _about(old) or bool(_about(new) & _about(old))
    )


def general(marks: frozenset[str]) -> bool:
    """Does an alert name nothing, and its subject only what any alert of its kind says?"""
    return bool(marks) and all(_is_word(mark) and mark[1:] in _GENERAL for mark in marks)


def _about(marks: frozenset[str]) -> frozenset[str]:
    return frozenset(mark for mark in marks if _is_word(mark) and not WORDS.fullmatch(mark[1:])) - _SAID_SO


_SAID_SO = frozenset(f"{WORD}{word}" for word in _WORDING)
_HEADINGS_WORDS = "alert alarm trigger allarme problem problema rule servizio activity description descrizione summary"
_HEADINGS = frozenset(_HEADINGS_WORDS.split()) | {
    "problem name",
    "alarm name",
    "trigger name",
    "nome problema",
    "alert name",
}


def _is_word(mark: str) -> bool:
    return mark.startswith(WORD)


def _is_large(mark: str) -> bool:
    return mark.startswith(BODY)


def _is_name(mark: str) -> bool:
    return not mark.startswith((WORD, BODY)) and "=" not in mark


def _spoken(marks: list[str]) -> str:
    return ", ".join(mark.lstrip(WORD + BODY) for mark in marks[:4]) or "nothing"


def _labels(marks: frozenset[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for mark in marks:
        label, equals, value = mark.partition("=")
        if equals and not mark.startswith((WORD, BODY)):
            found.setdefault(label, set()).add(value)
    return found


def _short(mark: str) -> str:
    return mark if len(mark) <= LONG else f"{mark[:LONG]}…{sha256(mark.encode()).hexdigest()[:8]}"


def _masked(low: str, *, brackets: bool = False) -> str:
    """Without values; an IP address keeps its numbers, for it looks like a date."""
    kept = _IP.sub(lambda found: f"ip{found.group().replace('.', '_')}", low)
    return (_VALUE if brackets else _BODY_VALUE).sub(" ", kept)


def _without_values(low: str) -> str:
    return _BRACKETS.sub(lambda found: " " if _SAYS_VALUE.search(found.group()) else found.group(), low)


_FIRST = re.compile(rf"^\W{{0,4}}(?:{WORDS.pattern})(?=\W{{0,2}}(?:[\]:]|$))")
_SEVERE = re.compile(
    r"\b(?:problema?|alarm|alert|allarme|critical|crit|critico|warning|warn|firing|triggered|re-triggered|severe|major|minor"
    r"|emergency|disaster"
    r"|average|renotify|ok|resolved|recover\w*|fired)\b(?!-)"
)
_ARROWED = re.compile(r"\b\w+ ?(?:->|→|=>) ?(?=\w)|(?:->|→|=>) ?\w+|\b(?:from|da) \w+ (?:to|a) \w+")


def _without_state(low: str) -> str:
    """Where a severity is told, another state word is a name ("ALERT: port 3 error"); where it is the only one, it is the state."""
    rest = _FIRST.sub(" ", _ARROWED.sub(" ", low))
    if rest != low or _SEVERE.search(rest):
        return _SEVERE.sub(" ", rest)
    return WORDS.sub(lambda found: found.group() if found.group() in _KEPT else " ", rest)


def _names(masked: str) -> Iterator[str]:
    """Tokens that are names by their form; numbered parts."""
    for part, number in _NUMBERED.findall(masked):
        yield f"{part} {number}"
    for said in _TOKEN.findall(_JOINT.sub(" ", masked)):
        bare = _ENDING.sub("", said.strip(".:-@").rstrip("/\\") if not _DRIVE.match(said) else said[:2])
        digit, letter = any(map(str.isdigit, bare)), any(map(str.isalpha, bare))
        if (
            (digit and letter and len(bare) > 1)
            or _DRIVE.match(bare)
            or (said.startswith("/") and letter)
            or said == "/"
        ):
            yield bare.replace("=", "") or said


def _of_line(line: str) -> Iterator[str]:
    """The marks of one line of the text."""
    low = plain(line)
    labelled = _LABELLED.match(low)
    label = labelled.group(1).strip() if labelled else ""
    pairs = _PAIR.findall(low)
    if label and (len(pairs) > 2 or (WORDS.search(label) and label not in _HEADINGS) or any(map(str.isdigit, label))):
        label, labelled = "", None  # "CRITICAL: ...", "srv1: ..."
    if label and _CHANGES.search(label):
        return
    for name, value in pairs:
        if not _CHANGES.search(name) and not _TELLS.search(name) and not re.fullmatch(r"[\d.,:%-]+", value):
            yield f"{name}={_stated(value)}"
    masked = _masked(low)
    yield from _names(masked)
    yield from (f"{part} {number}" for part, number in _NUMBERED.findall(low))
    if labelled and not _TELLS.search(label):
        value = _stated(labelled.group(2).rstrip(" ;,"))
        if value:
            yield f"{label}={value}"
    elif not labelled:
        yield from (f"{BODY}{plain(word)}" for word in _written_large(line))


def _stated(value: str) -> str:
    """A label's value without state words; "" for a bare number, which may be a measurement."""
    rest = WORDS.sub(
        lambda found: found.group() if found.group() in _KEPT else " ",
        _masked(value, brackets=value.count(" ") < SENTENCE),
    )
    rest = " ".join(rest.split()).strip(" .,;:'\"()[]{}")
    return "" if not any(map(str.isalpha, rest)) else rest


def _written_large(line: str) -> Iterator[str]:
    for found in _LARGE.finditer(_without_values(line)):
        word = found.group(1) or found.group()
        low = plain(word)
        if not WORDS.search(low) and not _VALUE.search(low) and not any(map(str.isdigit, word)):
            yield word
