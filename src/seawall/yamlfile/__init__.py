"""YAML files with positions: nodes that know their place, typed readers, and problems shown like a compiler's."""
