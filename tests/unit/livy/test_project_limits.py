"""The limits of a project: read from the control plane, kept for a moment, held against what is asked for."""

import asyncio

import httpx
import pytest

from hops_contract.network import Network
from hops_contract.options import SessionBounds
from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy import project_limits
from hops_livy.engines.drivers import Shape
from hops_livy.errors import BadRequestError, ForbiddenError, UnavailableError
from hops_livy.project_limits import PublishedLimits, check_limits

LIMITS = SessionBounds(
    max_executors=2, max_executor_cores=2, max_executor_memory_mib=2048, max_driver_memory_mib=2048,
    max_total_memory_mib=4096, max_gpus=2,
)  # fmt: skip
GOOD = httpx.Response(200, json=LIMITS.model_dump(mode="json"))


def member(project="weather"):
    return Principal(kind=PrincipalKind.PROJECT_USER, user="ada", project=project, role=ProjectRole.DATA_OWNER)


def ask(answers, *projects):
    """What each of ``projects`` is told, one after the other, and the requests that this took."""
    requests = []

    def answer(request):
        requests.append(request)
        reply = answers[min(len(requests), len(answers)) - 1]
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def run():
        told = []
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            limits = PublishedLimits("http://control/api/v1/projects/", client)
            for project in projects:
                try:
                    told.append(await limits.of(member(project), "the-token"))
                except (ForbiddenError, UnavailableError) as error:
                    told.append(error)
        return told

    return asyncio.run(run()), requests


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"executors": 3}, "3 executors asked for; the project may use 2 executors."),
        ({"min_executors": 0, "max_executors": 50}, "50 executors asked for; the project may use 2 executors."),
        ({"executor_cores": 3}, "3 cores per executor asked for; the project may use 2 cores per executor."),
        ({"executor_memory_mib": 2049}, "2049 MiB per executor asked for; the project may use 2 GiB per executor."),
        (
            {"driver_memory_mib": 2049},
            "2049 MiB for the driver asked for; the project may use 2 GiB for the driver.",
        ),
        (
            {"executors": 2, "executor_memory_mib": 2048},
            "5 GiB in all asked for; the project may use 4 GiB in all.",
        ),
        ({"executors": 2, "gpus_per_executor": 2}, "4 GPUs in all asked for; the project may use 2 GPUs in all."),
    ],
)
def test_what_is_too_much_is_named_with_both_numbers(asked, sentence):
    with pytest.raises(BadRequestError) as refused:
        check_limits(Shape(**asked), LIMITS)
    assert sentence in refused.value.detail
    assert sentence in [violation.message for violation in refused.value.violations]


def test_all_that_the_limits_allow_may_be_had():
    check_limits(
        Shape(executors=2, executor_cores=2, executor_memory_mib=1024, driver_memory_mib=2048, gpus_per_executor=1),
        LIMITS,
    )


def test_the_limits_are_asked_for_with_the_callers_token_once_for_each_project():
    told, requests = ask([GOOD], "weather", "weather", "sales")
    assert told == [LIMITS] * 3
    assert [request.url.path for request in requests] == [
        "/api/v1/projects/weather/sessions/limits", "/api/v1/projects/sales/sessions/limits",
    ]  # fmt: skip
    assert {request.headers["authorization"] for request in requests} == {"Bearer the-token"}


def test_changed_limits_hold_when_the_old_ones_were_kept_long_enough(monkeypatch):
    monkeypatch.setattr(project_limits, "_KEPT_S", 0.0)
    less = SessionBounds(max_executors=1)
    told, _ = ask([GOOD, httpx.Response(200, json=less.model_dump(mode="json"))], "weather", "weather")
    assert told == [LIMITS, less]


@pytest.mark.parametrize(
    "reply",
    [
        httpx.ConnectError("down"),
        httpx.ReadTimeout("slow"),
        httpx.Response(500),
        httpx.Response(302, headers={"Location": "http://elsewhere/"}),
        httpx.Response(200, text="no JSON"),
        httpx.Response(200, json={"max_executors": "many"}),
    ],
)
def test_without_limits_nothing_may_be_started_until_they_can_be_read_again(reply):
    (refused, later), _ = ask([reply, GOOD], "weather", "weather")
    assert isinstance(refused, UnavailableError)
    assert refused.status == 503
    assert "limits of project weather" in refused.detail
    assert later == LIMITS


@pytest.mark.parametrize("status", [401, 403, 404])
def test_who_may_not_know_the_limits_may_not_use_the_project(status):
    (refused,), _ = ask([httpx.Response(status)], "weather")
    assert isinstance(refused, ForbiddenError)


def test_a_project_that_starts_no_sessions_now_says_so_in_the_control_planes_words():
    problem = {
        "type": "urn:hopslab:problem:service-off", "title": "Switched off", "status": 409,
        "detail": "Spark sessions: switched off in the project 'weather'.", "remedy": "A Data Owner can switch it on.",
        "violations": [],
    }  # fmt: skip
    (refused, later), _ = ask([httpx.Response(409, json=problem), GOOD], "weather", "weather")
    assert isinstance(refused, ForbiddenError)
    assert (refused.detail, refused.remedy) == (problem["detail"], problem["remedy"])
    assert later == LIMITS, "what was refused is asked anew"
    (odd,), _ = ask([httpx.Response(409, text="no JSON")], "weather")
    assert odd.detail == "No sessions are started in project weather now."


def test_an_answer_of_before_is_not_kept_when_it_was_to_be_forgotten():
    less = SessionBounds(max_executors=1)
    answers = [GOOD, httpx.Response(200, json=less.model_dump(mode="json"))]

    async def run():
        limits = None

        def answer(_request):
            if len(answers) == 2:
                limits.forget("weather")  # while the first answer is on its way
            return answers.pop(0)

        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            limits = PublishedLimits("http://control/api/v1/projects/", client)
            return [await limits.of(member(), "the-token") for _ in range(2)]

    assert asyncio.run(run()) == [less, less]


def test_executors_of_a_whole_project_are_bounded():
    bounded = LIMITS.model_copy(update={"max_project_executors": 1})
    assert project_limits.together(bounded).executors == 1
    with pytest.raises(BadRequestError) as refused:
        check_limits(Shape(executors=2, executor_memory_mib=512, driver_memory_mib=512), bounded)
    assert refused.value.detail == (
        "2 executors for all its sessions together asked for; the project may use 1 executor for all its sessions "
        "together."
    )


def test_what_code_reaches_of_the_network_is_told_with_the_limits():
    opened = SessionBounds(**LIMITS.model_dump(exclude={"network"}), network=Network.OPEN)
    answers = [httpx.Response(200, json=opened.model_dump(mode="json"))]
    assert ask(answers, "weather")[0][0].network is Network.OPEN
    older = {key: value for key, value in LIMITS.model_dump(mode="json").items() if key != "network"}
    # Nothing said: what is closed stays closed.
    assert ask([httpx.Response(200, json=older)], "weather")[0][0].network is Network.PLATFORM
    unknown = LIMITS.model_dump(mode="json") | {"network": "everything"}
    assert isinstance(ask([httpx.Response(200, json=unknown)], "weather")[0][0], UnavailableError)
