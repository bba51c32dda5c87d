"""The small part of Markdown that our e-mails know, read into tokens. Pure.

``#`` headings, paragraphs, lists (``-``, ``*``, ``+``, ``•``, ``1.``), ``---`` rules, links, and
``^`` insets as GOV.UK Notify writes them: a line that begins with ``^`` opens one, which goes on to
the next blank line, and over it where another ``^`` follows. Each may stand in a list or in another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from mistune import BlockParser, InlineParser, Markdown
from mistune.core import BlockState

Token = Mapping[str, Any]

_BLOCKS = ["inset", "atx_heading", "thematic_break", "list", "blank_line"]
_INLINES = ["link", "link_close"]
_DEEPEST = 4  # containers in one another; what lies deeper stays as it is written
_INSET = r"^ {0,3}\^[^\n]*(?:\n(?![ \t]*$)[^\n]+)*(?:\n(?:[ \t]*\n)* {0,3}\^[^\n]*(?:\n(?![ \t]*$)[^\n]+)*)*"
_MARK = re.compile(r"^ {0,3}\^ ?", re.M)
_BULLET = re.compile(r"^([ \t]*)•[ \t]*(?=\S)", re.M)


def blocks(body: str) -> Sequence[Token]:
    """The blocks of a text, blank lines left out; each token has a ``type``, as mistune names them."""
    found = cast(Sequence[Token], _MARKDOWN(_BULLET.sub(r"\1- ", body)))
    return [token for token in found if token["type"] != "blank_line"]


def children(token: Token) -> Sequence[Token]:
    return [child for child in token.get("children", ()) if child["type"] != "blank_line"]


def _inset(block: BlockParser, found: re.Match[str], state: BlockState) -> int:
    inner = state.child_state(_MARK.sub("", found[0]) + "\n")
    deepest = state.depth() >= block.max_nested_level - 1
    block.parse(inner, [rule for rule in _BLOCKS if not (deepest and rule in ("inset", "list"))])
    state.append_token({"type": "inset", "children": inner.tokens})
    return found.end() + 1


def _parser() -> Markdown:
    block, inline = BlockParser(list_rules=_BLOCKS, max_nested_level=_DEEPEST), InlineParser()
    block.register("inset", _INSET, _inset)
    block.rules, inline.rules = _BLOCKS, _INLINES
    return Markdown(renderer=None, block=block, inline=inline)


_MARKDOWN = _parser()
