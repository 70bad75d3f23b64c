"""A test bench of real parts where they can be had, and played ones where they cannot.

Knows nothing of the product: what it makes and checks rests on IBM's library and on the formats alone.
"""
