"""Whether a message is ours: what was sent to a number on a day, and what a notice's code stands for."""
