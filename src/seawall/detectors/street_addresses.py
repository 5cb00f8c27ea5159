"""Street addresses in text, in the forms of the languages in which Seawall is mostly used."""

from __future__ import annotations

import re
from collections.abc import Iterator

_NAME = r"[^\W\d_a-z][\w'.-]{0,30}"  # capitalised
_NUMBER = r"\d{1,5}(?:[/-]\d{1,4})?(?: ?[a-zA-Z])?\b"
_NO = r"(?:,? ?(?i:n[º°o]|nr|no|num|д)\.?:?|,| #)? ?"  # Calle Mayor, nº 8
_OF = (
    r"(?:(?i:de|du|des|la|le|les|los|las|del|della|dello|dei|delle|degli|di|da|das|do|dos) |(?i:[dl]'|dell'|all'))"
    r"{0,3}"
)
_FORMS = (
    # 14 Crown Street; 6750 Old Mill Rd.
    rf"\d{{1,5}}[a-zA-Z]?,? (?:{_NAME} ){{1,4}}(?i:street|str|st|road|rd|avenue|ave|lane|ln|drive|dr|court|ct|"
    r"boulevard|blvd|way|place|pl|square|sq|terrace|close|crescent|highway|hwy|parkway|circle|trail|mews)\b\.?",
    # 12 rue de Lyon; 3 bis, avenue de l'Opéra
    r"\d{1,4}(?: ?(?:bis|ter|quater|[a-dA-D]))?,? (?i:rue|avenue|av\.|boulevard|bd|allée|allées|place|impasse|chemin|"
    rf"quai|route|square|passage) {_OF}(?:{_NAME} ){{0,3}}{_NAME}",
    # rue de Lyon 12; Via Roma 5; Calle Mayor, nº 8; Av. Paulista, 1578
    r"(?i:rue|avenue|av\.|avda\.?|via|viale|piazza|corso|vicolo|calle|c/|avenida|rua|travessa|praça|strada|paseo|plaza|"
    rf"boulevard|bulevardul) ?{_OF}(?:{_NAME} ){{0,3}}{_NAME}{_NO}{_NUMBER}",
    # Carrera 7 # 12-34
    r"(?i:calle|carrera|cra\.|transversal|diagonal) \d{1,3}[A-Z]? ?(?:#|(?i:no\.?)) ?\d{1,3}[A-Z]?(?: ?- ?\d{1,3})?\b",
    # ulica Długa 5; ул. Ленина, д. 5
    r"(?i:ulica|ul\.|ulice|улица|ул\.|проспект|пр-т|переулок|площадь|вулиця|вул\.) "
    rf"(?:{_NAME} ){{0,3}}{_NAME}{_NO}{_NUMBER}",
    # Atatürk Caddesi No: 5
    rf"(?:{_NAME} ){{1,3}}(?i:caddesi|cad\.|sokak|sokağı|sok\.|bulvarı){_NO}{_NUMBER}",
    # Hauptstraße 12, Koskikatu 25, Storgatan 3, Prinsengracht 263
    r"[^\W\d_][\w-]{2,30}(?:stra(?:ß|ss)e|str\.|weg|platz|gasse|allee|ufer|damm|katu|tie|gatan|vägen|veien|gata|straat|"
    rf"laan|gracht|plein|kade|vej|gade|utca) {_NUMBER}",
    # Berliner Str. 5, Unter den Linden 77
    rf"(?:(?:{_NAME} ){{1,2}}(?:Stra(?:ß|ss)e|Str\.|Allee|Damm|Ufer|utca)|Unter den Linden) {_NUMBER}",
    r"(?i:p\.? ?o\.? box|postfach|casella postale|boîte postale) \d{1,6}\b",
    r"(?i:apt|apartment|suite)\.? (?:no\.? ?)?\d{1,5}\b",
)
_ADDRESS = re.compile(
    rf"(?<!\w)(?:{'|'.join(_FORMS)})"
    # 南京西路1266号; 港区芝公園4丁目2番; 강남대로 152
    r"|[\u4e00-\u9fff]{2,10}(?:路|街|巷|弄|大道)\d{1,5}(?:弄\d{1,4})?[号號]|[\u4e00-\u9fff]{2,12}\d{1,3}丁目\d{1,3}(?:番|-\d)"
    r"|[\uac00-\ud7af]{1,10}(?:대로|번길) ?\d{1,4}(?:-\d{1,4})?(?:번지)?(?=[\s,.]|$)"
)


def find_street_addresses(text: str) -> Iterator[tuple[int, int]]:
    """Spans of street addresses, without the town."""
    yield from (match.span() for match in _ADDRESS.finditer(text))
