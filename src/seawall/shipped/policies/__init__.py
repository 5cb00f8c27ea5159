"""The starter set of policies, as YAML texts in the package.

Each file is one policy: what is not allowed, in prose for reviewers and in rules for evaluation, with examples that are
its tests. Platforms copy them, change clause and threshold, and add their own:

    >>> from seawall.shipped import policies
    >>> "hateful-conduct" in policies.names()
    True
    >>> policies.read("spam").splitlines()[0]
    'policy: spam'

The texts are read, not parsed: ``seawall.policy`` does that.
"""

from __future__ import annotations

from seawall.shipped import Folder

__all__ = ["names", "read", "sources"]

_folder = Folder("seawall.shipped.policies", "policy")
names = _folder.names
read = _folder.read
sources = _folder.sources
