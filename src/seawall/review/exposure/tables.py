"""The table of exposure, a projection."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, Table, Text

from seawall.storage.database import metadata

exposure = Table(
    "exposure",
    metadata,
    Column("seq", BigInteger, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("person", Text, nullable=False),  # who saw it
    Column("kind", Text, nullable=False),  # viewed | unveiled | watched | break_ended
    Column("item", Text),
    Column("part", Text),  # the field whose veil was lifted
    Column("modality", Text),
    Column("harm", Text),  # null: none is known
    Column("intensity", Float, nullable=False),
    Column("media", Integer, nullable=False),  # images, audio files and videos on a viewed page
    Column("seconds", Float, nullable=False),  # that a medium was looked at
    Column("controls", Text, nullable=False),  # what softened it, comma-separated: blur, greyscale, mute, text_first
    Index("ix_exposure_person", "person", "at"),
    Index("ix_exposure_at", "at"),
)
