"""What each command does: one file a command, bearing its name."""
