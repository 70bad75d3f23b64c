"""Windows behind the protocols of `system.base`; the calls are in `system.win32`."""
