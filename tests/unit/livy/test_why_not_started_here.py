"""docs/why-did-my-session-not-start.md: what is said of this machine and its drivers, read from the code both ways.

The other rows of this machine the real service brings about: tests/integration/livy/test_why_not_started.py.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import itertools
import re
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import httpx
import pytest

from hops_contract import tokens
from hops_contract.keeper.keep import without_network
from hops_contract.keeping import beyond_memory, beyond_processes
from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_contract.tokens import InvalidTokenError, KeysAwayError, PublishedKeys, verify_token
from hops_livy import ended_owners, errors, gpus, java, livy_fields, memory, project_limits, security, session_list
from hops_livy.builtin import backend, endings
from hops_livy.builtin.endings import why_ended
from hops_livy.builtin.shortage import MemoryAtEnd
from hops_livy.engines.amounts import BOUNDLESS, Amount
from hops_livy.engines.drivers import Shape
from hops_livy.errors import disk_trouble
from hops_livy.fair_queue import Asked, Lack
from hops_livy.memory import MemoryLedger
from hops_livy.queue_place import place_of
from hops_livy.settings import Limits
from hops_livy.waiting_room import Waiting, WaitingRoom
from hops_livy.wire import SessionRequest
from tests.unit.livy.callers import OurKeys
from tests.unit.livy.why_page import PAGE, collected

ADA = Principal(kind=PrincipalKind.PROJECT_USER, user="ada", project="weather", role=ProjectRole.DATA_OWNER)
ROWS = dict(re.findall(r"^\| \*(.+?)\* \| (.+) \|$", PAGE.partition("## On a cluster of the site")[0], re.MULTILINE))
CASES, case = collected()


def tells(sentence, said):
    """Whether a row of the page is about what is said."""
    return re.match(".+".join(re.escape(part) for part in sentence.split("…")), said) is not None


def refusal(function, *args, **more):
    """The words with which something is refused."""
    with pytest.raises(Exception) as refused:  # noqa: PT011 - each case says which
        function(*args, **more)
    return str(refused.value)


def ended(**told):
    shape = Shape(driver_memory_mib=512, executor_memory_mib=600, executors=told.pop("executors", 1))
    known = {"code": None, "java_code": None, "failure": None, "log": [], "was_ready": True, **told}
    return why_ended(shape=shape, **known)


SERVICE = Path(__file__).resolve().parents[2] / "integration" / "livy" / "test_why_not_started.py"
WITH_THE_SERVICE = set(re.findall(r'^@case\("(.+)"\)$', SERVICE.read_text(encoding="utf-8"), re.MULTILINE))


def test_every_row_has_a_case_here_or_with_the_real_service_and_every_case_a_row():
    assert len(WITH_THE_SERVICE) > 25
    assert WITH_THE_SERVICE.isdisjoint(CASES)
    assert WITH_THE_SERVICE | set(CASES) == set(ROWS)


@pytest.mark.parametrize("sentence", sorted(set(ROWS) - WITH_THE_SERVICE))
def test_it_is_said_and_the_example_is_a_real_one(sentence, tmp_path):
    told = CASES[sentence](tmp_path)
    assert tells(sentence, told), told
    if "…" in sentence:
        (example,) = re.findall(r"for instance \*(.+?)\*", ROWS[sentence])
        assert told.startswith(example), told


CODES = (None, 0, 3, -9, -11, 137, 143, 1)
MEMORY = (
    None, MemoryAtEnd(whole=7900, taken=2100), MemoryAtEnd(ran_out=True, whole=7900, taken=2100),
    MemoryAtEnd(ran_out=True, of_service=False, whole=7900), MemoryAtEnd(ran_out=False, whole=7900, taken=9, free=1500),
)  # fmt: skip
LOGS = (
    [], ["Cannot allocate memory"], ["Terminating due to java.lang.OutOfMemoryError: Java heap space"],
    ["ImportError: no such thing"],
)  # fmt: skip


def test_whatever_a_drivers_death_can_say_is_on_the_page():
    said = {
        ended(
            code=code,
            java_code=java_code,
            failure=failure,
            log=log,
            was_ready=ready,
            apart=apart,
            executors=executors,
            memory=memory_then,
        )
        for code, java_code, failure, log, ready, apart, executors, memory_then in itertools.product(
            CODES, CODES, (None, "no such class"), LOGS, (True, False), (True, False), (1, 2), MEMORY
        )
    }
    of_statements = inspect.getsource(endings.why_bounded)
    lines = inspect.getsource(endings).replace(of_statements, "").count("return")
    assert len(said) > lines > 10
    missing = {one for one in said if not any(tells(sentence, one) for sentence in ROWS)}
    assert missing == set()
    about = [sentence for sentence in ROWS if re.match(r"The driver(?!.*Python)|This machine could not", sentence)]
    assert [sentence for sentence in about if not any(tells(sentence, one) for one in said)] == []


REFUSING = {
    backend: {"_place", "_scala_version"},
    ended_owners: {"check_welcome"},
    session_list: {"check_room", "check_name"},
    project_limits: {"_ask", "_unavailable"},
    security: {"bearer_token", "principal_of", "project_user_of"},
    tokens: {"verified_claims"},
    errors: {"disk_trouble"},
    java: {"find_java"},
    memory: {"check"},
    gpus: {"check"},
}


KNOWN_LATER = {
    "OLDEST": "17", "self._holders(owner)": "In use: 4 by weather__ada.", "whose": "this machine has", "together": "",
}  # fmt: skip


def _words(argument):
    """A sentence as it stands in the code, with something in place of what is only known later."""
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        return argument.value
    if isinstance(argument, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else KNOWN_LATER.get(ast.unparse(part.value), "7")
            for part in argument.values
        )
    return None


def _sentences(module, functions):
    for function in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function.name in functions:
            for node in ast.walk(function):
                given = (
                    node.exc if isinstance(node, ast.Raise) else node.value if isinstance(node, ast.Return) else None
                )
                words = _words(given.args[0] if isinstance(given, ast.Call) and given.args else given)
                if words:
                    yield words


@pytest.mark.parametrize("module", REFUSING, ids=lambda module: module.__name__)
def test_whatever_refuses_a_start_is_on_the_page(module):
    said = set(_sentences(module, REFUSING[module]))
    assert said
    assert {one for one in said if not any(tells(sentence, one) for sentence in ROWS)} == set()


@case("There is no room now. Others asked before you, …")
def _(_folder):
    entry = Waiting(session=mock.Mock(), token="", conf={}, may_wait=False)
    needs = Asked(number=1, project="weather", owner="weather__ada", needs=Amount(sessions=1))
    place = place_of(needs, Lack(), position=1, length=1, running=[], most=BOUNDLESS, limit=BOUNDLESS)
    return WaitingRoom._refusal(mock.Mock(), entry, place)


@case("… of memory were asked for; sessions may use … together, and … are taken. …")
def _(_folder):
    ledger = MemoryLedger(limit_mib=8192)
    ledger.take(6144, session_id=1)
    return refusal(ledger.check, 3072)


@case("… of memory were asked for; this machine has … free now. …")
def _(_folder):
    with mock.patch.object(memory, "free_memory_mib", return_value=1500), mock.patch.object(
        memory, "whole_memory_mib", return_value=16_000
    ):  # fmt: skip
        return refusal(MemoryLedger().check, 3072)


@case("… of memory were asked for; sessions have … free now. …")
def _(_folder):
    with mock.patch.object(memory, "free_memory_mib", return_value=1500), mock.patch.object(
        memory, "whole_memory_mib", return_value=16_000
    ), mock.patch.object(memory, "is_limited", return_value=True):  # fmt: skip
        return refusal(MemoryLedger().check, 3072)


@case("… of memory were asked for; this machine has …. …")
def _(_folder):
    with mock.patch.object(memory, "whole_memory_mib", return_value=15_900):
        return refusal(MemoryLedger().check, 65_536)


@case("This service runs no sessions at the moment; …")
def _(_folder):
    nobody = SimpleNamespace(_limits=Limits(sessions=0), owned=lambda *_, **__: [], all=list)
    return refusal(session_list.SessionList.check_room, nobody, ADA)


@case("You have … sessions in all your projects, the most that one person may have.")
def _(_folder):
    hers = SimpleNamespace(owner=ADA, final=False)
    many = SimpleNamespace(_limits=Limits(), owned=lambda *_, **__: [], all=lambda: [hers] * 20)
    return refusal(session_list.SessionList.check_room, many, ADA)


@case("There is no field … of a session.")
def _(_folder):
    request = SessionRequest.model_validate({"numExecutor": 5})
    return refusal(livy_fields.check_fields, request, ADA, batch=False)


@case("Invalid session name: …. A name is no number, is not empty and has no slash.")
def _(_folder):
    return refusal(session_list.SessionList.check_name, mock.Mock(), ADA, "7", batch=False)


@case("The base environment's Spark is not whole: spark-core is missing; …")
def _(folder):
    return refusal(backend._scala_version, folder)


@case("The session's files can't be written: …. Tell the administrator.")
def _(_folder):
    return disk_trouble(PermissionError(13, "Permission denied", "/secret/place"))


@case("The control plane does not let you use project … any more.")
def _(_folder):
    async def ask():
        transport = httpx.MockTransport(lambda _request: httpx.Response(404))
        async with httpx.AsyncClient(transport=transport) as client:
            await project_limits.PublishedLimits("http://plane.test/projects/", client).of(ADA, "token")

    return refusal(asyncio.run, ask())


@case("The token is …")
def _(_folder):
    return refusal(verify_token, "no.token.atall", OurKeys())


@case("The token names no key of this platform.")
def _(_folder):
    return refusal(PublishedKeys("http://127.0.0.1:9/").key_for, "no.token.atall")


def asked(header, error=None):
    """What a request is answered that comes with such a header."""
    checked = SimpleNamespace(principal=mock.AsyncMock(side_effect=error or InvalidTokenError("?")))
    request = SimpleNamespace(headers=header)
    return refusal(lambda: asyncio.run(security.project_user_of(request, checked)))


@case("This address needs a token.")
def _(_folder):
    return asked({})


@case("The control plane does not answer, so nobody's token can be checked.")
def _(_folder):
    return asked({"authorization": "Bearer x"}, KeysAwayError("away"))


@case("Sessions belong to a member of a project; …")
def _(_folder):
    person = Principal(kind=PrincipalKind.USER, user="ada")
    checked = SimpleNamespace(principal=mock.AsyncMock(return_value=person))
    request = SimpleNamespace(headers={"authorization": "Bearer x"})
    return refusal(lambda: asyncio.run(security.project_user_of(request, checked)))


@case("The session service could not start it.")
def _(_folder):
    session = mock.Mock(id=7)
    room = mock.Mock(_launch=mock.AsyncMock(side_effect=RuntimeError("unforeseen")))
    asyncio.run(WaitingRoom._start(room, Waiting(session=session, token="", conf={}, told=True), []))
    return session.fail.call_args.args[0]


@case("The network of the sandbox could not be made: …")
def _(_folder):
    return without_network(OSError(24, "Too many open files"))


@case("The sandbox of the session may hold … of memory; …")
def _(_folder):
    return beyond_memory("session", 5120)


@case("The sandbox of the session may hold … processes, …")
def _(_folder):
    return beyond_processes("session", 4096)


for _sentence, _told in {
    "The driver was ended by signal …": {"code": -15},
    "The driver ended by itself with exit status ….": {"code": 3},
    "The driver was killed (signal 9): memory ran out…": {"code": -9, "memory": MEMORY[2]},
    "The driver was killed (signal 9): by someone, or by the machine because its memory ran out.": {"code": -9},
    "The driver's Java machine was killed (signal 9): …": {"java_code": 137, "memory": MEMORY[2]},
    "The driver's Java machine was ended by signal …": {"java_code": -11},
    "The driver's Java machine ended by itself with exit status …": {"java_code": 1},
    "The driver's Java machine was ended from inside the session (System.exit or spark.stop).": {"java_code": 0},
    "The driver ran out of memory: with one executor, driver and executor share …. …": {"log": LOGS[2]},
    "The driver ran out of memory: it has …. …": {"log": LOGS[2], "executors": 2},
    "The driver ended without a word: …": {},
    "The sandbox of the session could not be made: …": {
        "code": 1,
        "was_ready": False,
        "log": ["bwrap: Creating new namespace failed: No space left on device"],
    },
    "The sandbox is not started: …": {
        "code": 126,
        "was_ready": False,
        "log": [
            "The sandbox is not started: its folder Shared is no folder of the platform's. Was it replaced by a link?"
        ],
    },
}.items():
    case(_sentence)(lambda _folder, told=_told: ended(**told))
