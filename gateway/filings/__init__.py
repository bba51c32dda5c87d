"""Filings (备案登记): what may be filed, what a register's rows mean, and their words."""
