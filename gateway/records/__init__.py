"""What the register holds of a person, changed by them: values, checks, reviews, words."""
