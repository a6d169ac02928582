"""The contract of ``hops.hdfs``: the same on this machine's disk and on a real HDFS."""

# ruff: noqa: ARG002  # a fixture is asked for because of what it starts

from __future__ import annotations

import grp
import inspect
import os
import pwd
import re
import stat as status_bits
import sys
from pathlib import Path

import pytest
import requests
from hops import hdfs

# The functions that take a project, with the parameters that notebooks know; each may have more, with defaults.
PARAMETERS = """
get_plain_path(abs_path) project_id() project_user() project_name() project_path(project, exclude_nn_addr) get()
get_fs() copy_to_hdfs(local_path, relative_hdfs_path, overwrite, project) delete(hdfs_path, recursive)
copy_to_local(hdfs_path, local_path, overwrite, project) cp(src_hdfs_path, dest_hdfs_path, overwrite)
copy_to_project(local_path, relative_hdfs_path, overwrite, project)
copy_from_project(relative_hdfs_path, local_path, overwrite, project) glob(hdfs_path, recursive, project)
ls(hdfs_path, recursive, exclude_nn_addr) lsl(hdfs_path, recursive, project) rmr(hdfs_path, project)
mkdir(hdfs_path, project) move(src, dest) rename(src, dest) chown(hdfs_path, user, group, project)
chmod(hdfs_path, mode, project) stat(hdfs_path, project) access(hdfs_path, mode, project)
open_file(hdfs_path, project, flags, buff_size) close() exists(hdfs_path, project) isdir(hdfs_path, project)
isfile(hdfs_path, project) capacity() dump(data, hdfs_path) load(hdfs_path) abs_path(hdfs_path)
add_module(hdfs_path, project) is_tls_enabled() get_webhdfs_host() get_webhdfs_port() log(string)
"""


@pytest.mark.parametrize(("name", "known"), re.findall(r"(\w+)\(([^)]*)\)", PARAMETERS))
def test_a_function_takes_the_parameters_that_notebooks_know_in_their_order(name, known):
    parameters = inspect.signature(getattr(hdfs, name)).parameters
    names = known.split(", ") if known else []
    assert list(parameters)[: len(names)] == names
    assert all(parameters[more].default is not inspect.Parameter.empty for more in list(parameters)[len(names) :])


class FilesContract:
    """What every file system must do.

    Subclasses give the fixtures ``project``, ``other_project``, another project that this user may write to, and
    ``as_superuser``, which makes the process one that may give files away, to the user and the group that it gives.
    """

    @pytest.fixture(autouse=True)
    def _empty_project(self, project, tmp_path, monkeypatch):
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        for name in hdfs.ls():
            hdfs.rmr(name)

    def test_the_project_has_a_path_that_ends_with_a_slash(self, project):
        assert hdfs.project_path() == f"{project}/"
        assert hdfs.project_path(exclude_nn_addr=True) == hdfs.get_plain_path(project) + "/"
        assert hdfs.project_name() == "weather"
        assert hdfs.project_user() == "weather__ada"
        assert hdfs.project_id() == hdfs.project_name()

    def test_what_is_written_is_read_by_every_name_of_the_file(self, project):
        hdfs.dump("Sonne", "Resources/a/b.txt")
        for path in (
            "Resources/a/b.txt",
            hdfs.project_path() + "Resources/a/b.txt",
            "hdfs:///Projects/weather/Resources/a/b.txt",
            "/Projects/weather/Resources/a/b.txt",
        ):
            assert hdfs.load(path) == b"Sonne"
        assert hdfs.abs_path("Resources/a/b.txt") == f"{project}/Resources/a/b.txt"

    @pytest.mark.parametrize("name", ["a=1&b=2", "100%", "with space", "schön", "q?x#y", "plus+plus", "a;b,c'd"])
    def test_strange_names_stay_what_they_are(self, project, name):
        hdfs.dump(b"x", f"Resources/{name}/file")
        assert hdfs.ls("Resources") == [f"{project}/Resources/{name}"]
        assert hdfs.load(f"Resources/{name}/file") == b"x"
        assert hdfs.load(hdfs.ls(f"Resources/{name}")[0]) == b"x"

    def test_writing_again_replaces_the_whole_file(self):
        hdfs.dump("long text", "f")
        hdfs.dump("x", "f")
        assert hdfs.load("f") == b"x"
        assert [path.rpartition("/")[2] for path in hdfs.ls()] == ["f"]

    def test_large_files_arrive_whole(self):
        data = os.urandom(9_000_000)
        hdfs.dump(data, "large")
        assert hdfs.load("large") == data
        with hdfs.open_file("large", flags="r") as file:
            file.seek(8_999_990)
            assert file.read() == data[-10:]

    def test_open_writes_reads_and_appends(self):
        with hdfs.open_file("f.txt", flags="w") as file:
            file.write(b"one\n")
        with hdfs.open_file("f.txt", flags="at") as file:
            file.write("zwei ü\n")
        with hdfs.open_file("f.txt", flags="rt") as file:
            assert list(file) == ["one\n", "zwei ü\n"]
        with hdfs.open_file("f.txt") as file:
            assert file.read(3) == b"one"

    def test_open_refuses_what_it_does_not_know(self):
        with pytest.raises(ValueError, match="Use r, w or a"):
            hdfs.open_file("f", flags="q")

    def test_listing_tells_kind_size_and_owner(self):
        hdfs.dump("12345", "d/f")
        hdfs.mkdir("d/e")
        folder, file = hdfs.lsl("d")
        assert (folder["name"], folder["kind"], folder["size"]) == ("e", "directory", 0)
        assert (file["name"], file["kind"], file["size"]) == ("f", "file", 5)
        assert file["owner"]

    def test_listing_goes_down_where_that_is_asked_for(self, project):
        hdfs.dump("x", "d/e/f")
        assert hdfs.ls("d") == [f"{project}/d/e"]
        assert hdfs.ls("d", recursive=True) == [f"{project}/d/e", f"{project}/d/e/f"]
        assert hdfs.ls("d/e/f") == [f"{project}/d/e/f"]

    def test_listing_leaves_out_the_address_where_that_is_asked_for(self, project):
        hdfs.dump("x", "d/e/f")
        plain = hdfs.get_plain_path(project)
        assert hdfs.ls("d", recursive=True, exclude_nn_addr=True) == [f"{plain}/d/e", f"{plain}/d/e/f"]
        assert hdfs.ls("d", False, True) == [f"{plain}/d/e"]

    def test_the_project_is_known_in_both_its_places_of_a_listing(self, other_project):
        hdfs.copy_to_hdfs(__file__, "Resources", project="sales")
        listed = [f"{other_project}/Resources/test_files.py"]
        assert hdfs.ls("Resources", project="sales") == listed
        assert hdfs.ls("Resources", False, "sales") == listed

    def test_patterns_are_found(self, project):
        for name in ("a.csv", "b.csv", "c.txt", "deep/d.csv"):
            hdfs.dump("x", f"Resources/{name}")
        assert hdfs.glob("Resources/*.csv") == [f"{project}/Resources/a.csv", f"{project}/Resources/b.csv"]
        assert f"{project}/Resources/deep/d.csv" in hdfs.glob("Resources/**/*.csv", recursive=True)

    def test_existence_and_kind(self):
        hdfs.dump("x", "d/f")
        assert (hdfs.exists("d"), hdfs.isdir("d"), hdfs.isfile("d")) == (True, True, False)
        assert (hdfs.exists("d/f"), hdfs.isdir("d/f"), hdfs.isfile("d/f")) == (True, False, True)
        assert (hdfs.exists("no"), hdfs.isdir("no"), hdfs.isfile("no")) == (False, False, False)

    @pytest.mark.parametrize("call", [hdfs.load, hdfs.ls, hdfs.delete, hdfs.rmr, hdfs.stat, hdfs.copy_to_local])
    def test_what_is_absent_is_said_to_be_absent(self, call):
        with pytest.raises(FileNotFoundError, match="is not there"):
            call("no/such")

    def test_a_full_folder_is_removed_only_when_that_is_meant(self):
        hdfs.dump("x", "d/f")
        with pytest.raises(OSError, match="recursive=True"):
            hdfs.delete("d")
        hdfs.delete("d", recursive=True)
        assert not hdfs.exists("d")

    @pytest.mark.parametrize("path", ["", ".", "/Projects/weather", "/Projects"])
    def test_the_project_itself_can_not_be_removed(self, path):
        hdfs.dump("x", "kept")
        with pytest.raises((ValueError, FileNotFoundError)):
            hdfs.rmr(path)
        assert hdfs.load("kept") == b"x"

    @pytest.mark.parametrize("path", ["../other", "a/../../other", "..", "a/b/../../../x"])
    def test_a_relative_path_never_leads_out_of_the_project(self, path):
        with pytest.raises(ValueError, match="leads out of the project"):
            hdfs.dump("x", path)

    def test_dots_inside_the_project_are_fine(self, project):
        assert hdfs.abs_path("a/../b") == f"{project}/b"

    def test_moving_goes_into_folders_and_renaming_does_not(self, project):
        hdfs.dump("x", "f")
        hdfs.mkdir("d")
        hdfs.move("f", "d")
        assert hdfs.isfile("d/f")
        hdfs.rename("d/f", "e/g")
        assert hdfs.load("e/g") == b"x"
        hdfs.dump("y", "h")
        with pytest.raises(FileExistsError):
            hdfs.rename("h", "e/g")
        assert hdfs.load("e/g") == b"x"

    def test_copies_inside_the_project(self):
        hdfs.dump("x", "d/f")
        hdfs.cp("d", "copy")
        assert hdfs.load("copy/f") == b"x"
        hdfs.cp("d/f", "g")
        with pytest.raises(FileExistsError, match="overwrite=True"):
            hdfs.cp("d/f", "g")
        hdfs.dump("new", "d/f")
        hdfs.cp("d/f", "g", overwrite=True)
        assert hdfs.load("g") == b"new"
        with pytest.raises(ValueError, match="into itself"):
            hdfs.cp("d", "d/inside")

    def test_files_go_to_the_project_and_come_back(self, tmp_path):
        (tmp_path / "here" / "model").mkdir()
        (tmp_path / "here" / "model" / "w.bin").write_bytes(b"123")
        assert hdfs.copy_to_hdfs("model", "Models") == hdfs.abs_path("Models/model")
        assert hdfs.load("Models/model/w.bin") == b"123"
        with pytest.raises(FileExistsError):
            hdfs.copy_to_project("model", "Models")
        hdfs.copy_to_project("model", "Models", overwrite=True)
        back = hdfs.copy_to_local("Models/model", str(tmp_path / "back"))
        assert back == str(tmp_path / "back" / "model")
        assert (tmp_path / "back/model/w.bin").read_bytes() == b"123"
        assert hdfs.copy_from_project("Models/model/w.bin", "") == str(tmp_path / "here" / "w.bin")

    def test_copying_what_is_not_here_is_refused(self):
        with pytest.raises(FileNotFoundError, match=r"nothing\.bin"):
            hdfs.copy_to_hdfs("nothing.bin", "Models")

    def test_permissions_are_set_and_told(self):
        hdfs.dump("12", "f")
        hdfs.chmod("f", 0o640)
        found = hdfs.stat("f")
        assert status_bits.S_IMODE(found.st_mode) == 0o640
        assert status_bits.S_ISREG(found.st_mode)
        assert found.st_size == 2
        hdfs.chmod("f", "600")
        assert status_bits.S_IMODE(hdfs.stat("f").st_mode) == 0o600
        assert hdfs.access("f", "rw")
        assert hdfs.access("f", os.R_OK | os.W_OK)
        with pytest.raises(ValueError, match="no permission"):
            hdfs.chmod("f", 0o77777)

    def test_files_are_given_to_another_user_and_group(self, as_superuser):
        hdfs.dump("x", "f")
        before = hdfs.stat("f")
        user, group = as_superuser
        hdfs.chown("f", user=user)
        assert (hdfs.stat("f").st_uid, hdfs.stat("f").st_gid) == (user, before.st_gid)
        hdfs.chown("f", group=group)
        assert (hdfs.stat("f").st_uid, hdfs.stat("f").st_gid) == (user, group)
        hdfs.chown("f", before.st_uid, before.st_gid)
        assert (hdfs.stat("f").st_uid, hdfs.stat("f").st_gid) == (before.st_uid, before.st_gid)
        with pytest.raises(FileNotFoundError, match="is not there"):
            hdfs.chown("absent", user, group)

    def test_the_file_system_itself_is_at_hand_and_can_be_closed(self, project):
        hdfs.dump("x", "f")
        opened = hdfs.get()
        assert opened is hdfs.get_fs()
        assert opened.cat_file(hdfs.get_plain_path(f"{project}/f")) == b"x"
        hdfs.close()
        assert hdfs.get() is not opened
        assert hdfs.load("f") == b"x"

    def test_every_function_that_takes_a_project_works_in_another_one(self, other_project, tmp_path, monkeypatch):
        monkeypatch.setattr(sys, "path", list(sys.path))
        module = f"of_sales_{type(self).__name__.lower()}"
        (tmp_path / "here" / f"{module}.py").write_text("ANSWER = 6 * 7\n")
        sales = {"project": "sales"}
        assert hdfs.project_path(**sales) == f"{other_project}/"
        hdfs.mkdir("Models/a", **sales)
        assert hdfs.isdir("Models/a", **sales)
        target = f"{other_project}/Resources/{module}.py"
        assert hdfs.copy_to_hdfs(f"{module}.py", "Resources", **sales) == target
        assert hdfs.copy_to_project(f"{module}.py", "Resources", overwrite=True, **sales) == target
        path = f"Resources/{module}.py"
        assert hdfs.exists(path, **sales)
        assert hdfs.isfile(path, **sales)
        assert hdfs.glob("Resources/*.py", **sales) == [target]
        assert [entry["path"] for entry in hdfs.lsl("Resources", **sales)] == [target]
        hdfs.chmod(path, 0o600, **sales)
        assert status_bits.S_IMODE(hdfs.stat(path, **sales).st_mode) == 0o600
        hdfs.chown(path, user=hdfs.stat(path, **sales).st_uid, **sales)
        assert hdfs.access(path, "r", **sales)
        with hdfs.open_file("Resources/note", flags="w", **sales) as file:
            file.write(b"sold")
        assert hdfs.load(f"{other_project}/Resources/note") == b"sold"
        copied = hdfs.copy_to_local("Resources/note", str(tmp_path / "one"), **sales)
        assert hdfs.copy_from_project("Resources/note", str(tmp_path / "two"), **sales) == str(
            tmp_path / "two" / "note"
        )
        assert (tmp_path / "one" / "note").read_bytes() == b"sold"
        assert copied == str(tmp_path / "one" / "note")
        hdfs.add_module(path, **sales)
        assert __import__(module).ANSWER == 42
        hdfs.rmr("Resources", **sales)
        assert not hdfs.exists(path, **sales)
        assert hdfs.ls() == [], "nothing of it happened in this project"

    @pytest.mark.parametrize("path", ["", "."])
    def test_another_project_itself_can_not_be_removed_either(self, other_project, path):
        with pytest.raises(ValueError, match="can't be removed"):
            hdfs.rmr(path, project="sales")
        assert hdfs.isdir("", project="sales")

    @pytest.mark.parametrize("name", ["", ".", "..", "a/b"])
    def test_what_is_no_project_is_refused(self, name):
        with pytest.raises(ValueError, match="is not the name of a project"):
            hdfs.exists("Resources", project=name)

    def test_a_module_of_the_project_can_be_imported(self, monkeypatch):
        monkeypatch.setattr(sys, "path", list(sys.path))
        hdfs.dump("ANSWER = 42\n", f"Jupyter/{type(self).__name__.lower()}_module.py")
        hdfs.add_module(f"Jupyter/{type(self).__name__.lower()}_module.py")
        assert __import__(f"{type(self).__name__.lower()}_module").ANSWER == 42

    def test_the_file_system_has_a_size(self):
        assert hdfs.capacity() > 1_000_000


class TestLocalDisk(FilesContract):
    @pytest.fixture
    def project(self, on_local_disk):
        return on_local_disk

    @pytest.fixture
    def other_project(self, on_local_disk):
        folder = Path(on_local_disk).with_name("sales")
        folder.mkdir()
        return str(folder)

    @pytest.fixture
    def as_superuser(self):
        if os.geteuid() != 0:
            pytest.skip("only root may give files of this machine away")
        return "nobody", grp.getgrgid(pwd.getpwnam("nobody").pw_gid).gr_name


class TestHdfs(FilesContract):
    @pytest.fixture
    def project(self, on_hdfs):
        return on_hdfs

    @pytest.fixture
    def other_project(self, on_hdfs, hdfs_cluster):
        url = f"http://127.0.0.1:{hdfs_cluster.http}/webhdfs/v1/Projects/sales?user.name=hdfs&op="
        requests.put(f"{url}MKDIRS", timeout=60).raise_for_status()
        requests.put(f"{url}SETOWNER&owner=weather__ada", timeout=60).raise_for_status()
        yield f"{on_hdfs.removesuffix('weather')}sales"
        requests.delete(f"{url}DELETE&recursive=true", timeout=60).raise_for_status()

    @pytest.fixture
    def as_superuser(self, monkeypatch):
        monkeypatch.setenv("HADOOP_USER_NAME", "hdfs")
        return "weather__bob", "crew"

    def test_who_may_not_give_a_file_away_is_told(self):
        hdfs.dump("x", "f")
        with pytest.raises(PermissionError):
            hdfs.chown("f", user="weather__bob")
        assert hdfs.stat("f").st_uid == "weather__ada"

    def test_what_is_written_belongs_to_the_project_user(self):
        hdfs.dump("x", "f")
        assert hdfs.stat("f").st_uid == "weather__ada"

    def test_another_project_stays_closed(self, hdfs_cluster):
        assert not hdfs.access("/Projects", "w")
        with pytest.raises(PermissionError):
            hdfs.mkdir("/Projects/other")

    def test_the_address_of_the_name_node_is_told(self, hdfs_cluster):
        assert hdfs.get_webhdfs_host() == "127.0.0.1"
        assert hdfs.get_webhdfs_port() == hdfs_cluster.http
        assert not hdfs.is_tls_enabled()
