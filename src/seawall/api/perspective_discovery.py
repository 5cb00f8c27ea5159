"""The discovery document of the routes in ``perspective``: what Google's API clients build their methods from.

    service = googleapiclient.discovery.build(
        "commentanalyzer", "v1alpha1", developerKey="sw_…",
        discoveryServiceUrl="https://seawall.example/$discovery/rest?version=v1alpha1", static_discovery=False)

The members of requests and responses are those of the interface, so that a client which checks a request against the
document takes what Google's took.
"""

from __future__ import annotations

from typing import Any, Final

_TEXT: Final = {"type": "string"}
_YES: Final = {"type": "boolean"}
_NUMBER: Final = {"type": "number", "format": "float"}
_TEXTS: Final = {"type": "array", "items": _TEXT}
_SCORES: Final = {"type": "object", "additionalProperties": {"$ref": "AttributeScores"}}
_TYPES: Final = {
    "type": "string",
    "enum": ["SCORE_TYPE_UNSPECIFIED", "PROBABILITY", "STD_DEV_SCORE", "PERCENTILE", "RAW"],
}
_ABOUT: Final = {
    "comment": {"$ref": "TextEntry"},
    "context": {"$ref": "Context"},
    "languages": _TEXTS,
    "clientToken": _TEXT,
    "sessionId": _TEXT,
    "communityId": _TEXT,
}
_SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "TextEntry": {
        "text": _TEXT,
        "type": {"type": "string", "enum": ["TEXT_TYPE_UNSPECIFIED", "PLAIN_TEXT", "HTML"]},
    },
    "ArticleAndParentComment": {"article": {"$ref": "TextEntry"}, "parentComment": {"$ref": "TextEntry"}},
    "Context": {
        "articleAndParentComment": {"$ref": "ArticleAndParentComment"},
        "entries": {"type": "array", "items": {"$ref": "TextEntry"}},
    },
    "AttributeParameters": {"scoreType": _TYPES, "scoreThreshold": _NUMBER},
    "Score": {"value": _NUMBER, "type": _TYPES},
    "SpanScore": {
        "begin": {"type": "integer", "format": "int32"},
        "end": {"type": "integer", "format": "int32"},
        "score": {"$ref": "Score"},
    },
    "AttributeScores": {
        "summaryScore": {"$ref": "Score"},
        "spanScores": {"type": "array", "items": {"$ref": "SpanScore"}},
    },
    "AnalyzeCommentRequest": {
        **_ABOUT,
        "requestedAttributes": {"type": "object", "additionalProperties": {"$ref": "AttributeParameters"}},
        "doNotStore": _YES,
        "dropUnsupportedAttributes": _YES,
        "spanAnnotations": _YES,
    },
    "AnalyzeCommentResponse": {
        "attributeScores": _SCORES,
        "languages": _TEXTS,
        "detectedLanguages": _TEXTS,
        "clientToken": _TEXT,
    },
    "SuggestCommentScoreRequest": {**_ABOUT, "attributeScores": _SCORES},
    "SuggestCommentScoreResponse": {
        "clientToken": _TEXT,
        "detectedLanguages": _TEXTS,
        "requestedLanguages": _TEXTS,
    },
}


def discovery_document(address: str) -> dict[str, Any]:
    """The document for a server at ``address``, which ends with a slash."""
    return {
        "kind": "discovery#restDescription",
        "discoveryVersion": "v1",
        "id": "commentanalyzer:v1alpha1",
        "name": "commentanalyzer",
        "version": "v1alpha1",
        "title": "Comments in the shape of the Perspective API, scored by Seawall",
        "protocol": "rest",
        "rootUrl": address,
        "servicePath": "",
        "baseUrl": address,
        "batchPath": "batch",
        "parameters": {
            "key": {"type": "string", "location": "query"},
            "alt": {"type": "string", "location": "query", "default": "json", "enum": ["json"]},
            "prettyPrint": {"type": "boolean", "location": "query", "default": "true"},
            "quotaUser": {"type": "string", "location": "query"},
        },
        "schemas": {name: {"id": name, "type": "object", "properties": members} for name, members in _SCHEMAS.items()},
        "resources": {
            "comments": {
                "methods": {
                    "analyze": _method("analyze", "AnalyzeCommentRequest", "AnalyzeCommentResponse"),
                    "suggestscore": _method(
                        "suggestscore", "SuggestCommentScoreRequest", "SuggestCommentScoreResponse"
                    ),
                }
            }
        },
    }


def _method(name: str, request: str, response: str) -> dict[str, Any]:
    path = f"v1alpha1/comments:{name}"
    return {
        "id": f"commentanalyzer.comments.{name}",
        "path": path,
        "flatPath": path,
        "httpMethod": "POST",
        "parameters": {},
        "parameterOrder": [],
        "request": {"$ref": request},
        "response": {"$ref": response},
    }
