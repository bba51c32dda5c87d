"""What an operator can do to the work in hand, from the console, the command or the API alike."""
