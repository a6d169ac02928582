"""Bodies and paths that no client sends: refused in words, never an error of the service's own."""

# ruff: noqa: ARG002 - the fakes take what the ports hand them

import asyncio
import json
import time
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hops_contract.layout import Home
from hops_livy.app import create_app
from hops_livy.settings import Settings

KEY = Ed25519PrivateKey.generate()


class OurKeys:
    def key_for(self, token):
        return KEY.public_key()


def token():
    now = int(time.time())
    claims = {
        "iss": "hopslab", "aud": "hopslab", "sub": "mallory", "iat": now, "exp": now + 900, "jti": uuid4().hex,
        "kind": "project_user", "project": "red", "role": "data_scientist",
    }  # fmt: skip
    return jwt.encode(claims, KEY, "EdDSA", headers={"kid": "one"})


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
                headers={"Authorization": f"Bearer {token()}", "Content-Type": "application/json"},
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
