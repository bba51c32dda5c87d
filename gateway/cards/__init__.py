"""A social-security card is two things: its social-security function and a bank account.

Each is blocked and released by itself and has an end of its own. ``situation`` says
how both stand, ``finding`` whose card is meant, ``halves`` asks the bank, ``words``
and the other three say it to citizens. No database here.
"""
