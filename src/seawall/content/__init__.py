"""Content types, item validation, the parts of an item and the links in it. No database, no server.

>>> from seawall.content import load_content_type, parts_of, validate_item
>>> comment = load_content_type(text, "comment.yaml")
>>> item = validate_item(comment, {"id": "1", "fields": {"body": "…"}, "actor": {"id": "u1"}})
>>> [part.path for part in parts_of(item, comment)]
['body']
"""
