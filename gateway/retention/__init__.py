"""How long every table keeps what: one list, the hourly job that goes by it, and its report."""
