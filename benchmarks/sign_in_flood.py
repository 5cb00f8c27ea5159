"""``POST /v1/screen`` while strangers flood the sign-in page, against the same requests on a quiet server.

    ./run bench sign_in_flood

``STRANGERS`` connections from as many addresses send wrong passwords as fast as they are answered; ``beside.py`` says
how the rest is measured. Meanwhile somebody signs in from a new address every other second, who tries once more when
told to wait. Wanted: the same verdicts, nothing degraded, a p99 of at most three times the quiet one, and sign-ins that
succeed.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter
from urllib.parse import urlencode

from benchmarks.beside import EMAIL, MOST, PASSWORD, Target, compare, heading, many, report, request, server

STRANGERS = 40


def main() -> int:
    """Print a table, then one line of JSON; 1 when a figure is not as wanted."""
    honest = SignIns()
    with server() as target:
        found = compare(target, flood, during=honest.go_on)
    heading()
    report("A1 flood of sign-ins", found)
    print(f"others who signed in meanwhile: {honest.succeeded} of {honest.tried}, slowest {honest.slowest_s:.1f} s")
    figures = {"quiet": found.quiet.figures(), "flood": found.attacked.figures(), "p99_ratio": found.ratio}
    print(json.dumps({**figures, "sign_ins": found.answered, "honest": [honest.succeeded, honest.tried]}))
    return int(found.ratio > MOST or not found.is_unchanged or honest.succeeded < honest.tried)


async def flood(target: Target, answered: Counter[str]) -> None:
    """Wrong passwords from many addresses, without end."""
    attempts = 0

    async def stranger(number: int) -> None:
        nonlocal attempts
        attempts += 1
        email = f"{number}-{attempts}@example.org"
        answered[str(await sign_in(target, f"127.0.1.{number + 1}", email, "wrong"))] += 1

    await many(STRANGERS, stranger)


class SignIns:
    """People who sign in, each from another address, one after the other."""

    def __init__(self) -> None:
        self.tried = self.succeeded = 0
        self.slowest_s = 0.0

    async def go_on(self, target: Target) -> None:
        """Until cancelled."""
        while True:
            began = time.perf_counter()
            address = f"127.0.2.{self.tried + 1}"
            status = await sign_in(target, address, EMAIL, PASSWORD)
            if status in (429, 503):
                await asyncio.sleep(6)  # as it was told
                status = await sign_in(target, address, EMAIL, PASSWORD)
            self.tried += 1
            self.succeeded += status == 303
            self.slowest_s = max(self.slowest_s, time.perf_counter() - began)
            await asyncio.sleep(2)


async def sign_in(target: Target, address: str, email: str, password: str) -> int:
    """The status of one attempt, with the form's token."""
    _, page = await request(target.port, "/sign-in", None, address=address)
    token = re.search(rb"seawall_form=([^;\r]+)", page)
    csrf = token[1].decode() if token else "none"  # too many strangers at once: the page was refused
    form = urlencode({"csrf": csrf, "email": email, "password": password}).encode()
    kind, cookie = "application/x-www-form-urlencoded", f"Cookie: seawall_form={csrf}\r\n"
    status, _ = await request(target.port, "/sign-in", form, kind, cookie, address)
    return status


if __name__ == "__main__":
    sys.exit(main())
