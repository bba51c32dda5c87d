"""The list: every table of the schema, how long it keeps what, and why. A test finds a table without one.

In the order in which it is gone through. How long is ours where no law is named, as short as the purpose
allows (个人信息保护法, article 19). Rooms that forget in a way of their own are named; else rows are deleted.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import exists, func, or_, select

from gateway.appointments import book
from gateway.appointments.bookings import Standing, bookings, closures, slots, walk_ins
from gateway.broadcasts import store as broadcasts
from gateway.broadcasts.recipients import recipients
from gateway.citizens import holds, mandates
from gateway.delivery import books, receipts, route_book
from gateway.notifications import check_codes, inbound, questions, suppression
from gateway.phone import calls
from gateway.retention import matters
from gateway.retention.policy import Policy, follows, for_good
from gateway.services import idempotency, sessions
from gateway.services.webhooks import events
from gateway.transactions import call_backs, identity, reminders, replanning, tallies
from gateway.webhooks import book as webhook_book

AT_ONCE = timedelta()  # as soon as its time is over
A_YEAR = timedelta(days=400)  # and some weeks: this year's can be laid beside last year's

SHORT = (
    Policy(
        "one_time_codes",
        "A code opens nothing after its five minutes.",
        AT_ONCE,
        lambda t: identity.one_time_codes.c.expires_at < t,
        identity.forget_old,
    ),
    Policy(
        "tallies",
        "Wrong tries count for a day, and a lock lasts as long.",
        2 * tallies.LONGEST,
        lambda t: tallies.tallies.c.since < t,
        tallies.forget_old,
    ),
    Policy(
        "holds",
        "What was held back goes on when its hold ends.",
        AT_ONCE,
        lambda t: holds.holds.c.until <= t,
        holds.forget_old,
    ),
    Policy(
        "mandates",
        "Who could act for whom, for a year and some weeks after it ended: what they did may be asked about.",
        A_YEAR,
        lambda t: or_(mandates.mandates.c.revoked_at < t, mandates.mandates.c.last_day < t.date()),
    ),
    Policy(
        "check_codes",
        "People ask about a notice for a year after it came.",
        check_codes.KEPT,
        lambda t: check_codes.check_codes.c.made_at < t,
        check_codes.forget_old,
    ),
    Policy(
        "calls",
        "Who hung up goes on by web or at the next call; a day later the call's session is of no use.",
        calls.KEPT,
        lambda t: calls.calls.c.updated_at < t,
        calls.forget_old,
    ),
    Policy(
        "operator_sessions",
        "Nobody is signed in any more.",
        AT_ONCE,
        lambda t: or_(
            sessions.operator_sessions.c.seen_at <= t - sessions.IDLE,
            sessions.operator_sessions.c.began_at <= t - sessions.LONGEST,
        ),
        sessions.forget_old,
    ),
    Policy(
        "idempotency",
        "A request is repeated within a day; two are promised.",
        idempotency.KEPT,
        lambda t: idempotency.answers.c.created_at < t,
        idempotency.forget_old,
    ),
    Policy(
        "weight_overrides",
        "They end by themselves, a week at most; what was is among the route events.",
        AT_ONCE,
        lambda t: route_book.weight_overrides.c.until <= t,
        route_book.forget_old,
    ),
    Policy(
        "suppressions",
        "A number is spared as long as it is nobody's; a person's own wish has no end.",
        AT_ONCE,
        lambda t: suppression.suppressions.c.until <= t,
        suppression.forget_old,
    ),
    Policy(
        "webhook_events",
        "The log of what services were told, and what waits for a paused subscription.",
        webhook_book.KEPT,
        lambda t: events.c.created_at < t,
        webhook_book.forget_old,
    ),
    Policy(
        "callbacks",
        "Providers' reports, with addresses in them; a month, to look into complaints.",
        receipts.KEPT,
        lambda t: (receipts.callbacks.c.received_at < t) & receipts.callbacks.c.due_at.is_(None),
        receipts.forget_old,
    ),
)
SAID = (
    Policy(
        "broadcast_recipients",
        "A list's people, once their notices are forgotten too.",
        "notice",
        lambda t: recipients.c.broadcast_id.in_(
            select(broadcasts.broadcasts.c.id).where(broadcasts.broadcasts.c.finished_at < t)
        ),
    ),
    Policy(
        "questions",
        "What people were asked; the answer stands on the timeline.",
        questions.KEPT,
        lambda t: (questions.questions.c.asked_at < t) & questions.questions.c.due_at.is_(None),
        questions.forget_old,
    ),
    Policy(
        "inbound",
        "People ask back about what they wrote for some weeks.",
        inbound.KEPT,
        lambda t: (inbound.inbound.c.received_at < t) & inbound.inbound.c.text.is_not(None),
        inbound.forget_old,
        what="what people wrote, and from where",
    ),
    Policy(
        "inbound",
        "That somebody refused, and when: three years, in which claims may be raised (民法典, article 188).",
        "history",
        lambda t: inbound.inbound.c.received_at < t,
    ),
    Policy(
        "notifications",
        "See each class's own days; the row, three years (民法典, article 188).",
        "history",
        walks=("code", "result", "reminder", "notice", "history"),
    ),
    Policy(
        "attempts",
        "Network logs are kept for six months at least (网络安全法, article 21); ours for a year.",
        "attempts",
        walks=("attempts",),
    ),
    follows("digests", "attempts", "How several notices went as one message."),
)
MATTERS = (
    Policy(
        "transactions",
        "What somebody asked of us and what came of it: three years after it last moved, in which claims "
        "may be raised (民法典, article 188). Never one that is still going on.",
        "matters",
        matters.over,
        drop=matters.drop,
    ),
    follows("timeline", "transactions", "What happened to it, in words and codes."),
    follows(
        "information_changes", "transactions", "Which data of a person was changed, and who looked at it."
    ),
    follows("evaluations", "transactions", "How satisfied people were."),
    follows("promises", "transactions", "Until when it was promised, and whether that was kept."),
    Policy(
        "bookings",
        "A place held and not taken; the others go with their transaction.",
        book.KEPT,
        lambda t: (bookings.c.state == Standing.HELD) & (bookings.c.held_until < t),
        book.forget_old,
        follows="transactions",
    ),
    Policy(
        "slots",
        "The hours of the halls, when no booking stands in them any more.",
        "matters",
        lambda t: (slots.c.starts_at < t) & ~exists().where(bookings.c.slot_id == slots.c.id),
    ),
    Policy(
        "hall_closures",
        "When a hall was closed, why and by whom: as long as the bookings it ended.",
        "matters",
        lambda t: closures.c.to_at < t,
    ),
    Policy(
        "walk_ins",
        "How many came without a booking; says nothing of anybody.",
        A_YEAR,
        lambda t: walk_ins.c.at < t,
    ),
    Policy(
        "reminders",
        "Who was reminded of what is due once a year.",
        A_YEAR,
        lambda t: (reminders.reminders.c.planned_for < t) & reminders.reminders.c.due_at.is_(None),
    ),
    Policy(
        "replannings",
        "When reminders were planned again, and how many moved; says nothing of anybody.",
        A_YEAR,
        lambda t: replanning.replannings.c.ended_at < t,
    ),
    Policy(
        "call_backs",
        "Whom a person called, or need not call any more.",
        A_YEAR,
        lambda t: (
            (call_backs.call_backs.c.state != call_backs.OPEN)
            & (func.coalesce(call_backs.call_backs.c.done_at, call_backs.call_backs.c.created_at) < t)
        ),
    ),
    Policy(
        "book_matches",
        "What our books and the providers' say of a day; no addresses.",
        books.KEPT,
        lambda t: books.book_matches.c.day < str(t.date()),
        books.forget_old,
    ),
    Policy(
        "route_events",
        "Who carried what when, and why it changed; no addresses.",
        route_book.KEPT,
        lambda t: route_book.route_events.c.at < t,
        route_book.forget_old,
    ),
    Policy(
        "broadcasts",
        "A draft nobody began is called off after a month. What became of a push is told for good; it "
        "names nobody.",
        broadcasts.DRAFT_LIFE,
        lambda t: (
            (broadcasts.broadcasts.c.state == broadcasts.State.DRAFT)
            & (broadcasts.broadcasts.c.created_at < t)
        ),
        broadcasts.forget_old,
        what="drafts",
    ),
)
FOR_GOOD = (
    for_good("citizens", "The register: as long as somebody is in it. One person is erased at their wish."),
    follows(
        "preferences", "citizens", "What somebody wishes to hear of; as long as they are in the register."
    ),
    follows("query_passwords", "citizens", "Digests; as long as their citizen is in the register."),
    for_good("audit", "The chain is whole or proves nothing; ids and words, no personal data."),
    for_good("audit_head", "The end of the chain."),
    for_good("ledger", "Sums of what is kept; entries are added up every few seconds."),
    for_good("measures", "Sums; minutes older than an hour are added up every few seconds."),
    for_good("barometer_counts", "Counts by day and group, no ids; this year is laid beside last year's."),
    for_good("barometer_days", "Which days were counted."),
    for_good("tidied", "How far forgetting is."),
    for_good("calendar_notices", "Which days were worked decides when something was due, years later too."),
    for_good("city_rules", "A transaction keeps the rules it began under, and an appeal asks for them."),
    for_good("templates", "The texts of the house and of services."),
    for_good("template_versions", "What was sent under which words can be shown; the words name nobody."),
    for_good("provider_templates", "What providers reviewed."),
    for_good("documents", "Files that were published with a notice."),
    follows("attachments", "broadcasts", "Which notice they went with."),
    for_good("services", "Who may call; archived ones are named by what they asked for."),
    for_good("api_keys", "Their digests: the audit chain names them."),
    for_good("senders", "The names and numbers services write under."),
    for_good("guests", "Numbers of a service's own team, until it takes them back."),
    for_good("webhooks", "Where services are told; address and secrets are emptied when one is removed."),
    for_good("operators", "Who may sign in; the audit chain names them."),
    for_good("broadcast_pages", "Pages being made; each goes when its messages are taken."),
    for_good("acceptances", "What a provider just took as a whole; each goes when it is unfolded."),
    for_good("pauses", "What is held still, until it goes on."),
    for_good("demo_city", "Which made-up city this is."),
)
POLICIES = (*SHORT, *SAID, *MATTERS, *FOR_GOOD)
