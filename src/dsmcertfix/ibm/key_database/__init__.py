"""IBM's files: bytes in, values out. Nothing here opens a file, and no password is ever part of a message."""
