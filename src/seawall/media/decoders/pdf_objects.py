"""Objects of a PDF behind their references."""

from __future__ import annotations

from typing import Any

from pypdf.generic import ArrayObject, DictionaryObject


def resolved(value: Any) -> Any:
    """The object behind a reference, or the value itself."""
    return value.get_object() if value is not None and hasattr(value, "get_object") else value


def dictionary(value: Any) -> DictionaryObject:
    """The dictionary behind a reference; an empty one if it is anything else."""
    found = resolved(value)
    return found if isinstance(found, DictionaryObject) else DictionaryObject()


def array(value: Any) -> list[Any]:
    """The array behind a reference; an empty one if it is anything else."""
    found = resolved(value)
    return found if isinstance(found, ArrayObject) else []


def entry(held: DictionaryObject, key: str) -> Any:
    """What stands under a key, behind its reference; None if nothing does."""
    return resolved(held.get(key))


def identity(found: Any) -> object:
    """What tells an object of a file from its others."""
    own = getattr(found, "indirect_reference", None)
    return id(found) if own is None else (own.idnum, own.generation)
