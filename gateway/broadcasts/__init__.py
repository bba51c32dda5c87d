"""One message to many people: whom it is for, counting them first, taking them a page at a time."""
