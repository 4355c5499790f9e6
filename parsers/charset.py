"""Bytes to text for any charset a mail may claim.

The rule: what was declared if it decodes, then strict UTF-8, then Windows-1252; only bytes that nobody labelled are
compared with other scripts. Nothing here raises, and no answer holds NUL or lone surrogates (PostgreSQL and JSON
refuse them). It does not repair text that was already wrong when it was written.
"""

import codecs
import re
from collections.abc import Callable
from functools import lru_cache

# Labels that mean a larger set than they say: the WHATWG encoding standard's table, plus names seen in mail only.
_WIDER = {
    "iso8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252", "iso-8859-1": "cp1252", "iso_8859-1": "cp1252",
    "ascii": "cp1252", "us-ascii": "cp1252", "ansi": "cp1252", "iso-8859-9": "cp1254", "latin5": "cp1254",
    "iso-8859-11": "cp874", "tis-620": "cp874", "windows-874": "cp874", "x-windows-874": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "gb_2312-80": "gb18030", "euc-cn": "gb18030",
    "gb18030-2000": "gb18030", "cp936": "gb18030", "ms936": "gb18030", "chinesesimplified": "gb18030",
    "ks_c_5601-1987": "cp949", "ks_c_5601": "cp949", "ksc5601": "cp949", "euc-kr": "cp949", "x-windows-949": "cp949",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "ms_kanji": "cp932",
    "windows-31j": "cp932", "big5": "big5hkscs", "x-big5": "big5hkscs", "x-x-big5": "big5hkscs", "x-euc-jp": "euc_jp",
    "iso-8859-8-i": "iso8859-8", "iso-8859-6-i": "iso8859-6", "macintosh": "mac_roman", "x-mac-roman": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic", "koi8": "koi8-r", "koi8-ru": "koi8-u", "unicode-1-1-utf-7": "utf-7",
    "utf8mb4": "utf-8", "unicode-1-1-utf-8": "utf-8", "utf": "utf-8", "unicode": "utf-16", "utf-8n": "utf-8",
    "iso-2022-jp": "iso2022_jp", "csiso2022jp": "iso2022_jp",
}  # fmt: skip
_NEVER = {
    "idna",
    "punycode",
    "unicode_escape",
    "raw_unicode_escape",
    "undefined",
    "mbcs",
    "oem",
}  # not charsets of text
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]*")
_UNSAFE = re.compile("[\x00\ud800-\udfff]")


def decode(raw: bytes, declared: str | None) -> str:
    """Return `raw` as text; every byte that fits nowhere becomes U+FFFD."""
    name = codec(declared)
    if raw.isascii() and name not in _SEVEN_BIT:
        return clean(raw.decode("ascii"))
    if name is None or name == "ascii":
        return clean(guess(raw))
    special = _OWN.get(name)
    if special is not None:
        return clean(special(raw))
    try:
        return clean(raw.decode(name))
    except (UnicodeError, ValueError, OverflowError):
        return clean(_almost(raw, name))


def clean(text: str) -> str:
    """Return `text` without NUL and lone surrogates, which neither a database nor JSON can hold."""
    if text.isascii() and "\0" not in text:
        return text
    return _UNSAFE.sub("\ufffd", text) if _UNSAFE.search(text) else text


@lru_cache(maxsize=512)
def codec(declared: str | None) -> str | None:
    """Return the codec to use for a declared charset; None when it names nothing we know."""
    found = _NAME.search(declared or "")
    if found is None or len(found.group()) > 40:
        return None
    label = found.group().lower()
    if label in ("us-ascii", "ascii", "ansi_x3.4-1968", "646"):
        return "ascii"
    label = _WIDER.get(label, label)
    for name in (label, label.removeprefix("x-"), re.sub(r"^(?:cp|windows|ms)-?(?=\d)", "cp", label)):
        try:
            info = codecs.lookup(name)
        except (LookupError, ValueError):
            continue
        if getattr(info, "_is_text_encoding", True) and info.name not in _NEVER:
            return _WIDER.get(info.name, info.name)
    return None


def _almost(raw: bytes, name: str) -> str:
    """The declared charset does not fit every byte: keep it when it fits nearly all, else look for a better one."""
    kept = raw.decode(name, "replace")
    broken = kept.count("\ufffd")
    if name != "utf-8":
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return kept
    # A cut or spoiled UTF-8 text still shows more good sequences than bad ones; Latin text mislabelled as UTF-8 none.
    good = sum(1 for char in kept[:20_000] if ord(char) > 127) - kept[:20_000].count("\ufffd")
    return kept if good >= broken or broken > 20_000 else guess(raw)


def _windows_1252(raw: bytes) -> str:
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "presa-c1")


def _hole_as_latin1(error: UnicodeError) -> tuple[str, int]:
    """WHATWG: the five holes of Windows-1252 are the C1 controls of Latin-1."""
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("presa-c1", _hole_as_latin1)


def _utf_7(raw: bytes) -> str:
    """RFC 2152; 8-bit bytes in it mean that the label is wrong."""
    return raw.decode("utf-7", "replace") if raw.isascii() else guess(raw)


_JIS = re.compile(rb"\x1b(\$[@B]|\$\([A-Z]|\([A-Z])([^\x1b]*)")


def _iso_2022_jp(raw: bytes) -> str:
    """ISO-2022-JP as it is sent: with NEC and half-width characters (CP50221), which Python's codec refuses."""
    if not raw.isascii():
        return guess(raw)
    for name in ("iso2022_jp", "iso2022_jp_ext"):
        try:
            return raw.decode(name)
        except UnicodeDecodeError:
            continue
    start = raw.find(b"\x1b")
    text = [raw[: start if start >= 0 else len(raw)].decode("ascii")]
    text += [_jis_run(run.group(1), run.group(2)) for run in _JIS.finditer(raw)]
    return "".join(text)


def _jis_run(escape: bytes, run: bytes) -> str:
    if escape == b"(I":
        return bytes(byte | 0x80 for byte in run).decode("cp932", "replace")
    if not escape.startswith(b"$"):
        return run.decode("ascii", "replace")
    pairs = (_shift(run[i], run[i + 1]) for i in range(0, len(run) - 1, 2))
    return b"".join(pairs).decode("cp932", "replace")


def _shift(row: int, cell: int) -> bytes:
    """One JIS X 0208 pair as Shift-JIS (the arithmetic of RFC 1468's appendix)."""
    if not (0x21 <= row <= 0x7E and 0x21 <= cell <= 0x7E):
        return b"?"
    second = cell + (0x1F if row % 2 else 0x7E)
    if row % 2 and second >= 0x7F:
        second += 1
    first = (row + 1) // 2 + (0x70 if row < 0x5F else 0xB0)
    return bytes((first, second))


def _utf_16(raw: bytes) -> str:
    """Without a byte order mark, mail in UTF-16 is big-endian (RFC 2781 4.3) unless the zeros say otherwise."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace")
    little = raw[1:400:2].count(0) > raw[0:400:2].count(0)
    return raw.decode("utf-16-le" if little else "utf-16-be", "replace")


def guess(raw: bytes) -> str:
    """Return unlabelled bytes as text: strict UTF-8, another script if it is plain to see, else Windows-1252."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    name = _script(raw[:4_000])
    return _windows_1252(raw) if name is None else raw.decode(name, "replace")


_CYRILLIC = re.compile("[\u0430-\u044f]")
_EASTERN = (  # codec, what a text in it is full of
    ("cp932", re.compile("[\u3041-\u3096\u30a1-\u30fa]")),
    ("euc_jp", re.compile("[\u3041-\u3096\u30a1-\u30fa]")),
    ("cp949", re.compile("[\uac00-\ud7a3]")),
    ("gb18030", re.compile("[的一是不了在人有我他这中大来上个们到说国和你为请谢好您]")),
    ("big5", re.compile("[的一是不了在人有我他這中大來上個們到說國和你為請謝好您]")),
)


def _script(raw: bytes) -> str | None:
    """Which other script the bytes are in, only if they leave no room for Western text."""
    high = sum(1 for byte in raw if byte >= 0x80)
    if high < 6 or high * 3 < sum(1 for byte in raw if byte > 0x40):
        return None
    # Cut at an ASCII byte, so that a sample never ends inside a character.
    sample = raw[: max((i for i, byte in enumerate(raw) if byte < 0x40), default=len(raw)) + 1]
    scores = [(_score(sample, name, usual, high), name) for name, usual in _EASTERN]
    best, name = max(scores)
    if best >= 0.12:
        return name
    scores = [(len(_CYRILLIC.findall(sample.decode(name, "replace"))) / high, name) for name in ("koi8-r", "cp1251")]
    best, name = max(scores)
    return name if best > 0.6 else None


def _score(raw: bytes, name: str, usual: re.Pattern[str], high: int) -> float:
    try:
        return len(usual.findall(raw.decode(name))) / high
    except UnicodeDecodeError:
        return 0.0


_OWN: dict[str, Callable[[bytes], str]] = {
    "cp1252": _windows_1252, "utf-7": _utf_7, "iso2022_jp": _iso_2022_jp, "utf-16": _utf_16,
}  # fmt: skip
_SEVEN_BIT = {"utf-7", "iso2022_jp", "iso2022_jp_ext", "iso2022_kr", "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_3",
              "iso2022_jp_2004", "hz", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be",
              "cp037", "cp500", "cp1140", "cp273", "cp1026", "cp424", "cp875"}  # fmt: skip
