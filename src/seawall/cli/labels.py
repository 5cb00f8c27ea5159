"""``seawall labels export``: what people answered, as labels for training and measuring."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seawall.cli.common import DatabaseUrl, DataDir, explained, out, settings

if TYPE_CHECKING:
    from seawall.app import Storage
    from seawall.learn.human_labels import HumanLabel

app = typer.Typer(no_args_is_help=True, help="Labels from reviews, adjudications and appeals.")


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="JSON lines, one label each; without what people wrote.")],
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Write one label for each item's revision and policy that people answered; corrections outrank what they correct.

    The product's own ids join them with the content; those of erased items are null.
    """
    import msgspec

    from seawall.app import open_storage
    from seawall.learn.human_labels import resolve

    with explained(), open_storage(settings(data_dir=data_dir, database_url=database)) as store:
        labels = resolve(answers_of(store))
        opened = store.vault.open_many([(label.item, "id") for label in labels])
        ids = {ref: sealed.decode(errors="replace") for (ref, _), sealed in opened.items() if sealed is not None}
        lines = [msgspec.json.encode({"id": ids.get(one.item)} | msgspec.to_builtins(one)) for one in labels]
    file.write_bytes(b"".join(line + b"\n" for line in lines))
    out.print(f"{len(labels)} labels: {file}", soft_wrap=True)


def answers_of(store: Storage) -> Iterator[HumanLabel]:
    """Everything that people answered, of reviews that stand."""
    from seawall.appeal.queries import appeal_labels
    from seawall.learn.human_labels import HumanLabel, LabelSource
    from seawall.review.labels import judgements_of_reviews
    from seawall.review.quality.queries import judgements_of_blind_reviews
    from seawall.screen.queries import decisions_by_id

    reviews = judgements_of_reviews(store.ledger)
    with store.database.read() as connection:
        decided = decisions_by_id(connection, sorted({one.decision for one in reviews}))
        blind = judgements_of_blind_reviews(connection)
        appeals = appeal_labels(connection)
    for one in reviews:
        if (made := decided.get(one.decision)) is not None:
            yield HumanLabel(
                item=made.item,
                content_type=made.content_type,
                revision=made.revision,
                policy=one.policy,
                violates=one.violates,
                source=LabelSource.REVIEW,
                at=one.at,
                by=one.reviewer,
                decision=one.decision,
                answer=one.review,
                bulk=one.bulk,
            )
    for given in blind:
        yield HumanLabel(
            item=given.item,
            content_type=given.content_type,
            revision=given.revision,
            policy=given.policy,
            violates=given.violates,
            source=LabelSource.ADJUDICATION if given.is_final else LabelSource.SECOND_REVIEW,
            at=given.at,
            by=given.person,
            decision=given.decision,
            answer=given.task,
        )
    for label in appeals:
        yield HumanLabel(
            item=label.item,
            content_type=label.content_type,
            revision=label.revision,
            policy=label.policy,
            violates=label.violates,
            source=LabelSource.APPEAL,
            at=label.at,
            by=None,
            decision=label.decision,
            answer=label.appeal,
        )
