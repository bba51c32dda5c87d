"""What the citizens' pages remember, forget, refuse and never show."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

import pytest

from gateway.citizens import register
from gateway.demo.city import Person
from gateway.transactions import engine, steps
from gateway.transactions.references import reference
from tests.flows.citizen import Browser
from tests.world import World

POSTS = (
    "/t/card_loss",
    "/t/card_loss/id_number",
    "/t/card_loss/code",
    "/t/card_loss/code/resend",
    "/t/card_loss/check",
    "/progress",
    "/progress/mobile",
    "/finish",
)


# --- forms that are not ours ---------------------------------------------------------------


@pytest.mark.parametrize("path", POSTS)
def test_a_form_without_this_visits_token_is_refused_with_the_next_step(
    path: str, browser: Browser, person: Person
) -> None:
    """With none, with another, and with one that no token looks like; nothing moved."""
    browser.prove(person)
    for token in ("", "another", "\u8d26"):
        response = browser.client.post(path, data={"token": token, "id_number": "1"})
        assert response.status_code == 400
        assert "12333" in response.text
        browser.get("/t/card_loss/check")
        assert browser.path == "/t/card_loss/check"


def test_a_token_of_another_visit_is_refused(open_browser: Callable[[], Browser]) -> None:
    one, other = open_browser(), open_browser()
    one.begin()
    other.begin()
    response = one.client.post("/t/card_loss/id_number", data={"token": other.token(), "id_number": "1"})
    assert response.status_code == 400
    assert "刚才这一步没有提交" in response.text


# --- forgetting ----------------------------------------------------------------------------


def test_a_visit_ends_after_thirty_idle_minutes(
    browser: Browser, person: Person, sqlite_world: World
) -> None:
    browser.prove(person)
    sqlite_world.clock.advance(minutes=29)
    browser.get("/t/card_loss/check")
    sqlite_world.clock.advance(minutes=29)
    assert "请看一看" in browser.get("/t/card_loss/check")
    sqlite_world.clock.advance(minutes=31)
    text = browser.get("/t/card_loss/check")
    assert browser.page.status_code == 403
    assert "30分钟没有操作" in text
    assert 'href="/t/card_loss"' in browser.page.text


def test_a_page_that_reloads_itself_does_not_keep_the_visit_alive(
    browser: Browser, person: Person, sqlite_world: World
) -> None:
    browser.confirm(person)
    for _ in range(4):
        sqlite_world.clock.advance(minutes=10)
        browser.get("/t/card_loss/done?auto")
    assert browser.page.status_code == 403
    assert browser.get("/t/card_loss/done").count("没有正在办理") == 1


def test_finishing_clears_this_device_and_leaves_the_matter_alone(
    browser: Browser, person: Person, sqlite_world: World
) -> None:
    browser.confirm(person)
    number = browser.reference()
    assert "本机记录已清除" in browser.post("/finish")
    assert number not in browser.get("/t/card_loss/done")
    assert browser.page.status_code == 403
    assert steps.run_due(sqlite_world.runtime) == 1
    assert "本机记录已清除" in browser.client.post("/finish").text  # pressed twice


def test_an_unfinished_draft_can_be_gone_on_with(browser: Browser, person: Person) -> None:
    browser.begin()
    browser.post("/t/card_loss/id_number", id_number=person.id_number)
    assert "您上次没有办完" in browser.get("/t/card_loss")
    assert 'href="/t/card_loss/name"' in browser.page.text


# --- look-up -------------------------------------------------------------------------------


def look_up(browser: Browser, number: str, tail: str) -> str:
    browser.get("/progress")
    browser.post("/progress", reference=number)
    return browser.post("/progress/mobile", mobile=tail)


@pytest.fixture
def submitted(open_browser: Callable[[], Browser], person: Person) -> str:
    """The reference of a report confirmed in another browser."""
    other = open_browser()
    other.confirm(person)
    return other.reference()


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "请填写您的编号"),
        ("1234 5678", "编号一共14位，您填了8位"),
        ("1234567890123a", "编号只有数字"),
        ("swapped", "有数字写错了，或者两位写反了"),
    ],
)
def test_a_mistyped_reference_is_told_at_once(typed: str, message: str, browser: Browser) -> None:
    number = reference(1234567890123)
    browser.get("/progress")
    text = browser.post(
        "/progress", reference=number[1] + number[0] + number[2:] if typed == "swapped" else typed
    )
    assert message in text
    assert browser.path == "/progress"


def test_reference_and_last_four_digits_show_how_it_stands(
    browser: Browser, person: Person, submitted: str
) -> None:
    spaced = f" {submitted[:4]} {submitted[4:9]} {submitted[9:]} "
    assert "已收到，正在办理" in look_up(browser, spaced, person.mobile[-4:])
    assert browser.path == "/status"


def test_whoever_looked_it_up_cannot_open_its_questions(
    browser: Browser, person: Person, submitted: str
) -> None:
    look_up(browser, submitted, person.mobile[-4:])
    browser.get("/t/card_loss/id_number")
    assert browser.page.status_code == 403


def test_an_unknown_reference_is_answered_like_wrong_digits_and_both_are_limited(
    open_browser: Callable[[], Browser], submitted: str
) -> None:
    unknown = reference(4711)
    pages: list[list[str]] = []
    for number in (submitted, unknown):
        browser, shown = open_browser(), list[str]()
        for _ in range(5):
            text = look_up(browser, number, "0001")
            shown.append(re.sub(r"\d{4} \d{5} \d{5}", "", text))
        pages.append(shown)
    assert pages[0] == pages[1]
    assert "还可以试4次" in pages[0][0]
    assert "暂时锁住了" in pages[0][4]


def test_a_locked_reference_stays_closed_to_the_right_digits_for_an_hour(
    browser: Browser, person: Person, submitted: str, sqlite_world: World
) -> None:
    for _ in range(5):
        look_up(browser, submitted, "0001")
    assert "暂时锁住了" in look_up(browser, submitted, person.mobile[-4:])
    sqlite_world.clock.advance(minutes=61)
    assert "已收到" in look_up(browser, submitted, person.mobile[-4:])


def test_a_report_nobody_proved_cannot_be_looked_up(
    browser: Browser, person: Person, sqlite_world: World
) -> None:
    runtime = sqlite_world.runtime
    with runtime.db.write() as tx:
        draft = engine.open_draft(tx, runtime, "card_loss", "api")
        answers = {"id_number": person.id_number, "name": person.name}
        draft = engine.answer(tx, runtime, draft, answers).transaction
        assert register.find(tx, runtime.vault, person.id_number)
    assert "对不上" in look_up(browser, draft.row.reference, person.mobile[-4:])


# --- what is never shown -------------------------------------------------------------------


def test_no_address_title_cookie_or_log_line_holds_personal_data(
    browser: Browser, person: Person, sqlite_world: World, caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    with caplog.at_level(logging.DEBUG):
        browser.confirm(person)
        number = browser.reference()
        steps.run_due(sqlite_world.runtime)
        look_up(browser, number, person.mobile[-4:])
    with browser.client.session_transaction() as session:
        kept = str(dict(session))
    printed = capsys.readouterr()
    told = "\n".join([*browser.seen, kept, caplog.text, printed.out, printed.err])
    code = browser.codes()[0]
    for secret in (person.id_number, person.name, person.mobile, person.mobile[-4:], code, number):
        assert secret not in told


def test_what_is_typed_cannot_become_markup(browser: Browser) -> None:
    browser.begin()
    browser.post("/t/card_loss/id_number", id_number='"><script>alert(1)</script>')
    assert "<script>alert" not in browser.page.text


# --- the frame -----------------------------------------------------------------------------

PLAIN = ("/", "/t/card_loss", "/progress", "/status", "/finished", "/t/nothing", "/size/17")


@pytest.mark.parametrize("path", PLAIN)
def test_every_page_has_a_person_to_call_and_runs_nothing_of_others(path: str, browser: Browser) -> None:
    browser.get(path)
    assert 'href="tel:12333"' in browser.page.text
    policy = browser.page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(
        r"<script(?! src=\"/static/)|<style|\sstyle=|\son[a-z]+=|https?://", browser.page.text
    )


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/t/nothing", 404, "没有这个页面"),
        ("GET", "/t/card_loss/nothing", 404, "没有这个页面"),
        ("POST", "/t/nothing", 404, "没有这个页面"),
        ("GET", "/t/card_loss/code/resend", 405, "不能这样打开"),
        ("DELETE", "/", 405, "不能这样打开"),
    ],
)
def test_a_page_that_is_not_there_says_where_to_go(
    method: str, path: str, status: int, words: str, browser: Browser
) -> None:
    browser.begin()
    response = browser.client.open(path, method=method, data={"token": browser.token()})
    assert response.status_code == status
    assert words in response.text
    assert 'href="/"' in response.text


def test_a_fault_of_ours_says_so_and_shows_nothing_of_it(
    browser: Browser, person: Person, sqlite_world: World
) -> None:
    browser.prove(person)
    sqlite_world.runtime.db.close()
    (sqlite_world.runtime.settings.state / "huiyin.db").unlink()
    response = browser.client.get("/t/card_loss/check")
    assert response.status_code == 500
    assert "我们这边出错了" in response.text
    assert "sqlite" not in response.text


def test_the_version_for_elders_is_kept_and_leads_back(browser: Browser) -> None:
    browser.get("/size/22?to=/t/card_loss")
    assert browser.path == "/t/card_loss"
    assert 'class="elder size-22"' in browser.page.text
    browser.get("/size/30?to=/progress")
    assert 'class="elder size-30"' in browser.page.text
    browser.get("/size/standard")
    assert 'class="standard"' in browser.page.text


@pytest.mark.parametrize("path", ["/progress/continue", "/finish", "/t/card_loss/code/resend"])
def test_the_switch_of_a_page_that_only_takes_forms_leads_to_a_page(browser: Browser, path: str) -> None:
    """What an old form is answered with stands at an address nobody can ask for."""
    page = browser.client.post(path, data={"token": "old"}).text
    (link,) = re.findall(r'href="(/size/22[^"]*)"', page)
    assert browser.client.get(link, follow_redirects=True).status_code == 200


def test_what_is_wrong_with_an_answer_is_said_in_both_languages(browser: Browser) -> None:
    browser.begin()
    browser.post("/t/card_loss/id_number", id_number="1")
    (beside,) = re.findall(r'<p class="wrong"[^>]*>(.*?)</p>', browser.page.text)
    assert "身份证号码不对" in beside
    assert "This is not a valid ID number" in beside


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example/", "/\\evil.example", "/%0d%0aX", ""])
def test_the_switch_leads_nowhere_else(to: str, browser: Browser) -> None:
    assert browser.client.get("/size/22", query_string={"to": to}).headers["Location"] == "/"


def test_the_front_page_lists_what_can_be_done_here(browser: Browser) -> None:
    text = browser.get("/")
    assert "社保卡临时挂失" in text
    assert "Report a lost social-security card" in text
    assert "查办理进度" in text


def test_the_start_page_says_what_will_happen_and_what_is_needed(browser: Browser) -> None:
    text = browser.get("/t/card_loss")
    for words in ("停用7天", "银行账户请联系发卡行另行挂失", "身份证号码", "登记过的手机", "开始办理"):
        assert words in text
