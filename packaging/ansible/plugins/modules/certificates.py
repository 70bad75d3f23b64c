#!/usr/bin/python
# Copyright: The dsmcertfix authors
# SPDX-License-Identifier: Apache-2.0
"""The clients of a node trust the certificates that their servers present now."""

DOCUMENTATION = r"""
---
module: certificates
short_description: Replace stale server certificates of IBM Storage Protect clients
version_added: 0.1.0
description:
  - Runs C(dsmcertfix fix) on the node. Every affected store is backed up, the stale certificate is taken out,
    the client fetches the new one in one session, and the result is proved. What is not proved is put back.
  - Nothing is done, and C(changed) is false, when the clients trust what their servers present.
author:
  - The dsmcertfix authors (@dsmcertfix)
options:
  whole_store:
    description:
      - Move the whole store away and let the client make a new one.
    type: bool
    default: false
  expect_sha256:
    description:
      - The SHA-256 fingerprints of which the new certificate must have one, each as C(HEX), or as
        C(SERVER=HEX) for that server alone. Every server needs one, unless O(trust_on_first_use) is set.
    type: list
    elements: str
    default: []
  expect_file:
    description:
      - Files C(cert256.arm) of servers on the node, each as C(FILE) or C(SERVER=FILE). The new certificate
        must be in one of them.
    type: list
    elements: str
    default: []
  trust_on_first_use:
    description:
      - Trust whatever a server presents of which no certificate is expected.
      - One of this, O(expect_sha256) and O(expect_file) is needed, on every node, whether there is something
        to do or not.
    type: bool
    default: false
  preflight:
    description:
      - Ask the server first whether a new certificate can come. Without it trust may be removed in vain.
    type: bool
    default: true
  reconnect:
    description:
      - Let the client fetch the new certificate now, in one session. Otherwise its next session does.
    type: bool
    default: true
  keep_index:
    description:
      - Leave C(dsmcert.idx) where it is.
    type: bool
    default: false
  engine:
    description:
      - What edits the key database.
    type: str
    choices: [auto, gskit, native]
    default: auto
  wait:
    description:
      - How long to wait for another run on the node to end, in seconds.
    type: float
    default: 0
extends_documentation_fragment:
  - dsmcertfix.storage_protect.client
attributes:
  check_mode:
    description: Shows what would be done and whether it could work, and changes nothing.
    support: full
  diff_mode:
    description: Lists the certificates of every store, by label, end of validity and fingerprint.
    support: full
"""

EXAMPLES = r"""
- name: Replace what is stale, of two servers
  dsmcertfix.storage_protect.certificates:
    executable: /opt/dsmcertfix.pyz
    expect_sha256:
      - TSM01=a2474f49a71b02de51c1ed1a2e6c4a3c8dbb1b6f7aa5a4b6a0de2f8bb0d3c1e9
      - TSM02=5bd1a92472a9a4ff379c48981e93d92f6379a19cd9fffc1a7b58d26fcc4a2ea9
  become: true

- name: Replace the certificate of one server, and accept no other than this one
  dsmcertfix.storage_protect.certificates:
    servers: [TSM01]
    expect_sha256: a2474f49a71b02de51c1ed1a2e6c4a3c8dbb1b6f7aa5a4b6a0de2f8bb0d3c1e9
  become: true

- name: Replace what expires within two months; the next backup fetches the new certificates
  dsmcertfix.storage_protect.certificates:
    expires_within: 60
    reconnect: false
    trust_on_first_use: true
  become: true
"""

RETURN = r"""
outcome:
  description: What state the machine is in. C(unchanged), C(changed), C(rolled-back), or C(broken).
  returned: when dsmcertfix ran
  type: str
  sample: changed
exit_code:
  description: The exit code of dsmcertfix. 1x is untouched, 2x as before, 3x call someone.
  returned: when dsmcertfix ran
  type: int
  sample: 0
comment:
  description: The result in one line.
  returned: when dsmcertfix ran
  type: str
  sample: 1 store changed
problem:
  description: Code, message, facts and advice of what went wrong; none when nothing did.
  returned: when dsmcertfix ran
  type: dict
  sample:
    code: node-strict
    message: the server hands out no certificate
run:
  description: The id of the run, for C(dsmcertfix rollback); none when nothing was done.
  returned: when dsmcertfix ran
  type: str
  sample: 20261124T155244Z-3a9c01
report:
  description:
    - The whole result as in C(dsmcertfix fix --json), in check mode as in C(dsmcertfix plan --json).
    - Stores with their certificates, steps, servers, backups. It holds no secret.
  returned: when dsmcertfix ran
  type: dict
  sample:
    schema: dsmcertfix.report/1
    stores: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dsmcertfix.storage_protect.plugins.module_utils import client, listing


def main() -> None:
    """The entry point."""
    module = AnsibleModule(
        argument_spec={
            **client.shared_arguments(),
            "whole_store": {"type": "bool", "default": False},
            "expect_sha256": {"type": "list", "elements": "str", "default": []},
            "expect_file": {"type": "list", "elements": "str", "default": []},
            "trust_on_first_use": {"type": "bool", "default": False},
            "preflight": {"type": "bool", "default": True},
            "reconnect": {"type": "bool", "default": True},
            "keep_index": {"type": "bool", "default": False},
            "engine": {"type": "str", "choices": ["auto", "gskit", "native"], "default": "auto"},
            "wait": {"type": "float", "default": 0.0},
        },
        supports_check_mode=True,
    )
    client.require_expectation(module)
    if client.not_shipped_yet(module):
        module.exit_json(changed=True, msg="dsmcertfix is not on this node yet, and check mode ships nothing")
    result: dict[str, object] = {}
    plan = None
    if module.check_mode or module._diff:
        plan = client.report_of(module, client.plan_command(module.params))
    if module.check_mode and plan is not None:
        # What cannot be done changes nothing.
        would = bool(plan["steps"]) and plan["exit_code"] == client.FINE
        report, changed, after = plan, would, listing.planned(plan)
    else:
        report = client.report_of(module, client.fix_command(module.params))
        changed, after = bool(report["changed"]), listing.now(report)
    if module._diff and plan is not None:
        # What a run did not touch is not in its report.
        before = listing.now(plan)
        result["diff"] = {
            "before_header": "certificates",
            "after_header": "certificates",
            "before": before,
            "after": after if changed else before,
        }
    result.update(client.result_of(report), changed=changed, run=report["run"])
    if report["exit_code"] != client.FINE:
        module.fail_json(msg=client.words_of(client.problem_of(report), report), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
