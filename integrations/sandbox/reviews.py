"""The vendor's reviewers: what they think of a text or a name, and how to make them think otherwise."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiohttp import web

from integrations.sandbox.params import Params, needed
from integrations.sandbox.receipts import china_time
from integrations.sandbox.signature import Refused
from integrations.sandbox.steering import as_json, done, read
from integrations.sandbox.texts import APPROVED, PENDING, REFUSED, WITHDRAWN, Template, Templates

STATES = {"pending": PENDING, "approved": APPROVED, "refused": REFUSED, "withdrawn": WITHDRAWN}
WORDS = {status: word for word, status in STATES.items()}
UNSAID = "不符合规范"  # the reason of a refusal that was given none


class Signatures:
    """The names the account may sign with: approved until somebody decides otherwise."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = sorted(names)
        self._decided: dict[str, tuple[int, str]] = {}

    def judged(self, name: str) -> tuple[int, str]:
        """The vendor's SignStatus and its reason. Raises ``Refused`` for a name that is not the account's."""
        if name not in self._names:
            raise Refused("isv.SMS_SIGNATURE_ILLEGAL", "该账号下找不到对应签名")
        return self._decided.get(name, (APPROVED, ""))

    def check(self, name: str) -> None:
        """Raise ``Refused`` unless messages may be signed with it."""
        status, _ = self.judged(name)
        if status == WITHDRAWN:
            raise Refused("isv.SIGN_STATE_ILLEGAL", "签名状态为“不可用”")
        if status != APPROVED:
            raise Refused("isv.SMS_SIGNATURE_ILLEGAL", "该账号下找不到对应签名")

    def decide(self, name: str, status: int, reason: str) -> None:
        """Let it stand so from now on. Raises ``LookupError`` for one that is not there."""
        if name not in self._names:
            raise LookupError(name)
        self._decided[name] = status, reason

    def clear(self) -> None:
        """All are approved again."""
        self._decided.clear()

    def listed(self) -> list[dict[str, str]]:
        """All."""
        judged = ((name, *self.judged(name)) for name in self._names)
        return [
            {"signature": name, "state": WORDS[status], "reason": reason} for name, status, reason in judged
        ]


class Reviews:
    """The actions about templates and names, and the addresses under /_sandbox/ to decide on them."""

    def __init__(self, templates: Templates, signatures: Signatures, delay: Callable[[], float]) -> None:
        self._templates = templates
        self._signatures = signatures
        self._delay = delay
        self.actions: Mapping[str, Callable[[Params], dict[str, Any]]] = {
            "AddSmsTemplate": self._add_sms_template,
            "QuerySmsTemplate": self._query_sms_template,
            "QuerySmsSign": self._query_sms_sign,
        }

    def usable(self, code: str) -> Template:
        """The approved template of that code. Raises ``Refused``."""
        template = self._templates.get(code)
        if template is None or self._status(template) != APPROVED:
            raise Refused("isv.SMS_TEMPLATE_ILLEGAL", "该账号下找不到对应模板")
        return template

    def _status(self, template: Template) -> int:
        return template.status(time.time(), self._delay())

    # --- actions ---

    def _add_sms_template(self, params: Params) -> dict[str, Any]:
        kind = needed(params, "TemplateType")
        if kind not in ("0", "1", "2", "3") or len(needed(params, "TemplateName")) > 30:
            raise Refused("isv.INVALID_PARAMETERS", "参数异常")
        content = needed(params, "TemplateContent")
        needed(params, "Remark")
        template = self._templates.add(params["TemplateName"], content, int(kind), time.time())
        return {"TemplateCode": template.code}

    def _query_sms_template(self, params: Params) -> dict[str, Any]:
        template = self._templates.get(needed(params, "TemplateCode"))
        if template is None:
            raise Refused("isv.SMS_TEMPLATE_ILLEGAL", "该账号下找不到对应模板")
        status = self._status(template)
        return {
            "TemplateCode": template.code,
            "TemplateName": template.name,
            "TemplateContent": template.content,
            "TemplateType": template.kind,
            "TemplateStatus": status,
            "CreateDate": china_time(template.at),
            "Reason": template.reason if status == REFUSED else "",
        }

    def _query_sms_sign(self, params: Params) -> dict[str, Any]:
        name = needed(params, "SignName")
        status, reason = self._signatures.judged(name)
        return {"SignName": name, "SignStatus": status, "Reason": reason}

    # --- steering ---

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [
            web.get("/_sandbox/reviews", self.get_reviews),
            web.post("/_sandbox/reviews", self.post_reviews),
        ]

    async def get_reviews(self, _request: web.Request) -> web.Response:
        """Every template and every name, and where it stands."""
        return as_json(self.listed())

    async def post_reviews(self, request: web.Request) -> web.Response:
        """{"template" or "signature", "state", "reason"}: what the reviewers say of it from now on."""
        values = await read(request)
        kind = "template" if "template" in values else "signature"
        status, reason = STATES.get(str(values.get("state"))), values.get("reason") or ""
        if status is None or not isinstance(reason, str):
            raise web.HTTPBadRequest(text=f"state is one of {', '.join(STATES)}; reason is a text")
        register = self._templates if kind == "template" else self._signatures
        try:
            register.decide(str(values.get(kind)), status, reason or (UNSAID if status == REFUSED else ""))
        except LookupError:
            raise web.HTTPBadRequest(text=f"no such {kind}") from None
        return done(request, self.listed())

    def listed(self) -> list[dict[str, str]]:
        """Every name, then every template, as GET /_sandbox/reviews shows them."""
        templates = [
            {
                "template": one.code,
                "state": WORDS[self._status(one)],
                "reason": one.reason,
                "text": one.content,
            }
            for one in self._templates.all()
        ]
        return [*self._signatures.listed(), *templates]
