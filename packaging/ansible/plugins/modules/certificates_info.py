#!/usr/bin/python
# Copyright: The dsmcertfix authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the clients of a node trust the certificates that their servers present now."""

DOCUMENTATION = r"""
---
module: certificates_info
short_description: Tell which server certificates of IBM Storage Protect clients are stale
version_added: 0.1.0
description:
  - Runs C(dsmcertfix detect) on the node and changes nothing.
  - What was found is returned, not judged. A node without a client, or with a damaged store, fails no task.
author:
  - The dsmcertfix authors (@dsmcertfix)
extends_documentation_fragment:
  - dsmcertfix.storage_protect.client
attributes:
  check_mode:
    description: The same in check mode, for nothing is changed.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
"""

EXAMPLES = r"""
- name: Look
  dsmcertfix.storage_protect.certificates_info:
    executable: /opt/dsmcertfix.pyz
  become: true
  register: found

- name: Tell
  ansible.builtin.debug:
    var: found.comment
  when: found.needed
"""

RETURN = r"""
needed:
  description: Whether action is needed.
  returned: always
  type: bool
  sample: true
present:
  description: Whether the node has a store of certificates at all.
  returned: always
  type: bool
  sample: true
outcome:
  description: What state the machine is in, which is always C(unchanged).
  returned: when dsmcertfix ran
  type: str
  sample: unchanged
exit_code:
  description: The exit code of C(dsmcertfix detect). 0 is fine, 3 is action needed, others are errors.
  returned: when dsmcertfix ran
  type: int
  sample: 3
comment:
  description: The result in one line.
  returned: when dsmcertfix ran
  type: str
  sample: "action needed: TSM01 presents another certificate now"
problem:
  description: Code, message, facts and advice of what could not be looked at; none when everything could.
  returned: when dsmcertfix ran
  type: dict
  sample:
    code: no-store-found
    message: there is no dsmcert.kdb on this machine
report:
  description: The whole result as in C(dsmcertfix detect --json). It holds no secret.
  returned: when dsmcertfix ran
  type: dict
  sample:
    schema: dsmcertfix.report/1
    stores: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.dsmcertfix.storage_protect.plugins.module_utils import client


def main() -> None:
    """The entry point."""
    module = AnsibleModule(argument_spec=client.shared_arguments(), supports_check_mode=True)
    if client.not_shipped_yet(module):
        told = "dsmcertfix is not on this node yet, and check mode ships nothing"
        module.exit_json(changed=False, needed=False, present=False, msg=told)
    report = client.report_of(module, client.detect_command(module.params))
    problem = client.problem_of(report)
    result = dict(
        client.result_of(report),
        changed=False,
        needed=report["exit_code"] == client.ACTION_NEEDED,
        present=bool(report["stores"]),
    )
    if report["exit_code"] in client.NO_RESULT:
        module.fail_json(msg=client.words_of(problem, report), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
