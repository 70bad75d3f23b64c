"""The public CA certificates that GSKit itself puts into a key database that it makes. Pure data.

Measured on GSKit 8.0.60.5, for versions 3, 4 and 6. It leaves out what has expired. No server sends them.
"""

from __future__ import annotations

GSKIT_ROOTS = frozenset(
    (
        "02ed0eb28c14da45165c566791700d6451d7fb56f0b2ab1d3b8eb070e56edff5",  # Entrust Root - EC1
        "73c176434f1bc6d5adf45b0e76e727287c8de57616c1e6e6141a2b2cbc7d8e4c",  # Entrust Root - EV
        "43df5774b03e7fef5fe40d931a7bedf1bb2e6b42738c4e6d3841103d3aa7f339",  # Entrust Root - G2
        "6dc47172e01cbcb0bf62580d895fe2b8ac9ad4f873801e0c10b9c837d21eb177",  # Entrust.net CA (2048) 29
        "8d722f81a9c113c0791df136a2966db26c950a971db46b4199f4ea54b78bfb9f",  # Thawte Primary Root CA
        "a4310d50af18a6447190372a86afaf8b951ffb431d837f1e5688b45971ed1557",  # Thawte Primary Root CA - G2 ECC
        "d17cd8ecd586b712238a482ce46fa5293970742f276d8ab6a9e46ee0288f3355",  # VeriSign Class 1
        "341de98b1392abf7f4ab90a960cf25d4bd6ec65b9a51ce6ed067d00ec7ce9b7f",  # VeriSign Class 1 - G2
        "cbb5af185e942a2402f9eacbc0ed5bb876eea3c1223623d00447e4f3ba554b65",  # VeriSign Class 1 - G3
        "bd469ff45faae7c54ccbd69d3f3b002255d9b06b10b1d0fa388bf96b918b2ce9",  # VeriSign Class 2
        "3a43e220fe7f3ea9653d1e21742eac2b75c20fd8980305bc502caf8c2d9b41a1",  # VeriSign Class 2 - G2
        "92a9d9833fe1944db366e8bfae7a95b6480c2d6c6c2a1be65d4236b608fca1bb",  # VeriSign Class 2 - G3
        "a4b6b3996fc2f306b3fd8681bd63413d8c5009cc4fa329c2ccf0e2fa1b140305",  # VeriSign Class 3
        "83ce3c1229688a593d485f81973c0f9195431eda37cc5e36430e79c7a888638b",  # VeriSign Class 3 - G2
        "eb04cf5eb1f39afa762f2bb120f296cba520c1b97db1589565b81cb9a17b7244",  # VeriSign Class 3 - G3
        "9acfab7e43c8d880d06b262a94deeee4b4659989c3d0caf19baf6405e41ab7df",  # VeriSign Class 3 - G5
        "44640a0a0e4d000fbd574d2b8a07bdb4d1dfed3b45baaba76f785778c7011961",  # VeriSign Class 4 - G2
        "e389360d0fdbaeb3d250584b4730314e222f39c156a020144e8d960561791506",  # VeriSign Class 4 - G3
    )
)
"""Their SHA-256."""
