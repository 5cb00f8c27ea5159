"""Background worker: runs the jobs, followers and schedules that components declare.

with open_app(settings) as app, Worker(app):
    wait()
"""

from seawall.worker.worker import Worker

__all__ = ["Worker"]
