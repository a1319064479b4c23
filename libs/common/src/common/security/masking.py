"""Personal data in free text: found by pattern, shown as what it was (``[手机号]``), never as itself.

Every pattern is bounded and anchored, so that a megabyte of digits takes a moment. Full-width and other Unicode digits
count as digits. Names of third parties that no pattern finds are a stated limit.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
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

# In order of precedence: of two that overlap the earlier one names what was masked.
_PATTERNS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    (MAIL, re.compile(r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9._%+\-]++@[A-Za-z0-9\-]++(?:\.[A-Za-z0-9\-]++)+")),
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
    (PHONE, re.compile(r"[一幺][三四五六七八九][〇零一二三四五六七八九幺]{9}(?![〇零一二三四五六七八九幺])")),
    (
        LANDLINE,
        re.compile(
            rf"(?<![0-9])[(（]?(?:\+?86{_GAP})?0(?:10|2[0-9]|[3-9][0-9]{{2}})[)）]?{_GAP}"
            rf"[2-9][0-9]{{2,3}}{_GAP}[0-9]{{4}}(?:[\-转 ]{{1,2}}[0-9]{{1,6}})?(?![0-9])"
        ),
    ),
    (LANDLINE, re.compile(r"(?:电话|座机|固话|联系方式|来电)[:：是为]?[ ]?(?P<hidden>[2-9][0-9]{6,7})(?![0-9])")),
    (
        PLATE,
        re.compile(
            rf"[{_PROVINCES}][A-HJ-NP-Za-hj-np-z][ ·•．.\-]?"
            r"(?=[A-Za-z]{0,5}[0-9])[A-HJ-NP-Za-hj-np-z0-9]{4,5}[A-HJ-NP-Za-hj-np-z0-9挂学警港澳](?![A-Za-z0-9])"
        ),
    ),
)


#: No script has digits beyond this code point (Unicode 15).
_LAST_DIGIT: Final = 0x1FBF9


@cache
def _to_ascii() -> dict[int, str]:
    """Every digit of every script, and full-width Latin, to its ASCII form, character for character."""
    table = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    table[0x3000] = " "
    table[0xA0] = " "
    for code in range(0x80, _LAST_DIGIT + 1):
        digit = unicodedata.digit(chr(code), None)
        if digit is not None:
            table[code] = str(digit)
    return table


def _plain(text: str) -> str:
    return text if text.isascii() else text.translate(_to_ascii())


def mask(text: str, *own: str | None) -> str:
    """``text`` with personal data shown only as its kind; ``own`` are the requester's own name, phone and the like.

    Masking twice changes nothing more.
    """
    private = tuple(_own_patterns(own))
    while True:
        masked = _mask_once(text, private)
        if masked == text:
            return text
        text = masked


def _mask_once(text: str, private: tuple[re.Pattern[str], ...]) -> str:
    plain = _plain(text)
    spans = [(*found.span(), found.group()) for found in _LABELS.finditer(plain)]
    for pattern in private:
        spans += [(*found.span(), OWN) for found in pattern.finditer(plain)]
    for label, pattern in _PATTERNS:
        group = "hidden" if "hidden" in pattern.groupindex else 0
        spans += [(*found.span(group), label) for found in pattern.finditer(plain)]
    if not spans:
        return text
    return "".join(_replaced(text, spans))


def _replaced(text: str, spans: list[tuple[int, int, str]]) -> Iterator[str]:
    """The text with each group of overlapping spans shown as the label of its first member in order of precedence."""
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


def _own_patterns(own: Iterable[str | None]) -> Iterator[re.Pattern[str]]:
    for each in own:
        plain = _plain((each or "").strip())
        digits = re.sub(r"[^0-9]", "", plain)
        if len(digits) >= 5 and not re.search(r"[^0-9+()（）\s\-转]", plain):
            yield re.compile(_GAP.join(digits[-11:]))
        elif len(plain) >= 2 and not _LABELS.search(plain):
            yield re.compile(re.escape(plain), re.IGNORECASE)


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
