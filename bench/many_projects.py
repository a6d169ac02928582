"""A control plane with as many projects as wanted, for ``rest.py``: ``many_projects.py HOME PORT ROWS PAGE``.

Grace is in all of them, Ada in one in so many that she has a page of them. The first project has a page of datasets,
each other one has one. Tokens for both lie in ``tokens.json`` of the home.
"""

from __future__ import annotations

import json
import logging
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from hops_platform.database import now
from hops_platform.datasets.models import Dataset
from hops_platform.environments.models import Environment
from hops_platform.logs import set_up_logs
from hops_platform.mutual_tls import address_config
from hops_platform.projects.models import Membership, Project
from hops_platform.testing.factories import make_platform
from hops_platform.users import service as users
from hops_platform.users.models import User

AT_ONCE = 10_000


def fill(session: Session, rows: int, page: int) -> None:
    """Writes what there is."""
    for name in ("ada", "grace"):
        users.create_user(session, name=name, title="", password="x" * 20, admin=False, must_change_password=False)
    session.flush()
    people = {user.name: user.id for user in session.scalars(select(User))}
    for start in range(0, rows, AT_ONCE):
        projects = list(made_projects(start, min(start + AT_ONCE, rows)))
        session.execute(insert(Project), projects)
        ready = [{"project_id": one["id"], "state_name": "ready", "updated_at": now()} for one in projects]
        session.execute(insert(Environment), ready)
        members = [(one, people["grace"]) for one in projects]
        members += [(one, people["ada"]) for one in projects if int(one["name"][-7:]) % (rows // page) == 0]
        common = {"version": 1, "created_at": now()}
        session.execute(
            insert(Membership),
            [
                {
                    "project_id": one["id"],
                    "project_name": one["name"],
                    "user_id": user,
                    "role_name": "data_owner",
                    **common,
                }
                for one, user in members
            ],
        )
        session.execute(
            insert(Dataset),
            [
                {"id": uuid.uuid4(), "project_id": one["id"], "name": f"d{copy:03}", "description": "", **common}
                for one in projects
                for copy in range(page if one["name"].endswith("-0000000") else 1)
            ],
        )


def made_projects(start: int, end: int) -> Iterator[dict[str, Any]]:
    """Rows of projects; one in ten is listed."""
    for number in range(start, end):
        yield {
            "id": uuid.uuid4(), "name": f"project-{number:07}", "title": f"Project {number}", "description": "",
            "listed": number % 10 == 0, "version": 1, "created_at": now(),
        }  # fmt: skip


def main() -> None:
    home, port, rows, page = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    platform = make_platform(home)
    with platform.parts.database.session() as session:
        fill(session, rows, page)
    tokens = {name: platform.parts.signer.sign_user(name, admin=False).token for name in ("ada", "grace")}
    (home / "tokens.json").write_text(json.dumps(tokens))
    # As a site answers and logs.
    set_up_logs(logging.INFO)
    uvicorn.Server(address_config(platform.app, host="127.0.0.1", port=port, lifespan="off")).run()


if __name__ == "__main__":
    main()
