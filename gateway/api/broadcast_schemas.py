"""The form of broadcasts in the API: what makes a draft, and how one is shown."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from gateway.api.schemas import SOMETIMES
from gateway.broadcasts import store
from gateway.broadcasts.form import AsksSchema, DefinitionSchema, RungSchema
from gateway.content.documents import LARGEST

MOST = 10_000  # recipients in one request; a longer list is the command's
LARGEST_CONTENT = LARGEST // 3 * 4 + 4  # characters of one file in base64


class RecipientSchema(Schema):
    """One recipient of a list."""

    phone_number = fields.String(required=True, error_messages={"required": "is a required property"})
    name = fields.String(load_default="", metadata={"description": "Shown masked: 王*."})


class NewAttachmentSchema(Schema):
    """A PDF or DOCX."""

    name = fields.String(required=True, error_messages={"required": "is a required property"})
    content = fields.String(
        required=True,
        error_messages={"required": "is a required property"},
        validate=validate.Length(max=LARGEST_CONTENT, error="must be a file of at most 5 MB in base64"),
        metadata={"description": "The file in base64."},
    )


class NewBroadcastSchema(DefinitionSchema):
    """A broadcast to count: a shipped one by `name`, or your own by `template`, to an audience or a list."""

    recipients = fields.List(
        fields.Nested(RecipientSchema),
        validate=validate.Length(1, MOST, error=f"must have 1 to {MOST:,} recipients"),
        metadata={"description": "Instead of `audience`. Repeated numbers are written to once."},
    )
    attachments = fields.List(
        fields.Nested(NewAttachmentSchema),
        metadata={"description": "Files that go with the e-mails: at most 5 of 5 MB, 10 MB together."},
    )


class GroupSchema(Schema):
    """A district's people by age."""

    district = fields.String()
    name = fields.String()
    people = fields.Integer()
    by_age = fields.Dict(keys=fields.String(), values=fields.Integer())


class AttachmentSchema(Schema):
    """A file that goes with the e-mails."""

    name = fields.String()
    size = fields.Integer(metadata={"description": "Bytes."})


class ShareSchema(RungSchema):
    """A rung after the first, and what it comes to at most: should nobody be reached before."""

    people_at_most = fields.Integer()
    parts_at_most = fields.Integer()


class PeopleSchema(Schema):
    """The audience by where each person stands; everybody counts once."""

    audience = fields.Integer(metadata={"description": "The sum of the others."})
    reached = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={"description": "By the rung that reached them; `call_back`: a person called."},
    )
    waiting = fields.Integer(metadata={"description": "For a message, a receipt, or their turn."})
    to_call = fields.Integer(metadata={"description": "Unreached, and on the list of those to be called."})
    unreached = fields.Integer(metadata={"description": "With nothing more to come."})
    left_alone = fields.Integer(metadata={"description": "On purpose: opted out, no address, cancelled."})


class CountedSchema(Schema):
    """What would go out by the first channel."""

    people = fields.Integer()
    no_address = fields.Integer(metadata={"description": "Of these: will be suppressed."})
    opted_out = fields.Integer(metadata={"description": "Of these: will be suppressed."})
    estimated_parts = fields.Integer()
    estimated_s = fields.Integer(allow_none=True, metadata={"description": "At the pace; null without one."})
    closed_channels = fields.List(
        fields.String(),
        metadata={"description": "Of later rungs, without a provider: they are passed over."},
    )
    ladder = fields.List(fields.Nested(ShareSchema))
    asks = fields.Nested(AsksSchema, allow_none=True)
    digest_at = fields.String(
        allow_none=True,
        metadata={"description": "When they would go, started now, if they may wait for a digest."},
    )
    attachments = fields.List(fields.Nested(AttachmentSchema))
    by_district = fields.List(fields.Nested(GroupSchema))


class ChannelSchema(Schema):
    """One channel's share."""

    channel = fields.String()
    taken = fields.Integer()
    by_status = fields.Dict(keys=fields.String(), values=fields.Integer())


class BroadcastSchema(Schema):
    """A broadcast as it stands; the numbers come from the ledger."""

    id = fields.UUID()
    name = fields.String()
    template = fields.String()
    state = fields.String(metadata={"description": ", ".join(store.State)})
    stage = fields.Integer(metadata={"description": "The rung it stands on; 1: the first."})
    audience = fields.Integer(metadata={"description": "How many people were counted."})
    taken = fields.Integer(metadata={"description": "Messages of all channels so far."})
    through = fields.Integer(metadata={"description": "First messages that wait for nothing of ours."})
    by_status = fields.Dict(keys=fields.String(), values=fields.Integer())
    delivered = fields.Integer()
    reached = fields.Integer(metadata={"description": "People reached, by whatever rung."})
    people = fields.Nested(PeopleSchema)
    ladder = fields.List(fields.Nested(RungSchema))
    deadline = fields.String(
        allow_none=True, metadata={"description": "By then each was reached or is to be called."}
    )
    suppressed = fields.Integer()
    awaiting_receipts = fields.Integer()
    rate = fields.Float(metadata={"description": "Messages a second since the start, pauses not counted."})
    eta_s = fields.Integer(allow_none=True)
    channels = fields.List(fields.Nested(ChannelSchema))
    asks = fields.Nested(AsksSchema, allow_none=True)
    answers = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        allow_none=True,
        metadata={"description": "How many made each choice; null without a question, and 90 days after."},
    )
    answered = fields.Integer(allow_none=True, metadata={"description": "How many answered at all."})
    attachments = fields.List(fields.Nested(AttachmentSchema))
    created_at = fields.String()
    started_at = fields.String(allow_none=True)
    finished_at = fields.String(allow_none=True)
    counted = fields.Nested(CountedSchema, metadata={"description": "With a new draft.", SOMETIMES: True})
    duplicates = fields.Integer(
        metadata={"description": "With a new list: numbers that stood there before.", SOMETIMES: True}
    )
    uri = fields.String()


class BroadcastsSchema(Schema):
    broadcasts = fields.List(fields.Nested(BroadcastSchema))
