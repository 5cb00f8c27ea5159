"""Hash exchanges: lists of known content kept by third parties, fetched in checkpointed steps, with feedback.

    config = read_exchanges(Path("exchanges.yaml"), os.environ)[0]
    exchange = open_exchange(config)
    for delta in exchange.fetch(checkpoint):        # None: from the beginning
        for key, record in delta.updates.items():   # record None: withdrawn by the exchange
            …
        checkpoint = delta.checkpoint               # may be stored, and passed to another process's ``fetch``
    exchange.report(record.raw, Opinion.FALSE_POSITIVE)

The adapters of NCMEC, StopNCII, Tech Against Terrorism and Meta's ThreatExchange use the clients of the package
``threatexchange`` (``pip install 'seawall[threatexchange]'``), which is imported when one is opened. ``file`` reads
your own lists from a path or a URL, without that package.
"""

from seawall.match.exchange.base import (
    Exchange,
    ExchangeDelta,
    ExchangeError,
    ExchangeFeedback,
    ExchangeRecord,
    NotSupported,
    SharedEntry,
)
from seawall.match.exchange.config import ConfigError, ExchangeConfig, read_exchanges
from seawall.match.exchange.factory import TYPES, open_exchange

__all__ = [
    "TYPES",
    "ConfigError",
    "Exchange",
    "ExchangeConfig",
    "ExchangeDelta",
    "ExchangeError",
    "ExchangeFeedback",
    "ExchangeRecord",
    "NotSupported",
    "SharedEntry",
    "open_exchange",
    "read_exchanges",
]
