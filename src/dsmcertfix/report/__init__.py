"""What a command tells, and how."""
