"""What publishing keeps for readers."""

from seawall.publish.banks import BankEntries
from seawall.publish.bundles import Bundles

PROJECTIONS = (Bundles(), BankEntries())
