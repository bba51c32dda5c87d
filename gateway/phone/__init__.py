"""The telephone: a pure dialogue, the driver that runs it, and a renderer for each kind of switch."""
