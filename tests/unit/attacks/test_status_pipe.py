"""A cell writes into the pipe by which its driver tells the service of the start.

Each line that it believed would cost the service descriptors and threads, until nobody has a session any more.
"""

import asyncio

from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy.builtin import driver as module
from hops_livy.builtin.driver import BuiltinDriver
from hops_livy.builtin.folder import SessionFolder
from hops_livy.engines.drivers import DriverRequest, Shape


def test_a_driver_is_connected_to_once_however_often_it_says_that_it_is_bound(tmp_path, monkeypatch):
    made = []

    class Client:
        def __init__(self, _connection):
            made.append(self)

        def connect(self):
            pass

        async def open(self):
            pass

        def close(self):
            pass

    monkeypatch.setattr(module, "KernelClient", Client)

    async def told_again_and_again():
        owner = Principal(
            kind=PrincipalKind.PROJECT_USER, user="mallory", project="red", role=ProjectRole.DATA_SCIENTIST
        )
        request = DriverRequest(session_id=1, owner=owner, token="t", name="", shape=Shape(), conf={})
        driver = BuiltinDriver(request, SessionFolder(tmp_path), application="a", start_s=60, on_gone=lambda: None)
        await driver._told({"stage": "kernel_bound"})
        await driver._told({"stage": "ready"})
        for _ in range(100):
            await driver._told({"stage": "kernel_bound"})

    asyncio.run(told_again_and_again())
    assert len(made) == 1
