"""From facts to steps. Pure: the same facts and the same request give the same plan."""
