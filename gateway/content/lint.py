"""What is wrong with a text before it is published, and what could be said better. Pure.

An error keeps it from being published: no vendor would carry it, or nobody could trust it. A
warning is advice. Sources: vendors' rules for reviewed texts (variables of 1 to 35 characters,
none that touch, no text of variables alone, no 【】 in the content, 500 characters with the
signature), and the house's own (genuine texts of ours carry no links; a call is over in half a minute).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from gateway.channels import sms, voice
from gateway.content import plain_words
from gateway.content.letters import LetterError, compile_letter
from gateway.content.rendering import Values, compared
from gateway.content.store import TemplateVersion
from gateway.errors import HuiyinError
from gateway.messages import has_link

ERROR, WARNING = "error", "warning"
LONGEST_VALUE = 35  # characters of one variable in a text message (Aliyun)
USUAL_VALUE = 8  # characters a value is taken to have where no example is given
LONGEST_SPOKEN = 30  # seconds
LONGEST_SIGNATURE = 12  # characters, with which a text must fit whatever the city is called
LONGEST_SUBJECT = 60  # characters that a telephone shows of it


@dataclass(frozen=True, slots=True)
class Finding:
    """``rule`` names it, ``place`` is where: text, subject, a variable, some words. Both say what to do."""

    rule: str
    severity: str
    place: str
    zh: str
    en: str


class NotFitError(HuiyinError):
    """The text breaks rules; nothing was published. Mend what is named and publish a new version."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("; ".join(f"{one.place}: {one.en}" for one in findings))
        self.findings = findings


def check(version: TemplateVersion, examples: Values | None = None) -> tuple[Finding, ...]:
    """What is found, errors first. ``examples`` are values as they will be, by the variables' names."""
    try:
        version.subject  # noqa: B018  # an e-mail without one cannot be read any further
        found = [one for rule in RULES for one in rule(version, examples or {})]
    except LetterError as error:
        zh = "第一行写“Subject: 标题”，空一行，再写正文；链接要写全"
        found = [Finding("letter", ERROR, "text", zh, str(error))]
    return tuple(sorted(found, key=lambda one: one.severity != ERROR))


def errors(version: TemplateVersion, examples: Values | None = None) -> tuple[Finding, ...]:
    return tuple(one for one in check(version, examples) if one.severity == ERROR)


# --- rules ----------------------------------------------------------------------------------

_BROKEN = re.compile(r"\(\(|\)\)")
_TOUCHING = re.compile(r"\)\)\s*\(\(")


def _placeholders(version: TemplateVersion, _examples: Values) -> Iterator[Finding]:
    """Brackets that are no placeholder would be sent as they stand."""
    if any(_BROKEN.search(text) for text in version.compiled.texts):
        yield Finding(
            "placeholder",
            ERROR,
            "text",
            "有不成对或写错的双括号；写作((名称))或((名称??文字))",
            "there are double brackets that make no placeholder; write ((name)) or ((name??words))",
        )


def _links(version: TemplateVersion, _examples: Values) -> Iterator[Finding]:
    if version.channel != "email" and has_link(version.body):
        yield Finding(
            "link",
            ERROR,
            "text",
            "短信和电话里不放网址：正规的12333通知没有链接。改写为拨打12333或到窗口办理",
            "no web address in a text or a call: genuine ones have none. Name the hotline or a counter",
        )


def _brackets(version: TemplateVersion, _examples: Values) -> Iterator[Finding]:
    if version.channel != "email" and ("【" in version.body or "】" in version.body):
        yield Finding(
            "brackets",
            ERROR,
            "text",
            "正文不写【】：签名由系统加上",
            "leave 【】 out: the signature is put before the text by itself",
        )


def _variables(version: TemplateVersion, examples: Values) -> Iterator[Finding]:
    """As vendors that review texts take them."""
    if version.channel != "sms":
        return
    if _TOUCHING.search(version.body):
        zh, en = "变量之间要有文字隔开", "variables touch; put words between them"
        yield Finding("touching", ERROR, "text", zh, en)
    if version.compiled.keys and not "".join(version.compiled.texts).strip():
        zh, en = "不能全是变量；写出固定的文字", "there are variables alone; write words around them"
        yield Finding("only_variables", ERROR, "text", zh, en)
    for name, value in _said(version, examples).items():
        if len(value) > LONGEST_VALUE:
            yield Finding(
                "value",
                ERROR,
                name,
                f"变量最多{LONGEST_VALUE}个字，示例有{len(value)}个；缩短它，或拆成两个",
                f"a variable takes {LONGEST_VALUE} characters, this example has {len(value)}; "
                "shorten it or make it two",
            )
    for words in (words for _, words in version.compiled.conditions.values()):
        if len(words) > LONGEST_VALUE:
            zh = f"条件里的文字最多{LONGEST_VALUE}个字"
            en = f"the words of a condition may have {LONGEST_VALUE} characters"
            yield Finding("condition", ERROR, words[:12], zh, en)


def _code(version: TemplateVersion, _examples: Values) -> Iterator[Finding]:
    if version.channel == "sms" and version.klass == "code" and len(version.compiled.keys) != 1:
        yield Finding(
            "code",
            ERROR,
            "text",
            "验证码短信只有一个变量：验证码本身",
            "a code's text has one variable: the code itself",
        )


def _length(version: TemplateVersion, examples: Values) -> Iterator[Finding]:
    if version.channel != "sms":
        return
    around, texts = LONGEST_SIGNATURE + 2, version.compiled
    fixed = len("".join(texts.texts)) + around
    longest = fixed + LONGEST_VALUE * len(texts.keys)
    if fixed > sms.LIMIT or longest > sms.LIMIT:
        yield Finding(
            "length",
            ERROR if fixed > sms.LIMIT else WARNING,
            "text",
            f"连同签名最多{sms.LIMIT}个字，变量最长时有{longest}个；缩短正文",
            f"{sms.LIMIT} characters with the signature, {longest} with the longest values; shorten it",
        )


def _spoken(version: TemplateVersion, examples: Values) -> Iterator[Finding]:
    if version.channel != "voice":
        return
    said = _filled(version, examples)
    if len(said) > voice.LIMIT:
        yield Finding(
            "length",
            ERROR,
            "text",
            f"供应商只收{voice.LIMIT}个字（250个字符减去格式），现有{len(said)}个；缩短正文",
            f"vendors take {voice.LIMIT} characters (250 less their form), this has {len(said)}; shorten it",
        )
    if (seconds := voice.seconds(said)) > LONGEST_SPOKEN:
        yield Finding(
            "spoken",
            ERROR,
            "text",
            f"念完约{seconds:.0f}秒；最多{LONGEST_SPOKEN}秒，先说要办什么，其余留给12333",
            f"takes about {seconds:.0f} s to say, {LONGEST_SPOKEN} at most; leave the rest to 12333",
        )


def _letter(version: TemplateVersion, _examples: Values) -> Iterator[Finding]:
    """Who reads plain text only must get the whole message, too."""
    if version.channel != "email":
        return
    compiled, subject = compile_letter(version.body, version.language), version.subject or ""
    if not compiled.text.keys and not any(map(str.isalnum, "".join(compiled.text.texts))):
        zh, en = "邮件没有正文；写出要说的话", "the e-mail has no text part; write what there is to say"
        yield Finding("text_part", ERROR, "text", zh, en)
    if len(subject) > LONGEST_SUBJECT:
        zh = f"标题有{len(subject)}个字，手机上只显示{LONGEST_SUBJECT}个"
        en = f"the subject has {len(subject)} characters; a telephone shows {LONGEST_SUBJECT}"
        yield Finding("subject", WARNING, "subject", zh, en)


def _plain_words(version: TemplateVersion, _examples: Values) -> Iterator[Finding]:
    said = version.compiled.filled(dict.fromkeys(version.compiled.variables, "○" * 4))
    for word, instead in plain_words.officialese(said, version.language):
        zh, en = f"公文用语“{word}”，改为：{instead}", f"officialese “{word}”; say: {instead}"
        yield Finding("officialese", WARNING, word, zh, en)
    for sentence in plain_words.long_sentences(said, version.language):
        zh, en = "句子太长，拆成两句", "this sentence is long; make it two"
        yield Finding("long_sentence", WARNING, f"{sentence[:12]}…", zh, en)


RULES: tuple[Callable[[TemplateVersion, Values], Iterator[Finding]], ...] = (
    _placeholders,
    _links,
    _brackets,
    _variables,
    _code,
    _length,
    _spoken,
    _letter,
    _plain_words,
)


def _said(version: TemplateVersion, examples: Values) -> Mapping[str, str]:
    """The examples there are, by the variables' names as written."""
    names = version.compiled.names
    given = {names[key]: value for name, value in examples.items() if (key := compared(name)) in names}
    filled = {**dict.fromkeys(names.values(), ""), **given}
    values = version.compiled.values(filled)
    return {name: values[compared(name)] for name in given}


def _filled(version: TemplateVersion, examples: Values) -> str:
    """The text with the examples, else with values of a usual length, and all that is said on a condition."""
    compiled, said = version.compiled, _said(version, examples)
    usual = {key: said.get(name, "字" * USUAL_VALUE) for key, name in compiled.names.items()}
    return compiled.filled({**usual, **{key: words for key, (_, words) in compiled.conditions.items()}})
