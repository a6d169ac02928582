from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

from hops_contract.principal import ProjectRole
from hops_contract.servers import ServerConfig, ServerGrant
from hops_contract.wiping import wipe_folder
from hops_spawner.files import ABOUT_SPARK, NOT_FOR_DATA_SCIENTISTS, server_files
from hops_spawner.folder import write_folder

FRONT_END = Path(__file__).parents[3] / "labextension" / "src"


def test_the_folder_holds_configuration_token_kernels_and_jupyters_settings(grant: ServerGrant) -> None:
    files = server_files(grant)
    assert sorted(files) == [
        "certificates/authorities.pem",
        "certificates/certificate.pem",
        "certificates/key.pem",
        "certificates/keystore.p12",
        "certificates/password",
        "certificates/truststore.p12",
        "config/jupyter_server_config.json",
        "config/labconfig/default_setting_overrides.json",
        "config/labconfig/page_config.json",
        "kernels/pyspark/kernel.json",
        "kernels/pyspark/logo-svg.svg",
        "kernels/python3/kernel.json",
        "kernels/python3/logo-svg.svg",
        "kernels/spark/kernel.json",
        "kernels/spark/logo-svg.svg",
        "server.json",
        "token.jwt",
    ]
    assert files["token.jwt"] == b"header.payload.signature"
    assert ServerConfig.model_validate_json(files["server.json"]) == grant.config


def test_the_certificates_key_and_password_stand_in_their_own_files_alone(grant: ServerGrant) -> None:
    files = server_files(grant)
    assert [name for name, content in files.items() if b"a key" in content] == ["certificates/key.pem"]
    assert [name for name, content in files.items() if b"a password" in content] == ["certificates/password"]
    assert files["certificates/keystore.p12"] == b"keys"
    assert "a key" not in repr(grant) + grant.model_dump_json()


def test_only_the_token_file_holds_the_token(grant: ServerGrant) -> None:
    assert [name for name, content in server_files(grant).items() if b"signature" in content] == ["token.jwt"]


def test_the_pyspark_kernel_runs_in_the_project_environment(grant: ServerGrant) -> None:
    assert json.loads(server_files(grant)["kernels/pyspark/kernel.json"]) == {
        "argv": [
            "/home/hops/environments/projects/weather/bin/python",
            "-P",
            "-m",
            "hops_kernels.pyspark",
            "-f",
            "{connection_file}",
        ],
        "display_name": "PySpark",
        "language": "python",
        "interrupt_mode": "signal",
        "metadata": {"debugger": False},
    }


def test_the_spark_kernel_is_one_of_scala(grant: ServerGrant) -> None:
    kernel = json.loads(server_files(grant)["kernels/spark/kernel.json"])
    assert (kernel["display_name"], kernel["language"]) == ("Spark (Scala)", "scala")
    assert kernel["argv"][2:4] == ["-m", "hops_kernels.spark"]


def test_jupyter_offers_only_these_kernels_and_stops_what_idles(grant: ServerGrant) -> None:
    settings = json.loads(server_files(grant)["config/jupyter_server_config.json"])
    assert settings["KernelSpecManager"] == {
        "ensure_native_kernel": False,
        "allowed_kernelspecs": ["pyspark", "spark", "python3"],
    }
    assert settings["ServerApp"]["shutdown_no_activity_timeout"] == 1800
    assert settings["MappingKernelManager"]["cull_idle_timeout"] == 1800
    assert settings["MappingKernelManager"]["cull_busy"] is False
    assert settings["LabApp"] == {"extension_manager": "readonly"}
    assert settings["ServerApp"]["jpserver_extensions"] == {
        "jupyterlab": True, "jupyterlab_hops": True, "jupyter_lsp": False, "jupyter_server_proxy": False,
        "notebook_shim": False,
    }  # fmt: skip


def test_jupyters_files_keep_to_the_projects_laws_and_know_no_trash(grant: ServerGrant) -> None:
    settings = json.loads(server_files(grant)["config/jupyter_server_config.json"])
    assert settings["ServerApp"]["authorizer_class"] == "jupyterlab_hops.authorizer.ProjectAuthorizer"
    assert settings["ServerApp"]["contents_manager_class"] == "jupyterlab_hops.contents.ProjectContents"
    assert settings["FileContentsManager"] == {"delete_to_trash": False}


def test_labs_ways_to_take_files_out_are_a_data_owners(grant: ServerGrant) -> None:
    def disabled(role: ProjectRole) -> dict[str, bool]:
        config = grant.config.model_copy(update={"role": role})
        files = server_files(grant.model_copy(update={"config": config}))
        plugins: dict[str, bool] = json.loads(files["config/labconfig/page_config.json"])["disabledExtensions"]
        return plugins

    news = {"@jupyterlab/apputils-extension:announcements": True}
    assert disabled(ProjectRole.DATA_OWNER) == news
    assert disabled(ProjectRole.DATA_SCIENTIST) == news | dict.fromkeys(NOT_FOR_DATA_SCIENTISTS, True)


def test_a_written_folder_is_readable_by_its_owner_only_and_holds_nothing_of_an_earlier_server(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "weather__ada"
    write_folder(folder, {"old": b"1"})
    write_folder(folder, {"kernels/pyspark/kernel.json": b"{}", "token.jwt": b"t"}, ["runtime"])
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == [
        "kernels/pyspark/kernel.json",
        "token.jwt",
    ]
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}
    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items())
    wipe_folder(folder)
    wipe_folder(folder)
    assert not folder.exists()


def test_wiping_a_link_leaves_what_it_points_to(tmp_path: Path) -> None:
    target = tmp_path / "data"
    target.mkdir()
    (target / "kept").write_text("x")
    link = tmp_path / "server"
    link.symlink_to(target)
    wipe_folder(link)
    assert not link.exists()
    assert (target / "kept").exists()


def test_a_folder_is_removed_however_deep_the_servers_code_made_it(tmp_path: Path) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    descriptor = os.open(folder, os.O_RDONLY)
    for _ in range(2000):
        os.mkdir("d", dir_fd=descriptor)
        above, descriptor = descriptor, os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(above)
    os.close(descriptor)
    (folder / "closed").mkdir(mode=0)
    try:
        write_folder(folder, {"token.jwt": b"t"})
        assert [path.name for path in folder.iterdir()] == ["token.jwt"]
    finally:
        # Who tidies up after the tests can't go as deep either.
        subprocess.run(["rm", "-rf", str(folder)], check=True)


def test_where_spark_is_switched_off_lab_shows_nothing_of_it(grant: ServerGrant) -> None:
    config = grant.config.model_copy(update={"spark": False})
    files = server_files(grant.model_copy(update={"config": config}))
    assert not [name for name in files if "spark" in name]
    settings = json.loads(files["config/jupyter_server_config.json"])
    assert settings["KernelSpecManager"]["allowed_kernelspecs"] == ["python3"]
    assert settings["MappingKernelManager"]["default_kernel_name"] == "python3"
    disabled = json.loads(files["config/labconfig/page_config.json"])["disabledExtensions"]
    assert disabled["jupyterlab-hops:sessions"] is True
    with_spark = json.loads(server_files(grant)["config/labconfig/page_config.json"])["disabledExtensions"]
    assert "jupyterlab-hops:sessions" not in with_spark


def test_the_plugins_about_spark_are_those_of_the_front_end() -> None:
    sources = "\n".join(path.read_text() for path in FRONT_END.rglob("index.ts"))
    for plugin in ABOUT_SPARK:
        assert f"'{plugin}'" in sources
