"""What a back office (card system, pension registry …) may answer to one step.

Each transaction type declares, as a Protocol, the narrow back office it needs;
the integration that answers it is found by name (``plugins.load``). Whatever
happens on the wire comes back as one of these values, never as an exception.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Opening:
    """A transaction of another type that a result opens for the same person, in its commit.

    ``answers`` are those of the other type's form but who it is for. Its reference is kept among
    the opener's facts under the name ``fact`` (≤ 24 characters): what was opened under that name
    is not opened again. ``about`` (≤ 64) names what it is about: where the person asks again, the
    one opened then is theirs still; "": this opener's alone.
    """

    type: str
    answers: Mapping[str, str] = field(repr=False)
    fact: str = "opened"
    about: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """The step took effect. ``facts`` are what the citizen is told of it, ``stage`` the type's own word.

    ``again_at``: when what was done is to be looked at again (the type's ``follow``); null: never.
    ``opens``: what follows from it for the same person under another type.
    """

    facts: Mapping[str, str] = field(default_factory=dict)
    stage: str = ""
    again_at: datetime | None = None
    opens: Opening | None = None


@dataclass(frozen=True, slots=True)
class AlreadyDone:
    """It had taken effect before: a success with another message; otherwise like ``Done``."""

    facts: Mapping[str, str] = field(default_factory=dict)
    stage: str = ""
    again_at: datetime | None = None
    opens: Opening | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """Taken, and people there are at work on it, for days perhaps: asked about again at ``again_at``.

    ``again_at`` null: it is moved on by whoever works on it, not by asking.
    """

    stage: str
    again_at: datetime | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Returned:
    """Sent back to be corrected: why, and the form's ``fields`` that are to be answered anew."""

    reason: str
    fields: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """The back office said no. ``reason`` is our word for it, ``upstream`` its own; the others as above."""

    reason: str
    upstream: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    opens: Opening | None = None


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Surely nothing happened: not reached, or answered with a fault before doing anything."""

    code: str


@dataclass(frozen=True, slots=True)
class Silent:
    """It may have happened: the answer was lost. Ask before repeating."""

    code: str


StepOutcome = Done | AlreadyDone | Pending | Returned | Refused | Unavailable | Silent
