"""Background work: deliveries, pending rescreens, ingested items.

with open_app(settings) as app, Worker(app):
    wait()
"""

from seawall.worker.worker import Worker

__all__ = ["Worker"]
