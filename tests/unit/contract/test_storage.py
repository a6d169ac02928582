"""Where datasets lie: what ``HOPS_STORAGE`` may say."""

from __future__ import annotations

import pytest

from hops_contract.storage import StorageAddressError, StorageKind, parse_storage


def test_nothing_said_is_the_machines_disk():
    for text in ("", "local", " local "):
        assert parse_storage(text).on_machine is None
        assert parse_storage(text).project_for_sessions("weather") is None


def test_on_hdfs_sessions_have_an_address():
    address = parse_storage("hdfs://name-node:8020/lake/")
    assert (address.kind, address.authority, address.root) == (
        StorageKind.HDFS, "name-node:8020", ("lake", "Projects"),
    )  # fmt: skip
    assert address.project_for_sessions("weather") == "hdfs://name-node:8020/lake/Projects/weather"
    assert address.on_machine == {"Jupyter"}
    assert parse_storage("hdfs://[::1]:8020").project_for_sessions("w") == "hdfs://[::1]:8020/Projects/w"


def test_in_a_bucket_nothing_lies_that_sessions_write_by_paths():
    address = parse_storage("s3://lake/a/b")
    assert (address.authority, address.root) == ("lake", ("a", "b", "Projects"))
    assert address.project_for_sessions("weather") is None
    assert address.on_machine >= {"Jupyter", "Logs", "Experiments", "Models", "Resources"}


@pytest.mark.parametrize(
    "text",
    [
        "disk", "hdfs://", "hdfs://name-node", "hdfs://name-node:x/", "hdfs://u:secret@name-node:8020/",
        "hdfs://name-node:8020/../x", "hdfs://name-node:8020/a?x=1", "s3://", "s3://UPPER", "s3://u:secret@lake",
        "s3://lake/.hops", "s3://lake/a b", "http://name-node:8020", "s3a://lake", "hdfs://name-node:99999/",
    ],
)  # fmt: skip
def test_what_is_no_address_is_told_without_repeating_it(text):
    with pytest.raises(StorageAddressError) as told:
        parse_storage(text)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("project", ["../x", "", "a/b", "A"])
def test_no_projects_name_leads_elsewhere(project):
    with pytest.raises(ValueError, match="not a name"):
        parse_storage("hdfs://name-node:8020").project_for_sessions(project)
