"""Calling people back: when somebody is there to call, whom it is wanted for, how often it is tried."""
