import pytest

from hopslab import cli
from hopslab.settings import SiteSettings


@pytest.mark.parametrize(
    ("hub", "ended", "said"),
    [
        (object(), 5, ["Notebook servers, Spark sessions and services are being stopped …", "Everything is stopped."]),
        (None, 0, ["Nothing was running."]),
    ],
)
def test_stopping_says_what_is_waited_for(monkeypatch, capsys, hub, ended, said):
    monkeypatch.setattr(cli, "load_settings", SiteSettings)
    monkeypatch.setattr(cli, "running_hub", lambda _: hub)
    monkeypatch.setattr(cli, "stop_site", lambda _: ended)
    cli.down()
    assert capsys.readouterr().out.splitlines() == said
