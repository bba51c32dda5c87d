"""The outside world for tests and the demo city: an SMS vendor, handsets, a card system.

One aiohttp process that speaks their wire protocols as strictly as they do, with faults at the
flick of a switch and a page to look at. It shares no code with the gateway.
"""
