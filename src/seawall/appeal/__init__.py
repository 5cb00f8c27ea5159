"""Reports and appeals: people say that an item is bad, or that a decision is wrong.

A report refers to a known item by its content type and the platform's id; an appeal to a decision::

    report = receive_report(
        ledger,
        Report(content_type="comment", item_id="c-1", reporter="u-9", policy="harassment", note="…"),
        find_item=…,
    )
    appeal = receive_appeal(ledger, Appeal(appellant="u-9", text="…", decision="dec_…"), find_facts=…)

Components that act on them (for example by opening a case) read ``ReportReceived`` and ``AppealReceived`` from the
ledger. What people wrote is personal: it is stored in the vault, under the item, sealed for who wrote it.
"""

from seawall.appeal.appeal_state import AppealState, AppealTrigger
from seawall.appeal.appealable import (
    AppealRefused,
    AppellantRole,
    DecisionFacts,
    Refusal,
    is_adverse,
    role_of,
)
from seawall.appeal.appeals import (
    SETTLEMENT_OUTCOMES,
    UPHELD_REASONS,
    Appeal,
    AppealKeyUsed,
    AppealMoved,
    InvalidAppeal,
    NotTheAppellant,
    UnknownAppeal,
    answer_message,
    check_answer_text,
    receive_appeal,
    record_answer,
    record_out_of_court,
    send_message,
    withdraw,
)
from seawall.appeal.component import COMPONENT
from seawall.appeal.misuse import DecidedReport, MisuseTerms, ReporterAccuracy, may_mute, reporter_accuracy
from seawall.appeal.outcomes import ANSWERS, ReportOutcome, decided_reports, outcome_of
from seawall.appeal.reports import (
    FindItem,
    InvalidReport,
    MutingRefused,
    Report,
    ReporterKind,
    ReportKeyUsed,
    UnknownItem,
    mute_reporter,
    note_name,
    receive_report,
    unmute_reporter,
    warn_if_due,
)
from seawall.appeal.settings import AppealSettings

__all__ = [
    "ANSWERS",
    "COMPONENT",
    "SETTLEMENT_OUTCOMES",
    "UPHELD_REASONS",
    "Appeal",
    "AppealKeyUsed",
    "AppealMoved",
    "AppealRefused",
    "AppealSettings",
    "AppealState",
    "AppealTrigger",
    "AppellantRole",
    "DecidedReport",
    "DecisionFacts",
    "FindItem",
    "InvalidAppeal",
    "InvalidReport",
    "MisuseTerms",
    "MutingRefused",
    "NotTheAppellant",
    "Refusal",
    "Report",
    "ReportKeyUsed",
    "ReportOutcome",
    "ReporterAccuracy",
    "ReporterKind",
    "UnknownAppeal",
    "UnknownItem",
    "answer_message",
    "check_answer_text",
    "decided_reports",
    "is_adverse",
    "may_mute",
    "mute_reporter",
    "note_name",
    "outcome_of",
    "receive_appeal",
    "receive_report",
    "record_answer",
    "record_out_of_court",
    "reporter_accuracy",
    "role_of",
    "send_message",
    "unmute_reporter",
    "warn_if_due",
    "withdraw",
]
