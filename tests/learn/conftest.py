import csv
import json
import random

import pytest

WORDS = ("river", "table", "green", "walk", "music", "bread", "lamp", "window", "quiet", "paper", "stone", "garden")


def sentence(chance, *extra):
    words = [chance.choice(WORDS) + chance.choice("abcdefgh") for _ in range(9)] + list(extra)
    chance.shuffle(words)
    return " ".join(words)


@pytest.fixture
def data(tmp_path):
    """A data folder with tiny, harmless stand-ins of two training sets and one test set."""
    chance = random.Random(3)
    folder = tmp_path / "data"
    for name in ("hatexplain", "sms_spam", "hatecheck"):
        (folder / name).mkdir(parents=True)
    posts = [(sentence(chance, "grue"), "hatespeech") for _ in range(150)]
    posts += [(sentence(chance, "tulip"), "normal") for _ in range(150)]
    posts.append(("the one sentence that is a test case and must go away", "hatespeech"))
    posts.append(posts[0])
    lines = [json.dumps({"text": text, "label": label, "domain": "None"}) for text, label in posts]
    (folder / "hatexplain" / "train.jsonl").write_text("\n".join(lines))
    (folder / "hatexplain" / "val.jsonl").write_text("")
    spam = [("spam", sentence(chance, "zorb")) for _ in range(80)] + [("ham", sentence(chance)) for _ in range(80)]
    (folder / "sms_spam" / "sms.tsv").write_text("\n".join("\t".join(row) for row in spam))
    with (folder / "hatecheck" / "test_suite_cases.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ("test_case", "label_gold", "templ_id", "functionality"))
        writer.writeheader()
        case = "The one sentence, that is a test case and must go away!"
        writer.writerow({"test_case": case, "label_gold": "hateful", "templ_id": "1", "functionality": "f"})
    return folder
