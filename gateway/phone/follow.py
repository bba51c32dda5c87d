"""What is said and asked once work has been done: one place for each kind of result. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.phone import aloud, menus, prompts, turns
from gateway.phone.parts import parts, plain
from gateway.phone.results import (
    AskChoice,
    AskCode,
    AskKeys,
    AskPassword,
    Code,
    Confirm,
    Locked,
    NoMatch,
    NoProof,
    Nothing,
    Offered,
    Office,
    Offices,
    Parked,
    Result,
    Stands,
    Unfinished,
)
from gateway.phone.session import Keys, Place, Session
from gateway.phone.turns import Turn
from gateway.transactions.model import Words

ROUNDS = 5  # looks at the back office while the caller holds: ten seconds


def follow(session: Session, result: Result) -> Turn:
    """Go on with what came of a ``Perform``."""
    match result:
        case AskKeys() | AskChoice() | Offered() | AskCode() | AskPassword() | Confirm():
            return _asking(session, result)
        case NoProof():
            return turns.to_person(session, "no_proof", prompts.words("no_proof"))
        case Stands():
            return _standing(session, result)
        case Parked():
            return _parked(session, result)
        case Unfinished(title, why):
            return turns.ask(session, Place.UNFINISHED, (*why, prompts.words("unfinished", title=title)))
        case NoMatch(left):
            return tail(session, prompts.words("no_match", left=left), failed=True)
        case Locked():
            return turns.to_person(session, "locked", prompts.words("locked"))
        case Offices() | Office():
            return _offices(session, result)
        case Nothing(gone):
            return menus.main(session, *([prompts.words("gone")] if gone else []))


def _offices(session: Session, result: Offices | Office) -> Turn:
    """Another office's number, or the list of them."""
    if isinstance(result, Office):
        return turns.ask(session, Place.OFFICE, (*result.sentences, prompts.words("referral_back")))
    session = replace(session, options=result.options, page=0)
    return turns.ask(session, Place.OFFICES, page_of(session))


def _asking(
    session: Session, result: AskKeys | AskChoice | Offered | AskCode | AskPassword | Confirm
) -> Turn:
    match result:
        case AskKeys():
            return _keys(session, result)
        case AskChoice():
            return _choice(session, result)
        case Offered():
            return _offer(session, result)
        case AskCode():
            return _code(session, result)
        case AskPassword():
            return _password(session, result)
        case Confirm():
            return _confirm(session, result)


# --- questions ---------------------------------------------------------------------------------------


def _keys(session: Session, asked: AskKeys) -> Turn:
    wanted = str(asked.most) if asked.least == asked.most else f"{asked.least}-{asked.most}"
    heard = [prompts.words("key_field", what=asked.label, wanted=wanted)]
    if asked.star_is:
        heard.append(prompts.words("key_star", star=asked.star_is))
    if asked.own:
        heard.insert(0, prompts.words("key_own", number=asked.own))
    heard.append(prompts.words("key_ways"))
    lead = [prompts.words("wrong_value", what=asked.label)] if asked.failed else []
    return turns.ask(
        session,
        Place.FIELD,
        tuple(heard),
        *lead,
        failed=asked.failed,
        field=asked.field,
        keys=Keys(asked.least, asked.most, asked.star_is),
        ways="1" if asked.own else "",
    )


def _choice(session: Session, asked: AskChoice) -> Turn:
    """Remember the question; its choices are brought next."""
    heard = (asked.problem, asked.prompt) if asked.problem else (asked.prompt,)
    bad = session.bad + 1 if asked.problem else 0
    if bad >= turns.MOST_BAD:
        return turns.to_person(session, "tries", prompts.words("person_after_tries"))
    session = replace(session, field=asked.field, heard=heard, bad=bad)
    return turns.perform(session, "options", field=asked.field, given=asked.given)


def _offer(session: Session, offered: Offered) -> Turn:
    if not offered.options:
        none_left = offered.none_left or prompts.words("nothing_offered")
        return turns.to_person(session, "no_choice", none_left)
    session = replace(session, options=offered.options, page=0)
    lead, bad = session.heard, session.bad
    session, actions = turns.ask(session, Place.PICK, page_of(session), *lead)
    return replace(session, bad=bad), actions


def page_of(session: Session) -> tuple[Words, ...]:
    """What is heard of a list: this page, then the ways out."""
    return (*menus.listed(session.options, session.page), prompts.words("menu_back"))


def _code(session: Session, asked: AskCode) -> Turn:
    sent = {"email": "code_sent_email", "new": "code_sent_new", "helper": "code_sent_helper"}
    said = {
        Code.SENT: prompts.words(sent.get(asked.to, "code_sent")),
        Code.SOON: prompts.words("code_soon"),
        Code.WAIT: prompts.words("code_wait", seconds=asked.seconds),
        Code.WRONG: prompts.words("code_wrong", left=asked.left),
    }[asked.said]
    ways = [("3", "key_code_password")] if asked.password else []
    ways += [("2", "key_code_help")] if asked.help else []
    heard = [prompts.words("key_code"), *(prompts.words(name) for _, name in ways)]
    return turns.ask(
        session,
        Place.CODE,
        (*heard, prompts.words("key_code_back")),
        said,
        failed=asked.said is Code.WRONG,
        ways="".join(key for key, _ in ways),
    )


def _password(session: Session, asked: AskPassword) -> Turn:
    instead = {"email": "key_password_email", "code": "key_password_code"}.get(asked.instead)
    heard = [prompts.words("key_password"), *([prompts.words(instead)] if instead else [])]
    lead = [prompts.words("doubly")] if asked.second and not asked.left else []
    lead += [prompts.words("password_wrong", left=asked.left)] if asked.left else []
    return turns.ask(
        session,
        Place.PASSWORD,
        (*heard, prompts.words("key_ways")),
        *lead,
        failed=bool(asked.left),
        ways="1" if instead else "",
    )


def _confirm(session: Session, asked: Confirm) -> Turn:
    answers = [
        prompts.words("answer_is", what=_named(offer.words), value=value) for offer, value in asked.answers
    ]
    return turns.ask(
        session,
        Place.CHECK,
        (prompts.words("not_done_yet"), *asked.effect, *answers, prompts.words("confirm")),
        options=tuple(offer for offer, _ in asked.answers),
        page=0,
    )


def _named(label: Words) -> Words:
    return Words(label.zh, label.en[:1].lower() + label.en[1:] if label.en[1:2].islower() else label.en)


def change(session: Session) -> Turn:
    """Which answer to change; with one of them there is nothing to choose."""
    if len(session.options) == 1:
        return turns.perform(session, "ask", field=session.options[0].value)
    named = tuple(
        replace(offer, words=prompts.words("change", what=_named(offer.words))) for offer in session.options
    )
    session = replace(session, options=named, page=0)
    return turns.ask(session, Place.CHANGE, page_of(session))


def tail(session: Session, *lead: Words, failed: bool = False) -> Turn:
    """The second proof of who looks up a reference."""
    heard = (prompts.words("key_tail"), prompts.words("key_ways"))
    return turns.ask(session, Place.TAIL, heard, *lead, failed=failed)


# --- answers -----------------------------------------------------------------------------------------


def _standing(session: Session, stands: Stands) -> Turn:
    confirmed = session.place in (Place.CHECK, Place.WAIT, Place.AWAY)
    if stands.moving and confirmed and session.rounds < ROUNDS:
        return _working(session)
    told = parts(stands.sentences)
    headline = prompts.words("headline", title=stands.title, headline=stands.headline)
    then = _then(confirmed, stands)
    whole = ((headline, *told[0], *_reference(stands.reference), *then), *told[1:])
    news = ((*map(plain, stands.news), *then),) if stands.news else ()
    lead = [stands.problem] if stands.problem else []
    options = stands.actions[: menus.AT_A_TIME]  # no type has more: 5 goes on with what is told
    session = replace(session, options=options, parts=(*news, *whole), part=0)
    return tell(session, *lead, rounds=0, chosen="")


def _then(confirmed: bool, stands: Stands) -> tuple[Words, ...]:
    """What whoever just confirmed or did something may expect; of waiting the type's own sentences tell."""
    if stands.moving:
        return (prompts.words("not_yet"),) if confirmed else ()
    told = stands.reaches and (confirmed or stands.writes)
    return (prompts.words("message_follows"),) if told else ()


def tell(session: Session, *lead: Words, **changes: Any) -> Turn:
    """Tell the part of an explanation the session is at, then what may be done."""
    heard = (
        *session.parts[session.part],
        *([menus.onward(session.part, len(session.parts))] if len(session.parts) > 1 else []),
        *menus.listed(session.options, 0),
        prompts.words("result_actions_end" if session.options else "result_end"),
    )
    return turns.ask(session, Place.RESULT, heard, *lead, page=0, **changes)


def _working(session: Session) -> Turn:
    """Hold the line for another round; say so at the first, and once in between."""
    said = {0: "working", ROUNDS // 2: "working_on"}.get(session.rounds)
    heard = (prompts.words(said),) if said else ()
    return turns.ask(session, Place.WAIT, heard, rounds=session.rounds + 1)


def _reference(number: str) -> tuple[Words, Words]:
    groups = aloud.reference(number)
    written = " ".join((number[:4], number[4:9], number[9:]))
    return (
        prompts.words("reference", groups=groups, number=written),
        prompts.words("reference_again", groups=groups, number=written),
    )


def _parked(session: Session, parked: Parked) -> Turn:
    heard = (
        prompts.words("parked", what=parked.label),
        *_reference(parked.reference),
        prompts.words("parked_how"),
    )
    return turns.ask(session, Place.PARKED, heard)
