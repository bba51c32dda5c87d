"""Text messages: whom they reach, how long they are.

Lengths are as mainland carriers count them: the signature counts, one part holds
70 UTF-16 code units, a longer text 67 per part; a text written wholly in the
GSM 7-bit alphabet (3GPP TS 23.038) holds 160, or 153 per part.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta

import phonenumbers
from phonenumbers import PhoneNumberType

from gateway.channels import AddressError

__all__ = [
    "ADDRESS",
    "CAPS",
    "HOME",
    "LIMIT",
    "LONGEST",
    "RECEIPT_WINDOW",
    "RETRIES",
    "SUFFIX",
    "AddressError",
    "is_hotline",
    "is_mobile",
    "length",
    "normalise",
    "parts",
    "rooms",
]

SUFFIX = "sms"
ADDRESS = "mobile"
LIMIT = 500
LONGEST = 100  # characters of a number, however it is written: more is none, and dear to look at
RECEIPT_WINDOW = timedelta(hours=72)
RETRIES: tuple[timedelta, ...] = ()  # carriers keep trying for days by themselves
CAPS: tuple[tuple[int, timedelta], ...] = ()  # the providers count, and say when they take more

_MOBILE = re.compile(r"(?:\+?86)?(1[3-9][0-9]{9})")
# Public numbers that libraries of telephone numbers do not know; some are dialled with an area code.
_HOTLINE = re.compile(
    r"(?:(?:\+86|0)(?:10|2[0-9]|[3-9][0-9]{2}))?(?:12333|12345|12393|12348|12329|12366)"
    r"|110|119|120|122|95[0-9]{3}|400[0-9]{7}"
)
# 0736-7255555转801, 分机801, x801, ext. 801, a pause and digits to dial, or a third group of digits.
_EXTENSION = re.compile(r"\+?[0-9]{3,17}(?:[转轉]|分[机機]|[,;#*x]|ext=?)+[0-9]{1,6}#?", re.IGNORECASE)
_THIRD_GROUP = re.compile(r"(?:\+86[- ]?|0)[1-9][0-9]{1,2}[- ]?[0-9]{7,8}-[0-9]{1,6}")
_MAINLAND = 86
HOME = f"+{_MAINLAND}"  # what most addresses begin with
_SENDERS = "106"  # 106… sends texts; a library takes 1069012333 for a landline
_MOBILE_TYPES = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)

# --- addresses ------------------------------------------------------------------------


def normalise(text: str) -> str:
    """A mobile number in E.164 (+8613800138000), from however it was written.

    Mainland mobiles need no prefix and are not checked against allotted ranges,
    which change; other countries' need + or 00. Raises ``AddressError``.
    """
    if plain := _MOBILE.fullmatch(text):  # as nearly all are written by systems
        return f"+86{plain[1]}"
    if len(text) > LONGEST:
        raise _not_a_number()
    number = _compact(text)
    if not number:
        raise AddressError("empty", "请输入手机号码。", "Enter a mobile number.")
    mobile = _MOBILE.fullmatch(number)
    if mobile:
        return f"+86{mobile[1]}"
    if _has_extension(text, number):
        raise AddressError(
            "extension",
            "这是带分机的电话，不能接收短信。请填写手机号码。",
            "This number has an extension and takes no texts. Enter a mobile number.",
        )
    if is_hotline(number) or number.startswith(_SENDERS):
        raise AddressError(
            "hotline",
            "这是服务号码，不能接收短信。请填写个人手机号码。",
            "This is a public service number and takes no texts. Enter a personal mobile number.",
        )
    return _foreign(number)


def is_mobile(address: str) -> bool:
    """Whether a number in E.164 is a mobile of this country: what texts go to and codes come back from."""
    return address.startswith(HOME) and bool(_MOBILE.fullmatch(address))


def is_hotline(text: str) -> bool:
    """Whether this is a public service number (12333, 0736-12333, 110, 95xxx, 400 …)."""
    return len(text) <= LONGEST and bool(_HOTLINE.fullmatch(_compact(text)))


def _compact(text: str) -> str:
    """Full-width to plain characters; separators and invisible marks (left by copying) dropped; 00 to +."""
    plain = unicodedata.normalize("NFKC", text)
    kept = "".join(
        c for c in plain if not (c in "-.()/‐‑–—" or c.isspace() or unicodedata.category(c) == "Cf")
    )
    return f"+{kept[2:]}" if kept.startswith("00") else kept


def _has_extension(text: str, number: str) -> bool:
    """Whether digits are to be dialled after the line was taken; ``number`` is the text compacted."""
    written = re.sub(r"[()]|^\s+|\s+$", "", unicodedata.normalize("NFKC", text))
    return bool(_EXTENSION.fullmatch(number) or _THIRD_GROUP.fullmatch(written))


def _foreign(number: str) -> str:
    """Any number that is neither a mainland mobile nor a hotline."""
    if not re.fullmatch(r"\+?[0-9]{3,17}", number):
        raise _not_a_number()
    try:
        parsed = phonenumbers.parse(number, "CN")
    except phonenumbers.NumberParseException:
        raise _not_a_number() from None
    if not phonenumbers.is_valid_number(parsed):
        raise _not_a_number()
    kind = phonenumbers.number_type(parsed)
    if kind == PhoneNumberType.FIXED_LINE:
        raise AddressError(
            "landline",
            "这是固定电话，不能接收短信。请填写手机号码。",
            "This is a landline and takes no texts. Enter a mobile number.",
        )
    if kind not in _MOBILE_TYPES or parsed.country_code == _MAINLAND:
        raise _not_a_number()
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _not_a_number() -> AddressError:
    return AddressError(
        "not_a_number",
        "这不是手机号码。请核对：内地手机号码共11位，以1开头；其他地区请加国际区号，如+852。",
        "This is no mobile number. Check it: mainland mobiles have 11 digits and begin with 1; "
        "elsewhere put the country code first, like +852.",
    )


# --- counting -------------------------------------------------------------------------

_GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENSION = frozenset("\f^{}\\[~]|€")  # each is an escape and a character
GSM_ROOMS, UNICODE_ROOMS = (160, 153), (70, 67)  # of the only part, of one of several
_FIRST_SUPPLEMENTARY = 0x10000  # from here on UTF-16 needs two code units


def length(text: str, signature: str = "") -> int:
    """Units of text and signature together: UTF-16 code units, or septets if all is GSM 7-bit."""
    return sum(_costs(_signed(text, signature))[0])


def parts(text: str, signature: str = "") -> int:
    """How many parts this is sent and charged as: 1 or more. ``signature`` is without its 【】.

    A character of two units (an emoji, an escaped €) is never split between parts.
    """
    costs, single, concatenated = _costs(_signed(text, signature))
    if sum(costs) <= single:
        return 1
    count, room = 1, concatenated
    for cost in costs:
        if cost > room:
            count, room = count + 1, concatenated
        room -= cost
    return count


def rooms(text: str, signature: str = "") -> tuple[int, int]:
    """What fits into the only part, and into each of several, in the units of ``length``."""
    _, single, concatenated = _costs(_signed(text, signature))
    return single, concatenated


def _signed(text: str, signature: str) -> str:
    return f"【{signature}】{text}" if signature else text


def _costs(text: str) -> tuple[list[int], int, int]:
    """Units of each character, and how many fit into the only part or one of several."""
    if _GSM_BASIC.issuperset(text.translate(_WITHOUT_EXTENSION)):
        return [2 if c in _GSM_EXTENSION else 1 for c in text], *GSM_ROOMS
    return [2 if ord(c) >= _FIRST_SUPPLEMENTARY else 1 for c in text], *UNICODE_ROOMS


_WITHOUT_EXTENSION = {ord(c): None for c in _GSM_EXTENSION}
