"""A Data Scientist puts files into the project; nothing of them runs in another member's name by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from hops_contract.options import ServerOptions
from hops_contract.principal import ProjectRole
from hops_contract.servers import ServerConfig, ServerGrant
from hops_spawner.environment import server_environment
from hops_spawner.files import FOLDERS, server_files
from hops_spawner.folder import write_folder
from tests.sample_certificate import SAMPLE


@pytest.fixture
def owners_server(tmp_path):
    project, folder = tmp_path / "projects" / "red", tmp_path / "run" / "servers" / "red__olga"
    (project / "Jupyter").mkdir(parents=True)
    config = ServerConfig(
        project="red", project_title="Red", user="olga", role=ProjectRole.DATA_OWNER, options=ServerOptions(),
        project_folder=str(project), environment=sys.prefix, control_plane_url="http://127.0.0.1:1/",
        livy_url="http://127.0.0.1:2",
    )  # fmt: skip
    grant = ServerGrant(config=config, token="olgas-token", certificate=SAMPLE, display_name="Red")
    write_folder(folder, server_files(grant), FOLDERS)
    (tmp_path / "home").mkdir()
    variables = server_environment(
        {"JUPYTERHUB_API_TOKEN": "olgas-hub-token"}, config, PurePosixPath(folder),
        home=PurePosixPath(tmp_path / "home"),
    )  # fmt: skip
    return project, folder, variables


@pytest.mark.parametrize("name", [".bash_profile", ".bashrc", ".profile"])
def test_a_terminal_runs_no_start_up_file_of_another_member(tmp_path, owners_server, name):
    project, _, variables = owners_server
    (project / name).write_text(f'echo "$JUPYTERHUB_API_TOKEN" > {tmp_path}/stolen\n')
    for how in ("-l", "-i"):  # Jupyter's terminals are log-in shells where it has no terminal of its own
        subprocess.run(["/bin/bash", how, "-c", "true"], env=variables, capture_output=True, timeout=240, check=False)
    assert not (tmp_path / "stolen").exists()


@pytest.mark.parametrize("kernel", ["pyspark", "python3"])
def test_a_kernel_starts_without_modules_of_the_folder_that_it_starts_in(tmp_path, owners_server, kernel):
    project, folder, variables = owners_server
    for module in ("hops_kernels", "ipykernel_launcher", "sparkmagic", "ipykernel"):
        (project / "Jupyter" / f"{module}.py").write_text(
            "import os\n"
            f"open({str(tmp_path / 'stolen')!r}, 'w').write(os.environ['JUPYTERHUB_API_TOKEN'])\nraise SystemExit\n"
        )
    argv = json.loads((folder / "kernels" / kernel / "kernel.json").read_text())["argv"]
    argv = [sys.executable, *argv[1:-1], os.fspath(Path(folder) / "none.json")]
    subprocess.run([*argv[:-2], "--version"], env={**variables, "PYTHONPATH": os.pathsep.join(sys.path[1:])},
                   cwd=project / "Jupyter", capture_output=True, timeout=120, check=False)  # fmt: skip
    assert not (tmp_path / "stolen").exists()
