"""Evidence: what comes of an item's parts, in which order, with which marks."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from seawall.detectors.joint import gather
from seawall.detectors.joint.evidence import MOST_CHARACTERS, without_repeats
from seawall.detectors.joint.fusion import Mask, mask_of, texts_of
from seawall.model import Modality, Part

BODY = Part(path="body", modality=Modality.TEXT, field="body", text="look at   them")
COVER = Part(path="cover", modality=Modality.IMAGE, field="cover", data=b"")
WORDS = Part(path="cover>words.0", modality=Modality.TEXT, field="cover", text="SALE", parent="cover")
SPEECH = Part(path="voice>transcript.0", modality=Modality.TEXT, field="voice", text="hello", parent="voice")


def test_every_source_has_its_mark_in_a_fixed_order() -> None:
    bundle = gather([SPEECH, COVER, WORDS, BODY], {"cover": ["rat", "rat", "knife"]})
    assert bundle.typed() == "[text] look at them [picture] rat, knife [words] SALE [voice] hello"
    assert bundle.sources() == "text+picture+words+voice"


def test_words_in_images_and_speech_are_somebodys_words() -> None:
    assert mask_of(gather([WORDS], {})) is Mask.TEXT
    assert mask_of(gather([COVER], {"cover": ["rat"]})) is Mask.IMAGE
    assert mask_of(gather([COVER], {"cover": []})) is None


def test_a_mask_hides_a_source_from_every_view() -> None:
    bundle = gather([BODY, COVER], {"cover": ["rat"]})
    assert texts_of(bundle, Mask.BOTH) == ("[text] look at them [picture] rat", "look at them", "rat")
    assert texts_of(bundle, Mask.TEXT) == ("look at them", "look at them", "")
    assert texts_of(bundle, Mask.IMAGE) == ("rat", "", "rat")


@given(st.lists(st.sampled_from(["rat", "knife", "fox"])))
def test_runs_of_equal_names_are_written_once(names: list[str]) -> None:
    short = without_repeats(names)
    assert all(one != other for one, other in itertools.pairwise(short))
    assert set(short) == set(names)


@given(st.text(max_size=50), st.integers(0, 200))
def test_no_source_grows_beyond_its_limit(text: str, times: int) -> None:
    part = Part(path="body", modality=Modality.TEXT, field="body", text=text * times)
    assert len(gather([part], {}).typed()) <= MOST_CHARACTERS + len("[text] ")
