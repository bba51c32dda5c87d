"""The whole bench: ceilings first, then each part asked for, as one object."""

from __future__ import annotations

from collections.abc import Collection
from statistics import mean
from typing import Any

from sqlalchemy import select

from gateway.bench import ceilings, machine, posts, sending
from gateway.bench.sending import PARTS
from gateway.bench.stage import Say, Stage, staged
from gateway.content.store import provider_templates, templates
from gateway.providers import ReviewState

RUNS = 3
QUICK = 5  # times fewer messages
POSTS = 10_000
NAMES = ("send", "backlog")
BACKLOGS = (10_000, 100_000)


def measure(only: Collection[str], *, quick: bool, sqlite: bool, say: Say) -> dict[str, Any]:
    """Measure the parts named (all where none is); the object ``bench --json`` prints.

    ``send`` and ``backlog`` are in messages handed over a second, ``cpu_us_per_message`` in
    microseconds by part and by who spent them; ``ratios`` are to the empty task's ceiling.
    """
    wanted = set(only or NAMES)
    with staged(say, sqlite=sqlite) as stage:
        result: dict[str, Any] = {"machine": machine.described(), "ceilings": _ceilings(stage, quick, say)}
        if "send" in wanted:
            result |= _send(stage, quick, say)
        if "backlog" in wanted:
            result["backlog"] = _backlog(stage, quick, say)
    noop = result["ceilings"]["celery_noop_per_s"]
    result["ratios"] = {name: round(per_s / noop, 2) for name, per_s in result.get("send", {}).items()}
    return result


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


def _copied(stage: Stage, count: int) -> int | None:
    return round(ceilings.copied_rows(stage.database.url(), count)) if stage.database else None


def _posts(stage: Stage, count: int) -> float:
    stage.sandbox("settings", limits=False)
    given, template = stage.settings.environment, _template(stage)
    account = (
        given["ALIYUN_ACCESS_KEY_ID"],
        given["ALIYUN_ACCESS_KEY_SECRET"],
        given["ALIYUN_SMS_SIGN_NAME"],
    )
    made = [posts.send_sms(*account, template, {"name": "王*"}, number) for number in range(1, count + 1)]
    return ceilings.posts(stage.instance.sandbox_url, made, posts.FINE)


def _template(stage: Stage) -> str:
    """The sandbox's code of the text the bench sends."""
    known = provider_templates.c
    query = (
        select(known.code)
        .join(templates, templates.c.id == known.template_id)
        .where(templates.c.name == sending.TEMPLATE, templates.c.language == "zh-CN")
        .where(templates.c.channel == "sms", known.state == ReviewState.APPROVED)
    )
    with stage.runtime.db.read() as tx:
        return str(tx.execute(query.limit(1)).scalar_one())


def _send(stage: Stage, quick: bool, say: Say) -> dict[str, Any]:
    rates, costs = {}, {}
    for part in PARTS:
        messages = part.messages // (QUICK if quick else 1)
        say(f"Sending {messages:,} by {part.name}, {RUNS} times.")
        run = sending.measure(stage, part, messages, RUNS)
        rates[part.name] = round(run.per_s)
        costs[part.name] = {name: round(us) for name, us in run.cpu_us.items()}
    return {"send": rates, "cpu_us_per_message": costs}


def _backlog(stage: Stage, quick: bool, say: Say) -> list[dict[str, Any]]:
    rows = []
    for messages in BACKLOGS[: 1 if quick else None]:
        say(f"A backlog of {messages:,}.")
        run = sending.measure(stage, PARTS[0], messages, 1)
        rows.append({"rows": messages, "per_s": round(run.per_s), "worker_rss_mb": run.workers_rss_mb})
    return rows


def summary(result: dict[str, Any]) -> str:
    """For people: each part beside what an empty task costs."""
    lines = [f"empty Celery tasks: {result['ceilings']['celery_noop_per_s']}/s"]
    lines += [
        f"{name}: {per_s}/s, {result['ratios'][name]} x" for name, per_s in result.get("send", {}).items()
    ]
    lines += [f"backlog of {row['rows']:,}: {row['per_s']}/s" for row in result.get("backlog", ())]
    spent = [sum(one.values()) for one in result.get("cpu_us_per_message", {}).values()]
    return "\n".join(lines + ([f"processor time: {mean(spent):.0f} us a message"] if spent else []))
