"""A city's rules as versioned data: what they are, the form of their files, and how a file is read. Pure."""
