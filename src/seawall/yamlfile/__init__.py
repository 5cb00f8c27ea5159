"""YAML files with source positions: nodes, typed readers, and problems rendered like compiler errors."""
