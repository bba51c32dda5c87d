"""Going live: what is offered where a back office is missing, and that nothing starts half configured."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gateway import config, readiness
from gateway.app import create_app
from gateway.errors import SettingError, UnknownNameError
from gateway.phone.signals import Answered
from gateway.transactions import engine, registry
from gateway.transactions.registry import types
from tests.flows.citizen import Browser
from tests.flows.test_api import Api, _api
from tests.stores.test_phone_conversations import Caller
from tests.world import World

ROOT = Path(__file__).parents[2]
CARDS = {"CARD_CORE_URL": "http://127.0.0.1:1", "CARD_CORE_APP_ID": "x", "CARD_CORE_SECRET": "x"}
SMS = {
    "ALIYUN_ACCESS_KEY_ID": "x",
    "ALIYUN_ACCESS_KEY_SECRET": "x",
    "ALIYUN_SMS_SIGN_NAME": "常德人社",
    "ALIYUN_CALLBACK_NETWORKS": "203.0.113.0/24",
}


@pytest.fixture
def world(sqlite_world: World) -> World:
    """A city that went live without a pension registry."""
    here = sqlite_world.runtime
    settings = replace(here.settings, demo=False, environment=CARDS)
    sqlite_world.runtime = replace(here, settings=settings)
    return sqlite_world


Check = Callable[..., None]


@pytest.fixture
def check(tmp_path: Path, sqlite_url: str) -> Check:
    def run(**environment: str) -> None:
        readiness.check(config.load({"DATABASE_URL": sqlite_url, **environment}, tmp_path))

    return run


# --- what is offered -----------------------------------------------------------------------------


OWN = {"appointment", "callback_request", "information_change", "message_check"}  # done in our own database


@pytest.mark.parametrize(
    ("demo", "named", "environment", "names"),
    [
        (True, (), {}, set(types())),
        (False, (), {}, OWN),
        (False, (), CARDS, {*OWN, "card_loss", "card_release", "card_status"}),
        (False, (), {**CARDS, "CARD_CORE_SECRET": ""}, OWN),
        (False, ("card_loss",), CARDS, {"card_loss"}),
        (True, ("card_loss", "appointment"), {}, {"appointment", "card_loss"}),
    ],
)
def test_a_type_is_offered_where_it_can_be_done(
    demo: bool, named: tuple[str, ...], environment: Mapping[str, str], names: set[str], sqlite_world: World
) -> None:
    """All in the demo; live those whose back office has its settings, or fewer where the city says so."""
    settings = replace(sqlite_world.runtime.settings, demo=demo, transactions=named, environment=environment)
    assert set(registry.offered(settings)) == names


def test_the_pages_lead_only_to_what_is_offered(world: World) -> None:
    browser = Browser(world, create_app(world.runtime))
    browser.get("/")
    assert "/t/card_loss" in browser.page.text
    assert "/t/pension_auth" not in browser.page.text
    browser.get("/t/pension_auth")
    assert browser.page.status_code == 404
    browser.get("/t/card_loss")
    browser.post("/t/pension_auth")
    assert browser.page.status_code == 404


@pytest.fixture
def api(world: World) -> Api:
    return _api(world)


def test_the_api_names_what_is_offered_and_takes_nothing_else(api: Api) -> None:
    listed = api.get("/v2/transaction-types").json["transaction_types"]
    assert "pension_auth" not in [kind["name"] for kind in listed]
    known = ", ".join(kind["name"] for kind in listed)
    refused = api.post("/v2/transactions", {**api.body(), "type": "pension_auth"})
    assert (refused.status_code, refused.json["errors"][0]["message"]) == (
        400,
        f"type is not one of [{known}]",
    )
    assert api.post("/v2/transaction-types/pension_auth/options", {"answers": {}}).status_code == 404


def test_the_telephone_has_a_key_only_for_what_is_offered(world: World) -> None:
    caller = Caller(world, world.settle(1)[0].id_number)
    caller.do(Answered(), 0)
    said = "".join(line.text for line in caller.heard())
    assert "社保卡" in said
    assert "养老" not in said


def test_no_face_begins_what_is_not_offered(world: World) -> None:
    """Whatever door it comes through."""
    with world.runtime.db.write() as tx, pytest.raises(UnknownNameError):
        engine.open_draft(tx, world.runtime, "pension_auth", "web")


# --- the check -----------------------------------------------------------------------------------


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_settings_of_the_readme_are_enough(readme: str, check: Check) -> None:
    """Its block "Going live", with another database."""
    blocks = re.findall(r"```\n(DATABASE_URL=.*?)```", (ROOT / readme).read_text("utf-8"), re.DOTALL)
    given = dict(line.split("=", 1) for line in blocks[0].replace("…", "x").splitlines())
    given.pop("DATABASE_URL")
    check(**given)


def test_a_back_office_half_configured_is_said(check: Check) -> None:
    """Nobody should wonder why a type is missing from the pages."""
    check(**SMS)
    with pytest.raises(SettingError, match=r"card_core needs CARD_CORE_SECRET \("):
        check(**{**SMS, **CARDS, "CARD_CORE_SECRET": ""})


def test_a_type_that_is_named_needs_its_back_office(check: Check) -> None:
    with pytest.raises(SettingError, match="pension_registry needs PENSION_REGISTRY_URL"):
        check(**SMS, TRANSACTIONS="pension_auth")


def test_an_unknown_type_is_named(check: Check) -> None:
    known = "there are appointment, callback_request, card_loss"
    with pytest.raises(SettingError, match=f"TRANSACTIONS names 'lottery'; {known}"):
        check(TRANSACTIONS="card_loss, lottery")


def test_a_database_that_is_away_stops_nobody(check: Check) -> None:
    """Whoever serves waits for it, and a restart must not depend on it."""
    check(**SMS, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")


@pytest.mark.parametrize(
    "process",
    ["import wsgi", "import tasks.app; from celery.signals import worker_init; worker_init.send(None)"],
    ids=["gunicorn", "celery"],
)
def test_every_process_makes_the_check(process: str, tmp_path: Path) -> None:
    """It stops before its first request or task, and says why."""
    given = {"HUIYIN_CITY": "atlantis", "HUIYIN_STATE": str(tmp_path), "BROKER_URL": "redis://127.0.0.1:1/0"}
    done = subprocess.run(
        [sys.executable, "-c", process],
        cwd=ROOT,
        env={"PATH": os.defpath, **given},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "HUIYIN_CITY is 'atlantis'; there are changde, shanghai" in done.stderr
