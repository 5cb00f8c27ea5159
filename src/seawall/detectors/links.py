"""Detector of links: how many a text has, and what the riskiest address has against it. Nothing is fetched."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from seawall.content.links import Link, extract_links, read_address
from seawall.model.content import Modality, Part, Span, SpanUnit
from seawall.model.signals import Cost, DetectorResult, DetectorSpec, Signal, SignalKind, SignalSpec

VERSION = "2"


class LinkDetector:
    """``link_count`` and ``link_risk`` of texts and link fields."""

    spec = DetectorSpec(
        name="links",
        version=VERSION,
        signals=(
            SignalSpec(name="link_count", kind=SignalKind.COUNT, description="Links in the part"),
            SignalSpec(
                name="link_risk",
                kind=SignalKind.SCORE,
                harm="dangerous_link",
                description="Risk of the riskiest address in the part",
            ),
        ),
        modalities=frozenset({Modality.TEXT, Modality.LINK}),
        cost=Cost.INLINE,
    )

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        """One answer per part; evidence names the flags of the riskiest link."""
        return [self._measure(part) for part in parts]

    def _measure(self, part: Part) -> DetectorResult:
        text = part.text or ""
        if part.modality is Modality.LINK:
            link = read_address(text)
            links: Sequence[Link] = () if link is None else (link,)
        else:
            links = extract_links(text)
        if not links:
            return ()
        worst = max(links, key=lambda link: link.risk)
        make = functools.partial(Signal, part=part.path, detector=self.spec.name, version=self.spec.version)
        count = make(name="link_count", value=len(links), span=_span(part, links[0]))
        if not worst.flags:
            return (count,)
        return (
            count,
            make(name="link_risk", value=worst.risk, span=_span(part, worst), evidence="+".join(worst.flags)),
        )


def _span(part: Part, link: Link) -> Span | None:
    if part.modality is Modality.LINK:
        return None
    return Span(unit=SpanUnit.CHARACTERS, start=link.start, end=link.end)
