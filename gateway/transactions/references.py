"""The reference of a transaction: 14 digits, random, with a check digit. Pure.

Damm's check digit catches every single wrong digit and every swap of neighbours,
which is what goes wrong when a number is keyed or read aloud.
"""

from __future__ import annotations

from stdnum import damm

REFERENCE_DIGITS = 14


def reference(draw: int) -> str:
    """The reference made of a random number below 10¹³."""
    digits = f"{draw:0{REFERENCE_DIGITS - 1}d}"
    return digits + damm.calc_check_digit(digits)


def is_reference(text: str) -> bool:
    return len(text) == REFERENCE_DIGITS and text.isascii() and text.isdigit() and bool(damm.is_valid(text))
