from __future__ import annotations

import re

import pytest

from tests.waiting import until

from .conftest import Person, Site

pytestmark = pytest.mark.hub


@pytest.mark.usefixtures("left_alone")
def test_a_server_that_nobody_uses_ends_by_itself(site: Site, olga: Person) -> None:
    def gone() -> bool:
        return olga.server("weather") == "stopped" and not site.folder("olga", "weather").exists()

    # One minute idle; Jupyter looks once a minute, the Hub every ten seconds.
    until(gone, "the end of the idle server", seconds=150)
    # A Hub that was started anew meanwhile, as other tests do with this one, has it from the server's log alone.
    reason = olga.ask("GET", "projects/weather/server").json()["reason"]
    assert re.search(r"Nothing was done in it for its idle time( of a minute)?, so it ended\. Start it again", reason)
    log = (site.home / "logs" / "servers" / "weather__olga.log").read_text()
    assert "No kernels for" in log or "shutting down" in log.lower()
