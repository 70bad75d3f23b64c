"""Calls of Windows as functions with Python's types; nothing is decided here.

Every module imports on every system; a call anywhere else than on Windows raises AttributeError. What Windows
refuses is raised as OSError with `winerror`, `errno` and `filename`. Signatures and constants: winnt.h,
winbase.h, winsvc.h, and the pages of learn.microsoft.com on each function.
"""
