"""What the control plane tells of a caller is what the session service reads in it."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest

from hops_contract.principal import PrincipalKind, ProjectRole
from hops_livy.errors import NotAuthenticatedError, UnavailableError
from hops_livy.standing import PublishedStanding
from hops_platform.environments.models import EnvironmentState
from hops_platform.projects.schemas import EnvironmentAnswer, ProjectAnswer
from hops_platform.security.permissions import Permission
from hops_platform.security.policy import permissions_of
from hops_platform.users.schemas import Me

ME = "http://control/api/v1/me"
PROJECTS = "http://control/api/v1/projects/"


def project(role):
    return ProjectAnswer(
        name="weather", title="", description="", listed=False, role=role, version=1,
        created_at=datetime(2026, 5, 4, tzinfo=UTC),
        environment=EnvironmentAnswer(state=EnvironmentState.READY),
    ).model_dump(mode="json")  # fmt: skip


def me(*, admin, must_change_password=False):
    return Me(
        kind=PrincipalKind.USER,
        name="root",
        title="",
        admin=admin,
        auditor=False,
        must_change_password=must_change_password,
        project=None,
        memberships=[],
    ).model_dump(mode="json")


def told(answer, ask):
    """What ``ask`` of the standing gives, when the control plane gives ``answer``; and what was asked."""
    asked = []

    def control_plane(request):
        asked.append(str(request.url))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def run():
        async with httpx.AsyncClient(transport=httpx.MockTransport(control_plane)) as client:
            return await ask(PublishedStanding(ME, PROJECTS, client))

    return asyncio.run(run()), asked


def role(standing):
    return standing.role_in("weather", "the-token")


@pytest.mark.parametrize("given", [ProjectRole.DATA_OWNER, ProjectRole.DATA_SCIENTIST, None])
def test_the_role_is_that_of_the_projects_answer(given):
    assert told(httpx.Response(200, json=project(given)), role) == (given, [f"{PROJECTS}weather"])


@pytest.mark.parametrize("admin", [True, False])
def test_an_administrator_is_who_the_answer_says(admin):
    answer = httpx.Response(200, json=me(admin=admin))
    assert told(answer, lambda standing: standing.is_administrator("the-token")) == (admin, [ME])


def test_an_administrator_whose_password_somebody_else_chose_is_none_yet():
    answer = httpx.Response(200, json=me(admin=True, must_change_password=True))
    assert told(answer, lambda standing: standing.is_administrator("the-token"))[0] is False


@pytest.mark.parametrize("status", [403, 404])
def test_who_may_not_see_the_project_has_no_role_there(status):
    assert told(httpx.Response(status, json={}), role)[0] is None


def test_who_may_not_log_in_any_more_is_let_in_nowhere():
    with pytest.raises(NotAuthenticatedError):
        told(httpx.Response(401, json={}), role)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("away"),
        httpx.Response(500, json={}),
        httpx.Response(302, headers={"Location": "http://elsewhere/"}),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[]),
    ],
)
def test_what_is_no_answer_gives_nobody_a_role(answer):
    with pytest.raises(UnavailableError):
        told(answer, role)


def test_every_token_that_the_service_takes_may_ask():
    for membership in ProjectRole:
        allowed = permissions_of(PrincipalKind.PROJECT_USER, membership=membership)
        assert {Permission.PROJECT_READ, Permission.ME_READ} <= allowed
        allowed = permissions_of(PrincipalKind.USER, membership=membership)
        assert {Permission.PROJECT_READ, Permission.ME_READ} <= allowed
