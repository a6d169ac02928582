import errno
from types import SimpleNamespace

import pytest

from hops_livy.builtin.driver import BuiltinDriver
from hops_livy.builtin.endings import explained, was_lost, why_bounded, why_ended, why_lost, why_without_memory
from hops_livy.builtin.shortage import MemoryAtEnd
from hops_livy.engines.drivers import Executed, Shape
from hops_livy.errors import disk_trouble


def _why(*, executors=1, **more):
    shape = Shape(driver_memory_mib=512, executor_memory_mib=600, executors=executors)
    told = {"code": None, "java_code": None, "failure": None, "log": [], "was_ready": True, **more}
    return why_ended(shape=shape, **told)


def test_a_driver_without_memory_names_the_number_and_the_option():
    log = ["Terminating due to java.lang.OutOfMemoryError: Java heap space"]
    one = _why(java_code=3, log=log)
    several = _why(java_code=3, log=log, executors=2)
    assert "share 1112 MiB" in one
    assert "Raise the memory of the driver (driverMemory) or of the executor (executorMemory)" in one
    assert "it has 512 MiB" in several


@pytest.mark.parametrize(
    "said",
    [
        "There is insufficient memory for the Java Runtime Environment to continue.",
        "Could not reserve enough space for 3670016KB object heap",
        "Could not allocate compressed class space: 1073741824 bytes",
    ],
)
def test_a_machine_without_memory_is_not_the_drivers_fault(said):
    log = ["Error occurred during initialization of VM", said]
    assert _why(java_code=1, log=log).startswith("This machine could not give the driver its 512 MiB")


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"code": -9}, "The driver was killed (signal 9)"),
        ({"java_code": 137}, "The driver's Java machine was killed (signal 9)"),
        ({"java_code": -11}, "The driver's Java machine was ended by signal 11"),
        ({"code": 3}, "The driver ended by itself with exit status 3"),
        ({"java_code": 0}, "ended from inside the session"),
        ({"failure": "no such class"}, "Spark could not be started: no such class"),
    ],
)
def test_each_end_has_its_sentence(told, sentence):
    assert sentence in _why(**told)


GRANTED = "was granted 1112 MiB"


def test_a_session_that_took_more_than_it_asked_for_when_memory_ran_out_is_told_so_with_the_numbers():
    memory = MemoryAtEnd(ran_out=True, taken=5200, free=90, whole=7900)
    assert _why(code=-9, memory=memory) == (
        f"The driver was killed (signal 9): memory ran out. The session had taken 5.1 GiB and {GRANTED}; this machine "
        "has 7.7 GiB. Keep less in Python, which no option bounds, or ask for as much as it takes (driverMemory, "
        "executorMemory): it is then started only where so much is free."
    )
    several = _why(java_code=-9, memory=memory, executors=2)
    assert several.startswith("The driver's Java machine was killed (signal 9): memory ran out. The session had taken")
    assert several.endswith("or have fewer executors.")


def test_a_session_that_took_no_more_than_it_asked_for_is_told_that_others_did():
    told = _why(code=-9, memory=MemoryAtEnd(ran_out=True, taken=700, whole=4096, limited=True))
    assert told == (
        f"The driver was killed (signal 9): memory ran out. The session had taken 700 MiB and {GRANTED}; the session "
        "service and all its sessions may have 4 GiB. Others have the rest: stop other sessions, or ask for less "
        "(driverMemory, executorMemory)."
    )


def test_on_a_cluster_the_driver_was_granted_its_own_memory_alone():
    told = _why(code=-9, memory=MemoryAtEnd(ran_out=True, taken=700, whole=4096), apart=True)
    assert "had taken 700 MiB and was granted 512 MiB" in told
    assert "(driverMemory)" in told
    assert "executorMemory" not in told


def test_where_only_kills_of_the_whole_machine_are_counted_it_is_said_that_it_seems_so():
    told = _why(code=-9, memory=MemoryAtEnd(ran_out=True, of_service=False, whole=7900))
    assert "memory ran out, it seems, since the kernel ended a process of this machine for that reason. The" in told


def test_a_driver_that_somebody_killed_is_not_said_to_have_had_no_memory():
    told = _why(code=-9, memory=MemoryAtEnd(ran_out=False, taken=700, free=3100, whole=7900))
    assert told == (
        "The driver was killed (signal 9): by someone or by a program, not by the kernel for lack of memory. "
        f"The session had taken 700 MiB and {GRANTED}; 3 GiB of this machine were free."
    )


def test_where_the_system_does_not_tell_both_causes_are_named():
    for memory in (None, MemoryAtEnd(whole=7900, taken=700)):
        told = _why(code=-9, memory=memory)
        assert told.endswith("(signal 9): by someone, or by the machine because its memory ran out.")


def test_of_a_driver_that_an_earlier_service_started_memory_can_be_the_cause_or_be_none():
    assert _why(memory=MemoryAtEnd(ran_out=True, whole=7900)).startswith(
        f"The driver was killed (signal 9): memory ran out. The session {GRANTED}; this machine has 7.7 GiB."
    )
    other = _why(memory=MemoryAtEnd(ran_out=False, whole=7900))
    assert "killed, by someone, or its own code ended it" in other
    assert "memory" not in other


def test_that_memory_ran_out_is_the_cause_of_no_other_end():
    memory = MemoryAtEnd(ran_out=True, taken=5200, whole=7900)
    for told in ({"code": 3}, {"code": -15}, {"java_code": -11}, {"java_code": 0}, {"failure": "no such class"}):
        assert "memory" not in _why(**told, memory=memory)


LOST = (
    "Job aborted due to stage failure: Task 0 in stage 1.0 failed 4 times, most recent failure: Lost task 0.3 in stage "
    "1.0 (TID 3) (127.0.0.1 executor 2): ExecutorLostFailure (executor 2 exited caused by one of the running tasks) "
    "Reason: Command exited with code {}"
)
CRASHED = "org.apache.spark.SparkException: Python worker exited unexpectedly (crashed)"


def _lost(said, *, apart=False, **memory):
    shape = Shape(driver_memory_mib=512, executor_memory_mib=600, executors=2)
    return why_lost(said, shape=shape, memory=MemoryAtEnd(whole=7900, **memory), apart=apart)


def test_an_executor_that_was_killed_is_told_with_its_cause():
    assert was_lost(LOST.format(137))
    assert not was_lost(LOST.format(1))
    assert not was_lost(LOST.format(1370))
    told = _lost(LOST.format(137), ran_out=True, taken=5200)
    assert told.startswith("An executor was killed (signal 9): memory ran out. The session had taken 5.1 GiB and was")
    assert "granted 1712 MiB" in told
    assert "not by the kernel" in _lost(LOST.format(137), ran_out=False)
    assert "by someone, or by the machine" in _lost(LOST.format(137))


def test_of_an_executor_on_a_cluster_this_machines_memory_says_nothing():
    yarn = LOST.format(0).replace(
        "Command exited with code 0", "Container from a bad node: c_1 on host: h. Exit status: 137. Diagnostics: Killed"
    )
    assert was_lost(yarn)
    told = _lost(yarn, apart=True, ran_out=True, taken=5200)
    assert told.startswith("An executor was killed on the cluster (signal 9)")
    assert ("it has 600 MiB" in told, "executorMemory" in told, "5200" in told) == (True, True, False)
    assert _lost(CRASHED, apart=True, ran_out=True) == ""


def test_a_python_process_that_crashed_is_told_to_be_killed_only_where_the_kernel_did_so():
    assert was_lost(CRASHED)
    told = _lost(CRASHED, ran_out=True, taken=5200)
    assert told.startswith("A Python process of an executor was killed (signal 9): memory ran out.")
    assert _lost(CRASHED, ran_out=False) == _lost(CRASHED) == ""


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"code": -9}, "The driver was killed (signal 9)"),
        ({"java_code": 137}, "The driver's Java machine was killed (signal 9)"),
        ({"java_code": 0}, "ended from inside the session"),
    ],
)
@pytest.mark.parametrize("old", ["Terminating due to java.lang.OutOfMemoryError: x", "Cannot allocate memory"])
def test_what_was_said_before_is_no_cause_of_an_end_that_the_system_tells(told, sentence, old):
    assert sentence in _why(**told, log=[old, "and hours later"])


def test_that_an_executor_had_no_memory_is_not_the_drivers_end():
    log = ["WARN Lost task 0.0 in stage 0.0 (TID 1) (h executor 1): java.lang.OutOfMemoryError: Java heap space"]
    assert _why(code=3, log=log) == "The driver ended by itself with exit status 3."


HEAP = "java.lang.OutOfMemoryError: Java heap space"
STAGE = (
    "Job aborted due to stage failure: Task 0 in stage 0.0 failed 4 times, most recent failure: Lost task 0.3 in stage"
)


@pytest.mark.parametrize(
    ("said", "option"),
    [
        (f"{STAGE} 0.0 (TID 3) (10.0.0.1 executor 1): {HEAP}", "of the executor (executorMemory), or give each task"),
        (LOST.format(52), "An executor ran out of memory: it has 600 MiB."),
        (LOST.format(3), "An executor ran out of memory: it has 600 MiB."),
        (f"{STAGE} 0.0 (TID 3) (localhost executor driver): {HEAP}", "The driver ran out of memory: it has 512 MiB."),
        (f"An error occurred while calling o1.collect. {HEAP}", "Raise the memory of the driver (driverMemory), or"),
    ],
)
def test_who_had_too_little_memory_is_told_with_the_option_to_raise(said, option):
    shape = Shape(driver_memory_mib=512, executor_memory_mib=600, executors=2)
    assert option in why_without_memory(said, shape=shape)
    assert why_without_memory("ValueError: 3", shape=shape) == ""
    assert why_without_memory(LOST.format(1), shape=shape) == ""


def test_a_start_that_failed_has_the_last_words_of_python():
    log = ["Traceback (most recent call last):", "ModuleNotFoundError: No module named 'ipykernel'", ""]
    sentence = "exit status 1. Its log ends: ModuleNotFoundError: No module named 'ipykernel'"
    assert _why(code=1, log=log, was_ready=False).endswith(sentence)
    greeting = "WARNING: Using incubator modules: jdk.incubator.vector"
    assert _why(code=1, log=[*log, greeting], was_ready=False).endswith(sentence)
    assert _why(code=1, log=[*log, "WARN some line of Spark's"], was_ready=False).endswith("exit status 1.")
    assert "log ends" not in _why(code=1, log=log)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "bwrap: execvp /secret/bin/python: Exec format error",
            "The Python of the project's environment can't be started: Exec format error.",
        ),
        (
            "The sandbox can't start /secret/bin/python: Exec format error",
            "The Python of the project's environment can't be started: Exec format error.",
        ),
        (
            "The sandbox is not started: its folder Shared is no folder of the platform's. Was it replaced by a link?",
            "The sandbox is not started: its folder Shared is no folder of the platform's. Was it replaced by a link?",
        ),
        (
            "bwrap: Creating new namespace failed: No space left on device",
            "The sandbox of the session could not be made: No space left on device. Tell the administrator.",
        ),
        (
            "bwrap: Can't find source path /secret/place: No such file or directory",
            "The sandbox of the session could not be made: No such file or directory. Tell the administrator.",
        ),
    ],
)
def test_a_sandbox_that_can_not_be_made_is_told_without_paths(said, sentence):
    assert _why(code=1, log=["Some line", said, ""], was_ready=False) == sentence
    assert _why(code=1, log=["Some line", said, ""]) == "The driver ended by itself with exit status 1."


def test_a_full_disk_is_told_with_a_remedy_and_without_paths():
    sentence = disk_trouble(OSError(errno.ENOSPC, "No space left on device", "/secret/place"))
    assert "the platform's disk is full. Delete files" in sentence
    assert "/secret" not in sentence + disk_trouble(PermissionError(errno.EACCES, "Permission denied", "/secret/place"))


def test_what_an_error_means_stands_where_a_notebook_shows_it():
    error = {"ename": "Py4JJavaError", "evalue": "Job aborted", "traceback": ["Py4JJavaError: Job aborted", "\tat org"]}
    told = explained(Executed(status="error", error=error), "An executor ran out of memory.").error
    assert told is not None
    assert told["evalue"] == "An executor ran out of memory.\nJob aborted"
    assert told["traceback"] == [*error["traceback"], "An executor ran out of memory."]


def test_an_error_without_a_traceback_is_shown_by_its_message_and_an_empty_reason_changes_nothing():
    bare = Executed(status="error", error={"ename": "E", "evalue": "3", "traceback": []})
    told = explained(bare, "Why.").error
    assert told is not None
    assert (told["evalue"], told["traceback"]) == ("Why.\n3", [])
    assert explained(bare, "") is bare
    done = Executed(status="ok")
    assert explained(done, "Why.") is done


LIMITED = "The sandbox of the session may hold 3 GiB of memory; its processes had more."


@pytest.mark.parametrize(
    "said",
    [
        "Python worker exited unexpectedly (crashed)",
        "Command '['sort']' died with <Signals.SIGKILL: 9>.",
        "Command 'sort' returned non-zero exit status 137.",
    ],
)
def test_what_the_memory_limit_of_the_sandbox_ended_is_told_in_the_cells_error(said):
    assert why_bounded(said, limited=LIMITED, processes=0) == LIMITED
    assert why_bounded(said, limited=None, processes=4096) == ""
    assert why_bounded("ValueError: 3", limited=LIMITED, processes=4096) == ""


@pytest.mark.parametrize(
    "said",
    [
        "can't start new thread",
        "[Errno 11] Resource temporarily unavailable",
        "java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory",
    ],
)
def test_that_no_more_processes_may_start_is_told_with_their_number(said):
    assert "may hold 4096, of which each thread is one" in why_bounded(said, limited=None, processes=4096)
    assert why_bounded(said, limited=None, processes=0) == ""


def test_what_can_not_be_written_is_told_with_what_makes_room():
    told = why_bounded("[Errno 30] Read-only file system: 'a.csv'", limited=None, processes=0)
    assert "over its quota of storage" in told
    assert "empty the trash" in told


class FullSandbox(BuiltinDriver):
    """A driver whose sandbox's keeper has just ended something."""

    def __init__(self, folder):
        self._request = SimpleNamespace(shape=Shape())
        self._cluster, self._folder, self._processes, self._shared_view = None, SimpleNamespace(limited=folder), 7, None


def test_a_driver_asks_the_keeper_of_its_sandbox_before_it_says_who_killed(tmp_path):
    driver = FullSandbox(tmp_path / "7.limited")
    assert "may hold 7," in driver._why_failed("can't start new thread")
    (tmp_path / "7.limited").write_text(LIMITED)
    assert driver._why_failed("Command 'sort' died with <Signals.SIGKILL: 9>.") == LIMITED
