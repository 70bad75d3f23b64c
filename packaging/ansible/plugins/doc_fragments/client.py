# Copyright: The dsmcertfix authors
# SPDX-License-Identifier: Apache-2.0
"""What both modules document."""

from __future__ import annotations


class ModuleDocFragment:
    """Options and notes that the modules share."""

    DOCUMENTATION = r"""
options:
  executable:
    description:
      - The program on the node, C(dsmcertfix) of a package or C(dsmcertfix.pyz).
    type: path
    default: /usr/bin/dsmcertfix
  servers:
    description:
      - Only certificates of these servers. Each is a stanza name, an address, or the name inside a label.
      - Without any selection it is what C(dsmcertfix detect) finds affected.
    type: list
    elements: str
    default: []
  labels:
    description:
      - Only the certificates with these labels.
    type: list
    elements: str
    default: []
  fingerprints:
    description:
      - Only the certificates with these SHA-256 fingerprints.
    type: list
    elements: str
    default: []
  stores:
    description:
      - Only the stores in these directories.
    type: list
    elements: path
    default: []
  expired:
    description:
      - Certificates that have expired.
    type: bool
    default: false
  expires_within:
    description:
      - Certificates that expire within so many days, too.
    type: int
    default: 0
  timeout:
    description:
      - Time limit for each program of the client, in seconds.
    type: float
    default: 120
  network_homes:
    description:
      - Look into homes on network file systems, too.
    type: bool
    default: false
  root:
    description:
      - The root of the machine's file system, for a container or an image that is mounted there.
    type: path
  state_dir:
    description:
      - Where journals, backups and the lock are kept. C(/var/lib/dsmcertfix) for root when not given.
    type: path
notes:
  - The exit codes and the JSON are explained in the documentation of dsmcertfix.
  - No password is passed or returned. The stash file of a store, which is a secret, is not read.
"""
