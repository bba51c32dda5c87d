"""Tencent Cloud's reviewers: what they think of a text or a name, and how to make them think otherwise.

Rules: the vendor's page 正文模板审核标准. Templates live as long as the sandbox.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from integrations.sandbox.steering import as_json, done, read
from integrations.sandbox.tencent_params import Params, Refused, number, several, text
from integrations.sandbox.texts import LINK

APPROVED, PENDING, REFUSED = 0, 1, -1  # the vendor's StatusCode
STATES = {"approved": APPROVED, "pending": PENDING, "refused": REFUSED}
WORDS = {status: word for word, status in STATES.items()}
MARKETING, NOTICE, CODE = 1, 2, 3  # SmsType
DOMESTIC = 0
LONGEST_TEXT = 500
LONGEST_CODE = 6
MOST_LISTED = 100
VARIABLE = re.compile(r"\{(\d+)\}")
UNSAID = "不符合规范"  # the reason of a refusal that was given none


@dataclass(slots=True)
class Judged:
    """A text handed in, or a name of the account's. ``decided`` replaces the review's own judgement."""

    id: int
    name: str
    at: float
    content: str = ""
    kind: int = NOTICE
    reason: str = ""
    decided: int | None = None

    def status(self, now: float, delay: float) -> int:
        """Where the review stands."""
        if self.decided is not None:
            return self.decided
        if now < self.at + delay:
            return PENDING
        return REFUSED if self.reason else APPROVED


class Reviews:
    """The actions about templates and names, and an address under /_sandbox/ to decide on them."""

    def __init__(self, names: Iterable[str], delay: Callable[[], float]) -> None:
        self._delay = delay
        self._templates: dict[int, Judged] = {}
        self._signs = {name: Judged(number, name, 0.0) for number, name in enumerate(sorted(names), 1)}
        self.actions: Mapping[str, tuple[frozenset[str], Callable[[Params], dict[str, Any]]]] = {
            "AddSmsTemplate": (
                frozenset({"TemplateName", "TemplateContent", "SmsType", "International", "Remark"}),
                self._add_template,
            ),
            "DescribeSmsTemplateList": (
                frozenset({"International", "TemplateIdSet", "Limit", "Offset"}),
                self._list_templates,
            ),
            "DescribeSmsSignList": (
                frozenset({"International", "SignIdSet", "Limit", "Offset"}),
                self._list_signs,
            ),
        }

    def usable(self, template: str) -> Judged:
        """The approved template of that id. Raises ``Refused``."""
        found = self._templates.get(int(template)) if re.fullmatch(r"\d{1,12}", template, re.ASCII) else None
        if found is None or self._status(found) != APPROVED:
            raise Refused("FailedOperation.TemplateUnapprovedOrNotExist", "template is not approved")
        return found

    def check_sign(self, name: str) -> None:
        """Raise ``Refused`` unless messages may be signed with it."""
        found = self._signs.get(name)
        if found is None or self._status(found) != APPROVED:
            raise Refused("FailedOperation.SignatureIncorrectOrUnapproved", "signature is not approved")

    def clear(self) -> None:
        """All names are approved again; templates stay."""
        for sign in self._signs.values():
            sign.decided, sign.reason = None, ""

    def _status(self, judged: Judged) -> int:
        return judged.status(time.time(), self._delay())

    # --- actions ---

    def _add_template(self, params: Params) -> dict[str, Any]:
        name, content, kind = (
            text(params, "TemplateName"),
            text(params, "TemplateContent"),
            number(params, "SmsType"),
        )
        text(params, "Remark")
        _international(params)
        if kind not in (MARKETING, NOTICE, CODE):
            raise Refused("InvalidParameterValue.InvalidSmsType", "SmsType 1, 2, 3")
        numbers = list(dict.fromkeys(map(int, VARIABLE.findall(content))))
        if re.search(r"[{}]", VARIABLE.sub("", content)) or numbers != list(range(1, len(numbers) + 1)):
            raise Refused("InvalidParameterValue.InvalidTemplateFormat", "模板格式错误")
        made = Judged(1110 + len(self._templates), name, time.time(), content, kind, objection(content))
        self._templates[made.id] = made
        return {"AddTemplateStatus": {"TemplateId": str(made.id)}}

    def _list_templates(self, params: Params) -> dict[str, Any]:
        rows = _chosen(params, "TemplateIdSet", list(self._templates.values()))
        return {"DescribeTemplateStatusSet": [self._row(row, "Template", row.content) for row in rows]}

    def _list_signs(self, params: Params) -> dict[str, Any]:
        rows = _chosen(params, "SignIdSet", list(self._signs.values()))
        return {"DescribeSignListStatusSet": [self._row(row, "Sign") for row in rows]}

    def _row(self, judged: Judged, what: str, content: str = "") -> dict[str, Any]:
        status = self._status(judged)
        row = {
            f"{what}Id": judged.id,
            "International": DOMESTIC,
            "StatusCode": status,
            "ReviewReply": judged.reason if status == REFUSED else "",
            f"{what}Name": judged.name,
            "CreateTime": int(judged.at),
        }
        return row | ({"TemplateContent": content} if content else {})

    # --- steering ---

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """To be added to the application."""
        return [
            web.get("/_sandbox/tencent/reviews", self.get_reviews),
            web.post("/_sandbox/tencent/reviews", self.post_reviews),
        ]

    async def get_reviews(self, _request: web.Request) -> web.Response:
        """Every name, then every template, and where it stands."""
        return as_json(self.listed())

    async def post_reviews(self, request: web.Request) -> web.Response:
        """{"template" or "signature", "state", "reason"}: what the reviewers say of it from now on."""
        values = await read(request)
        templates = {str(one.id): one for one in self._templates.values()}
        judged = templates.get(str(values.get("template"))) or self._signs.get(str(values.get("signature")))
        state, reason = STATES.get(str(values.get("state"))), values.get("reason") or ""
        if judged is None or state is None or not isinstance(reason, str):
            raise web.HTTPBadRequest(text=f"template or signature; state is one of {', '.join(STATES)}")
        judged.decided, judged.reason = state, reason or (UNSAID if state == REFUSED else "")
        return done(request, self.listed())

    def listed(self) -> list[dict[str, Any]]:
        """As GET shows them."""
        signs = [{"signature": one.name, **self._standing(one)} for one in self._signs.values()]
        return [
            *signs,
            *(
                {"template": str(one.id), **self._standing(one), "text": one.content}
                for one in self._templates.values()
            ),
        ]

    def _standing(self, judged: Judged) -> dict[str, str]:
        return {"state": WORDS[self._status(judged)], "reason": judged.reason}


def objection(content: str) -> str:
    """What the reviewer has against a text; "" when nothing."""
    fixed = VARIABLE.sub("", content)
    rules = (
        (len(content) > LONGEST_TEXT, "模板内容超过500字"),
        (bool(re.search("[【】]", content)), "模板内容不能包含【】"),
        (not fixed.strip(), "模板不能全部由变量组成"),
        ("}{" in content, "变量不能相邻"),
        (bool(re.search(r"(?:https?://|www\.)\S*\{", content)), "链接不能作为变量"),
    )
    return ";".join(reason for broken, reason in rules if broken)


def fill(template: Judged, sign: str, values: Sequence[str], longest: int) -> str:
    """The text as it arrives, with its signature. Raises ``Refused`` with the vendor's code."""
    if len(set(VARIABLE.findall(template.content))) != len(values):
        raise Refused("FailedOperation.TemplateParamSetNotMatchApprovedTemplate")
    for value in values:
        _check_value(value, template.kind, longest)
    words = f"【{sign}】" + VARIABLE.sub(lambda found: values[int(found[1]) - 1], template.content)
    if len(words) > LONGEST_TEXT:
        raise Refused("InvalidParameterValue.ContentLengthLimit")
    return words


def _check_value(value: str, kind: int, longest: int) -> None:
    if kind == CODE and not re.fullmatch(rf"\d{{0,{LONGEST_CODE}}}", value, re.ASCII):
        raise Refused("InvalidParameterValue.TemplateParameterFormatError")
    if LINK.search(value):
        raise Refused("InvalidParameterValue.ProhibitedUseUrlInTemplateParameter")
    if len(value) > longest:
        raise Refused("InvalidParameterValue.TemplateParameterLengthLimit")


def _international(params: Params) -> int:
    value = number(params, "International")
    if value not in (0, 1):
        raise Refused("InvalidParameterValue.InvalidInternational", "International 0, 1")
    return value


def _chosen(params: Params, ids: str, rows: Sequence[Judged]) -> Sequence[Judged]:
    """Those asked for by their ids, else a page of all; none goes abroad from here."""
    if _international(params) != DOMESTIC:
        return []
    wanted = several(params, ids, int)
    if wanted:
        return [row for row in rows if row.id in wanted]
    limit, offset = number(params, "Limit", 0 if ids == "TemplateIdSet" else 10), number(params, "Offset", 0)
    if not 0 <= limit <= MOST_LISTED or offset < 0:
        raise Refused("InvalidParameterValue.LimitVerifyFail")
    return rows[offset : offset + limit]
