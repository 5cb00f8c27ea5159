"""Banks of known content: configuration, entries, the guard against bad entries, and retro-match over past items.

configure_bank(ledger, "blocked-images", BankSettings(title="Blocked images", harm="terms"), by="lena")
(entry,) = add_entries(ledger, "blocked-images", [NewEntry(kind="image", value="f8…", source="case-17")], "lena")
keeper.refresh()                                   # matches here at once, in other processes within a second
suspend_entry(ledger, "blocked-images", entry, "lena", "wrong_match")
"""

from seawall.model.stored_items import Past
from seawall.publish.banks.bank_cache import BankCache
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
from seawall.publish.banks.guard import BankGuard, EnqueueFeedback, EntryFeedback
from seawall.publish.banks.image_entries import hash_image
from seawall.publish.banks.import_file import ImportLine, ImportResult, import_entries, parse_entries, read_file
from seawall.publish.banks.indexed_entries import StoredEntries
from seawall.publish.banks.lookup import Lookup, Match, look_up_hits, look_up_part
from seawall.publish.banks.meanings import MeaningFigures, bank_meanings, measure_meanings
from seawall.publish.banks.projections import PROJECTIONS
from seawall.publish.banks.retro_match import RETRO_RESCREEN_JOB, IterItems, RetroMatch, RetroSearch, list_searches
from seawall.publish.banks.settings import Bank, BankSettings, configure_bank, find_bank, is_bank_name, list_banks

__all__ = [
    "PROJECTIONS",
    "REASONS",
    "RETRO_JOB",
    "RETRO_RESCREEN_JOB",
    "Bank",
    "BankCache",
    "BankError",
    "BankGuard",
    "BankSettings",
    "EnqueueFeedback",
    "EntryFeedback",
    "ImportLine",
    "ImportResult",
    "IterItems",
    "Lookup",
    "Match",
    "MeaningFigures",
    "NewEntry",
    "NoSuchEntry",
    "Past",
    "RetroMatch",
    "RetroSearch",
    "StoredEntries",
    "add_entries",
    "bank_meanings",
    "configure_bank",
    "find_bank",
    "hash_image",
    "import_entries",
    "is_bank_name",
    "list_banks",
    "list_searches",
    "look_up_hits",
    "look_up_part",
    "measure_meanings",
    "parse_entries",
    "read_file",
    "remove_entry",
    "restore_entry",
    "suspend_entry",
]
