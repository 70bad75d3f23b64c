"""Whether a label names a server. Pure."""

from __future__ import annotations

import re

# What the client calls a certificate that it fetched; only the name within tells servers apart.
FETCHED = re.compile(r"TSM server (.+) self-signed key\Z", re.IGNORECASE)


def label_names(label: str, name: str) -> bool:
    """Whether the label contains the name as a word: TSM10 and tsm1.example.com do not name TSM1.

    Of a label in the client's own form only the name within counts: "TSM server TSM1 self-signed key" does
    not name a server that is called TSM.
    """
    if not name.strip():
        return False
    fetched = FETCHED.match(label)
    within = fetched[1] if fetched else label
    if label.isascii() and name.isascii() and name.strip().lower() not in within.lower():
        # Most labels name no server, and a search for a word costs ten times as much.
        return False
    word = rf"(?<![\w.-]){re.escape(name.strip())}(?![\w-]|\.\w)"
    return re.search(word, within, re.IGNORECASE) is not None
