"""Registered templates: their review, and what may be put into their variables.

Rules: the vendor's template specification. Registered templates outlive a restart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path

from integrations.sandbox.signature import Refused

PENDING, APPROVED, REFUSED, WITHDRAWN = 0, 1, 2, 10  # the vendor's TemplateStatus
CODE = 0  # TemplateType of verification codes; 1 is a notice
LONGEST_TEXT = 500
LONGEST_VALUE = 35
RESERVED = frozenset({"email", "mobile", "id", "nick", "site"})  # no names for variables
VARIABLE = re.compile(r"\$\{([^{}]*)\}")
LINK = re.compile(
    r"https?://|www\.|[a-z0-9-]\.(?:com|cn|net|org|gov|top|xyz|io)\b", re.IGNORECASE | re.ASCII
)  # ASCII: a link ends where Chinese begins
LINK_WITH_VARIABLE = re.compile(r"(?:https?://|www\.)\S*\$\{|\$\{(?:url|link)\w*\}|\}\.(?:com|cn|net)", re.I)


@dataclass(frozen=True, slots=True)
class Template:
    """A text handed in; ``reason`` is set when the review refuses it. ``at`` in epoch seconds.

    ``decided`` is the status somebody gave it in place of the review's.
    """

    code: str
    name: str
    content: str
    kind: int
    at: float
    reason: str
    decided: int | None = None

    def status(self, now: float, review_delay: float) -> int:
        """Where the review stands."""
        if self.decided is not None:
            return self.decided
        if now < self.at + review_delay:
            return PENDING
        return REFUSED if self.reason else APPROVED


class Templates:
    """The register, kept in a JSON file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        rows = json.loads(path.read_text("utf-8")) if path.exists() else []
        self._templates = {row["code"]: Template(**row) for row in rows}

    def add(self, name: str, content: str, kind: int, now: float) -> Template:
        """Take a text for review."""
        code = f"SMS_{501_000_000 + len(self._templates) + 1}"
        template = Template(code, name, content, kind, now, objection(content, kind))
        self._templates[code] = template
        self._save()
        return template

    def get(self, code: str) -> Template | None:
        """The template of that code."""
        return self._templates.get(code)

    def all(self) -> list[Template]:
        """Every one, in the order they were handed in."""
        return list(self._templates.values())

    def decide(self, code: str, status: int, reason: str) -> None:
        """Let it stand so from now on. Raises ``LookupError`` for one that is not there."""
        self._templates[code] = replace(self._templates[code], decided=status, reason=reason)
        self._save()

    def _save(self) -> None:
        rows = [asdict(template) for template in self._templates.values()]
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(rows, ensure_ascii=False, indent=1), "utf-8")
        temporary.replace(self._path)


def objection(content: str, kind: int) -> str:
    """What the reviewer has against a text; "" when nothing."""
    names = VARIABLE.findall(content)
    fixed = VARIABLE.sub("", content)
    rules = (
        (len(content) > LONGEST_TEXT, "模板内容超过500字"),
        (bool(re.search("[【】]", content)), "模板内容不能包含【】"),
        (not fixed.strip(), "模板不能全部由变量组成"),
        ("}${" in content, "变量不能相邻"),
        ("${" in fixed or not all(map(_is_name, names)), "变量名不合规"),
        (bool(LINK_WITH_VARIABLE.search(content)), "链接不能作为变量"),
        (kind == CODE and len(names) != 1, "验证码模板只能有一个变量"),
    )
    return ";".join(reason for broken, reason in rules if broken)


def _is_name(name: str) -> bool:
    return name not in RESERVED and bool(re.fullmatch(r"[A-Za-z]\w{0,31}", name, re.ASCII))


def fill(template: Template, sign: str, params: Mapping[str, object]) -> str:
    """The text as it arrives, with its signature. Raises ``Refused`` with the vendor's code."""
    names, form = _form(template.content)
    values = tuple([_string(params.get(name, "")) for name in names])
    for value in values:
        _check_value(value, template.kind)
    text = f"【{sign}】" + form % values
    if len(text) > LONGEST_TEXT:
        raise Refused("isv.PARAM_LENGTH_LIMIT", "短信内容超过长度限制")
    return text


@lru_cache(1024)
def _form(content: str) -> tuple[tuple[str, ...], str]:
    """The names of a text's variables in order, and the text with %s for each."""
    pieces = VARIABLE.split(content)
    return tuple(pieces[1::2]), "%s".join(piece.replace("%", "%%") for piece in pieces[::2])


def _string(value: object) -> str:
    """{"code":"1234"} is taken, {"code":1234} is not."""
    if not isinstance(value, str):
        raise Refused("isv.INVALID_JSON_PARAM", "JSON参数不合法，只接受字符串值")
    return value


def _check_value(value: str, kind: int) -> None:
    if not value:
        raise Refused("isv.TEMPLATE_MISSING_PARAMETERS", "模板缺少变量")
    if len(value) > LONGEST_VALUE:
        raise Refused("isv.PARAM_LENGTH_LIMIT", "参数超过长度限制")
    if ("." in value or "/" in value) and LINK.search(value):  # no link is without one
        raise Refused("isv.PARAM_NOT_SUPPORT_URL", "变量不支持传入URL")
    if "【" in value or "】" in value or (kind == CODE and not re.fullmatch(r"\d{4,6}", value, re.ASCII)):
        raise Refused("isv.TEMPLATE_PARAMS_ILLEGAL", "模板变量里包含非法内容")
