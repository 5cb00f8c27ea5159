"""Word lists of attacks on language models as YAML, one file per signal. For their syntax see ``docs/detectors.md``."""
