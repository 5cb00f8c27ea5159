"""Banks of known things: configuring them, filling them, watching what their entries do, searching the past for them.

configure_bank(ledger, "blocked-images", BankSettings(title="Blocked pictures", harm="terms"), by="lena")
(entry,) = add_entries(ledger, "blocked-images", [NewEntry(kind="image", value="f8…", source="case-17")], "lena")
keeper.refresh()                                   # matchable here at once, in other processes within a second
suspend_entry(ledger, "blocked-images", entry, "lena", "wrong_match")
"""

from seawall.publish.banks.configuring import Bank, BankSettings, configure_bank, find_bank, is_bank_name, list_banks
from seawall.publish.banks.entries import (
    REASONS,
    RETRO_JOB,
    NewEntry,
    add_entries,
    remove_entry,
    restore_entry,
    suspend_entry,
)
from seawall.publish.banks.errors import BankError, NoSuchEntry
from seawall.publish.banks.guard import BankGuard, Said, Tell
from seawall.publish.banks.keeper import BankKeeper
from seawall.publish.banks.listing import Counts, Entry, counts_of, find_entries, find_entry, list_entries
from seawall.publish.banks.lookup import Lookup, Match, look_up_hits, look_up_part
from seawall.publish.banks.pictures import hash_picture
from seawall.publish.banks.projections import PROJECTIONS
from seawall.publish.banks.reading import Imported, Line, import_entries, parse_entries, read_file
from seawall.publish.banks.retro import RESCAN_JOB, Past, Retro, Search, Walk, list_searches
from seawall.publish.banks.stored import StoredEntries

__all__ = [
    "PROJECTIONS",
    "REASONS",
    "RESCAN_JOB",
    "RETRO_JOB",
    "Bank",
    "BankError",
    "BankGuard",
    "BankKeeper",
    "BankSettings",
    "Counts",
    "Entry",
    "Imported",
    "Line",
    "Lookup",
    "Match",
    "NewEntry",
    "NoSuchEntry",
    "Past",
    "Retro",
    "Said",
    "Search",
    "StoredEntries",
    "Tell",
    "Walk",
    "add_entries",
    "configure_bank",
    "counts_of",
    "find_bank",
    "find_entries",
    "find_entry",
    "hash_picture",
    "import_entries",
    "is_bank_name",
    "list_banks",
    "list_entries",
    "list_searches",
    "look_up_hits",
    "look_up_part",
    "parse_entries",
    "read_file",
    "remove_entry",
    "restore_entry",
    "suspend_entry",
]
