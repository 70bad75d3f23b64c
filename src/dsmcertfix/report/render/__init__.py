"""A report as somebody wants to read it. Pure: a report in, text out; nothing is decided here."""
