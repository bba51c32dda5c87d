"""Sealing, indexing, masking: what leaves a cell or a process."""

from __future__ import annotations

import logging
import os
import re
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import logs
from gateway.demo import city
from gateway.errors import TamperedError
from gateway.security import (
    Vault,
    chance,
    mask_id_number,
    mask_mobile,
    mask_name,
    one_time_code,
    redact,
    redact_written,
)

VAULT = Vault(bytes(32))


@given(st.text())
def test_a_sealed_value_opens_in_its_own_cell(text: str) -> None:
    """What was sealed for a cell comes back from it, and two seals of one value differ."""
    row = uuid4()
    sealed = VAULT.seal("citizens.name", row, text)
    assert VAULT.open("citizens.name", row, sealed) == text
    assert VAULT.seal("citizens.name", row, text) != sealed


def test_a_sealed_value_opens_nowhere_else() -> None:
    """Another row, another column, another key, one changed bit: none opens."""
    row = uuid4()
    sealed = VAULT.seal("citizens.name", row, "王秀英")
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for vault, column, place, value in [
        (VAULT, "citizens.name", uuid4(), sealed),
        (VAULT, "citizens.mobile", row, sealed),
        (Vault(b"x" * 32), "citizens.name", row, sealed),
        (VAULT, "citizens.name", row, changed),
        (VAULT, "citizens.name", row, b""),
    ]:
        with pytest.raises(TamperedError):
            vault.open(column, place, value)


def test_a_blind_index_depends_on_kind_and_key() -> None:
    """Equal values of one kind are equal; a mobile is not found as a reference."""
    assert VAULT.index("mobile", "1") == VAULT.index("mobile", "1")
    assert VAULT.index("mobile", "1") != VAULT.index("reference", "1")
    assert VAULT.index("mobile", "1") != Vault(b"x" * 32).index("mobile", "1")


def test_an_e_mail_address_has_one_index_in_capitals_and_small_letters() -> None:
    """Reports and complaints write it as they like; a reference in other letters is another."""
    assert VAULT.index("email", "Wang.Fang@qq.com") == VAULT.index("email", "wang.fang@qq.com")
    assert VAULT.index("reference", "A") != VAULT.index("reference", "a")


def test_masks_are_the_handbooks() -> None:
    """domain.md, "Masks"."""
    names = {"张小芳": "张*芳", "王秀": "王*", "欧阳小芳": "欧**芳", "李": "*"}
    assert [mask_name(name) for name in names] == list(names.values())
    assert mask_id_number("430726195207071266") == "430726********1266"
    assert mask_mobile("+8613812345678") == "138****5678"


@given(st.integers(0, 5000), st.sampled_from(["{}", "x{}y", "号{}，", "({})", "phone_number={}&x=1"]))
def test_no_id_number_and_no_mobile_passes_the_net(index: int, around: str) -> None:
    """Whoever writes it into a log, our code or a library, it leaves masked."""
    person = next(city.people(1, start=index))
    for secret in (person.id_number, person.mobile, "+86" + person.mobile, "86" + person.mobile):
        assert person.id_number not in redact(around.format(secret))
        assert person.mobile not in redact(around.format(secret))


def test_a_reference_and_a_time_pass_unmasked() -> None:
    """What operators need to read stays: references, times, ids."""
    text = "42197379552324 2026-11-21T16:05:00.123456Z 01a1ff77-7257-7355-b6c6-f67b0d2f 179528846635814880^0"
    assert redact(text) == text


@pytest.mark.parametrize(
    "number",
    [
        "１３８１２３４５６７８",
        "138 1234 5678",
        "138 1234  5678",  # fourteen characters, and no reference
        "138－1234－5678",
        "+86 138-1234-5678",
        "138 1234 5678 139 8765 4321",
        "430726 19520707 1266",
        "４３０７２６１９５２０７０７１２６Ｘ",
        "430726-19520707-126 x",
        "430726195213071266",
    ],
)
def test_a_reason_somebody_types_tells_no_number_of_a_person(number: str) -> None:
    """Full-width, in groups, two in a row, or mistyped; the words, a day and a reference stay."""
    said = redact_written(f"核对 {number} 的来电，2026-11-29 16:05 见 42197379552324")
    assert said.endswith("2026-11-29 16:05 见 42197379552324")
    assert said.startswith("核对 ")
    shown = [len(run) for run in re.findall(r"\d+", said.removesuffix("2026-11-29 16:05 见 42197379552324"))]
    assert sum(shown) <= 10  # of what masks leave: the first and the last digits
    assert "*" in said


def test_a_traceback_of_a_library_is_masked_too(capsys: pytest.CaptureFixture[str]) -> None:
    """An exception whose text holds a number reaches the log masked."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure()
    try:
        raise ValueError("cannot reach 13812345678 of 430726195207071266")
    except ValueError:
        logging.getLogger("some.library").exception("request for 13812345678 failed")
    finally:
        root.handlers[:], root.level = handlers, level
    written = capsys.readouterr().err
    assert "138****5678" in written
    assert "13812345678" not in written
    assert "430726195207071266" not in written


def test_codes_are_six_digits() -> None:
    """Leading zeros are kept."""
    assert all(len(code) == 6 and code.isdigit() for code in (one_time_code() for _ in range(1000)))


def test_chance_is_given_once_in_threads_and_children() -> None:
    """A nonce used twice would open what is sealed; a child of a process begins with its own."""
    with ThreadPoolExecutor(4) as threads:
        some = threads.map(lambda _: [chance() for _ in range(700)], range(4))
    assert len(set().union(*some)) == 2_800
    reading, writing = os.pipe()
    if not (child := os.fork()):
        os.write(writing, chance())
        os._exit(0)
    ours = chance()
    os.waitpid(child, 0)
    assert os.read(reading, 16) != ours
