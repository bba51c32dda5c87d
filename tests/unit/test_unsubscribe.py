"""The token in a notice's link: short, ours alone, and its way through a mail's header."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.notifications import unsubscribe
from gateway.security import Vault
from tests.conftest import MASTER_KEY

VAULT, OTHER = Vault(MASTER_KEY), Vault(MASTER_KEY[::-1])
INDEXES = st.binary(min_size=16, max_size=16)


@given(INDEXES)
def test_a_token_names_its_address_again(index: bytes) -> None:
    """Thirty characters that need no escaping; no table is asked."""
    token = unsubscribe.token(VAULT, index)
    assert unsubscribe.index_of(VAULT, token) == index
    assert len(token) == 30
    assert token.replace("-", "").replace("_", "").isalnum()


@given(INDEXES, st.integers(0, 29), st.sampled_from("ABab09-_"))
@settings(max_examples=100)
def test_a_changed_token_names_nobody(index: bytes, place: int, sign: str) -> None:
    """Any other character anywhere: also in the bits that base64 leaves over."""
    token = unsubscribe.token(VAULT, index)
    changed = token[:place] + sign + token[place + 1 :]
    assert unsubscribe.index_of(VAULT, changed) == (index if changed == token else None)


@given(INDEXES, st.binary(min_size=6, max_size=6))
@settings(max_examples=100)
def test_a_token_somebody_else_made_names_nobody(index: bytes, proof: bytes) -> None:
    """Neither with a guessed proof nor with another master key."""
    guessed = urlsafe_b64encode(index + proof).decode().rstrip("=")
    assert unsubscribe.index_of(VAULT, guessed) is None
    assert unsubscribe.index_of(VAULT, unsubscribe.token(OTHER, index)) is None


@given(st.text(max_size=40))
@settings(max_examples=100)
def test_whatever_stands_in_the_link_is_answered(given_token: str) -> None:
    assert unsubscribe.index_of(VAULT, given_token) is None


@pytest.mark.parametrize("public_url", ["https://12333.changde.gov.cn", "https://" + "h" * 32])
def test_the_link_is_shorter_than_a_mails_line(public_url: str) -> None:
    """With a PUBLIC_URL of up to 40 characters the header's value needs no folding (RFC 5322: 78)."""
    link = unsubscribe.link(VAULT, public_url, bytes(16))
    assert link.startswith(f"{public_url}/u/")
    assert len(f" <{link}>") < 78
