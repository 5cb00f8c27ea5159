"""The trade's words that a page uses, each in one sentence: shown with the page's keys."""

from __future__ import annotations

from typing import Final

from seawall.console.languages import gettext, marked

TERMS: Final = {
    marked("account"): marked("Who made content, as the platform names them."),
    marked("adjudication"): marked("The final answer of a third person where two reviewers disagree."),
    marked("allow, hold, block"): marked(
        "The verdict: it may be seen; it waits unpublished for a person; it may not be seen."
    ),
    marked("appeal"): marked(
        "An objection to a decision. Somebody who did not make the decision answers it, never a machine alone."
    ),
    marked("bank"): marked("A collection of known content; what equals or resembles an entry is found by it."),
    marked("blind review"): marked(
        "A review by somebody who does not see what the first reviewer or the machine answered."
    ),
    marked("break"): marked("A time without content, after long work with it or when a budget is spent."),
    marked("budget"): marked("How much of a harm somebody sees in one shift before their cases go to others."),
    marked("calibrated"): marked("Of 100 items with the value 0.8, about 80 have what the detector looks for."),
    marked("case"): marked("One item or account that waits for a person, with all its reports, signals and history."),
    marked("child safety"): marked("Cases about children who may be abused: only people with that role see them."),
    marked("decision"): marked("The record of what was decided about a revision, by which rules and signals, and why."),
    marked("degraded"): marked("Decided while a detector did not answer; the item is screened again soon."),
    marked("delivery"): marked("A signed message that tells the platform what to do; repeated until it is accepted."),
    marked("enforcement"): marked("One action that is in force on an item or account, and whether it was reversed."),
    marked("exposure"): marked("What somebody has seen, by harm and intensity."),
    marked("golden case"): marked("A case whose right answer is known, mixed in unseen to measure reviewers."),
    marked("job"): marked("Work in the background. It is repeated when it fails, and dead when it failed too often."),
    marked("lease"): marked("For some minutes a case is yours alone; it ends by itself when you leave."),
    marked("ledger"): marked("Everything that happened, in order, kept unchanged; a proof shows that it is complete."),
    marked("legal hold"): marked("Nothing about this account or item is deleted, also not when somebody asks for it."),
    marked("mode"): marked("Shadow rules are only recorded; canary rules act on a share of accounts; live rules act."),
    marked("pass on"): marked("To leave a case to others: not my language, cannot tell, needs a specialist."),
    marked("pending rescreen"): marked(
        "An item that was decided while a detector did not answer; it is screened again in time."
    ),
    marked("policy"): marked("What is not allowed, in words for people and in rules for the machine."),
    marked("queue"): marked("Where cases wait. Rules choose the queue of a case; each queue has its own deadline."),
    marked("receiver"): marked("The platform's address to which deliveries go."),
    marked("retro-match"): marked("A new entry of a bank, looked for in content of the past."),
    marked("revision"): marked("A version of an item. An edit makes a new one."),
    marked("severity"): marked("How grave a harm is, from 1 to 5."),
    marked("signal"): marked("One measured fact about a part of an item: who measured it, what, and where."),
    marked("strike"): marked("A mark on an account for a violation; it ends after a time and when it is overturned."),
    marked("undefined"): marked("There is nothing to compute it from."),
    marked("unknown"): marked("A detector was asked and did not answer. That is not zero: nobody looked."),
    marked("veil"): marked("What hides content until you lift it."),
    marked("κ, α"): marked("Agreement beyond chance: 1 is full agreement, 0 is what chance alone gives."),
}

_OF_PAGES: Final = {
    "access/account.html": ("veil",),
    "appeal/appeals.html": ("appeal", "decision"),
    "appeal/appeal.html": ("appeal", "decision", "enforcement", "strike"),
    "enforce/deliveries.html": ("delivery", "receiver", "enforcement"),
    "enforce/endpoints.html": ("receiver", "delivery"),
    "exposure/comparison.html": ("exposure", "veil"),
    "exposure/own.html": ("exposure", "budget", "break", "severity", "veil"),
    "overview/overview.html": ("allow, hold, block", "degraded", "case", "pending rescreen", "delivery"),
    "publish/bank.html": ("bank", "retro-match"),
    "publish/bank_entry.html": ("bank", "retro-match"),
    "publish/banks.html": ("bank", "retro-match"),
    "publish/policies.html": ("policy", "severity"),
    "publish/policy.html": ("policy", "mode", "severity", "signal"),
    "quality/blind_review.html": ("blind review", "veil", "pass on"),
    "quality/disagreement.html": ("adjudication", "blind review"),
    "quality/disagreements.html": ("adjudication", "blind review"),
    "quality/golden_cases.html": ("golden case", "blind review"),
    "quality/my_reviews.html": ("blind review", "golden case", "undefined"),
    "quality/quality.html": ("κ, α", "blind review", "golden case", "undefined"),
    "review/account_case.html": ("account", "case", "lease", "pass on", "severity", "strike", "veil", "child safety"),
    "review/case.html": (
        *("case", "allow, hold, block", "signal", "calibrated", "unknown", "degraded", "severity", "lease"),
        *("pass on", "strike", "veil", "child safety"),
    ),
    "review/queue.html": ("queue", "case", "allow, hold, block", "severity", "child safety", "veil"),
    "screen/account.html": ("account", "enforcement", "strike"),
    "screen/decision.html": ("decision", "signal", "calibrated", "unknown", "degraded", "mode", "enforcement"),
    "screen/decisions.html": ("decision", "allow, hold, block", "degraded"),
    "screen/item.html": ("revision", "signal", "calibrated", "unknown", "decision", "enforcement"),
    "screen/pending_rescreens.html": ("pending rescreen", "unknown"),
    "screen/search.html": ("allow, hold, block", "case", "account"),
    "storage/events.html": ("ledger",),
    "storage/jobs.html": ("job",),
    "storage/subjects.html": ("legal hold",),
    "storage/verification.html": ("ledger",),
}


def terms_of(template: str) -> list[tuple[str, str]]:
    """Words of the page and what they mean, in the page's language, in alphabetical order of that language."""
    named = [(gettext(name), gettext(TERMS[name])) for name in _OF_PAGES.get(template, ())]
    return sorted(named, key=lambda one: one[0].casefold())
