"""A simulated platform for ``seawall demo``: users who post, a receiver of webhooks, a detector that can hang.

Everything the demo shows is produced by the real pipeline: the platform posts over HTTP with the client and learns of
decisions through responses and signed webhooks, like a product team's backend::

    switch = Switch()
    with open_app(settings, extra_detectors=[SecondOpinion(switch)]) as app, start_receiver(switch=switch) as receiver:
        app.publish(sources(), by="demo")
        for bank, entries in seed_banks().items():
            add_entries(app.ledger, bank, entries, "demo")
        made = add_endpoint(app.ledger, app.vault, url=receiver.webhooks_url, allow_private=True)
        receiver.use_secret(made.secret)
        …                                      # serve app, then, in another thread, until stop is set:
        run_platform(url, key, seed=1, stop=stop, shelf=receiver.shelf, switch=switch)
"""

from seawall.demo.hanging_detector import HangingDetector, HangSwitch
from seawall.demo.platform import run_platform, write_comment
from seawall.demo.platform_state import PlatformState
from seawall.demo.receiver import WebhookServer, start_receiver
from seawall.demo.setup import seed_banks, seed_settings, sources
from seawall.demo.traffic import NoData, find_data

__all__ = [
    "HangSwitch",
    "HangingDetector",
    "NoData",
    "PlatformState",
    "WebhookServer",
    "find_data",
    "run_platform",
    "seed_banks",
    "seed_settings",
    "sources",
    "start_receiver",
    "write_comment",
]
