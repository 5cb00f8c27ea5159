"""``POST /v1/backtest``: what a draft of policies would decide otherwise, of items that were decided already.

It needs the scope ``read``, as trying an item does. Items of child safety are read for keys that may see them alone.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from fastapi import APIRouter, Body, Depends
from pydantic import ConfigDict, Field
from starlette.responses import Response

from seawall.access import KeyInfo, Keys, Scope
from seawall.api.child_safety import hidden_items
from seawall.api.common import KNOWN_ONLY, json_response, key
from seawall.api.errors import ApiProblem, unusable_draft
from seawall.app import App
from seawall.backtest import WAIT_S, BacktestBusy, BadSince, EnginesDisagree, serve_backtest
from seawall.policy import Bundle, PolicyErrors, PolicySource
from seawall.publish import draft_of

PolicyFile = Annotated[str, Field(max_length=65_536)]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRequest:
    """A draft: texts of policy files, which replace the policies of their names, or are added.

    ``since``: how far to look back, such as 30d; of a long history the newest part is read, as the answer says.
    """

    __pydantic_config__: ClassVar[ConfigDict] = KNOWN_ONLY

    policies: Annotated[tuple[PolicyFile, ...], Field(min_length=1, max_length=20)]
    since: Annotated[str, Field(max_length=20)] = "30d"


def add_backtest(routes: APIRouter, app: App, keys: Keys) -> None:
    """Add the route to those of the publishing service."""
    reader = key(keys, Scope.READ)

    @routes.post("/backtest", tags=["policies"])
    def post_backtest(
        asked: Annotated[BacktestRequest, Body()], caller: Annotated[KeyInfo, Depends(reader)]
    ) -> Response:
        """Compare a draft with the policies in force, over past items; nothing is recorded."""

        def build() -> Bundle:
            files = [PolicySource(path=f"policies/{index}", text=text) for index, text in enumerate(asked.policies)]
            return app.build(draft_of(app.bundle, files).sources)

        try:
            report = serve_backtest(
                app.database,
                app.vault,
                app.bundles,
                build,
                since=asked.since,
                hidden=lambda items: hidden_items(app, caller, items),
            )
        except PolicyErrors as error:
            raise unusable_draft(error) from error
        except BadSince as error:
            raise ApiProblem(
                status=422, title="Invalid request", detail=str(error), pointer="/since", remedy="Write 30d, or 12h."
            ) from error
        except BacktestBusy as error:
            raise ApiProblem(
                status=429,
                title="Too many backtests",
                detail=str(error),
                remedy="Send one at a time; 'seawall policy backtest' runs beside the servers.",
                retry_after_s=WAIT_S,
            ) from error
        except EnginesDisagree as error:
            raise ApiProblem(
                status=500,
                title="The two engines disagree",
                detail=str(error),
                remedy="Do not judge the draft by a backtest; 'seawall policy test' and 'seawall policy try' work.",
            ) from error
        return json_response(report.to_json())
