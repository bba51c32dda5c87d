"""``broadcast`` on the command line: counted, asked, started, steered; one JSON object each."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from gateway import audit
from gateway.broadcasts.expand import run_due
from gateway.citizens import register
from gateway.demo import city
from gateway.demo.seed import entry
from gateway.notifications.questions import questions
from gateway.runtime import Runtime
from tests.flows.shell import Shell

ASK = '[asks]\nkind = "auth_help"\nchoices = [["1", "能自己办"], ["2", "需要帮助"]]\n'
ALL = 'template = "policy/retirement_age"\n[audience]\n'


@pytest.fixture(autouse=True)
def here(books: Runtime, run: Shell) -> Runtime:
    """The database of sixty citizens; two pushes lie ready as files."""
    with books.db.write() as tx:
        register.add(tx, books.vault, [entry(person) for person in city.people(60)])
    (run.state.parent / "all.toml").write_text(ALL)
    (run.state.parent / "ask.toml").write_text(f'template = "policy/auth_help"\n{ASK}[audience]\n')
    return books


def test_a_draft_is_counted_and_asked_about(run: Shell) -> None:
    """The table comes first; without a yes it stays a draft, and says how to let it go."""
    result = run("broadcast", "--file", "all.toml", said="n\n")
    assert result.exit_code == 0, result.output
    for words in ("60 people of Changde", "武陵区", "parts by sms", "as fast as providers take it", "Go?"):
        assert words in result.output
    assert "Still a draft" in result.output


def test_the_ladder_is_shown_with_what_it_may_come_to(run: Shell, tmp_path: Path) -> None:
    """Before it starts: each rung with its people at most, and by when; then everybody in people."""
    ladder = """reach = "money"\n"""
    (tmp_path / "all.toml").write_text(ladder + ALL)
    said = " ".join(run("broadcast", "--file", "all.toml", said="n\n").output.split())
    assert "2. voice, 2 h 00 min later, to those not reached: 60 people at most, 60 parts." in said
    assert "4. call_back, 8 h 00 min later, to those not reached: 60 people at most, a person calls" in said
    assert "Within 48 h 00 min everybody was reached or is to be called." in said
    made = run.json("broadcast", "--file", "all.toml")
    assert [one["channel"] for one in made["ladder"]] == ["sms", "voice", "email", "call_back"]
    assert [one["people_at_most"] for one in made["counted"]["ladder"]][::2] == [60, 60]
    assert made["people"] == {
        "audience": 60,
        "reached": {"sms": 0, "voice": 0, "email": 0, "call_back": 0},
        "waiting": 60,
        "to_call": 0,
        "unreached": 0,
        "left_alone": 0,
    }


def test_a_name_alone_runs_a_shipped_broadcast(run: Shell) -> None:
    """``broadcast NAME`` is ``broadcast run NAME``; JSON never asks and leaves a draft."""
    made = run.json("broadcast", "retirement_age")
    assert (made["state"], made["template"]) == ("draft", "policy/retirement_age")
    assert made["counted"]["people"] == made["audience"] > 0
    again = run.json("broadcast", "run", "retirement_age", "--pace", "60")
    assert again["counted"]["estimated_s"] == again["audience"]


def test_yes_starts_it_and_it_is_steered_by_its_id(run: Shell) -> None:
    """start, pause, resume, cancel, show and list speak of the same broadcast."""
    made = run.json("broadcast", "--file", "all.toml", "--yes", "--no-watch")
    assert made["state"] == "running"
    for action, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        assert run.json("broadcast", action, made["id"])["state"] == state
    assert run.json("broadcast", "show", made["id"])["state"] == "cancelled"
    listed = run.json("broadcast", "list")["broadcasts"]
    assert [(row["id"], row["state"]) for row in listed] == [(made["id"], "cancelled")]
    refused = run("broadcast", "resume", made["id"])
    assert refused.exit_code == 2
    assert "A broadcast that is cancelled cannot resume. Only one that is paused can." in refused.stderr


def test_watching_ends_with_the_broadcast(run: Shell, here: Runtime) -> None:
    """What is over is shown at once."""
    made = run.json("broadcast", "--file", "all.toml", "--yes", "--no-watch")
    run("broadcast", "cancel", made["id"])
    run_due(here)
    result = run("broadcast", "watch", made["id"])
    assert result.exit_code == 0
    assert "cancelled" in result.stdout


def test_a_list_says_which_lines_are_refused(run: Shell, tmp_path: Path) -> None:
    """Number and reason of the first twenty, and how many more; never the line itself."""
    good = [f"139{number:08}" for number in range(3)]
    bad = [f"99{number:05}" for number in range(25)]
    (tmp_path / "list.csv").write_text("\n".join(["手机号", *good, good[0], *bad]), encoding="gb18030")
    words = ("broadcast", "--csv", "list.csv", "--template", "policy/retirement_age")
    made = run.json(*words)
    assert (made["audience"], made["refused"], made["duplicates"]) == (3, 25, 1)
    assert [row["line"] for row in made["refused_lines"]] == list(range(6, 26))
    result = run(*words, said="n\n")
    assert "3 good lines, 1 repeated, 25 refused." in result.output
    assert "line 6: This is no mobile number" in result.output
    assert "and 5 more" in result.output
    assert "9900000" not in result.output


def test_a_name_no_provider_can_carry_is_refused_by_its_line(run: Shell, tmp_path: Path) -> None:
    """Aliyun takes 35 characters of a variable; a shorter name goes."""
    (tmp_path / "list.csv").write_text(f"mobile,name\n13800138000,{'王' * 40}\n13800138001,王芳\n")
    made = run.json("broadcast", "--csv", "list.csv", "--template", "policy/retirement_age")
    reason = "personalisation name is too long: at most 35 characters, this has 40"
    assert (made["audience"], made["refused_lines"]) == (1, [{"line": 2, "reason": reason}])


def test_files_no_mail_provider_takes_are_refused(
    run: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command builds no provider; what they take is known from their classes."""
    monkeypatch.setenv("EMAIL_PROVIDERS", "smtp")
    for name in ("one.pdf", "other.pdf"):
        (tmp_path / name).write_bytes(b"%PDF-1.7\n".ljust(3_999_994, b" ") + b"%%EOF\n")
    files = ("--attach", "one.pdf", "--attach", "other.pdf")
    refused = run("broadcast", "--file", "all.toml", "--channel", "email", *files)
    assert refused.exit_code == 2
    assert "8,000,000 bytes together; the e-mail providers here take at most" in refused.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "There is no broadcast called 'nothing'; there are auth_help, retirement_age"),
        (["run"], "Name a broadcast, or give --file, or --csv with --template."),
        (["--file", "wrong.toml"], "wrong.toml: channel: must be one of sms, voice, email"),
        (["retirement_age", "--pace", "0"], "pace: must be from 1 to 1,000,000"),
        (
            ["--csv", "empty.csv", "--template", "policy/retirement_age"],
            "must name one column mobile or id_number",
        ),
        (["show", "00000000-0000-0000-0000-000000000000"], "There is no such broadcast"),
        (["show", "x"], "'x' is not a valid UUID"),
        (["--file", "all.toml", "--attach", "notice.pdf"], "attachments: go with e-mails only"),
        (["--file", "all.toml", "--attach", "none.pdf"], "attachments.0: none.pdf cannot be read"),
        (["--file", "named.toml"], "attachments.0: none.pdf cannot be read"),
        (["--file", "mute.toml"], "asks.choices: the text policy/retirement_age.sms.zh-CN must say 2,"),
    ],
)
def test_a_mistake_is_one_line(run: Shell, tmp_path: Path, words: list[str], said: str) -> None:
    """Exit code 2, no traceback, and what to do."""
    (tmp_path / "wrong.toml").write_text('channel = "fax"\n')
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "notice.pdf").write_bytes(b"%PDF-1.7\n%%EOF\n")
    (tmp_path / "named.toml").write_text(f'attachments = ["none.pdf"]\n{ALL}')
    (tmp_path / "mute.toml").write_text(ALL.replace("[audience]", f"{ASK}[audience]"))
    result = run("broadcast", *words)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_who_answered_is_listed(run: Shell, here: Runtime) -> None:
    """In words, as JSON and as CSV, masked; one choice alone where it is asked for."""
    made = run.json("broadcast", "--file", "ask.toml", "--yes", "--no-watch")
    run_due(here)
    with here.db.write() as tx:
        tx.execute(questions.update().values(answer="1", answered_at=here.clock()))
        first = select(questions.c.id).limit(1).scalar_subquery()
        tx.execute(questions.update().where(questions.c.id == first).values(answer="2"))
    shown = run("broadcast", "show", made["id"]).stdout
    assert "answered 60: 1 能自己办 59, 2 需要帮助 1" in shown
    words = ("broadcast", "answers", made["id"])
    assert run(*words).stdout.endswith("60 answers.\n")
    [helped] = run.json(*words, "--choice", "2")["answers"]
    assert (helped["choice"], helped["word"], helped["mobile"][3:7]) == ("2", "需要帮助", "****")
    [called] = run.json(*words, "--choice", "2", "--numbers")["answers"]
    assert (called["mobile"][:3], "*" in called["mobile"]) == ("+86", False)
    with here.db.read() as tx:
        assert "answers.numbers" in tx.execute(select(audit.audit.c.action)).scalars().all()
    head, line = run(*words, "--choice", "2", "--csv").stdout.splitlines()
    assert head == "citizen,name,mobile,choice,word,at,notification"
    assert line.split(",") == list(helped.values())
    refused = run(*words, "--choice", "3")
    assert (refused.exit_code, refused.stderr) == (2, "Error: '3' is no choice of it; there are 1, 2.\n")
    silent = run.json("broadcast", "retirement_age")["id"]
    assert "This broadcast asks nothing." in run("broadcast", "answers", silent).stderr


def test_an_empty_audience_does_not_start(run: Shell, tmp_path: Path) -> None:
    """It says so, and the draft stays."""
    (tmp_path / "none.toml").write_text(ALL + "age_from = 130\n")
    result = run("broadcast", "--file", "none.toml", "--yes", "--no-watch")
    assert result.exit_code == 2
    assert "There is nobody in it" in result.stderr
