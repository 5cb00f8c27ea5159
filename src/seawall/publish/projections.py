"""What publishing keeps for readers."""

from seawall.publish import banks
from seawall.publish.bundles import Bundles

PROJECTIONS = (Bundles(), *banks.PROJECTIONS)
