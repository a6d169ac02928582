"""The limit on open files of the services, and that each of them raises it."""

import subprocess
import sys
import types

import pytest

from hops_livy import __main__ as session_service

FEW = 128
RAISED = f"""
import resource
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, ({FEW}, hard))
from hops_contract.descriptors import MOST_DESCRIPTORS, raise_descriptor_limit
told = raise_descriptor_limit()
soft, kept = resource.getrlimit(resource.RLIMIT_NOFILE)
assert told == soft == (MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)), soft
assert kept == hard
assert raise_descriptor_limit() == soft
"""
LOWERED = f"""
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({FEW}, {FEW}))
from hops_contract.descriptors import raise_descriptor_limit
assert raise_descriptor_limit() == {FEW}
"""


@pytest.mark.parametrize("program", [RAISED, LOWERED], ids=["raised", "hard-limit-kept"])
def test_the_limit_is_raised_to_what_the_site_allows_and_no_further(program: str) -> None:
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=240)
    assert ended.returncode == 0, ended.stderr


def test_the_session_service_raises_its_limit_before_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []

    class Server:
        started = True

        def __init__(self, *_given: object) -> None:
            pass

    async def serve(_servers: object) -> None:
        happened.append("answers")

    app = types.SimpleNamespace(state=types.SimpleNamespace(registry=None))
    settings = types.SimpleNamespace(host="127.0.0.1", port=0, tls_cert=None, tls_key=None, proxy_socket=None)
    monkeypatch.setattr(session_service, "read_settings", lambda **_more: settings)
    monkeypatch.setattr(session_service, "create_app", lambda _settings: app)
    monkeypatch.setattr(session_service, "_Server", Server)
    monkeypatch.setattr(session_service, "serve_together", serve)
    monkeypatch.setattr(session_service, "raise_descriptor_limit", lambda: happened.append("raised"))
    session_service.serve(port=0)
    assert happened == ["raised", "answers"]
