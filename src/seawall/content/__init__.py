"""Content types, item validation, the parts of an item and the links in it. No database, no server.

>>> from seawall.content import load_content_type, parts_of, validate_item
>>> comment = load_content_type(text, "comment.yaml")
>>> item = validate_item(comment, {"id": "1", "fields": {"body": "…"}, "actor": {"id": "u1"}})
>>> [part.path for part in parts_of(item, comment)]
['body']
"""

from seawall.content.content_types import check_content_type, load_content_type
from seawall.content.extraction import EXTRACTORS_OF, extractors_of
from seawall.content.items import ItemError, parts_of, validate_item
from seawall.content.values import MAX_BYTES

__all__ = [
    "EXTRACTORS_OF",
    "MAX_BYTES",
    "ItemError",
    "check_content_type",
    "extractors_of",
    "load_content_type",
    "parts_of",
    "validate_item",
]
