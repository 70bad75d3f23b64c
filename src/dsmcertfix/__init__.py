"""dsmcertfix repairs the trust of IBM Spectrum/Storage Protect clients in their servers."""

__version__ = "0.1.0"
