"""The projections of the publish component."""

from seawall.publish import banks
from seawall.publish.bundles import Bundles

PROJECTIONS = (Bundles(), *banks.PROJECTIONS)
