"""IBM's programs and files."""
