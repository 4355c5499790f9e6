"""The language of a text, guessed from its small words: enough to greet somebody, never used to refuse anything."""

import re
from collections import Counter
from itertools import chain

_WORDS = {
    "it": "il lo la gli le di del della dei delle che non è per con una sono abbiamo nel alla dal anche ma "
          "più questo questa buongiorno grazie salve saluti problema funziona posso potete siamo riesco "
          "fare stato",
    "en": "the of and to is are was have has not with for that this you your we our can cannot it be from "
          "please hello hi regards thanks problem does work will been",
    "de": "der die das und ist nicht mit für ein eine wir sie ich auf den dem von zu bitte haben hat kann "
          "können auch es hallo grüße danke guten seit beim wird sind",
    "fr": "le la les des est pas pour avec une nous vous je que qui dans sur du au ne bonjour merci "
          "cordialement avons problème peut sont cette mais plus votre notre ce",
    "es": "el la los las de que no es para con una por en se del hola gracias saludos tenemos puede "
          "problema está estamos pero más nuestro su muy desde al",
    "pt": "o os as de que não é para com uma por em se do da no na olá obrigado obrigada temos pode "
          "problema está estamos mas mais nosso seu ao dos das você bom",
}  # fmt: skip
_LANGUAGES: dict[str, tuple[str, ...]] = {}
for _code, _list in _WORDS.items():
    for _word in _list.split():
        _LANGUAGES[_word] = (*_LANGUAGES.get(_word, ()), _code)
_TOKEN = re.compile(r"[^\W\d_]+")
_APART = {code: " " for code in range(128) if not chr(code).isalpha()}
_SCRIPTS = (
    ("ar", re.compile("[\u0600-\u06ff]")), ("he", re.compile("[\u0590-\u05ff]")), ("ru", re.compile("[\u0400-\u04ff]")),
    ("el", re.compile("[\u0370-\u03ff]")), ("ja", re.compile("[\u3040-\u30ff]")), ("ko", re.compile("[\uac00-\ud7a3]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
)  # fmt: skip


def guess(text: str) -> str | None:
    """Return an ISO 639-1 code, or None when the first 600 characters do not decide it."""
    sample = text[:600]
    lower = sample.lower()
    words = lower.translate(_APART).split() if lower.isascii() else _TOKEN.findall(lower)
    small = filter(None, map(_LANGUAGES.get, words))
    scores = Counter(chain.from_iterable(small))
    ranked = scores.most_common(2)
    if ranked and ranked[0][1] >= 2 and (len(ranked) == 1 or ranked[0][1] > ranked[1][1]):
        return ranked[0][0]
    if sample.isascii():
        return None
    letters = len(_TOKEN.findall(sample)) or 1
    for code, script in _SCRIPTS:
        if len(script.findall(sample)) > max(3, letters / 2):
            return code
    return None
