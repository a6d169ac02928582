from __future__ import annotations

import pytest
from pydantic import SecretStr

from hops_contract.options import ServerOptions
from hops_contract.principal import ProjectRole
from hops_contract.servers import ServerConfig, ServerGrant


@pytest.fixture
def grant() -> ServerGrant:
    config = ServerConfig(
        project="weather",
        project_title="Weather of the coast",
        user="ada",
        role=ProjectRole.DATA_SCIENTIST,
        options=ServerOptions(
            executors=2, executor_cores=3, executor_memory_mib=2048, gpus_per_executor=1, gpu_label="a100",
            idle_timeout_minutes=30,
        ),
        project_folder="/home/hops/projects/weather",
        environment="/home/hops/environments/projects/weather",
        control_plane_url="http://127.0.0.1:1/services/hops/",
        livy_url="http://127.0.0.1:2/services/livy",
    )  # fmt: skip
    return ServerGrant(config=config, token=SecretStr("header.payload.signature"), display_name="Weather")
