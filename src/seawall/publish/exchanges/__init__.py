"""Configured exchanges: read on schedule into banks, sent feedback about matches, monitored for staleness.

exchanges = Exchanges(ledger, database, vault, jobs, open_all(path))
exchanges.schedule()                      # at the start of a worker
exchanges.sync(job)                       # the job "exchange": read changes; enqueues its next run
BankGuard(ledger, database, exchanges.tell)
exchanges.write_back(job)                 # the job "opinion"
"""

from seawall.publish.exchanges.client_factory import open_all
from seawall.publish.exchanges.state import ExchangeState, list_exchanges
from seawall.publish.exchanges.sync import EXCHANGE_JOB, FEEDBACK_JOB, Exchanges, OpenedExchange

__all__ = ["EXCHANGE_JOB", "FEEDBACK_JOB", "ExchangeState", "Exchanges", "OpenedExchange", "list_exchanges", "open_all"]
