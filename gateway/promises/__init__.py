"""What is said of the promises made to people while they run, and the office's list of them."""
