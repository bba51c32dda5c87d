"""Reading a city's file: wrong ones are refused on the right line, whatever is wrong with them."""

from __future__ import annotations

import re
import string
import tomllib
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import cities
from gateway.rules import files, lines, shown, tree
from gateway.rules.files import SHIPPED, Problem, RulesFileError
from gateway.rules.shown import Origin

ONE_LINE = re.compile(r'("?[\w.]+"?) = .+')
CHANGDE = (SHIPPED / "changde.toml").read_text("utf-8")
ROWS = CHANGDE.splitlines()
PLACES = [n for n, row in enumerate(ROWS) if ONE_LINE.fullmatch(row) and not row.endswith("[")]


def _read(text: str) -> files.Document:
    return files.read(text, "changde", "changde.toml")


def _problems(text: str) -> list[Problem] | None:
    """What is wrong with a file; None: nothing."""
    try:
        _read(text)
    except RulesFileError as refusal:
        return refusal.problems
    return None


# --- where things stand --------------------------------------------------------------------------

names = st.text(string.ascii_letters + "0123456789-_", min_size=1, max_size=6) | st.text(
    "ab .#=[]{}\"'\\é汉", max_size=5
)
scalars = (
    st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | st.dates(date(1900, 1, 1))
    | st.times().map(lambda at: at.replace(microsecond=0))
    | st.text("ab \n\"'#=[]{},\\.汉", max_size=8)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
documents = st.dictionaries(names, values, max_size=4)


class Writer:
    """Writes TOML in ways drawn from ``data``, and notes on which line it put what."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.text = ""
        self.placed: dict[tuple[str | int, ...], int] = {}

    def _now(self) -> int:
        return self.text.count("\n") + 1

    def _choose(self, *ways: str) -> str:
        return self.data.draw(st.sampled_from(ways))

    def _gap(self, *, lines: bool) -> None:
        self.text += self._choose("", " ", "\t", *(("\n", ' # it\'s [a] "note" = {\n') if lines else ()))

    def key(self, name: str) -> str:
        if (
            name
            and set(name) <= set(string.ascii_letters + "0123456789-_")
            and self._choose("bare", "quoted") == "bare"
        ):
            return name
        if "'" not in name and self._choose("'", '"') == "'":
            return f"'{name}'"
        return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def table(self, path: tuple[str | int, ...], table: dict[str, Any]) -> None:
        """Its plain keys, then what stands under headings."""
        later = {k: v for k, v in table.items() if self._is_headed(v)}
        for name, value in table.items():
            if name not in later:
                self._gap(lines=True)
                self._pair((*path, name), name, value)
                self.text += self._choose("\n", " # note\n", "\r\n")
        for name, value in later.items():
            self._headed((*path, name), value)

    def _is_headed(self, value: Any) -> bool:
        if isinstance(value, list):
            return (
                bool(value)
                and all(isinstance(one, dict) for one in value)
                and self._choose("[[", "[") == "[["
            )
        return isinstance(value, dict) and self._choose("[", "{") == "["

    def _headed(self, path: tuple[str | int, ...], value: Any) -> None:
        written = ".".join(self.key(str(step)) for step in path if isinstance(step, str))
        for number, one in enumerate(value) if isinstance(value, list) else [(None, value)]:
            here = path if number is None else (*path, number)
            self.placed[here] = self._now()
            self.text += f"[{written}]\n" if number is None else f"[[ {written} ]] # one more\n"
            self.table(here, one)

    def _pair(self, path: tuple[str | int, ...], name: str, value: Any) -> None:
        self.placed[path] = self._now()
        self.text += f"{self.key(name)} = "
        self._value(path, value)

    def _value(self, path: tuple[str | int, ...], value: Any) -> None:
        if isinstance(value, dict):
            self.text += "{"
            for number, (name, one) in enumerate(value.items()):
                self.text += ", " if number else " "
                self._pair((*path, name), name, one)
            self.text += " }"
        elif isinstance(value, list):
            self.text += "["
            for number, one in enumerate(value):
                self._gap(lines=True)
                self.placed[(*path, number)] = self._now()
                self._value((*path, number), one)
                self.text += ","
            self._gap(lines=True)
            self.text += "]"
        else:
            self.text += self._scalar(value)

    def _scalar(self, value: Any) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, date | time):
            return value.isoformat()
        if not isinstance(value, str):
            return repr(value)
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        if "\n" in value or self._choose("one", "three") == "three":
            return f'"""{escaped}"""' if not value.startswith("\n") else f'"""\n{escaped}"""'
        return f'"{escaped}"'


@given(documents, st.data())
def test_every_key_is_found_on_its_line(document: dict[str, Any], data: st.DataObject) -> None:
    """However a TOML file is written: quoted keys, comments, lists over lines, tables in lists."""
    writer = Writer(data)
    writer.table((), document)
    assert tomllib.loads(writer.text) == document
    found = lines.lines(writer.text.replace("\r\n", "\n"))
    assert {path: found.get(path) for path in writer.placed} == writer.placed


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES, ids=lambda n: f"{n + 1} {ROWS[n].split(' = ')[0]}")
def test_a_wrong_value_is_refused_on_its_line(place: int) -> None:
    """Whichever rule it is: none is a negative fraction."""
    key = ROWS[place].split(" = ")[0]
    with pytest.raises(RulesFileError) as refusal:
        _read("\n".join([*ROWS[:place], f"{key} = -1.5", *ROWS[place + 1 :]]))
    assert place + 1 in {problem.line for problem in refusal.value.problems}
    assert all(problem.reason for problem in refusal.value.problems)


@given(st.data())
def test_a_spoilt_file_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    """Lines lost, doubled, swapped, cut or overwritten: a refusal names lines the file has."""
    rows = list(ROWS)
    for _ in range(data.draw(st.integers(1, 4))):
        here, there = (data.draw(st.integers(0, len(rows) - 1)) for _ in range(2))
        match data.draw(st.sampled_from("lose double swap cut write".split())):
            case "lose":
                del rows[here]
            case "double":
                rows.insert(there, rows[here])
            case "swap":
                rows[here], rows[there] = rows[there], rows[here]
            case "cut":
                rows[here] = rows[here][: data.draw(st.integers(0, 30))]
            case _:
                at = data.draw(st.integers(0, len(rows[here])))
                junk = data.draw(st.text("[]{}=\"'\\#,.\n\0é汉0aZ-\ud7ff\U0001f600", max_size=4))
                rows[here] = rows[here][:at] + junk + rows[here][at + 1 :]
    text = "\n".join(rows)
    problems = _problems(text)
    assert problems is None or all(1 <= problem.line <= text.count("\n") + 1 for problem in problems)
    assert problems != []


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_refused_by_line(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    """Another encoding, a picture, nothing at all."""
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(raw)
    with pytest.raises(RulesFileError) as refusal:
        files.open_file(path, "any")
    assert all(1 <= problem.line <= raw.count(b"\n") + 1 for problem in refusal.value.problems)


@pytest.mark.parametrize("text", ["a = " + "[" * 50_000, "a = " + "{a=" * 50_000, "a." * 50_000 + "b = 1"])
def test_a_file_nested_without_end_is_refused(text: str) -> None:
    """In words, as everything else."""
    with pytest.raises(RulesFileError, match="is longer than 4,000 characters"):
        _read(text)


def test_all_that_is_wrong_is_said_at_once_with_what_was_meant(tmp_path: Path) -> None:
    """Each on its line, one under the other; a mistyped name with the right one, what stands above once."""
    text = CHANGDE.replace("\nslot_minutes =", "\nslot_minuts =").replace(
        "[version.card_loss]", "[version.card_los]"
    )
    path = tmp_path / "changde.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(RulesFileError) as refusal:
        cities.load(tmp_path)
    said = str(refusal.value).splitlines()
    rows = text.splitlines()
    slot = rows.index("slot_minuts = 30") + 1
    cards = [n + 1 for n, row in enumerate(rows) if row == "[version.card_los]"]
    assert said == [
        f"{path}:{slot}: appointment.slot_minuts: Unknown field. Perhaps slot_minutes is meant.",
        *(
            f"{path}:{line}: [[version]] {n}: card_los: Unknown field. Perhaps card_loss is meant."
            for n, line in enumerate(cards, start=1)
        ),
    ]


def test_a_source_is_given_for_rules_there_are() -> None:
    """A mistyped one would never be shown."""
    with pytest.raises(RulesFileError, match=r"sources\.pension_auth\.cycl: Unknown field"):
        _read(CHANGDE.replace('"pension_auth.cycle"', '"pension_auth.cycl"'))


# --- what is shown -------------------------------------------------------------------------------


@pytest.mark.parametrize("city", sorted(cities.shipped()))
def test_every_shipped_rule_says_where_it_stands_and_of_when_that_is(city: str) -> None:
    """Nothing in a file lacks a source and its date; what a file leaves out is the product's."""
    mine = cities.shipped()[city]
    for rules in mine.versions:
        assert list(shown.unsourced(rules)) == []
        for rule in shown.rules(mine, rules.version):
            assert rule.source
            assert rule.given == (rule.source_date is not None)
            assert rule.given or rule.origin is Origin.PRODUCT


def test_a_rule_is_shown_with_the_source_nearest_to_it() -> None:
    """Its own before its block's, its list's before the version's."""
    found = {rule.key: rule for rule in shown.rules(cities.shipped()["changde"], 2)}
    cycle, visits, grace = (found[f"pension_auth.{key}"] for key in ("cycle", "home_visits", "grace_days"))
    assert (cycle.origin, cycle.source[:6]) == (Origin.CITY, "湖南省公开规")
    assert (visits.origin, visits.given, grace.origin, grace.given) == ("product", True, "product", False)
    assert (found["halls.shi.name"].origin, found["districts.430702.name"].origin) == ("demo", "city")
    assert (found["card_loss.duration"].since, found["card_loss.unit"].since) == (2, 1)


def test_a_value_that_came_back_counts_since_it_came_back() -> None:
    """5, then 7, then 5 again: since the third version."""
    again = ["[[version]]", "version = 3", "in_force_from = 2027-01-01", 'source = "x"']
    text = "\n".join([CHANGDE, *again, "[version.card_loss]", "duration = 5"])
    mine = cities.City("changde", _read(text).versions)
    assert next(rule.since for rule in shown.rules(mine, 3) if rule.key == "card_loss.duration") == 3


def test_two_versions_differ_in_what_the_file_says_otherwise_and_in_nothing_else() -> None:
    """And not from themselves."""
    one, two = cities.shipped()["changde"].versions
    expected = {("card_loss.duration", "5", "7"), ("card_loss.remote_cancel_allowed", "false", "true")}
    assert set(shown.differences(one, two)) == expected
    assert list(shown.differences(two, two)) == []
    elsewhere = cities.shipped()["shanghai"].versions[0]
    halls = {key: (old, new) for key, old, new in shown.differences(two, elsewhere)}
    assert halls["halls.shi.name"] == ("市社保大厅", shown.NONE)


def test_every_rule_of_the_form_is_shown() -> None:
    """Under its name in the file, a block somebody adds by itself; lists and dicts by their entries."""
    own = "{ sms = [], voice = [], email = [] }"
    (rules, *_) = _read(
        CHANGDE.replace("[send_windows]", f"[send_windows]\nnotice = {own}\nreminder = {own}")
    ).versions
    found = set(shown.values(rules))
    for name, _field in tree.leaves():
        if name not in (*shown.APART, *tree.SOURCES):
            assert any(f"{key}.".startswith(f"{name}.") for key in found), name
