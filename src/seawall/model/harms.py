"""The harm taxonomy: name, severity and DSA category of each harm.

Category and keyword codes are those of the European Commission's DSA Transparency Database, schema
version 2 (in force since 1 July 2025; published by the Commission under CC BY 4.0).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """One harm. ``severity`` runs from 1 (nuisance) to 5 (danger to life, children)."""

    name: str
    title: str
    severity: int
    category: str
    keywords: tuple[str, ...] = ()


_SPEECH = "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH"
_CYBER = "STATEMENT_CATEGORY_CYBER_VIOLENCE"
_WOMEN = "STATEMENT_CATEGORY_CYBER_VIOLENCE_AGAINST_WOMEN"
_VIOLENCE = "STATEMENT_CATEGORY_VIOLENCE"
_MINORS = "STATEMENT_CATEGORY_PROTECTION_OF_MINORS"
_SECURITY = "STATEMENT_CATEGORY_RISK_FOR_PUBLIC_SECURITY"
_FRAUD = "STATEMENT_CATEGORY_SCAMS_AND_FRAUD"
_PRODUCTS = "STATEMENT_CATEGORY_UNSAFE_AND_PROHIBITED_PRODUCTS"
_PRIVACY = "STATEMENT_CATEGORY_DATA_PROTECTION_AND_PRIVACY_VIOLATIONS"
_SELF_HARM = "STATEMENT_CATEGORY_SELF_HARM"
_TERMS = "STATEMENT_CATEGORY_OTHER_VIOLATION_TC"
_PROPERTY = "STATEMENT_CATEGORY_INTELLECTUAL_PROPERTY_INFRINGEMENTS"
_CONSUMER = "STATEMENT_CATEGORY_CONSUMER_INFORMATION"
_CIVIC = "STATEMENT_CATEGORY_NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS"
_ANIMALS = "STATEMENT_CATEGORY_ANIMAL_WELFARE"


def _harm(name: str, title: str, severity: int, category: str, *keywords: str) -> Harm:
    return Harm(name=name, title=title, severity=severity, category=category, keywords=keywords)


HARMS: dict[str, Harm] = {
    harm.name: harm
    for harm in (
        _harm("hate", "Hateful conduct", 4, _SPEECH, "KEYWORD_HATE_SPEECH"),
        _harm("sexism", "Sexism and misogyny", 3, _WOMEN, "KEYWORD_CYBER_HARASSMENT_AGAINST_WOMEN"),
        _harm("harassment", "Harassment and abuse", 3, _CYBER, "KEYWORD_CYBER_HARASSMENT"),
        _harm("threat", "Threats of violence", 5, _VIOLENCE, "KEYWORD_INCITEMENT_VIOLENCE_HATRED"),
        _harm("terrorism", "Terrorist content", 5, _SECURITY, "KEYWORD_TERRORIST_CONTENT"),
        _harm("child_safety", "Child sexual abuse material", 5, _MINORS, "KEYWORD_CHILD_SEXUAL_ABUSE_MATERIAL"),
        _harm("grooming", "Grooming of minors", 5, _MINORS, "KEYWORD_GROOMING_SEXUAL_ENTICEMENT_MINORS"),
        _harm("intimate_images", "Intimate images without consent", 5, _CYBER, "KEYWORD_NON_CONSENSUAL_IMAGE_SHARING"),
        _harm("sexual", "Sexual content", 2, _TERMS, "KEYWORD_ADULT_SEXUAL_MATERIAL"),
        _harm("self_harm", "Suicide and self-harm", 5, _SELF_HARM, "KEYWORD_SUICIDE", "KEYWORD_SELF_MUTILATION"),
        _harm(
            "eating_disorder",
            "Promotion of eating disorders",
            4,
            _SELF_HARM,
            "KEYWORD_CONTENT_PROMOTING_EATING_DISORDERS",
        ),
        _harm("spam", "Spam", 1, _TERMS, "KEYWORD_OTHER"),
        _harm("scam", "Scams and fraud", 3, _FRAUD, "KEYWORD_PHISHING"),
        _harm("impersonation", "Impersonation", 3, _FRAUD, "KEYWORD_IMPERSONATION_ACCOUNT_HIJACKING"),
        _harm("illegal_goods", "Illegal and restricted goods", 4, _PRODUCTS, "KEYWORD_PROHIBITED_PRODUCTS"),
        _harm("personal_data", "Exposure of personal data", 3, _PRIVACY, "KEYWORD_MISSING_PROCESSING_GROUND"),
        _harm("dangerous_link", "Dangerous links", 3, _FRAUD, "KEYWORD_PHISHING"),
        _harm("violence", "Graphic violence", 3, _VIOLENCE, "KEYWORD_OTHER"),
        _harm("intellectual_property", "Copyright and trade marks", 2, _PROPERTY, "KEYWORD_COPYRIGHT_INFRINGEMENT"),
        _harm("misleading", "Misleading offers", 2, _CONSUMER, "KEYWORD_MISLEADING_INFO_GOODS_SERVICES"),
        _harm(
            "civic_disinformation",
            "Disinformation on civic matters",
            3,
            _CIVIC,
            "KEYWORD_MISINFORMATION_DISINFORMATION",
        ),
        _harm("animal_cruelty", "Cruelty to animals", 3, _ANIMALS, "KEYWORD_ANIMAL_HARM"),
        _harm("terms", "Other breach of the platform's rules", 1, _TERMS, "KEYWORD_OTHER"),
    )
}

CHILD_SAFETY_HARMS: frozenset[str] = frozenset(harm.name for harm in HARMS.values() if harm.category == _MINORS)
"""The harms whose cases only specialists for child safety see."""
