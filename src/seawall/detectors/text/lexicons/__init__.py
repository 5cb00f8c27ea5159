"""Word lists as YAML, one file per signal, written for Seawall. For their syntax see ``docs/detectors.md``."""
