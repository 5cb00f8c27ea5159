"""Checks of this repository that no linter makes: ``python -m checks`` runs them all, ``./run check`` among others.

Each module has ``check(root) -> list[str]``: one sentence for each problem, naming the place and the remedy.
"""
