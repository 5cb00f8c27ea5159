"""Importers: policies in shadow mode from the rules of other systems, and a report of what cannot be mapped.

    >>> from seawall.policy.importers import Target, import_osprey
    >>> imported = import_osprey({"rules/spam.sml": text}, Target(content_types, detectors, banks, "comment"))
    >>> imported.files          # policy files by name, which ``seawall policy check`` accepts
    >>> imported.remarks        # each thing that was left out or changed: its place, what, why

A rule is imported whole or not at all: a rule without one of its conditions would fire where the original does not.
No I/O.
"""

from seawall.policy.importers.coop import import_coop
from seawall.policy.importers.drafts import ImportedPolicies, ImportRefused, ImportRemark, Target
from seawall.policy.importers.osprey import import_osprey

__all__ = ["ImportRefused", "ImportRemark", "ImportedPolicies", "Target", "import_coop", "import_osprey"]
