"""The script of docs/topics.md and ``from hops import kafka``, against a control plane that listens."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hops import kafka
from hops.kafka import KafkaError

from hops_contract.principal import ProjectRole
from tests.listening import listening
from tests.page_scripts import said_by, script_of

from .test_topics import ada, database_url

__all__ = ["ada", "database_url"]  # fixtures

BROKERS = ["kafka-1.example.org:9093", "kafka-2.example.org:9093"]


@pytest.fixture
def hops(make: Callable[..., Any]) -> Any:
    """A control plane whose site has Kafka."""
    return make(kafka=",".join(BROKERS))


@pytest.fixture
def address(hops: Any) -> Iterator[str]:
    with listening(hops.platform.app) as port:
        yield f"http://127.0.0.1:{port}/services/hops"


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.usefixtures("ada")
def test_the_script_of_the_page_tells_the_story(hops: Any, address: str, tmp_path: Path) -> None:
    token = hops.platform.parts.signer.sign_user("ada", admin=False).token
    (tmp_path / "token.txt").write_text(f"Authorization: Bearer {token}\n")
    told = said_by(script_of("topics.md"), tmp_path, HOPS=f"{address}/api/v1")
    created, listed, read, brokers = told.strip().splitlines()
    assert '"on_cluster":"weather__measurements"' in created
    assert '"partitions":3' in listed
    assert '"made_by":"ada"' in read
    assert BROKERS[0] in brokers


def test_code_finds_topics_brokers_and_its_certificate(
    hops: Any, ada: Any, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada.post("projects/weather/topics", json={"name": "measurements"}).raise_for_status()
    token = tmp_path / "token"
    token.write_text(
        hops.platform.parts.signer.sign_project_user("ada", project="weather", role=ProjectRole.DATA_OWNER).token
    )
    certificates = tmp_path / "certificates"
    certificates.mkdir()
    for name in ("authorities.pem", "certificate.pem", "key.pem", "keystore.p12", "truststore.p12"):
        (certificates / name).touch()
    (certificates / "password").write_text("secret")
    for name, value in {
        "HOPS_CONTROL_PLANE_URL": address, "HOPS_TOKEN_FILE": token, "HOPS_PROJECT": "weather", "HOPS_USER": "ada",
        "HOPS_PROJECT_PATH": "/Projects/weather", "HOPS_CERTIFICATES": certificates,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("HOPS_PROJECT_USER", raising=False)
    assert [one["on_cluster"] for one in kafka.topics()] == [kafka.topic("measurements")] == ["weather__measurements"]
    assert (kafka.group(), kafka.group("readers")) == ("weather__ada", "weather__readers")
    assert kafka.get_broker_endpoints_list() == BROKERS
    assert kafka.get_kafka_default_config() == {
        "bootstrap.servers": ",".join(BROKERS),
        "security.protocol": kafka.get_security_protocol(),
        "ssl.ca.location": str(certificates / "authorities.pem"),
        "ssl.certificate.location": str(certificates / "certificate.pem"),
        "ssl.key.location": str(certificates / "key.pem"),
        "group.id": "weather__ada",
    }
    options = kafka.spark_options()
    assert (options["kafka.bootstrap.servers"], options["groupIdPrefix"]) == (",".join(BROKERS), "weather__spark")
    assert options["kafka.ssl.keystore.location"] == str(certificates / "keystore.p12")
    # What Spark shows of its options it redacts by these words.
    assert {key for key, value in options.items() if value == "secret"} <= {key for key in options if "password" in key}
    services = {"services": ["jupyter", "sharing", "spark"]}
    ada.put("projects/weather/services", json=services, headers={"If-Match": "*"}).raise_for_status()
    with pytest.raises(KafkaError, match="switched off"):
        kafka.get_broker_endpoints()
