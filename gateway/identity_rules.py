"""How surely a city wants people known, how often one place may try: the ``[identity]`` block of its rules.

All numbers are ours (domain.md, "Self-service transactions" and "The phone"): nothing of the kind is
published. They are generous where many share an address, as a carrier's customers and a hall's visitors do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from ipaddress import IPv4Network, IPv6Network, ip_network
from types import MappingProxyType
from typing import Any

from marshmallow import Schema, ValidationError, post_load, validate
from marshmallow import fields as form

from gateway.rule_fields import Day, number, text

Network = IPv4Network | IPv6Network
LEVELS = ("known", "strong")


@dataclass(frozen=True, slots=True)
class Tries:
    """At most so many in an hour: proofs that were wrong, codes sent, and what needs no proof confirmed."""

    wrong: int
    codes: int
    asked: int


@dataclass(frozen=True, slots=True)
class Identity:
    """``levels`` names types for which the city asks for more than their own level.

    Under ``guardian_under`` years a guardian asks for them. ``device`` holds for an internet address
    (of IPv6 the first 64 bits), ``shared`` for those in ``shared_networks`` (halls) and for calls that
    do not show their number, ``number`` for a calling number.
    """

    levels: Mapping[str, str] = field(default_factory=dict)
    guardian_under: int = 16
    device: Tries = Tries(wrong=30, codes=60, asked=20)
    shared: Tries = Tries(wrong=300, codes=600, asked=200)
    number: Tries = Tries(wrong=10, codes=20, asked=10)
    shared_networks: tuple[Network, ...] = ()
    source: str = ""
    source_date: date | None = None


class _Network(form.Field[Network]):
    """A network as people write it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Network:
        try:
            return ip_network(value)
        except (TypeError, ValueError):
            raise ValidationError('must be a network; write "10.20.0.0/16"') from None


class _TriesSchema(Schema):
    wrong = number(5, 1_000_000, required=True)
    codes = number(5, 1_000_000, required=True)
    asked = number(5, 1_000_000, required=True)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Tries:
        return Tries(**data)


class IdentitySchema(Schema):
    """``[identity]`` of a city's file."""

    levels = form.Dict(
        keys=text(r"[a-z][a-z0-9_]{0,31}"),
        values=form.String(validate=validate.OneOf(LEVELS, error="must be known or strong")),
    )
    guardian_under = number(0, 18)
    device = form.Nested(_TriesSchema)
    shared = form.Nested(_TriesSchema)
    number = form.Nested(_TriesSchema)
    shared_networks = form.List(_Network())
    source = form.String()
    source_date = Day()

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Identity:
        data["levels"] = MappingProxyType(data.get("levels", {}))
        data["shared_networks"] = tuple(data.get("shared_networks", ()))
        return Identity(**data)
