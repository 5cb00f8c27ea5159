"""Set-up of a demo before the first post: the shipped policies, the demo's own policy, and the seed banks."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
from PIL import Image

from seawall.demo.images import known_image
from seawall.match import pdq
from seawall.policy import PolicySource
from seawall.publish import BankSettings, NewEntry, Sources, read_sources
from seawall.shipped import Folder, banks

POLICY = "second-opinion"


def sources() -> Sources:
    """The shipped policies and content types, and the policy for the demo's own detector (see ``stall``)."""
    shipped = read_sources()
    text = Folder("seawall.demo", "policy").read(POLICY)
    policies = (*shipped.policies, PolicySource(path=f"{POLICY}.yaml", text=text))
    return replace(shipped, policies=policies, origin="demo")


def seed_banks() -> dict[str, list[NewEntry]]:
    """Bank → its first entries: the shipped ones, and the hash of the one blocked image."""
    seeds = {
        bank.name: [NewEntry(kind=bank.kind, value=entry.value, source=entry.source) for entry in bank.entries]
        for bank in banks.load()
    }
    seeds["blocked-images"].append(NewEntry(kind="image", value=_pdq_hex(known_image()), source="demo"))
    return seeds


def seed_settings() -> dict[str, BankSettings]:
    """Bank → its settings in the shipped files."""
    return {
        bank.name: BankSettings(
            title=bank.title, role=bank.role, harm=bank.harm, owner="trust-team", flood_limit=bank.flood_limit
        )
        for bank in banks.load()
    }


def _pdq_hex(image: bytes) -> str:
    with Image.open(io.BytesIO(image)) as opened:
        return pdq(np.asarray(opened.convert("RGB"))).hash.hex()
