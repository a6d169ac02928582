"""``from hops import dataset`` against a control plane that really listens, with connections that really break."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hops import _platform, dataset, project
from hops.dataset import DatasetError

from hops_contract.principal import ProjectRole
from tests.listening import listening

from .conftest import ON_SQLITE, PlatformUnderTest


class Breaking:
    """ASGI middleware that breaks chosen connections after so many bytes of the body, or of the answer."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.up: list[int] = []
        self.down: list[int] = []
        self.unanswered: list[str] = []
        """Ends of the paths of calls that are worked on, and whose answer is lost."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        up = self.up.pop(0) if self.up and scope.get("method") == "PUT" else None
        down = self.down.pop(0) if self.down and scope.get("path", "").endswith("/content") else None
        taken = given = 0

        async def receive_some() -> Any:
            nonlocal taken
            if up is not None and taken >= up:
                return {"type": "http.disconnect"}
            message = await receive()
            taken += len(message.get("body", b""))
            return message | ({"more_body": True} if up is not None else {})

        lost = next((end for end in self.unanswered if scope.get("path", "").endswith(end)), None)
        if lost is not None:
            self.unanswered.remove(lost)

        async def send_some(message: Any) -> None:
            nonlocal given
            if lost is not None:
                return
            given += len(message.get("body", b""))
            if down is not None and given > down:
                raise ConnectionResetError
            await send(message)

        await self._app(scope, receive_some, send_some)
        if lost is not None:
            # As a proxy in between says it.
            await send({"type": "http.response.start", "status": 502, "headers": []})
            await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def served(on_disk: PlatformUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Breaking]:
    """Ada is Data Owner of weather, and works on a machine of her own."""
    ada = on_disk.user("ada")
    on_disk.ready_project(ada, template="empty")
    app = Breaking(on_disk.platform.app)
    with listening(app) as port:
        token = tmp_path / "token"
        token.write_text(on_disk.platform.parts.signer.sign_user("ada", admin=False).token)
        monkeypatch.setenv("HOPS_CONTROL_PLANE_URL", f"http://127.0.0.1:{port}/services/hops")
        monkeypatch.setenv("HOPS_TOKEN_FILE", str(token))
        monkeypatch.setenv("HOPS_PROJECT", "weather")
        monkeypatch.delenv("HOPS_PROJECT_PATH", raising=False)
        monkeypatch.setattr(time, "sleep", lambda _s: None)
        yield app


@ON_SQLITE
def test_what_there_is_is_listed_changed_deleted_and_restored(served: Breaking, tmp_path: Path) -> None:
    assert dataset.names() == ["Experiments", "Jupyter", "Logs", "Models", "Resources"]
    assert dataset.describe("Resources")["standard"]
    dataset.create("raw", "As it came.")
    assert dataset.describe("raw")["description"] == "As it came."
    with pytest.raises(DatasetError, match="taken"):
        dataset.create("raw")
    (tmp_path / "from" / "below").mkdir(parents=True)
    (tmp_path / "from" / "a b.csv").write_text("day")
    (tmp_path / "from" / "below" / "c.csv").write_text("")
    (tmp_path / "from" / "link").symlink_to("/etc/passwd")
    dataset.upload(tmp_path / "from", "Resources/to")
    assert [entry.name for entry in dataset.ls("Resources/to")] == ["a b.csv", "below"]
    with pytest.raises(DatasetError, match="already"):
        dataset.upload(tmp_path / "from" / "a b.csv", "Resources/to/a b.csv")
    dataset.upload(tmp_path / "from" / "a b.csv", "Resources/to/a b.csv", overwrite=True)
    dataset.mkdir("Models/new")
    dataset.copy("Resources/to", "Models/new/copy")
    dataset.move("Models/new/copy/a b.csv", "Models/new/a.csv")
    assert dataset.stat("Models/new/a.csv").size == 3
    item = dataset.delete("Models/new")
    assert [one["path"] for one in dataset.trash()] == ["new"]
    assert dataset.restore(item, "Logs/again") == "Logs/again"
    assert dataset.download("Logs/again/a.csv", tmp_path) == str(tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "day"
    with pytest.raises(FileExistsError):
        dataset.download("Logs/again/a.csv", tmp_path)
    with pytest.raises(DatasetError, match="There is no"):
        dataset.ls("Logs/absent")


@ON_SQLITE
def test_a_long_folder_is_listed_whole(served: Breaking, on_disk: PlatformUnderTest) -> None:
    folder = on_disk.platform.parts.settings.layout.project("weather") / "Logs"
    for number in range(230):
        (folder / f"{number:03}").touch()
    assert [entry.name for entry in dataset.ls("Logs")] == [f"{number:03}" for number in range(230)]


@ON_SQLITE
def test_broken_connections_are_gone_on_with(served: Breaking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = os.urandom(5 * 2**20)
    (tmp_path / "data").write_bytes(data)
    monkeypatch.setattr(dataset, "_PIECE", 2 * 2**20)
    served.up[:] = [2**20, 10, 3 * 2**19]
    dataset.upload(tmp_path / "data", "Resources/data")
    assert served.up == []
    served.down[:] = [2**20, 2**21, 0]
    dataset.download("Resources/data", tmp_path / "back")
    assert served.down == []
    assert (tmp_path / "back").read_bytes() == data
    assert not list(tmp_path.glob("*.part"))


@ON_SQLITE
def test_an_upload_whose_answers_are_lost_is_one_upload(
    served: Breaking, on_disk: PlatformUnderTest, tmp_path: Path
) -> None:
    (tmp_path / "one").write_bytes(b"one")
    served.unanswered = ["/uploads", ":finish", ":finish"]
    dataset.upload(tmp_path / "one", "Resources/one")
    assert not served.unanswered
    assert [entry.name for entry in dataset.ls("Resources")] == ["one"]
    left = on_disk.platform.parts.settings.layout.uploads("weather").glob("*.*")
    assert not list(left)


@ON_SQLITE
def test_a_file_that_changes_while_it_is_fetched_is_fetched_anew(
    served: Breaking, on_disk: PlatformUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = on_disk.platform.parts.settings.layout.project("weather") / "Resources" / "data"
    file.write_bytes(b"a" * 3 * 2**20)
    served.down[:] = [2**20]

    def change(failed: int, _error: Exception) -> int:
        file.write_bytes(b"b" * 2**20)
        return failed + 1

    monkeypatch.setattr(_platform, "wait_after", change)
    dataset.download("Resources/data", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"b" * 2**20


@ON_SQLITE
def test_a_connection_that_breaks_again_and_again_is_given_up(served: Breaking, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(bytes(2**20))
    served.up[:] = [0] * 20
    with pytest.raises(DatasetError, match="connection broke"):
        dataset.upload(tmp_path / "data", "Resources/data")
    assert not list(tmp_path.glob("*.part"))


@ON_SQLITE
def test_code_in_a_session_is_told_where_the_files_are(
    served: Breaking, on_disk: PlatformUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = on_disk.platform.parts.signer.sign_project_user("ada", project="weather", role=ProjectRole.DATA_OWNER)
    (tmp_path / "token").write_text(signed.token)
    monkeypatch.setenv("HOPS_PROJECT_PATH", "/somewhere")
    (tmp_path / "a.py").write_text("")
    with pytest.raises(DatasetError, match=r"hops\.hdfs") as told:
        dataset.upload(tmp_path / "a.py", "Jupyter/a.py")
    assert signed.token not in str(told.value)
    assert dataset.ls("Jupyter") == []
    assert (project.describe()["name"], project.describe()["network"]) == ("weather", "platform")
    assert [(one["user"], one["role"]) for one in project.members()] == [("ada", "data_owner")]
    with pytest.raises(DatasetError) as told:
        dataset.create("mine")
    assert "hops.hdfs" not in str(told.value), "that makes no datasets"


@ON_SQLITE
def test_a_netrc_does_not_take_the_tokens_place(
    served: Breaking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login eve password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert dataset.names()


def test_a_process_that_does_not_know_the_platform_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOPS_CONTROL_PLANE_URL", "HOPS_TOKEN_FILE", "HOPS_SERVER_FOLDER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOPS_PROJECT", "weather")
    with pytest.raises(DatasetError, match="HOPS_TOKEN_FILE"):
        dataset.names()


@ON_SQLITE
def test_a_dataset_is_shared_accepted_read_and_taken_back(
    served: Breaking, on_disk: PlatformUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grace = on_disk.user("grace")
    on_disk.ready_project(grace, "tides", template="empty")
    grace.patch("projects/tides", json={"listed": True}, headers={"If-Match": "*"}).raise_for_status()
    dataset.upload(Path(__file__), "Resources/file.py")
    assert dataset.share("Resources", "tides", download=True)["state"] == "offered"
    dataset.publish("Models")
    own = Path(os.environ["HOPS_TOKEN_FILE"])
    hers = tmp_path / "hers"
    hers.write_text(on_disk.platform.parts.signer.sign_user("grace", admin=False).token)
    monkeypatch.setenv("HOPS_TOKEN_FILE", str(hers))
    monkeypatch.setenv("HOPS_PROJECT", "tides")
    assert "storage_bytes" in [one["what"] for one in project.use()]
    assert [(one["path"], one["state"]) for one in project.shared()] == [("Shared/weather/Resources", "offered")]
    project.accept("weather/Resources")
    assert [one["dataset"] for one in project.published("mod")] == ["Models"]
    assert project.add("weather/Models")["state"] == "accepted"
    assert dataset.names()[-2:] == ["Shared/weather/Models", "Shared/weather/Resources"]
    assert dataset.describe("Shared/weather/Resources")["shared"]["project"] == "weather"
    assert [entry.name for entry in dataset.ls("Shared/weather/Resources")] == ["file.py"]
    assert dataset.download("Shared/weather/Resources/file.py", tmp_path) == str(tmp_path / "file.py")
    with pytest.raises(DatasetError, match="reading only"):
        dataset.delete("Shared/weather/Resources/file.py")
    project.leave("weather/Models")
    monkeypatch.setenv("HOPS_TOKEN_FILE", str(own))
    monkeypatch.setenv("HOPS_PROJECT", "weather")
    assert [one["project"] for one in dataset.shares("Resources")] == ["tides"]
    dataset.unshare("Resources", "tides")
    dataset.withdraw("Models", users="go")
    monkeypatch.setenv("HOPS_TOKEN_FILE", str(hers))
    monkeypatch.setenv("HOPS_PROJECT", "tides")
    with pytest.raises(DatasetError, match="is not shared with this project"):
        dataset.ls("Shared/weather/Resources")
    with pytest.raises(DatasetError, match="Name the project"):
        project.leave("Resources")
