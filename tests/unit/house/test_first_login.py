"""The first administrator's password is told when it is made: nobody could tell it later."""

from __future__ import annotations

import pytest

from hopslab import cli
from hopslab.errors import SiteError
from hopslab.prepare.steps import FirstLogin
from hopslab.settings import SiteSettings


def test_the_password_is_told_although_the_start_fails_after_it(monkeypatch, capsys, tmp_path):
    def fails(*_):
        raise SiteError("The Hub does not answer.", "Look at its log.")

    monkeypatch.setattr(cli, "prepare", lambda *_: None)
    monkeypatch.setattr(cli, "initialise", lambda *_: FirstLogin(user="admin", password="told once"))
    monkeypatch.setattr(cli, "start_site", fails)
    with pytest.raises(SiteError, match="does not answer"):
        cli.prepare_and_start(SiteSettings(home=tmp_path))
    shown = capsys.readouterr().out
    assert "admin" in shown
    assert "told once" in shown
