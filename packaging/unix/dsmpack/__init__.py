"""Builds what is shipped to Unix nodes: the one-file program, the tarball, deb and rpm, man page, completion.

`packaging/unix/build.sh` is the door. Everything is reproducible: the same commit built twice, in whatever
directory, gives the same bytes.
"""
