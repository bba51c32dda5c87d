"""``/metrics``, ``/readyz`` and ``/healthz`` tell machines the truth, and the right machines only."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert, text

from gateway import readiness
from gateway.app import create_app
from gateway.delivery import measures, receipts
from gateway.delivery.attempt import run_lane
from gateway.delivery.claim import claim_lane
from gateway.notifications.entries import ledger
from gateway.notifications.pauses import Kind, pause
from gateway.providers import Accepted, Cause, Delivery, Rejected
from gateway.route_settings import Allowance
from gateway.runtime import Runtime
from tests.world import World

LANE = "sms.normal"


def client(runtime: Runtime) -> FlaskClient:
    return create_app(runtime).test_client()


def scrape(runtime: Runtime) -> dict[tuple[str, ...], float]:
    """Every sample, by its name and its labels' values in the order of their names."""
    answer = client(runtime).get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, *(sample.labels[key] for key in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def traffic(world: World) -> None:
    """Two accepted, one of them delivered; one refused; two waiting, the older one 20 s."""
    world.settle(3)
    world.provider.script = lambda handover, message: (
        Rejected("isv.BLACK_LIST", Cause.RECIPIENT)
        if message.address.endswith(world.people[2].mobile)
        else Accepted(f"ref-{handover}")
    )
    world.take(3)
    world.clock.advance(seconds=2)
    run_lane(world.runtime, LANE)
    with world.runtime.db.write() as tx:
        receipts.keep(tx, world.runtime, "scripted", world.provider.report(0, Delivery.DELIVERED))
    receipts.apply_due(world.runtime)
    world.take(1)
    world.clock.advance(seconds=20)
    world.take(1)


def test_the_figures_are_those_of_the_traffic(world: World) -> None:
    traffic(world)
    seen = scrape(world.runtime)
    expected = {
        ("huiyin_lane_depth", LANE): 2,
        ("huiyin_lane_depth", "sms.bulk"): 0,
        ("huiyin_lane_oldest_age_seconds", LANE): 20,
        ("huiyin_lane_in_flight", LANE): 0,
        ("huiyin_attempts_total", "accepted", "scripted"): 2,
        ("huiyin_attempts_total", "rejected", "scripted"): 1,
        ("huiyin_receipts_total", "delivered", "scripted"): 1,
        ("huiyin_handover_seconds_count", LANE): 2,
        ("huiyin_handover_seconds_sum", LANE): 4,
        ("huiyin_handover_seconds_bucket", LANE, "1.0"): 0,
        ("huiyin_handover_seconds_bucket", LANE, "2.5"): 2,
        ("huiyin_handover_seconds_bucket", LANE, "+Inf"): 2,
        ("huiyin_ledger_difference",): 0,
        ("huiyin_receipts_waiting",): 0,
    }
    sorted_labels = {tuple(sorted(key)): value for key, value in seen.items()}
    assert {key: sorted_labels.get(tuple(sorted(key))) for key in expected} == expected
    assert any(key[0] == "huiyin_schema_info" for key in seen)


def test_what_a_worker_holds_is_in_flight(world: World) -> None:
    world.settle(2)
    world.take(2)
    claim_lane(world.runtime, LANE, 1)
    seen = scrape(world.runtime)
    assert (seen["huiyin_lane_in_flight", LANE], seen["huiyin_lane_depth", LANE]) == (1, 1)


def test_a_hole_in_the_ledger_shows(world: World) -> None:
    world.settle(1)
    world.take(1)
    with world.runtime.db.write() as tx:
        tx.execute(insert(ledger).values(lane=LANE, entry="taken", difference=2))
    assert scrape(world.runtime)["huiyin_ledger_difference",] == 2


def test_receipts_that_wait_are_counted(world: World) -> None:
    world.settle(1)
    world.take(1)
    run_lane(world.runtime, LANE)
    with world.runtime.db.write() as tx:
        receipts.keep(tx, world.runtime, "scripted", world.provider.report(0))
    assert scrape(world.runtime)["huiyin_receipts_waiting",] == 1


def test_two_processes_count_together_and_a_restart_loses_nothing(
    database_url: str, make_world: Callable[[str], World]
) -> None:
    """Whichever is asked tells the same, also after the counts were summed up."""
    one, other = make_world(database_url), make_world(database_url)
    one.settle(2)
    other.people = one.people
    one.take(1)
    run_lane(one.runtime, LANE)
    other.take(2)
    run_lane(other.runtime, LANE)
    before = scrape(one.runtime)
    assert before["huiyin_attempts_total", "accepted", "scripted"] == 3
    assert scrape(other.runtime) == before
    with one.runtime.db.write() as tx:
        measures.compact(tx)
    assert scrape(make_world(database_url).runtime) == before


def test_minutes_are_kept_for_an_hour_and_then_summed_up(world: World) -> None:
    """Compacting changes no total and no minute somebody may still look at."""
    key: measures.Key = (measures.ATTEMPTS, "scripted", "accepted")
    with world.runtime.db.write() as tx:
        for minute in range(150):
            for _ in range(2):
                measures.add(tx, {key: 1}, world.clock())
            world.clock.advance(minutes=1 if minute < 149 else 0)
        since = world.clock.advance(minutes=-59)
        before = measures.by_minute(tx, since, measures.ATTEMPTS)
        assert list(before.values()) == [2.0] * 60
        saved = measures.compact(tx)
        assert saved == 300 - measures.MINUTES_KEPT - 2
        assert measures.by_minute(tx, since, measures.ATTEMPTS) == before
        assert measures.totals(tx) == {key: 300.0}


# --- who may read ----------------------------------------------------------------------------

OWN, ELSEWHERE = {"REMOTE_ADDR": "127.0.0.1"}, {"REMOTE_ADDR": "192.0.2.7"}
BEARER = {"Authorization": "Bearer scraper"}


@pytest.mark.parametrize(
    ("token", "proxies", "where", "headers", "status"),
    [
        ("", 0, OWN, {}, 200),
        ("", 0, {"REMOTE_ADDR": "::1"}, {}, 200),
        ("", 0, ELSEWHERE, {}, 403),
        ("", 0, {"REMOTE_ADDR": ""}, {}, 403),
        ("", 0, ELSEWHERE, {"Authorization": "Bearer "}, 403),
        ("", 0, OWN, {"X-Forwarded-For": "192.0.2.7"}, 403),  # a proxy on this machine, not in the settings
        ("", 1, OWN, {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("", 1, OWN, {}, 403),
        ("scraper", 1, OWN, {"X-Forwarded-For": "192.0.2.7", **BEARER}, 200),
        ("scraper", 0, ELSEWHERE, BEARER, 200),
        ("scraper", 0, ELSEWHERE, {"Authorization": "Bearer other"}, 403),
        ("scraper", 0, ELSEWHERE, {"Authorization": "Basic scraper"}, 403),
        ("scraper", 0, OWN, {}, 200),
    ],
)
def test_this_machine_may_read_and_whoever_has_the_token(
    token: str, proxies: int, where: dict[str, str], headers: dict[str, str], status: int, sqlite_world: World
) -> None:
    """Through a proxy everybody seems to be this machine, so there only the token counts."""
    here = sqlite_world.runtime
    settings = replace(here.settings, metrics_token=token, trusted_proxies=proxies)
    answer = client(replace(here, settings=settings)).get("/metrics", environ_base=where, headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("https://12333.example.gov.cn", 403),
        ("http://192.0.2.7:12333", 403),
        ("http://127.0.0.1:12333", 200),
        ("http://[::1]:12333", 200),
        ("http://localhost:12333", 200),
    ],
)
def test_where_citizens_come_by_another_address_only_the_token_counts(
    url: str, status: int, sqlite_world: World
) -> None:
    """A proxy that says nothing of itself makes everybody seem to be this machine."""
    here = sqlite_world.runtime
    public = replace(here, settings=replace(here.settings, public_url=url, metrics_token="scraper"))
    assert client(public).get("/metrics", environ_base=OWN).status_code == status
    assert client(public).get("/metrics", environ_base=OWN, headers=BEARER).status_code == 200


# --- readiness -------------------------------------------------------------------------------


def ready(runtime: Runtime) -> tuple[int, Any, float]:
    began = time.monotonic()
    asking = client(runtime)
    answer = asking.get("/readyz")
    assert asking.get("/healthz").json == {"status": "ok"}
    return answer.status_code, answer.json, time.monotonic() - began


def test_a_process_with_its_database_is_ready(world: World) -> None:
    assert ready(world.runtime)[:2] == (200, {"status": "ok", "warnings": []})


def test_an_old_schema_is_not_ready_and_the_way_out_is_named(world: World) -> None:
    with world.runtime.db.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    assert ready(world.runtime)[:2] == (503, {"status": readiness.OLD_SCHEMA})


def test_a_database_that_is_gone_is_said_in_json(
    postgres_template: str, make_world: Callable[..., World]
) -> None:
    """While it is there, and after it was dropped under open connections."""
    with psycopg.connect(postgres_template, autocommit=True) as server:
        server.execute("CREATE DATABASE soon_gone TEMPLATE template_huiyin")
        url = postgres_template.rpartition("/")[0] + "/soon_gone"
        world = make_world(url.replace("postgresql://", "postgresql+psycopg://"))
        assert ready(world.runtime)[0] == 200
        server.execute("DROP DATABASE soon_gone WITH (FORCE)")
        assert ready(world.runtime)[:2] == (503, {"status": readiness.SILENT})
        answer = client(world.runtime).get("/metrics")
        assert answer.status_code == 503
        assert "Traceback" not in answer.text


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # nobody holds up SQLite's readers
def test_a_database_that_hangs_is_said_within_a_second(world: World) -> None:
    """Also to the second who asks, while the first question still hangs."""
    with world.runtime.db.write() as tx:
        tx.execute(text("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"))
        asking = client(world.runtime)
        for _ in range(2):
            began = time.monotonic()
            answer = asking.get("/readyz")
            assert (answer.status_code, answer.json) == (503, {"status": readiness.SILENT})
            assert time.monotonic() - began < 1
    deadline = time.monotonic() + 10
    while asking.get("/readyz").status_code != 200:  # the question that hung is answered now
        assert time.monotonic() < deadline


def test_a_paused_lane_changes_no_readiness(world: World) -> None:
    with world.runtime.db.write() as tx:
        pause(tx, Kind.LANE, LANE, "lin", world.clock())
    assert ready(world.runtime)[0] == 200


def test_how_providers_stand_and_what_they_had_no_room_for_is_told(sqlite_world: World) -> None:
    """One sample for each provider's state, and messages counted by the bound they met."""
    world = sqlite_world
    allowances = {"scripted": Allowance(per_second=1)}
    world.runtime = replace(world.runtime, settings=replace(world.runtime.settings, allowances=allowances))
    world.settle(3)
    world.take(3)
    run_lane(world.runtime, LANE)
    found = scrape(world.runtime)
    assert found["huiyin_provider_state", "scripted", "closed"] == 1
    assert found["huiyin_held_back_total", "scripted", "provider_rate"] == 2
