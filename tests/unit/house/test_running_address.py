"""What `status`, `doctor` and `demo` ask: the site that runs, whatever HOPS_PORT says in this shell."""

import json
import os

import pytest

from hopslab.settings import SiteSettings
from hopslab.site.state import SITE_FILE, at_running_address, remember_hub


@pytest.fixture
def settings(tmp_path):
    return SiteSettings(home=tmp_path, port=8000)


def test_a_running_site_is_asked_at_its_own_port(settings):
    remember_hub(settings.layout, os.getpid())
    (settings.layout.run / SITE_FILE).write_text(json.dumps({"url": "http://127.0.0.1:8111/"}))
    assert at_running_address(settings).url == "http://127.0.0.1:8111/"


def test_a_site_that_does_not_run_has_the_port_of_the_settings(settings):
    settings.layout.run.mkdir()
    (settings.layout.run / SITE_FILE).write_text(json.dumps({"url": "http://127.0.0.1:8111/"}))
    assert at_running_address(settings) is settings


@pytest.mark.parametrize("note", ["", "{}", '{"url": "http://[broken"}', '{"url": "http://127.0.0.1:port/"}'])
def test_a_damaged_note_changes_nothing(settings, note):
    remember_hub(settings.layout, os.getpid())
    (settings.layout.run / SITE_FILE).write_text(note)
    assert at_running_address(settings).port == 8000
