"""Personal data in free text: found by pattern, shown as what it was (``[手机号]``), never as itself.

Every pattern is bounded and anchored, so that a megabyte of digits takes a moment. Full-width and other Unicode digits
count as digits. Names of third parties that no pattern finds are a stated limit.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

_SEPARATOR: Final = r"[ \t\-‐‑‒–—―·.\u200b-\u200f\u2060\ufeff]"
_GAP: Final = _SEPARATOR + r"{0,2}"
_DATE: Final = r"(?:18|19|20)[0-9]{2}"
_DAY: Final = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_PROVINCES: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领"

PHONE, LANDLINE, IDENTITY, CARD, PLATE, MAIL, OWN = (
    "[手机号]",
    "[电话]",
    "[身份证号]",
    "[银行卡号]",
    "[车牌号]",
    "[邮箱]",
    "[诉求人]",
)
_LABELS: Final = re.compile("|".join(re.escape(label) for label in (PHONE, LANDLINE, IDENTITY, CARD, PLATE, MAIL, OWN)))

# The patterns are tried only where they can match: a statement without a digit costs next to nothing.
_MAIL_ADDRESS: Final = re.compile(r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9._%+\-]++@[A-Za-z0-9\-]++(?:\.[A-Za-z0-9\-]++)+")
_SPOKEN: Final = re.compile(r"[一幺][三四五六七八九][〇零一二三四五六七八九幺]{9}(?![〇零一二三四五六七八九幺])")
_LICENCE_PLATE: Final = re.compile(
    rf"[{_PROVINCES}][A-HJ-NP-Za-hj-np-z][ ·•．.\-]?"
    r"(?=[A-Za-z]{0,5}[0-9])[A-HJ-NP-Za-hj-np-z0-9]{4,5}[A-HJ-NP-Za-hj-np-z0-9挂学警港澳](?![A-Za-z0-9])"
)
# Digits and what may stand between the digits of one number.
_NUMERIC: Final = re.compile(r"[(（+]?[0-9][0-9 \t\-‐‑‒–—―·.()（）+转\u200b-\u200f\u2060\ufeff]{6,}+[Xx]?")
_LONGEST_LEAD_IN: Final = 8

# In order of precedence: of two that overlap the earlier one names what was masked.
_NUMBERS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    (IDENTITY, re.compile(rf"(?<![0-9])[1-9][0-9]{{5}}{_GAP}{_DATE}{_GAP}{_DAY}{_GAP}[0-9]{{3}}[0-9Xx](?![0-9])")),
    (IDENTITY, re.compile(rf"(?<![0-9])[1-9][0-9]{{5}}[ \-]?[0-9]{{2}}{_DAY}[ \-]?[0-9]{{3}}(?![0-9])")),
    (CARD, re.compile(r"(?<![0-9])[0-9]{15,}+[Xx]?")),
    (
        CARD,
        re.compile(rf"(?<![0-9])[0-9]{{4}}(?:{_SEPARATOR}[0-9]{{4}}){{3,4}}(?:{_SEPARATOR}?[0-9]{{1,3}})?(?![0-9])"),
    ),
    (
        PHONE,
        re.compile(
            # 1998-12-31 101室 is a day and a room, not a number.
            rf"(?<![0-9])(?:(?:\+|00)?86{_GAP})?(?!19[0-9]{{2}}[\-.][0-9]{{1,2}}[\-.])"
            rf"1{_GAP}[3-9](?:{_GAP}[0-9]){{9}}(?![0-9])"
        ),
    ),
    (
        LANDLINE,
        re.compile(
            rf"(?<![0-9])[(（]?(?:\+?86{_GAP})?0(?:10|2[0-9]|[3-9][0-9]{{2}})[)）]?{_GAP}"
            rf"[2-9][0-9]{{2,3}}{_GAP}[0-9]{{4}}(?:[\-转 ]{{1,2}}[0-9]{{1,6}})?(?![0-9])"
        ),
    ),
    (LANDLINE, re.compile(r"(?:电话|座机|固话|联系方式|来电)[:：是为]?[ ]?(?P<hidden>[2-9][0-9]{6,7})(?![0-9])")),
)


#: No script has digits beyond this code point (Unicode 15).
_LAST_DIGIT: Final = 0x1FBF9


def _ascii_forms() -> dict[int, str]:
    """Every digit of every script, and the full-width characters of numbers, plates and addresses, to ASCII."""
    wide = "ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ"
    table = {ord(char): chr(ord(char) - 0xFEE0) for char in wide + wide.lower() + "＠．－＿＋％"}
    table[0x3000] = table[0xA0] = " "
    for code in range(0x80, _LAST_DIGIT + 1):
        digit = unicodedata.digit(chr(code), None)
        if digit is not None:
            table[code] = str(digit)
    return table


@cache
def _translation() -> tuple[dict[int, str], frozenset[str]]:
    table = _ascii_forms()
    return table, frozenset(map(chr, table))


def _plain(text: str) -> str:
    """The text character for character, with digits and Latin letters in ASCII."""
    if text.isascii():
        return text
    table, foreign = _translation()
    return text if foreign.isdisjoint(text) else text.translate(table)


def mask(text: str, *own: str | None) -> str:
    """``text`` with personal data shown only as its kind; ``own`` are the requester's own name, phone and the like.

    Masking twice changes nothing more.
    """
    mine = [_plain(each.strip()) for each in own if each]
    while True:
        masked = _mask_once(text, mine)
        if masked == text:
            return text
        text = masked


Span = tuple[int, int, str]


def _mask_once(text: str, own: Sequence[str]) -> str:
    plain = _plain(text)
    spans: list[Span] = [(*found.span(), found.group()) for found in _LABELS.finditer(plain)] if "[" in plain else []
    for each in own:
        spans += _own(plain, each)
    if "@" in plain:
        spans += [(*found.span(), MAIL) for found in _MAIL_ADDRESS.finditer(plain)]
    spans += [(*found.span(), PHONE) for found in _SPOKEN.finditer(plain)]
    if _DIGIT.search(plain):
        spans += [(*found.span(), PLATE) for found in _LICENCE_PLATE.finditer(plain)]
        spans += _numbers(plain)
    return "".join(_replaced(text, spans)) if spans else text


_DIGIT: Final = re.compile("[0-9]")


def _numbers(plain: str) -> Iterator[Span]:
    for place in _NUMERIC.finditer(plain):
        start, end = max(0, place.start() - _LONGEST_LEAD_IN), place.end()
        for label, pattern in _NUMBERS:
            group = "hidden" if "hidden" in pattern.groupindex else 0
            for found in pattern.finditer(plain, start, end):
                yield (*found.span(group), label)


_DIALLED: Final = re.compile(r"[0-9+()（）\s\-]+")
_RUN: Final = re.compile(rf"[0-9](?:{_GAP}[0-9])*+")


def _own(plain: str, own: str) -> Iterator[Span]:
    """Where the requester's own name or number stands, the number with whatever separators."""
    dialled = own.partition("转")[0]
    digits = "".join(_DIGIT.findall(dialled))[-11:]
    if len(digits) >= 5 and _DIALLED.fullmatch(dialled):
        for run in _RUN.finditer(plain):
            places = [at for at in range(*run.span()) if "0" <= plain[at] <= "9"]
            held = "".join(plain[at] for at in places)
            found = held.find(digits)
            while found >= 0:
                yield places[found], places[found + len(digits) - 1] + 1, OWN
                found = held.find(digits, found + len(digits))
    elif len(own) >= 2 and not _LABELS.search(own):
        where, name = plain.lower(), own.lower()
        if len(where) != len(plain):
            where, name = plain, own  # a few letters grow when they are lowered: places would shift
        found = where.find(name)
        while found >= 0:
            yield found, found + len(name), OWN
            found = where.find(name, found + len(name))


def _replaced(text: str, spans: list[Span]) -> Iterator[str]:
    """The text with each group of overlapping spans shown as one label, the first in precedence."""
    ordered = sorted(enumerate(spans), key=lambda item: item[1][0])
    at = 0
    index = 0
    while index < len(ordered):
        rank, (start, end, label) = ordered[index]
        index += 1
        while index < len(ordered) and ordered[index][1][0] < end:
            other, (_, other_end, other_label) = ordered[index]
            end = max(end, other_end)
            if other < rank:
                rank, label = other, other_label
            index += 1
        yield text[at:start]
        yield label
        at = end
    yield text[at:]


class NotAPhone(ValueError):
    """Not a telephone number; the text never repeats it."""


_MOBILE: Final = re.compile(r"(?:\+?86|0086)?(1[3-9][0-9]{9})")
_FIXED: Final = re.compile(r"(?:\+?86|0086)?0?((?:10|2[0-9]|[3-9][0-9]{2})[2-9][0-9]{6,7})")
_FOREIGN: Final = re.compile(r"(?:\+|00)([1-9][0-9]{6,14})")
_SHORT: Final = re.compile(r"[1-9][0-9]{2,7}|[48]00[0-9]{7}")
_EXTENSION: Final = re.compile(r"(?:转|分机|ext\.?|x|#|,)([0-9]{1,6})$", re.IGNORECASE)


def normalise_phone(text: str) -> str:
    """One spelling for one number: ``+86…`` for mobile and area-code numbers, digits alone for short and local ones.

    An extension follows after ``;``. ``NotAPhone`` for anything else.
    """
    if len(text) > 60:
        raise NotAPhone("too long for a telephone number")
    plain = re.sub(r"[\s\-‐‑‒–—―·.()\[\]（）\u200b-\u200f\u202a-\u202e\u2060\ufeff]", "", _plain(text))
    extension = ""
    if found := _EXTENSION.search(plain):
        plain, extension = plain[: found.start()], f";{found.group(1)}"
    if found := _MOBILE.fullmatch(plain):
        return f"+86{found.group(1)}{extension}"
    if plain.startswith(("0", "+86", "86")) and (found := _FIXED.fullmatch(plain)):
        return f"+86{found.group(1)}{extension}"
    if (found := _FOREIGN.fullmatch(plain)) and not plain.startswith(("+86", "0086")):
        return f"+{found.group(1)}{extension}"
    if _SHORT.fullmatch(plain):
        return plain + extension
    raise NotAPhone("not a telephone number")
