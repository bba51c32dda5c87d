"""The door for providers: receipts and, later, inbound messages. One route for all."""
