"""The citizen identity number (GB 11643-1999)."""

from __future__ import annotations

import unicodedata
from datetime import date

from stdnum import exceptions
from stdnum.cn import ric

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS = "10X98765432"
OLD_LENGTH, LENGTH = 15, 18
LONGEST = 200  # characters, however it is written: more is none, and dear to look at


def normalise(text: str) -> str:
    """Read an ID number as people write it: spaces, full-width digits, small x, the old 15 digits.

    Returns 18 characters; raises ``ValueError`` without repeating the number.
    An area code is never refused: areas retire, people keep their number.
    """
    if len(text) > LONGEST:
        raise ValueError("not an ID number")
    number = "".join(unicodedata.normalize("NFKC", text).split()).replace("-", "").upper()
    if len(number) == OLD_LENGTH and number.isdigit() and number.isascii():
        number = f"{number[:6]}19{number[6:]}"
        number += check_character(number)
    if not valid(number):
        raise ValueError("not an ID number")
    return number


def check_character(first_17: str) -> str:
    total = sum(int(digit) * weight for digit, weight in zip(first_17, WEIGHTS, strict=True))
    return CHECK_CHARACTERS[total % 11]


def valid(number: str) -> bool:
    """Whether length, birth date and check character agree."""
    if len(number) != LENGTH or not number.isascii() or not number[:17].isdigit():
        return False
    try:
        ric.get_birth_date(number)
    except exceptions.ValidationError:
        return False
    return number[17] == check_character(number[:17])


def birth_date(number: str) -> date:
    """The birth date in a valid number."""
    return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
