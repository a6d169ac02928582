import errno

import pytest

from hops_livy.builtin.endings import why_ended
from hops_livy.engines.drivers import Shape
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


def test_a_start_that_failed_has_the_last_words_of_python():
    log = ["Traceback (most recent call last):", "ModuleNotFoundError: No module named 'ipykernel'", ""]
    sentence = "exit status 1. Its log ends: ModuleNotFoundError: No module named 'ipykernel'"
    assert _why(code=1, log=log, was_ready=False).endswith(sentence)
    assert _why(code=1, log=[*log, "WARN some line of Spark's"], was_ready=False).endswith("exit status 1.")
    assert "log ends" not in _why(code=1, log=log)


def test_a_full_disk_is_told_with_a_remedy_and_without_paths():
    sentence = disk_trouble(OSError(errno.ENOSPC, "No space left on device", "/secret/place"))
    assert "the platform's disk is full. Delete files" in sentence
    assert "/secret" not in sentence + disk_trouble(PermissionError(errno.EACCES, "Permission denied", "/secret/place"))
