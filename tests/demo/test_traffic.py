"""Real data sets as traffic, with small files in their formats."""

from __future__ import annotations

import gzip
import json
from itertools import islice
from pathlib import Path

import pytest

from seawall.demo.traffic import DATA_SETS, NoData, posts_from

NOW = 1_795_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One row in the format of each data set, written for this test."""
    for each in DATA_SETS:
        (tmp_path / each.name).mkdir()
    (tmp_path / "davidson/labeled_data.csv").write_text('count,class,tweet\n3,2,"a lovely, calm day"\n')
    (tmp_path / "hatecheck/test_suite_cases.csv").write_text("functionality,test_case\nneutral,all are welcome\n")
    (tmp_path / "sms_spam/sms.tsv").write_text("ham\tsee you at six\n\n")
    with gzip.open(tmp_path / "openai_moderation/samples-dev.jsonl.gz", "wt") as file:
        file.write(json.dumps({"prompt": "a long story\nwith two lines"}) + "\n")
    (tmp_path / "presidio_synth_pii/synth_dataset_v2.json").write_text(json.dumps([{"full_text": "I am Ana"}]))
    return tmp_path


def test_each_data_set_becomes_its_content_type(folder: Path) -> None:
    seen = {(post.scene, post.content_type) for post in islice(posts_from(folder, 1, NOW), 300)}
    assert {
        ("davidson", "comment"),
        ("hatecheck", "comment"),
        ("sms_spam", "message"),
        ("openai_moderation", "podcast_episode"),
        ("presidio_synth_pii", "profile"),
    } <= seen


def test_the_written_scenes_are_mixed_in_so_that_every_content_type_occurs(folder: Path) -> None:
    types = {post.content_type for post in islice(posts_from(folder, 1, NOW), 300)}
    assert {"playlist", "track"} <= types


def test_what_is_missing_is_left_out(folder: Path) -> None:
    (folder / "davidson/labeled_data.csv").unlink()
    assert "davidson" not in {post.scene for post in islice(posts_from(folder, 1, NOW), 200)}


def test_a_folder_without_any_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(NoData, match=r"davidson/labeled_data\.csv"):
        posts_from(tmp_path, 1, NOW)
