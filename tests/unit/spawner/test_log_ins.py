from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import orm, roles

from hops_spawner.log_ins import end_older_log_ins


@pytest.fixture
def user() -> Iterator[Any]:
    """Ada as the Hub keeps her, with a running server in `weather`, a token of a script and a code on its way."""
    database = orm.new_session_factory("sqlite:///:memory:")()
    for role in roles.get_default_roles():
        roles.create_role(database, role)
    row = orm.User(name="ada")
    database.add_all([row, orm.OAuthClient(identifier="jupyterhub")])
    roles.assign_default_roles(database, entity=row)
    spawners = {"weather": SimpleNamespace(api_token=row.new_api_token(note="Server at /user/ada/weather/"))}
    row.new_api_token(note="Server at /user/ada/")
    database.add(orm.OAuthCode(code="on-its-way", user=row))
    database.commit()
    yield SimpleNamespace(name="ada", orm_user=row, db=database, spawners=spawners)
    database.close()


def test_a_password_of_before_the_first_log_in_ends_nothing(user: Any) -> None:
    cookie = user.orm_user.cookie_id
    assert end_older_log_ins(user, datetime.now(UTC) - timedelta(hours=1)) is False
    assert (user.orm_user.cookie_id, len(user.orm_user.api_tokens)) == (cookie, 2)


def test_a_later_change_ends_cookies_tokens_and_codes_and_no_running_servers_token(user: Any) -> None:
    cookie = user.orm_user.cookie_id
    assert end_older_log_ins(user, datetime.now(UTC) + timedelta(seconds=1)) is True
    user.db.expire_all()
    assert user.orm_user.cookie_id != cookie
    assert [token.note for token in user.orm_user.api_tokens] == ["Server at /user/ada/weather/"]
    assert user.orm_user.oauth_codes == []


def test_each_change_ends_what_was_before_it_once(user: Any) -> None:
    first = datetime.now(UTC) + timedelta(microseconds=1_234_567)
    assert end_older_log_ins(user, first) is True
    cookie = user.orm_user.cookie_id
    assert end_older_log_ins(user, first) is False
    assert user.orm_user.cookie_id == cookie
    assert end_older_log_ins(user, first + timedelta(milliseconds=1)) is True
    assert user.orm_user.cookie_id != cookie
