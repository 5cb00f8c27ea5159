"""Summaries of cases by a language model, off until a file names one; what they do to answers is measured.

    model = load_summary_model(CaseSummarySettings(summaries=Path("summaries.yaml")))

A worker asks the model when a case opens; reviewers see the summary folded and labelled, and never in a blind queue or
review. A share of the cases hides it at random, so that answers with and without it can be compared.
"""

from seawall.review.case_summary.component import COMPONENT
from seawall.review.case_summary.configuration import CaseSummarySettings, SummaryModel, read_summary_model
from seawall.review.case_summary.jobs import is_blind_queue
from seawall.review.case_summary.prompt import ReadSummary, SummaryText, read_summary
from seawall.review.case_summary.record import record_summary_seen

__all__ = [
    "COMPONENT",
    "CaseSummarySettings",
    "ReadSummary",
    "SummaryModel",
    "SummaryText",
    "is_blind_queue",
    "read_summary",
    "read_summary_model",
    "record_summary_seen",
]
