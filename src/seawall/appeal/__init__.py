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
    role_of,
    window_end,
)
from seawall.appeal.appeals import (
    LONGEST_TEXT,
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
from seawall.appeal.misuse import WARNING, DecidedReport, MisuseTerms, ReporterAccuracy, may_mute, reporter_accuracy
from seawall.appeal.notices import (
    Notice,
    NoticeText,
    UnknownNotice,
    check_notice,
    dismiss_notice,
    match_by_hand,
    receive_notice,
    waiting_report,
)
from seawall.appeal.outcomes import ANSWERS, ReportOutcome, decided_reports, outcome_of
from seawall.appeal.reporter_keys import (
    KEYED_KINDS,
    ReporterClaim,
    ReporterKey,
    ReporterKeyRefused,
    claim,
    declare_reporter_key,
    restore_reporter_key,
    suspend_reporter_key,
)
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
from seawall.appeal.statement import ContractualOrLegalGround, StatedMeasure, StatementOfReasons

__all__ = [
    "ANSWERS",
    "COMPONENT",
    "KEYED_KINDS",
    "LONGEST_TEXT",
    "SETTLEMENT_OUTCOMES",
    "UPHELD_REASONS",
    "WARNING",
    "Appeal",
    "AppealKeyUsed",
    "AppealMoved",
    "AppealRefused",
    "AppealSettings",
    "AppealState",
    "AppealTrigger",
    "AppellantRole",
    "ContractualOrLegalGround",
    "DecidedReport",
    "DecisionFacts",
    "FindItem",
    "InvalidAppeal",
    "InvalidReport",
    "MisuseTerms",
    "MutingRefused",
    "NotTheAppellant",
    "Notice",
    "NoticeText",
    "Refusal",
    "Report",
    "ReportKeyUsed",
    "ReportOutcome",
    "ReporterAccuracy",
    "ReporterClaim",
    "ReporterKey",
    "ReporterKeyRefused",
    "ReporterKind",
    "StatedMeasure",
    "StatementOfReasons",
    "UnknownAppeal",
    "UnknownItem",
    "UnknownNotice",
    "answer_message",
    "check_answer_text",
    "check_notice",
    "claim",
    "decided_reports",
    "declare_reporter_key",
    "dismiss_notice",
    "match_by_hand",
    "may_mute",
    "mute_reporter",
    "note_name",
    "outcome_of",
    "receive_appeal",
    "receive_notice",
    "receive_report",
    "record_answer",
    "record_out_of_court",
    "reporter_accuracy",
    "restore_reporter_key",
    "role_of",
    "send_message",
    "suspend_reporter_key",
    "unmute_reporter",
    "waiting_report",
    "warn_if_due",
    "window_end",
    "withdraw",
]
