"""The right of access and the right to erasure: what is kept of a person, by table."""
