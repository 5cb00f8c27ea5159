"""Third-party services as detectors, each described by a YAML file (request and response mapping) without code.

>>> from seawall.providers import HttpDetector, read_provider, read_yaml
>>> section = read_yaml('''
... provider: acme-hate
... reads: [text]
... request:
...   url: http://127.0.0.1:9/score
...   json: {text: "{text}"}
... signals:
...   acme_hate: {at: $.hate, scale: [0, 100], harm: hate}
... ''', "acme.yaml")
>>> detector = HttpDetector(read_provider(section))
>>> [(signal.name, signal.harm) for signal in detector.spec.signals]
[('acme_hate', 'hate')]
"""

from seawall.configfile import ConfigError, Section, load_yaml, read_yaml
from seawall.providers.budget import Budget, Spent
from seawall.providers.calls import Caller, CallerState
from seawall.providers.detector import HttpDetector
from seawall.providers.limits import CallLimits
from seawall.providers.provider import Provider, read_provider

__all__ = [
    "Budget",
    "CallLimits",
    "Caller",
    "CallerState",
    "ConfigError",
    "HttpDetector",
    "Provider",
    "Section",
    "Spent",
    "load_yaml",
    "read_provider",
    "read_yaml",
]
