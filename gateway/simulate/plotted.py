"""The year as a page that can be printed, and as lines for a terminal. Pure but for the files it writes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from gateway import plots
from gateway.transactions import explaining, registry

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 1.5rem auto; padding: 0 1rem; }
table { border-collapse: collapse; }
td, th { padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top; }
.good { color: #1b6e2e; } .bad { color: #b3261e; font-weight: bold; }
@media screen and (prefers-color-scheme: dark) { body { background: #14181c; color: #e8e8e8; }
.good { color: #8fd6a0; } .bad { color: #ff9a8f; } }
"""

GOOD = '<td class="good">✓ 成立 holds</td>'
BAD = '<td class="bad">✗ 不成立 BROKEN</td>'

RULES = {
    "every reminder told is one message, and none is sent beside them": "每次提醒正好发一条，没有多发",
    "whoever is still due when a rung comes is reminded": "到了提醒日仍未认证的，都提醒到了",
    "a matter that stands when its reminder comes is told of once": "到提醒时仍有效的事项，各提醒一次",
    "no reminder goes out after its reason fell away": "原因消失后，没有再发提醒",
    "nothing that is due lies about": "到期的工作没有积压",
    "every promise was kept or warned of": "每个承诺都兑现了，或已预警",
    "the ledger is balanced": "账目相符",
}


def write(result: Mapping[str, Any], folder: Path) -> Sequence[Path]:
    """The page and the figures behind it, in that folder."""
    folder.mkdir(parents=True, exist_ok=True)
    page, figures = folder / "year.html", folder / "year.json"
    page.write_text(html(result), "utf-8")
    figures.write_text(json.dumps(result, ensure_ascii=False, indent=1, default=str), "utf-8")
    return [page, figures]


def html(result: Mapping[str, Any]) -> str:
    """One page, its plots in it, without script."""
    months = [month[5:] for month in result["months"]]
    told = result["reminders"]
    parts = [
        plots.bars(
            "提醒：发出与免发，按月 Reminders told and not needed, by month",
            months,
            {"发出 told": told["told"], "免发 not needed": told["dropped"]},
        ),
        plots.lines("送达的消息，按月 Messages that arrived, by month", months, result["messages"]),
    ]
    return f"""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>模拟的一年 A simulated year</title><style>{STYLE}{plots.CSS}</style></head><body>
<h1>模拟的一年 A simulated year</h1>
<p>{result["citizens"]:,} 名领取待遇人员，{result["days"]} 天，种子 {result["seed"]}，
用时 {result["seconds"]} 秒。
{result["citizens"]:,} pensioners, {result["days"]} days, seed {result["seed"]}, {result["seconds"]} s.</p>
<h2>规则 Rules</h2>{_checks(result)}
<h2>提醒 Reminders</h2>{parts[0]}{_table(_in_words(told["why_dropped"]), "为什么没有发 Why not sent")}
<h2>消息 Messages</h2>{parts[1]}
<h2>事项 Matters</h2>{_table(result["matters"], "种类和结果 Type and state")}
<h2>承诺 Promises</h2>{_table(result["promises"], "结果 What became of them")}
</body></html>
"""


def _checks(result: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr>{GOOD if one['ok'] else BAD}"
        f"<td>{RULES.get(one['rule'], '')} {escape(one['rule'])}</td><td>{one['looked_at']:,}</td>"
        f"<td>{escape('; '.join(one['for_example']))}</td></tr>"
        for one in result["checks"]
    )
    head = "<tr><th></th><th>规则 Rule</th><th>核对 Looked at</th><th>不符 Wrong</th></tr>"
    return f"<table>{head}{rows}</table>"


def _in_words(reasons: Mapping[str, int]) -> Mapping[str, int]:
    """Why reminders were not sent, in the words whoever asks is told; what has the same words is one."""
    said = dict(explaining.DROPS)
    for kind in registry.types().values():
        said |= kind.reminding.drops if kind.reminding else {}
    found: Counter[str] = Counter()
    for reason, count in reasons.items():
        found[str(said.get(reason, reason))] += count
    return found


def _table(rows: Mapping[str, int], heading: str) -> str:
    lines = "".join(
        f"<tr><td>{escape(str(name))}</td><td>{count:,}</td></tr>" for name, count in rows.items()
    )
    return f"<table><tr><th>{escape(heading)}</th><th></th></tr>{lines}</table>"


def summary(result: Mapping[str, Any]) -> str:
    """A few lines for whoever looks at a terminal."""
    told = result["reminders"]
    lines = [
        f"{'holds ' if one['ok'] else 'BROKEN'}  {one['rule']} "
        f"({one['looked_at']:,} looked at, {one['wrong']:,} wrong)"
        for one in result["checks"]
    ]
    lines += [f"        {example}" for one in result["checks"] for example in one["for_example"]]
    lines.append(
        f"{sum(told['told']):,} reminders told, {sum(told['dropped']):,} not needed; "
        f"{result['taken']:,} messages taken; "
        f"{sum(result['matters'].values()):,} matters; {result['seconds']} s"
    )
    return "\n".join(lines)
