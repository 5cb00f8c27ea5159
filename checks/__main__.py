"""Run every check on this checkout; status 1 when one finds something."""

from __future__ import annotations

import sys
from pathlib import Path

from checks import cycles, names, released, translations, words

CHECKS = {
    "names": names.check,
    "cycles": cycles.check,
    "released": released.check,
    "words": words.check,
    "translations": translations.check,
}


def main() -> int:
    """Print what is wrong."""
    root = Path(__file__).resolve().parent.parent
    found = 0
    for name, check in CHECKS.items():
        for problem in check(root):
            found += 1
            print(f"{name}: {problem}", file=sys.stderr)
    print(f"{', '.join(CHECKS)}: {found or 'no'} problem{'' if found == 1 else 's'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
