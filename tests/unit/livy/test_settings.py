import pytest

from hops_livy.settings import read_settings
from hops_livy.variables import SettingsError


def test_the_hub_says_where_to_listen(tmp_path):
    settings = read_settings(
        {
            "HOPS_HOME": str(tmp_path),
            "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:9911",
            "JUPYTERHUB_SERVICE_PREFIX": "/services/livy",
            "HOPS_CONTROL_PLANE_URL": "http://127.0.0.1:9/services/hops",
            "HOPS_GPUS": "4",
        }
    )
    assert (settings.host, settings.port, settings.prefix, settings.gpus) == ("127.0.0.1", 9911, "/services/livy/", 4)
    assert settings.key_set_url == "http://127.0.0.1:9/services/hops/.well-known/jwks.json"
    assert settings.renewal_url == "http://127.0.0.1:9/services/hops/api/v1/tokens:renew"
    assert settings.projects_url == "http://127.0.0.1:9/services/hops/api/v1/projects/"


def test_an_address_that_others_reach_needs_tls():
    with pytest.raises(SettingsError, match="without encryption"):
        read_settings({"HOPS_BIND": "0.0.0.0"})
    with_tls = {"HOPS_BIND": "0.0.0.0", "HOPS_TLS_CERT": "c.pem", "HOPS_TLS_KEY": "k.pem"}
    assert read_settings(with_tls).host == "0.0.0.0"


def test_a_number_that_is_none_is_refused_by_name():
    with pytest.raises(SettingsError, match="HOPS_GPUS is 'two'"):
        read_settings({"HOPS_GPUS": "two"})


def test_what_sandboxes_reach_and_take_are_settings():
    usual = read_settings({})
    assert (usual.sandbox_reaches, usual.sandbox_processes, usual.sandbox_memory_percent) == ((), 4096, 200)
    set_ = read_settings({
        "HOPS_SANDBOX_REACHES": "10.0.0.7:3128", "HOPS_SANDBOX_PROCESSES": "0", "HOPS_SANDBOX_MEMORY_PERCENT": "0",
    })  # fmt: skip
    assert [(one.host, one.port) for one in set_.sandbox_reaches] == [("10.0.0.7", 3128)]
    assert (set_.sandbox_processes, set_.sandbox_memory_percent) == (0, 0)
    assert (usual.kafka, read_settings({"HOPS_KAFKA": "k-1.example.org:9093, 10.0.0.9:9093"}).kafka) == (
        (), ("k-1.example.org:9093", "10.0.0.9:9093"),
    )  # fmt: skip
    with pytest.raises(SettingsError, match=r"HOPS_KAFKA: 'kafka' is no broker"):
        read_settings({"HOPS_KAFKA": "kafka"})
    with pytest.raises(SettingsError, match=r"HOPS_SANDBOX_REACHES: 'proxy:3128' is no address"):
        read_settings({"HOPS_SANDBOX_REACHES": "proxy:3128"})
    with pytest.raises(SettingsError, match=r"HOPS_SANDBOX_READS: all of its paths must be absolute\."):
        read_settings({"HOPS_SANDBOX_READS": "here"})


def test_how_many_sessions_may_run_is_a_setting():
    assert (read_settings({}).limits.sessions, read_settings({}).limits.sessions_per_owner) == (200, 10)
    limits = read_settings({"HOPS_SESSIONS": "5", "HOPS_SESSIONS_PER_OWNER": "2"}).limits
    ahead = read_settings({"HOPS_WARM_SESSIONS": "0", "HOPS_WARM_LEAVES_MIB": "7", "HOPS_DESERTED_S": "30"})
    assert (ahead.warm_sessions, ahead.warm_leaves_mib, ahead.deserted_s) == (0, 7, 30.0)
    usual = read_settings({})
    assert (usual.warm_sessions, usual.warm_leaves_mib, usual.deserted_s) == (8, None, 600.0)
    assert (limits.sessions, limits.sessions_per_owner) == (5, 2)


def test_how_many_may_wait_and_how_long_are_settings():
    usual = read_settings({})
    assert (usual.limits.queue, usual.limits.queue_wait_s, usual.warm_per_person) == (200, 3600, 2)
    chosen = read_settings({"HOPS_QUEUE": "0", "HOPS_QUEUE_WAIT_S": "60", "HOPS_WARM_PER_PERSON": "1"})
    assert (chosen.limits.queue, chosen.limits.queue_wait_s, chosen.warm_per_person) == (0, 60, 1)
    assert read_settings({"HOPS_QUEUE_PER_PERSON": "3"}).limits.queue_per_person == 3
    assert read_settings({"HOPS_STARTS_AT_ONCE": "3"}).starts_at_once == 3


def test_who_may_have_many_sessions_may_ask_for_all_of_them_at_once():
    assert read_settings({}).limits.queue_per_person == 20
    assert read_settings({"HOPS_SESSIONS_PER_PERSON": "50"}).limits.queue_per_person == 50
    assert read_settings({"HOPS_SESSIONS_PER_OWNER": "30"}).limits.queue_per_person == 60
    chosen = {"HOPS_SESSIONS_PER_OWNER": "30", "HOPS_QUEUE_PER_PERSON": "3"}
    assert read_settings(chosen).limits.queue_per_person == 3
    assert read_settings({"HOPS_SESSIONS_PER_PERSON": "0"}).limits.queue_per_person == 1


def test_how_long_one_may_wait_is_never_nothing():
    with pytest.raises(SettingsError, match="HOPS_QUEUE_WAIT_S is 0"):
        read_settings({"HOPS_QUEUE_WAIT_S": "0"})


def test_how_long_a_body_may_take_is_a_setting_and_never_none():
    limits = read_settings({"HOPS_BODY_TIMEOUT_S": "5", "HOPS_BODIES_AT_ONCE": "3"}).limits
    assert (limits.body_patience_s, limits.bodies_at_once) == (5, 3)
    with pytest.raises(SettingsError, match="HOPS_BODIES_AT_ONCE is 0"):
        read_settings({"HOPS_BODIES_AT_ONCE": "0"})


@pytest.mark.parametrize("address", ["name-node:9870", "https://name-node:9871", "name-node", "[::1]:9870"])
def test_the_address_of_hdfs_is_kept_as_it_is_written(address):
    assert read_settings({"HOPS_WEBHDFS_ADDRESS": address}).webhdfs_address == address
    assert read_settings({}).webhdfs_address is None


@pytest.mark.parametrize("address", ["ftp://name-node:9870", "name-node:port", "https://", ":9870"])
def test_an_address_of_hdfs_that_is_none_is_refused(address):
    with pytest.raises(SettingsError, match=r"HOPS_WEBHDFS_ADDRESS is .*; it must be host:port"):
        read_settings({"HOPS_WEBHDFS_ADDRESS": address})


def test_where_datasets_lie_is_read_as_the_control_plane_reads_it():
    assert read_settings({}).storage.project_for_sessions("weather") is None
    settings = read_settings({"HOPS_STORAGE": "hdfs://name-node:8020/lake"})
    assert settings.storage.project_for_sessions("weather") == "hdfs://name-node:8020/lake/Projects/weather"
    with pytest.raises(SettingsError, match="HOPS_STORAGE"):
        read_settings({"HOPS_STORAGE": "somewhere"})
