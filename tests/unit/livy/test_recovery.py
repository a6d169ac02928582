"""What a later service knows of a session: as much as its journal tells, whatever else stands there."""

# ruff: noqa: ARG002 - the driver takes what the port hands it

import asyncio
import json

import pytest

from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy.builtin.kernel_client import executed
from hops_livy.engines.drivers import Ending, Executed, Shape
from hops_livy.journal import Journal, journals
from hops_livy.news import News
from hops_livy.recovery import Recovered, heading
from hops_livy.session_states import SessionState
from hops_livy.sessions import Session
from hops_livy.settings import Limits
from hops_livy.timeouts import Timeouts
from tests.waiting import until_async

ADA = Principal(kind=PrincipalKind.PROJECT_USER, user="ada", project="weather", role=ProjectRole.DATA_OWNER)


class EchoDriver:
    """Writes what it runs; what says ``hold`` never ends."""

    app_id, shows_pages = "application_1", False

    def __init__(self):
        loop = asyncio.get_running_loop()
        self.ready, self.ended, self.forgotten = loop.create_future(), loop.create_future(), []
        self.ready.set_result(None)

    async def execute(self, code, *, kind, statement, on_message, execution_count=None):
        if code == "hold":
            await asyncio.Event().wait()
        on_message("stream", {"name": "stdout", "text": code})
        return Executed(status="error", error={"ename": "E", "evalue": "", "traceback": []} if "!" in code else None)

    def forget(self, statement):
        self.forgotten.append(statement)

    def detach(self):
        pass

    async def works(self):
        return False

    def log(self):
        return []

    async def end(self, reason, *, at_once=False):
        self.ended.set_result(Ending(reason=reason, asked=True))


def _session(folder, **limits):
    journal = Journal(folder / "7")
    session = Session(
        id=7, owner=ADA, kind="pyspark", name="mine", shape=Shape(executors=2), limits=Limits(**limits),
        timeouts=Timeouts(idle_s=60), journal=journal,
    )  # fmt: skip
    session.record.begin(heading(session, "application_1_0007", warm=None))
    session.record.put({"is": "driver", "state": {"pid": 1}})
    return session


def _lived(folder, *codes, end=False, **limits):
    """A session in which ``codes`` were asked for, when its service is gone."""

    async def live():
        session = _session(folder, **limits)
        session.follow(EchoDriver())
        for code in codes:
            session.submit(code, key=code, execution_count=3)
        await until_async(lambda: all(one.final or one.code == "hold" for one in list(session.statements.values())[:2]))
        if end:
            await session.end("enough")
        else:
            await session.detach()
        return session

    return asyncio.run(live())


def _found(folder, **limits):
    (journal,) = journals(folder)
    return Recovered(journal, Limits(**limits), News())


def test_a_session_and_its_statements_are_as_they_were(tmp_path):
    before = _lived(tmp_path, "a", "b!", "hold", "later")
    found = _found(tmp_path)
    after = found.session
    assert (found.application, found.driver, found.warm, found.ending) == ("application_1_0007", {"pid": 1}, None, None)
    assert (after.id, after.owner.project_user, after.name, after.shape, after.timeouts, after.created) == (
        7, "weather__ada", "mine", before.shape, before.timeouts, before.created,
    )  # fmt: skip
    assert [one.state for one in after.statements.values()] == ["available", "available", "running", "waiting"]
    assert [one.executed for one in after.statements.values()][:2] == [
        one.executed for one in before.statements.values()
    ][:2]
    assert [(one.key, one.execution_count) for one in after.statements.values()][3] == ("later", 3)


def test_whose_notebook_it_was_and_what_that_has_seen_is_known_afterwards(tmp_path):
    session = _lived(tmp_path, "a", "b")
    session.take_up("k-1", "Jupyter/one.ipynb")
    session.take_up("k-2", "Jupyter/two.ipynb")
    session.tell_end(session.statements[0])
    for found in (_found(tmp_path).session, _found(tmp_path).session):
        assert (found.kernel, found.notebook) == ("k-2", "Jupyter/two.ipynb")
        assert [one.seen for one in found.statements.values()] == [True, False]
        found.record.rewrite()


def test_one_that_has_ended_is_found_with_its_reason_and_nothing_of_it_waits_for_ever(tmp_path):
    _lived(tmp_path, "a", "hold", "later", end=True)
    found = _found(tmp_path)
    assert (found.session.state, found.session.reason, found.ending) == (SessionState.KILLED, "enough", "enough")
    assert all(one.final for one in found.session.statements.values())
    assert found.session.statements[2].livy()["output"]["ename"] == "SessionEnded"


def test_numbers_of_statements_that_are_forgotten_are_not_given_again(tmp_path):
    session = _lived(tmp_path, "a", "b", "c")
    session.statements.clear()
    session.record.rewrite()
    found = _found(tmp_path).session
    assert not found.statements
    assert found.submit("d").id == 3


def test_a_line_that_was_not_written_whole_costs_only_itself(tmp_path):
    _lived(tmp_path, "a", "b")
    with (tmp_path / "7" / "journal.jsonl").open("ab") as file:
        file.write(b'{"is": "finished", "id": 1, "sta\n[1]\n' + b"[" * 100_000 + b'\n{"is": "unheard of"}\n{"is"')
    assert len(_found(tmp_path).session.statements) == 2


@pytest.mark.parametrize(
    "text", ["", "{}\n", "[]\n", '{"is": "session", "id": "x"}\n', '{"application": "a", "owner": 7}\n']
)
def test_a_journal_of_no_session_says_so(tmp_path, text):
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "journal.jsonl").write_text(text)
    with pytest.raises(ValueError, match="tells of no session"):
        _found(tmp_path)


def test_what_can_not_be_written_down_stops_nothing(tmp_path, caplog):
    (tmp_path / "7").write_text("in the way")
    journal = Journal(tmp_path / "7")
    deep = []
    for _ in range(100_000):
        deep = [deep]
    journal.write({"is": "ended"})
    journal.rewrite([{"is": "ended"}])
    journal.keep_token("secret")
    Journal(tmp_path / "8").write({"deep": deep})
    assert (journal.token(), len(caplog.records)) == (None, 2)
    assert "secret" not in caplog.text


def test_what_the_sessions_code_put_into_the_files_since_does_not_fill_the_service(tmp_path):
    _lived(tmp_path, *"abcdef", end=True)
    outputs = tmp_path / "7" / "outputs"
    outputs.mkdir(exist_ok=True)
    line = json.dumps({"id": "", "type": "stream", "content": {"name": "stdout", "text": "x" * 1000}}) + "\n"
    for number in range(6):
        (outputs / f"{number}.jsonl").write_text(line * 10)
    session = _found(tmp_path, session_output_bytes=25_000).session
    written = [[json.loads(event) for event in one.outputs.events] for one in session.statements.values()]
    texts = ["".join(event["content"]["text"] for event in events) for events in written]
    assert [len(text) for text in texts[:3]] == [10_000] * 3
    assert all("was dropped" in text for text in texts[3:])


def test_a_session_holds_no_more_code_than_it_may(tmp_path):
    async def live():
        session, driver = _session(tmp_path, session_code_characters=12), EchoDriver()
        session.follow(driver)
        for number in range(6):
            statement = session.submit(f"{number:04d}")
            await until_async(lambda: statement.final)  # noqa: B023
        await session.detach()
        assert (list(session.statements), driver.forgotten) == ([3, 4, 5], [0, 1, 2])

    asyncio.run(live())


def test_of_an_error_only_texts_are_kept():
    reply = {"status": "error", "ename": ["x"], "evalue": {"a": 1}, "traceback": [1, None], "other": "y"}
    assert executed(reply).error == {"ename": "['x']", "evalue": "{'a': 1}", "traceback": ["1", "None"]}
    assert executed({"status": "error", "traceback": 7}).error == {"ename": "", "evalue": "", "traceback": []}


def test_a_session_that_is_forgotten_is_written_down_no_more(tmp_path):
    journal = Journal(tmp_path / "7")
    journal.write({"is": "session"})
    journal.remove()
    journal.write({"is": "seen", "id": 0})
    journal.rewrite([{"is": "session"}])
    journal.keep_token("secret")
    assert not (tmp_path / "7").exists()
