"""The projections of the publish component."""

from seawall.publish import banks
from seawall.publish.bundles import Bundles
from seawall.publish.proposals import BundleProposals

PROJECTIONS = (Bundles(), BundleProposals(), *banks.PROJECTIONS)
