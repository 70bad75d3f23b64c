"""The server's side: its instances on a host, the certificates in their key databases, and their renewal.

    model      what an instance is, and what it is found by
    options    dsmserv.opt: bytes in, values out; pure
    locate     finds instances                           reading   reads one
    assess     what is wrong with one; pure              checks    is the renewed one right? pure
    plan       the steps of a renewal                    planner   from facts to steps; pure
    control    stops and starts the server, and waits    macros    text for dsmadmc; pure

Nothing here ever looks into a private key: a personal record is carried as the bytes that it is.
"""
