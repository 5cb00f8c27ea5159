"""Word lists as YAML, one file a signal, written for Seawall. How to write one: ``docs/detectors.md``."""
