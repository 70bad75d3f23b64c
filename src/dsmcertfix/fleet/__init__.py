"""Many results of many machines, folded into one picture. Pure: values in, values out.

Results come from other machines, so nothing in them is believed to have the right form: `seen` takes what has
it and passes over the rest. Cleaning text for a reader is `render`'s job.

    reading       bytes of a file -> JSON values, and what was damaged
    seen          a JSON value -> what one result tells
    expected      a text -> the hosts of an inventory, and their nodes
    endpoints     results -> one state for each endpoint
    certificates  endpoints -> who holds which certificate of which server, and which one nobody else has
    causes        endpoints -> why they are not healthy, ranked, with advice
    nodes         endpoints -> the nodes that their servers refused
    picture       all of it together
"""
