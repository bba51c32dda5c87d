"""Several letters as one e-mail: a cover, then one under the other, each under its own subject. Pure."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from gateway.content.frame import STYLES, Frame, element
from gateway.content.letters import framed

Filled = tuple[str, str, str]  # subject, plain text, HTML: as ``letters.filled`` gives them
RULE = "=" * 20


def gathered(cover: Filled, letters: Sequence[Filled], frame: Frame) -> Filled:
    """All of them in one frame, under the cover's subject."""
    subject, text, body = cover
    headed = list(_headed(letters))
    plain = [f"{RULE}\n{heading}\n{RULE}\n\n{its_text}" for heading, its_text, _ in headed]
    pages = [_under(heading, its_html) for heading, _, its_html in headed]
    return framed((subject, "\n\n".join((text, *plain)), "".join((body, *pages))), frame)


def _headed(letters: Sequence[Filled]) -> Iterator[Filled]:
    for number, (subject, text, body) in enumerate(letters, start=1):
        yield f"{number}/{len(letters)} {subject}", text, body


def _under(heading: str, body: str) -> str:
    strong = f"<strong>{html.escape(heading)}</strong>"
    return f'<hr style="{STYLES["hr"]}">\n{element("p", strong)}\n{body}'
