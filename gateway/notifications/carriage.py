"""What no provider of a channel can carry, known before it is taken.

The door is no wider than the vendors': a message that none of them may carry is refused with
the field and the limit, where whoever asked can still mend it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway import cities, plugins
from gateway.channels import email
from gateway.channels.sms import HOME
from gateway.content.rendering import Values
from gateway.content.store import TemplateVersion
from gateway.messages import OF_VALUES, Excess, Limits, Message, excess
from gateway.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Carriage:
    """The providers of one channel, as far as they name limits; made once for many messages."""

    channel: str
    limits: tuple[Limits, ...]  # of those with weight, the heaviest first; none where it is closed
    signature: str

    def against(self, version: TemplateVersion, personalisation: Values, address: str = "") -> Excess | None:
        """What stands against a message where none of them can carry it; None where one can.

        A variable is called as its text writes it. Without an address no country stands against
        it, and it is measured as for the mainland, where most of them go. An e-mail is a matter of
        its files alone, which are measured where they are attached.
        Raises ``MissingPersonalisationError``.
        """
        if self.channel == email.SUFFIX or not self.limits or Limits() in self.limits:
            return None
        text, params = version.compiled.rendered(personalisation)
        message = Message(address, text, self.signature, params=params)
        against = [found for limits in self.limits if (found := _beyond(limits, message))]
        return _as_written(against[0], version) if len(against) == len(self.limits) else None


def carriage(runtime: Runtime, channel: str) -> Carriage:
    """What the channel's providers say of themselves; they need not be built."""
    weights = sorted(runtime.weights(channel).items(), key=lambda one: -one[1])
    limits = tuple(_limits(runtime, name) for name, weight in weights if weight)
    rules = cities.of(runtime).rules_now(runtime.clock())
    return Carriage(channel, tuple(dict.fromkeys(limits)), rules.signature)


def _limits(runtime: Runtime, name: str) -> Limits:
    built = runtime.providers.get(name)
    limits: Limits = (built or plugins.declared(name)).limits
    return limits


def _beyond(limits: Limits, message: Message) -> Excess | None:
    if message.address:
        return excess(limits, message)
    return excess(replace(limits, countries=None), message._replace(address=HOME))


def _as_written(found: Excess, version: TemplateVersion) -> Excess:
    """A provider knows a variable by another name where ours is Chinese."""
    if found.limit not in OF_VALUES:
        return found
    return replace(found, field=version.compiled.written(found.field))
