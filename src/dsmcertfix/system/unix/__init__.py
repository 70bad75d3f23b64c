"""Unix behind the protocols of `system.base`."""
