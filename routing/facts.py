"""What a report names: hosts, addresses, numbers, error codes, places, the kind of trouble, the alert behind it.

Two reports about one problem name the same object or none; two about different objects differ just there, however alike
their words. Facts come from the first characters of a text: in a long log they are incidental. Refuses to compare: `relate` does.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any

from routing import alerts, contacts, masking, naming, topics
from routing.alerts import Alert
from routing.vocabulary import (
    DENIES,
    ME_TOO,
    NOT_BARE,
    OVER_AGAIN,
    PLACES,
    REMINDS,
    SECOND_MATTER,
    SITES,
)
from routing.websites import DOMAIN

PHONE = ("call", "phone")  # channels on which a report is spoken
FACTS_IN = 1_500  # characters of the body in which objects count
LONGEST_PAGE = 120  # characters of a web address that are compared
EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Trace:
    """A report as relating knows it. `objects` are the canonical names of things by their kind, `words` the content words of
    subject and body, `body` those of the body alone, `things` the objects that have a name, `beside` those of them that are named
    where nothing tells of trouble, so that they may be by the way. `topics` are the kinds of trouble, the surest first, `strong`
    those that are said plainly, `edges` the first and last words. `asks`: it tells of no trouble, `reminds`: it says that it comes
    again, `over`: that the trouble is over. `denials`: how often it says "not", in each of its sentences, of an earlier report in
    all. `objects`, `places`, `topics` and `stems` are without the signature; `words` are with it, for they may tell reports apart;
    `signed` are those that stand in it alone. `marks`: small numbers and letters behind a noun, of a short text. `fingerprint`: of the
    body's sentences in their order; `quoted`: of what it quotes."""

    id: str
    at: datetime
    channel: str
    customer: str | None
    sender: str
    words: frozenset[str]
    body: frozenset[str]
    stems: frozenset[str]
    title: frozenset[str]
    objects: Mapping[str, frozenset[str]]
    codes: frozenset[str]
    places: frozenset[str]
    topics: tuple[str, ...]
    strong: frozenset[str]
    beside: frozenset[str] = frozenset()
    marks: frozenset[str] = frozenset()
    signed: frozenset[str] = frozenset()
    quoted: str | None = None
    alert: Alert | None = None
    me_too: bool = False
    several: bool = False
    fingerprint: str | None = None
    seal: str | None = None
    glued: str = ""
    sentences: tuple[frozenset[str], ...] = ()
    edges: frozenset[str] = frozenset()
    things: frozenset[str] = frozenset()
    asks: bool = False
    reminds: bool = False
    over: bool = False
    denials: tuple[int, ...] = ()


_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[a-z0-9-]+\.)+[a-z]{2,}\b")
_IP = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")
_CODE = re.compile(
    r"\b(?:error[ei]?|errors?|err|codice(?: di)? errore|codice|error code|code|http|status|fehler|erreur|exception|bsod|stop)\s*(?:code"
    r"|codice|n\.?|no\.?|:|#)?\s*"
    r"((?:0x)?[0-9a-f]*\d[0-9a-f]*|[a-z]{2,}[-_]\d+[\w-]*)\b|\b(0x[0-9a-f]{4,})\b|\b(?:da|gives?|returns?|returned|restituisce"
    r"|mostra)\s+(?:un |a )?([45]\d\d)\b|\b(50[0234])\b"
)
_ATTRIBUTE = re.compile(
    r"\b(?:"  # asked once at every place in the text: it takes half as long
    r"(?:port|porta (?=\d{4})|line|riga|build|windows|win|office|server|version[ei]?|versione|v|rel|release|articolo|art|entro il"
    r"|anno|year|del|since"
    r"|from|dal|alle|ore|at)\s*\.?:?\s*\d[\d.]*\b"
    r"|\d+(?:[.,]\d+)?\s*(?:%|€|eur[oi]?\b|\$|gb\b|tb\b|mb\b|kb\b|ms\b|minut\w+|second\w+|giorn\w+|ore\b|hours?\b|days?\b|utent\w+"
    r"|users?\b|pezzi\b|person\w+|volte\b|times\b|km\b|kg\b|mbps\b|mbit\w*|copie\b|pagine\b|pages\b|weeks?\b|settiman\w+|mes[ei]\b"
    r"|months?\b)"
    r"|(?:hp|canon|epson|brother|ricoh|kyocera|lexmark|xerox|samsung|zebra|dell|lenovo|cisco|fortinet|fortigate|ubiquiti|konica"
    r"|toshiba|sharp|oki"
    r"|honeywell|yealink|asus|acer|apple|iphone|ipad|galaxy|thinkpad|latitude|elitebook|proliant|poweredge|synology|qnap|laserjet"
    r"|officejet|dynamics|sage"
    r"|teamviewer|autocad|acrobat|nas|firefox|chrome|edge|safari|thunderbird|ios|android|macos|macbook|ubuntu|debian|centos|rhel|fedora"
    r"|suse|php|python|java|mysql|mariadb|postgres\w*|outlook|teams|zoom|citrix|sap|exchange|sharepoint|reader)"
    r"(?: [a-z]+){0,2} [a-z]*-?\d[\w-]*|modell?o? \w*\d\w*|f24\b|(?:730|770)\b"
    r"|\d{1,2}[:.]\d{2}\b|\d{4}-\d{2}-\d{2}\S*|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}\b|(?:19|20)\d\d\b|(?:tel|cell"
    r"|phone|telefono|fax|mob)\b[\s.:]*\+?[\d ./-]{6,}|00\d\d[\d ./-]{6,}|0\d{1,4}[ ./-]?\d{5,}\b|3\d\d[ ./-]?\d{6,7}\b)"
    r"|[€$]\s*\d[\d.,]*|\+\d[\d ./-]{7,}"
)
_NAME = re.compile(
    r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[a-z])[a-z0-9]\w*(?:-\w+)*\b|\b(?:srv|sv|server|host|vm|esx|nas|fw|sw|pc|nb|ws|prt|sql|db|web|app|mail"
    r"|dc)-[a-z]\w*(?:-\w+)*\b"
)
_NUMBER = re.compile(r"(?<![\w.,:/-])#?(\d{3,}(?:[/-]\d+)*)\b(?![.,]\d)")
_LETTER = re.compile(r"\b[A-Za-zà-ÿ]{3,} ([B-DF-HJ-NP-Z])\b(?!['’&])")  # "disco D", "porta C": which one of several
_DRIVE = re.compile(r"\b(?:disco|drive|unit[aà]|volume|disk|partizione|partition) ([AEIO])\b(?!['’])")
_FIRST = {
    "prim": 1, "second": 2, "terz": 3, "quart": 4, "quint": 5, "first": 1, "third": 3, "fourth": 4, "fifth": 5,
}  # fmt: skip
_ORDINAL = re.compile(
    r"\b(prim|second|terz|quart|quint|first|third|fourth|fifth)[oa]? (server|stampante|printer|linea|line|disco|disk|cassa|till|checkout"
    r"|postazione|workstation|porta|door|gate|varco|pressa|press|forno|oven|robot|macchina|machine|scanner|monitor|switch|router|firewall"
    r"|telecamera|camera|bilancia|scale|terminale|terminal|ups|rack)\b"
)
_LABELLED = re.compile(
    r"\b(cassa|till|checkout|postazione|workstation|bilancia|scale|porta|door|gate|varco|muletto|forklift|carrello|terminale|terminal"
    r"|pos|pressa|press|forno"
    r"|oven|robot|macchina|machine|pc|baia|bay) (?:n\.? ?|nr\.? ?|#)?(\d{1,2})\b(?![.,:]\d)"
)
_ONE_NOUN = {
    "till": "cassa", "checkout": "cassa", "workstation": "postazione", "scale": "bilancia", "door": "porta", "gate": "varco",
    "forklift": "muletto",
    "terminal": "terminale", "press": "pressa", "oven": "forno", "machine": "macchina", "bay": "baia", "pos": "cassa",
}  # fmt: skip
_COMMON = re.compile(
    r"^(?:\d+(?:st|nd|rd|th|a|o|h|am|pm|gb|mb|tb|kb|k|x|min|s|ms|px|e)|h24|24h|7x24|win\d+|windows\d+|office\d*|m365|o365|ipv[46]"
    r"|utf\d+|mp[34]|x\d\d|sha\d+"
    r"|md5|wifi\d?|web2|http2|tls1\w*|usb\d?|co2|b2b|b2c|a4|a3|cat\d|rj45|php\d|4g|5g|3g|2fa|h\d|i[3579]|covid19|\d\dh[12]"
    r"|(?:img|image|immagine|foto|photo|dsc|scan|screenshot)[-_]?\d+)$"
)
_PLACE_AFTER = re.compile(
    r"\b(?:a|ad|in|di|da|dal|dalla|del|verso|presso|at|to|from|the|su|bei|sede|en|per|of|for|our|our new)\s+((?:San|Santa|Sant'|Porto"
    r"|Castel|Monte|Villa|Reggio|La|Sesto|Torre|Ponte|Borgo|Civita|Campo)?\s?[A-ZÀ-Ý][a-zà-ÿ]{2,})(?=[\s,.;:!?)']|$)"
)
_PLACE_BEFORE = re.compile(
    r"(?<![.!?]\s)(?<!^)\b([A-ZÀ-Ý][a-zà-ÿ]{3,})\s+(?:office|plant|site|warehouse|branch|store|entrance|gateway|factory|depot|team|shop"
    r"|hub)\b"
)
_SITE = re.compile(
    rf"\b({'|'.join(sorted(SITES, key=len, reverse=True))}) (?:n\.? ?)?([b-df-hj-np-z]|\d{{1,3}}|nord|sud|est|ovest|north|south|east"
    rf"|west|centrale|central)\b"
)
_SITE_AI = re.compile(r"\b([A-Za-z]+) ([AEIO])\b")
SITE_NOUNS = frozenset(SITES.values())
_NEVER = (
    "lunedi martedi mercoledi giovedi venerdi sabato domenica gennaio febbraio marzo aprile maggio giugno luglio agosto settembre"
    " ottobre novembre"
    " dicembre monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october"
    " november december outlook windows teams excel word office google chrome firefox exchange veeam zucchetti microsoft android apple"
    " iphone linux"
    " internet natale pasqua signor dottor team voi lei loro vostro vostra nostro nostra inoltre buongiorno salve grazie"
)
_NO_PLACE = frozenset(_NEVER.split())


def trace(
    id: str, at: datetime, channel: str, customer: str | None, sender: str, subject: str, text: str,
    sites: Collection[str] = (),
) -> Trace:  # fmt: skip
    """Read one report. `sites`: names of places that the customer's configuration gives."""
    title, said = masking.title(subject), masking.body(text)
    in_title, in_body = masking.tokens(title), masking.tokens(said)
    own, named = masking.words(in_body), masking.words(in_title)
    content = own | named
    told = said[: contacts.begins(said)]
    in_told = in_body if told == said else masking.tokens(told)
    facing = f"{title}\n{told[:FACTS_IN]}"
    sentences = [masking.tokens(one) for one in masking.SENTENCE.split(said[:FACTS_IN])]
    alert = alerts.read(channel, sender, subject, text)
    objects, codes = _objects(facing)
    if letters := frozenset(letter.lower() for letter in (*_LETTER.findall(facing), *_DRIVE.findall(facing))):
        objects["letter"] = letters
    if alert is not None and alert.host:
        objects = {"name": frozenset((canonical(alert.host),))}
    things = _things(objects)
    every = in_title + in_told
    each, flat = frozenset(every), f" {' '.join(every)} "
    kinds = topics.topics(every)
    mine = own if in_told is in_body else masking.words(in_told)
    short = (
        alert is None and len(mine | named) <= naming.SHORT_TEXT
    )  # of a longer one nothing but its whole text is compared
    titled = masking.stems(named | masking.parts(in_title))
    me_too = alert is None and len(mine) <= 5 and _says(_ME_TOO, each, flat)
    return Trace(
        id=id, at=at, channel=channel, customer=customer, sender=sender.lower(), words=content, body=own,
        stems=masking.stems(mine | masking.parts(in_told)) | titled, title=titled, objects=objects, codes=codes,
        places=places(facing, sites), topics=tuple(name for name, _ in kinds),
        strong=frozenset(name for name, score in kinds if score >= topics.STRONG),
        beside=naming.beside(objects, things, every, title, told[:FACTS_IN], spoken=channel in PHONE) if short else frozenset(),
        marks=naming.marks(every) if short else frozenset(),
        signed=own - mine, quoted=masking.quoted(text),
        alert=alert, me_too=me_too or (alert is None and len(content) < 2), several=_several(told, in_told),
        fingerprint=masking.fingerprint(said) if alert is None and len(text) <= masking.LONGEST else None,
        seal=masking.seal(subject, text) if alert is None else None, glued=masking.glued(f"{title} {said[:FACTS_IN]}"),
        edges=_edges(in_body), things=things, asks=not topics.troubled(each),
        reminds=masking.is_answer(subject) or _says(_REMINDS, each, flat),
        over=alert is None and _over(flat),
        sentences=tuple(map(masking.words, sentences)),
        denials=tuple(sum(map(DENIES.__contains__, one)) for one in sentences),
    )  # fmt: skip


# Phrases with the word that must be there, so that a long text is searched for few of them; of a mere beginning there is none.
_ME_TOO, _SECOND_MATTER = (tuple((one.split()[0], f" {one} ") for one in listed) for listed in (ME_TOO, SECOND_MATTER))
_REMINDS = tuple((one.split()[0] if " " in one else None, f" {one}") for one in REMINDS)


def _says(phrases: tuple[tuple[str | None, str], ...], each: frozenset[str], flat: str) -> bool:
    return any((first is None or first in each) and phrase in flat for first, phrase in phrases)


# "Works again", "è tornato a funzionare"; not "stopped working again", "non funziona di nuovo".
_OVER = re.compile(
    r" (?:(?:non|not|isn t|doesn t|don t|didn t|won t|never|stop\w*|cannot|can t|mai|ancora da|unable to|fail\w* to) (?:\w+ ){0,3})?"
    rf"(?:{OVER_AGAIN}) "
)


def _over(flat: str) -> bool:
    """Does it say that the trouble is over? When in doubt yes: it keeps reports apart, and never joins any."""
    return any(not _DENIED.match(one.group(0)) for one in _OVER.finditer(flat))


_DENIED = re.compile(
    r" (?:non|not|isn t|doesn t|don t|didn t|won t|never|stop\w*|cannot|can t|mai|ancora da|unable to|fail\w* to) "
)


def _things(objects: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Every object that has a name of its own, whatever its kind. Of a page the site is told; two pages of it differ."""
    return frozenset().union(*(names for kind, names in objects.items() if kind not in ("letter", "page")))


def _edges(found: tuple[str, ...]) -> frozenset[str]:
    """The first and last few content words: where a caller says who they are and takes leave."""
    ends = (islice(filter(masking.says_something, way), EDGE) for way in (found, reversed(found)))
    return masking.words(chain.from_iterable(ends))


EDGE = 4


def canonical(name: str) -> str:
    """One spelling of a name: no punctuation, no www; a host is told by its first label in speech and in full in writing."""
    return re.sub(r"[\W_]", "", masking.plain(name)).removeprefix("www")


def _objects(text: str) -> tuple[dict[str, frozenset[str]], frozenset[str]]:
    """Names of things by kind, and error codes; what was read as one thing is not read again as another."""
    rest = masking.plain(text)
    found: dict[str, set[str]] = {}
    for kind, sign, pattern in (("mail", "@", _MAIL), ("domain", ".", DOMAIN), ("ip", ".", _IP)):
        named = tuple(pattern.finditer(rest)) if sign in rest else ()
        for one in named:
            name, path = one.groups() if kind == "domain" else (one.group(0), None)
            found.setdefault(kind, set()).add(canonical(name))
            if path and (page := canonical(path)):
                found.setdefault("page", set()).add(f"{canonical(name)}/{page}"[:LONGEST_PAGE])
            first = name.partition(".")[0]
            if kind == "domain" and _NAME.fullmatch(first) and not _COMMON.match(first):
                found.setdefault("name", set()).add(canonical(first))  # a host is told by its first label too
        rest = pattern.sub(" ; ", rest) if named else rest
    codes = {group for one in _CODE.finditer(rest) for group in one.groups() if group}
    rest = _CODE.sub(" ; ", rest) if codes else rest
    rest = _ATTRIBUTE.sub(" ; ", rest)
    bare = set(_NAME.findall(rest))
    if names := {canonical(one) for one in bare if not _COMMON.match(one)}:
        found.setdefault("name", set()).update(names)
    for which, noun in _ORDINAL.findall(rest):
        found.setdefault("number", set()).add(f"{_ONE_NOUN.get(noun, noun)}{_FIRST[which]}")
    for noun, number in _LABELLED.findall(rest):
        found.setdefault("number", set()).add(f"{_ONE_NOUN.get(noun, noun)}{int(number)}")
    for one in _NUMBER.finditer(_NAME.sub(" ; ", rest) if bare else rest):
        found.setdefault("number", set()).add(canonical(one.group(1)))
    return {kind: frozenset(names) for kind, names in found.items()}, frozenset(codes)


def places(text: str, sites: Collection[str] = ()) -> frozenset[str]:
    """Places by the name we know them under: the customer's sites, known cities, what follows a preposition."""
    low, said = masking.plain(text), masking.tokens(text)
    flat = f" {' '.join(said)} " if sites else ""
    found = {site for name in sites if f" {(site := masking.plain(name))} " in flat}
    found.update(PLACES[word] for word in PLACES.keys() & said if word not in NOT_BARE)
    for pattern in (_PLACE_AFTER, _PLACE_BEFORE):
        for one in pattern.finditer(text):
            name = masking.plain(one.group(1)).strip()
            if name not in _NO_PLACE and name not in topics.TOPIC_WORDS:
                found.add(PLACES.get(name, name))
    for one in _SITE.finditer(low):
        found.add(f"{SITES[one.group(1)]} {one.group(2)}")
    for one in _SITE_AI.finditer(text):
        noun = masking.plain(one.group(1))
        if noun in SITES:
            found.add(f"{SITES[noun]} {one.group(2).lower()}")
    return frozenset(found)


def _several(said: str, found: tuple[str, ...]) -> bool:
    """Does it speak of a second matter: a word that says so, or two paragraphs that both say something?"""
    if _says(_SECOND_MATTER, frozenset(found), f" {' '.join(found)} "):
        return True
    paragraphs = _PARAGRAPH.split(said)
    if len(paragraphs) < 2:
        return False
    full = (part for part in paragraphs if len(masking.words(masking.tokens(part))) >= 3)
    return next(full, None) is not None and next(full, None) is not None


_PARAGRAPH = re.compile(r"\n\s*\n")


ALERT = "alert:"  # begins the key of an alert
OVER = "over"  # the key of reports that say that a trouble is over: they are looked at whatever else they say


def keys(trace: Trace) -> tuple[str, ...]:
    """What an index finds a report by: its alert, or its whole text and the objects it names."""
    if trace.alert is not None:
        return (f"{ALERT}{trace.alert.key}",)
    whole = (f"text:{trace.fingerprint}",) if trace.fingerprint else ()
    sent = (f"sent:{trace.seal}",) if trace.seal else ()
    return (*whole, *sent, *(f"thing:{one}" for one in sorted(trace.things)), *((OVER,) if trace.over else ()))


def whole_key(channel: str, sender: str, subject: str, text: str) -> str | None:
    """The one of :func:`keys` that costs little: the alert, or the text as it was sent; None when it has neither."""
    alert = alerts.read(channel, sender, subject, text)
    if alert is not None:
        return f"{ALERT}{alert.key}"
    seal = masking.seal(subject, text)
    return f"sent:{seal}" if seal else None


def as_json(trace: Trace) -> dict[str, object]:
    """A trace for keeping, without what only a new report is asked for; what is empty is left out."""
    it = trace.alert
    alert = [it.key, it.state, it.host, sorted(it.marks)] if it else None
    spoken = trace.channel in PHONE
    said: dict[str, object] = {
        "channel": trace.channel, "sender": trace.sender, "body": sorted(trace.body), "more": sorted(trace.words - trace.body),
        "stems": sorted(trace.stems), "title": sorted(trace.title),
        "objects": {kind: sorted(names) for kind, names in trace.objects.items()},
        "beside": sorted(trace.beside), "marks": sorted(trace.marks), "signed": sorted(trace.signed), "quoted": trace.quoted,
        "codes": sorted(trace.codes), "places": sorted(trace.places),
        "topics": list(trace.topics), "strong": sorted(trace.strong),
        "alert": alert, "me_too": trace.me_too, "several": trace.several, "fingerprint": trace.fingerprint,
        "glued": trace.glued if spoken else "", "edges": sorted(trace.edges) if spoken else (), "seal": trace.seal,
        "asks": trace.asks, "reminds": trace.reminds, "over": trace.over,
        "denials": sum(trace.denials),
    }  # fmt: skip
    return {name: value for name, value in said.items() if value}


def _alert_of(kept: Sequence[Any] | None) -> Alert | None:
    """The alert of the list that :func:`as_json` kept; of three values where it was kept before there were marks."""
    return Alert(kept[0], kept[1], kept[2], frozenset(kept[3] if len(kept) > 3 else ())) if kept else None


def from_json(said: Mapping[str, Any], id: str, at: datetime, customer: str) -> Trace:
    """An earlier report's trace, of what :func:`as_json` kept."""
    body, alert = frozenset(said.get("body", ())), _alert_of(said.get("alert"))
    words = body.union(said.get("more", ()), said.get("words", ()))  # "words": of before "more"
    objects = {kind: frozenset(names) for kind, names in said.get("objects", {}).items()}
    return Trace(
        id=id, at=at, channel=said["channel"], customer=customer, sender=said.get("sender", ""), words=words,
        body=body, stems=frozenset(said["stems"]) if "stems" in said else masking.stems(words), title=frozenset(said.get("title", ())),
        objects=objects, things=_things(objects), beside=frozenset(said.get("beside", ())), marks=frozenset(said.get("marks", ())),
        signed=frozenset(said.get("signed", ())), quoted=said.get("quoted"),
        codes=frozenset(said.get("codes", ())), places=frozenset(said.get("places", ())), topics=tuple(said.get("topics", ())),
        strong=frozenset(said.get("strong", ())), alert=alert, me_too=said.get("me_too", False),
        several=said.get("several", False), fingerprint=said.get("fingerprint"), seal=said.get("seal"), glued=said.get("glued", ""),
        edges=frozenset(said.get("edges", ())), asks=said.get("asks", False), reminds=said.get("reminds", False),
        over=said.get("over", False), denials=(said.get("denials", 0),),
    )  # fmt: skip
