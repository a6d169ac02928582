from __future__ import annotations

from pathlib import Path

import pytest

from hops_contract.layout import Home


@pytest.mark.parametrize("name", ["..", "a/../b", "", "A", "/etc"])
def test_a_name_can_not_lead_out_of_the_home(name: str) -> None:
    home = Home(Path("/home"))
    for place in (home.project, home.environment, home.log, home.trash, home.uploads):
        with pytest.raises(ValueError, match="is not a name"):
            place(name)
    with pytest.raises(ValueError, match="is not a name"):
        home.server(name, "ada")
