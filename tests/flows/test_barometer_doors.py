"""The barometer at the console, the API and the command: one report, and what is no report said plainly."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from gateway.app import create_app
from gateway.barometer import roll
from gateway.runtime import Runtime
from gateway.services import store as services
from tests.flows.operator import Operator, employ
from tests.flows.shell import Shell
from tests.flows.test_api_levers import Operator as System
from tests.stores.test_barometer import fortnight
from tests.world import World

WEEK = "2026-W47"


@pytest.fixture
def world(sqlite_world: World) -> World:
    """A fortnight of matters that ends on Sunday the 22nd."""
    employ(sqlite_world)
    fortnight(sqlite_world)
    roll.run(sqlite_world.runtime)
    return sqlite_world


def test_console_and_api_tell_the_same_and_neither_tells_a_few(world: World) -> None:
    """Every number of the API stands on the page; the plots have no script; a wrong question is answered."""
    with world.runtime.db.write() as tx:
        service = services.ensure_service(tx, "statistics", world.clock.now)
        scopes = [services.OPERATE]
        key = services.create_key(tx, world.runtime.vault, service, "key", world.clock.now, scopes=scopes)
    app = create_app(world.runtime)
    told = System(world, app.test_client(), key).get(f"/barometer?week={WEEK}").json
    operator = Operator(app)
    operator.sign_in()
    page = operator.get(f"/ops/barometer?week={WEEK}")
    assert operator.page.text.count('<svg xmlns="http://www.w3.org/2000/svg" class="chart"') == 2
    assert "<script>" not in operator.page.text
    assert "style=" not in operator.page.text
    lines = [*told["headline"], *told["matters"], *(one for part in told["groups"].values() for one in part)]
    shown = [line["now"] for line in lines if line["now"] is not None]
    assert "<5" in shown
    assert not [value for value in shown if isinstance(value, int) and 0 < value < 5]
    assert all(str(value) in page for value in shown)
    assert operator.client.get("/ops/plots.css").text.startswith(".chart")
    wrong = {"week=48": "is no week", "around=2027-01-01": "has not come yet", "to=x": "Give both"}
    for asked, said in wrong.items():
        answer = System(world, app.test_client(), key).get(f"/barometer?{asked}")
        assert (answer.status_code, said in answer.text) == (400, True)
        assert said in operator.get(f"/ops/barometer?{asked}")


def test_the_command_counts_and_prints_as_people_data_sheet_and_page(run: Shell, books: Runtime) -> None:
    """The same numbers in JSON and CSV; the page is one file without anything from elsewhere."""
    week = run.json("barometer", "--around", "2026-11-20")
    assert week["policy"] == {"day": "2026-11-20", "name": ""}
    assert week["counted_at"]
    sheet = list(csv.DictReader(io.StringIO(run("barometer", "--around", "2026-11-20", "--csv").stdout)))
    names = [row["name"] for row in sheet if row["part"] == "headline"]
    assert names == [one["name"] for one in week["headline"]]
    page = run("barometer", "--around", "2026-11-20", "--html").stdout
    assert page.startswith("<!doctype html>")
    assert not re.search(r"<script|https?://(?!www.w3.org/2000/svg)|src=", page)
    assert "beside" in run("barometer").stdout
    wrong = run("barometer", "--week", "soon")
    assert (wrong.exit_code, "is no week" in wrong.output) == (2, True)
    assert json.dumps(week)
    assert books
