"""What the library raises: one base, a kind for each part, and what notebooks catch already."""

import pytest
from hops import _platform, dataset, kafka, project
from hops._session import NoProjectError
from hops.errors import DatasetError, HopsError, KafkaError, ProjectError


@pytest.fixture(params=[_platform.PlatformError, _platform.LostError])
def platform_away(monkeypatch, request):
    """A platform that refuses whatever it is asked, or does not answer."""

    def fail(*_given, **_options):
        raise request.param("It is away. Try again.") from OSError("no route")

    monkeypatch.setattr(_platform, "send", fail)


@pytest.mark.parametrize(
    ("ask", "kind"),
    [
        (dataset.names, DatasetError),
        (lambda: dataset.describe("raw"), DatasetError),
        (kafka.topics, KafkaError),
        (kafka.get_broker_endpoints, KafkaError),
        (project.members, ProjectError),
        (lambda: project.accept("weather/raw"), ProjectError),
    ],
)
@pytest.mark.usefixtures("platform_away")
def test_each_part_has_its_error_and_what_was_caught_before_still_is(ask, kind):
    with pytest.raises(kind, match="It is away") as told:
        ask()
    assert type(told.value) is kind
    assert isinstance(told.value, DatasetError)
    assert isinstance(told.value, HopsError)
    assert isinstance(told.value.__cause__, OSError)


def test_that_this_process_belongs_to_no_project_stays_said_as_such(monkeypatch):
    monkeypatch.delenv("HOPS_PROJECT", raising=False)
    with pytest.raises(NoProjectError):
        kafka.topic("measurements")
    assert issubclass(NoProjectError, HopsError)
