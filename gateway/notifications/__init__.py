"""One message to one recipient on one channel: asking for it, its status, its rows."""
