"""Ends what the Hub gave out before a user's password was changed: cookies, tokens, and codes that become tokens.

The Hub knows a browser by the user's ``cookie_id``. A new one ends all browsers; it begins with the moment of the
change for which it was made, so that each change ends them once, also after a restart of the Hub.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from jupyterhub import orm

_MARK = "~"


def end_older_log_ins(user: Any, changed_at: datetime) -> bool:
    """Ends the log-ins of ``user`` unless that was done for this change already. Answers whether it was needed.

    The tokens by which running notebook servers ask the Hub who opens them stay: they are no log-ins, and a server
    that could ask no more could not tell its user what to do.

    Args:
        user: The Hub's user.
        changed_at: When the password was changed for the last time.
    """
    row = user.orm_user
    if changed_at <= _valid_since(row):
        return False
    database = user.db
    servers = {
        token.id
        for spawner in user.spawners.values()
        if spawner.api_token and (token := orm.APIToken.find(database, spawner.api_token)) is not None
    }
    for token in list(row.api_tokens):
        if token.id not in servers:
            database.delete(token)
    for code in list(row.oauth_codes):
        database.delete(code)
    row.cookie_id = f"{changed_at.timestamp()}{_MARK}{secrets.token_urlsafe(32)}"
    database.commit()
    return True


def _valid_since(row: orm.User) -> datetime:
    moment, mark, _ = row.cookie_id.partition(_MARK)
    if mark:
        return datetime.fromtimestamp(float(moment), UTC)
    # The Hub writes UTC without saying so.
    created: datetime = row.created
    return created.replace(tzinfo=UTC)
