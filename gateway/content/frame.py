"""What stands around every letter: the signature above, the hotline and how to stop it below. Pure."""

from __future__ import annotations

import html
from dataclasses import dataclass

# Dark on white, contrast at least 7:1; 18 px and 1.5 as the rules for older readers ask (MIIT 2021).
FONT = "font:18px/1.5 'PingFang SC','Microsoft YaHei','Noto Sans SC',sans-serif"
INK, LINK, LINE = "#14212b", "#075e57", "#6d7c85"
STYLES = {
    "body": f"margin:0;padding:24px;background:#ffffff;color:{INK};{FONT}",
    "div": f"max-width:34em;margin:0 auto;{FONT};color:{INK}",
    "h1": "margin:24px 0 12px;font-size:26px;line-height:1.3",
    "h2": "margin:24px 0 12px;font-size:22px;line-height:1.3",
    "p": "margin:0 0 18px",
    "ul": "margin:0 0 18px;padding-left:28px",
    "ol": "margin:0 0 18px;padding-left:28px",
    "li": "margin:0 0 6px",
    "blockquote": f"margin:0 0 18px;padding:6px 0 1px 16px;border-left:8px solid {LINE}",
    "a": f"color:{LINK};text-decoration:underline",
    "hr": f"margin:24px 0;border:0;border-top:1px solid {LINE}",
}
FOOTERS = {
    "zh": "本邮件由系统自动发送，请勿直接回复。咨询电话：{hotline}。"
    "工作人员不会索要验证码或密码，切勿告知他人。",
    "en": "This message was sent automatically; please do not reply. Questions? Call {hotline}. "
    "Our staff never ask for codes or passwords.",
}
STOPPING = {
    "zh-CN": "不想再收到这类通知，请打开下面的链接。停止后，办理结果和验证码仍会照常发给您。",
    "en": "To stop notices like this one, open the link below. Results and codes will still reach you.",
}
STOP = "停止接收 Stop"


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around every letter. ``hotline`` is as dialled from anywhere (0736-12333).

    ``unsubscribe`` is the address that stops such letters; "" where they cannot be stopped.
    """

    signature: str
    hotline: str
    language: str = "zh-CN"
    unsubscribe: str = ""


def page(frame: Frame, subject: str, body: str) -> str:
    """A letter's HTML with everything around it."""
    return (
        f'<!doctype html>\n<html lang="{html.escape(frame.language)}">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(subject)}</title></head>\n"
        f'<body style="{STYLES["body"]}">\n<div style="{STYLES["div"]}">\n'
        f'<p style="{STYLES["p"]}"><strong>【{html.escape(frame.signature)}】</strong></p>\n'
        f'{body}<hr style="{STYLES["hr"]}">\n{_html_footer(frame)}'
        "</div>\n</body>\n</html>\n"
    )


def _html_footer(frame: Frame) -> str:
    footer = element("p", html.escape(_footer(frame))) + "\n"
    if not frame.unsubscribe:
        return footer
    words = [f'<span lang="{language}">{words}</span>' for language, words in STOPPING.items()]
    link = element("a", STOP, f' href="{html.escape(frame.unsubscribe)}"')
    return footer + element("p", "<br>\n".join((*words, link))) + "\n"


def plain(frame: Frame, text: str) -> str:
    """A letter's plain text with everything around it."""
    return f"【{frame.signature}】\n\n{text}\n\n-- \n{_plain_footer(frame)}\n"


def _footer(frame: Frame) -> str:
    return FOOTERS["en" if frame.language.startswith("en") else "zh"].format(hotline=frame.hotline)


def _plain_footer(frame: Frame) -> str:
    """The link on a line of its own: a mail program would take a full stop after it for a part of it."""
    if not frame.unsubscribe:
        return _footer(frame)
    return "\n".join((_footer(frame), "", *STOPPING.values(), frame.unsubscribe))


def element(tag: str, inner: str, more: str = "") -> str:
    return f'<{tag}{more} style="{STYLES[tag]}">{inner}</{tag}>'
