"""Bodies and paths that no client sends: refused in words, never an error of the service's own."""

import asyncio
import json

import httpx
import pytest

from hops_contract.layout import Home
from hops_livy.app import create_app
from hops_livy.settings import Settings
from tests.unit.livy.callers import OurKeys, bearer


async def status_of(tmp_path, path, content):
    folder = tmp_path / "projects" / "red" / "Jupyter"
    folder.mkdir(parents=True)
    (folder / "round.py").symlink_to(folder / "round.py")
    app = create_app(Settings(home=Home(tmp_path), gpus=0), keys=OurKeys())
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://livy.test/services/livy") as client:
            answer = await client.post(
                path,
                content=content,
                headers=bearer("mallory", "red") | {"Content-Type": "application/json"},
            )
            return answer.status_code


@pytest.mark.parametrize(
    ("path", "content"),
    [
        pytest.param("/batches", json.dumps({"file": "Jupyter/a\0b.py"}), id="nul in a path"),
        pytest.param(
            "/batches", json.dumps({"file": "Jupyter/" + "a" * 300 + ".py"}), id="a name too long for the disk"
        ),
        pytest.param("/batches", json.dumps({"file": "Jupyter/round.py"}), id="a link to itself"),
        pytest.param("/batches", json.dumps({"file": "Jupyter/\ud800.py"}), id="half a character in a path"),
        pytest.param("/sessions", json.dumps({"conf": {"\ud800": [1]}}), id="half a character in a key"),
        pytest.param("/sessions", json.dumps({"conf": {"spark.\ud800": "1"}}), id="half a character in a setting"),
        pytest.param("/sessions", '{"name": ' + "9" * 10_000 + "}", id="an endless number"),
        pytest.param("/sessions", "[" * 500_000, id="endless brackets"),
    ],
)
def test_it_is_refused_in_words(tmp_path, path, content):
    assert 400 <= asyncio.run(status_of(tmp_path, path, content)) < 500
