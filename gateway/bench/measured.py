"""The whole bench: ceilings first, then each part asked for, as one object."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from rich.console import Console
from sqlalchemy import select

from gateway.bench import (
    accepting,
    ceilings,
    end_to_end,
    lanes,
    machine,
    posts,
    releasing,
    sending,
    targets,
    urgency,
)
from gateway.bench.accepting import VALUES
from gateway.bench.stage import Say, Stage, staged
from gateway.content.registered import provider_templates
from gateway.content.rendering import compile_body
from gateway.content.store import template_versions, templates
from gateway.providers import ReviewState

RUNS = 3
FOUND_AT_RELEASE = (
    "losers_p50_ms",
    "losers_p99_ms",
    "losers_max_ms",
    "winners_p50_ms",
    "winners_p99_ms",
    "load",
)
QUICK = 5  # times fewer messages
POSTS = 10_000
BACKLOGS = (10_000, 100_000, 1_000_000)
Spent = dict[str, dict[str, int]]  # microseconds for a message, by part and by who spent them


def measure(only: Collection[str], *, quick: bool, sqlite: bool, say: Say) -> dict[str, Any]:
    """Measure the parts named (all where none is); the object ``bench --json`` prints.

    Figures are in messages a second and milliseconds, ``cpu_us_per_message`` in microseconds
    by part and by who spent them. ``ratios`` are to the empty task's ceiling, or to the same
    figure idle or small. ``duplicates`` are by the sandbox's count of people and texts: one
    would have stopped the bench.
    """
    wanted = set(only or NAMES)
    with staged(say, sqlite=sqlite) as stage:
        result: dict[str, Any] = {"machine": machine.described(), "ceilings": _ceilings(stage, quick, say)}
        spent: Spent = {}
        for name in NAMES:
            if name in wanted:
                result[name] = PARTS[name](stage, QUICK if quick else 1, spent, say)
    duplicates = 0 if wanted - {"accept", "release"} else None
    result |= {"cpu_us_per_message": spent, "duplicates": duplicates}
    return result | {"ratios": targets.ratios(result)}


def _ceilings(stage: Stage, quick: bool, say: Say) -> dict[str, int | None]:
    say("Ceilings: empty tasks, rows copied, posts answered.")
    fewer = QUICK if quick else 1
    return {
        "celery_noop_per_s": round(ceilings.noop_tasks(stage.settings.broker_url)),
        "db_copy_rows_per_s": (
            round(ceilings.copied_rows(stage.database.url(), ceilings.ROWS // fewer))
            if stage.database
            else None
        ),
        "provider_posts_per_s": round(_posts(stage, POSTS // fewer)),
    }


def _posts(stage: Stage, count: int) -> float:
    stage.sandbox("settings", limits=False)
    given, (template, values) = stage.settings.environment, _template(stage)
    account = (
        given["ALIYUN_ACCESS_KEY_ID"],
        given["ALIYUN_ACCESS_KEY_SECRET"],
        given["ALIYUN_SMS_SIGN_NAME"],
    )
    made = [posts.send_sms(*account, template, values, number) for number in range(1, count + 1)]
    return ceilings.posts(stage.instance.sandbox_url, made, posts.FINE)


def _template(stage: Stage) -> tuple[str, Mapping[str, str]]:
    """The sandbox's code of the text the bench sends, and the values by the names it has there."""
    known, versions = provider_templates.c, template_versions.c
    version = (versions.template_id == known.template_id) & (versions.version == known.version)
    query = (
        select(known.code, versions.body)
        .join(templates, templates.c.id == known.template_id)
        .join(template_versions, version)
        .where(templates.c.name == lanes.TEMPLATE, templates.c.language == "zh-CN")
        .where(templates.c.channel == "sms", known.state == ReviewState.APPROVED)
    )
    with stage.runtime.db.read() as tx:
        code, body = tx.execute(query.limit(1)).one()
    return code, compile_body(body).rendered(VALUES)[1]


# --- the parts ------------------------------------------------------------------------------


def _accept(stage: Stage, fewer: int, spent: Spent, say: Say) -> dict[str, Any]:
    messages = accepting.MESSAGES // fewer
    say(f"Taking {messages:,} single messages, {RUNS} times without keys and with.")
    run, keyed = accepting.measure(stage, messages, RUNS)
    spent["accept"], spent["accept_keyed"] = _rounded(run.cpu_us), _rounded(keyed.cpu_us)
    return {
        "per_s": round(run.per_s),
        "p50_ms": round(run.p50_ms, 1),
        "p99_ms": round(run.p99_ms, 1),
        "keyed_per_s": round(keyed.per_s),
        "keyed_p99_ms": round(keyed.p99_ms, 1),
    }


def _send(stage: Stage, fewer: int, spent: Spent, say: Say) -> dict[str, Any]:
    rates = {}
    for part in sending.PARTS:
        messages = part.messages // fewer
        say(f"Sending {messages:,} by {part.name}, {RUNS} times.")
        run = sending.measure(stage, part, messages, RUNS)
        rates[part.name] = round(run.per_s)
        spent[part.name] = _rounded(run.cpu_us)
    return rates


def _end_to_end(stage: Stage, fewer: int, spent: Spent, say: Say) -> dict[str, Any]:
    recipients = end_to_end.RECIPIENTS // fewer
    say(f"A broadcast to a list of {recipients:,}, receipts and all.")
    run = end_to_end.measure(stage, recipients)
    spent["end_to_end"] = _rounded(run.cpu_us)
    return {"recipients": recipients, "per_s": round(run.per_s)}


def _urgent(stage: Stage, fewer: int, _spent: Spent, say: Say) -> dict[str, Any]:
    backlog = urgency.BACKLOG // (1 if fewer == 1 else 2)
    say(f"Codes, idle and behind {backlog:,} notices.")
    idle, loaded = urgency.measure(stage, backlog)
    both = {"idle": idle, "loaded": loaded}
    return {
        f"{when}_{name}": round(getattr(waits, name), 1)
        for when, waits in both.items()
        for name in ("p50_ms", "p99_ms")
    }


def _backlog(stage: Stage, fewer: int, spent: Spent, say: Say) -> list[dict[str, Any]]:
    """The largest once; ``--quick`` leaves it out."""
    rows = []
    for messages in BACKLOGS[: None if fewer == 1 else 2]:
        say(f"A backlog of {messages:,}.")
        if messages < BACKLOGS[-1]:
            run = sending.measure(stage, lanes.BATCHED, messages, RUNS)
        else:
            run = sending.once(stage, lanes.BATCHED, messages)
        spent[f"backlog_{messages}"] = _rounded(run.cpu_us)
        rows.append({"rows": messages, "per_s": round(run.per_s), "worker_rss_mb": run.workers_rss_mb})
    return rows


def _release(stage: Stage, _fewer: int, spent: Spent, say: Say) -> dict[str, Any]:
    say(f"{releasing.CLIENTS} clients at once for {releasing.PLACES} places, {RUNS} times.")
    run = releasing.measure(stage, RUNS)
    spent["release"] = _rounded(run.cpu_us)
    found = {name: round(getattr(run, name), 1) for name in FOUND_AT_RELEASE}
    return {"clients": releasing.CLIENTS, "places": releasing.PLACES, **found}


def _rounded(cpu_us: Mapping[str, float]) -> dict[str, int]:
    return {name: round(us) for name, us in cpu_us.items()}


PARTS: Mapping[str, Callable[[Stage, int, Spent, Say], Any]] = {
    "accept": _accept,
    "send": _send,
    "end_to_end": _end_to_end,
    "urgent": _urgent,
    "backlog": _backlog,
    "release": _release,
}
NAMES = tuple(PARTS)


def summary(result: Mapping[str, Any]) -> None:
    """For people: each figure beside its target, and what a message costs."""
    console = Console(highlight=False)
    console.print(f"empty Celery tasks: {result['ceilings']['celery_noop_per_s']:,}/s")
    console.print(targets.table(targets.verdicts(result)))
    for part, cost in result["cpu_us_per_message"].items():
        shares = ", ".join(f"{name} {us}" for name, us in cost.items())
        console.print(f"{part}: {sum(cost.values())} us a message ({shares})")
