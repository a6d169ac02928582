"""``python -I -S …/first_process.py COMMAND …``: a sandbox's first process, which runs the command and waits for it.

The system gives the first process all orphans, and drops signals that it has no handler for. So the command is a child
of it: signals are passed on, orphans collected, and when the command has ended the sandbox does, with all that it left.
It ends as well when bubblewrap's own process does, which is who is watched from outside.
"""

import ctypes
import os
import signal
import sys

_PARENT_DEATH_SIGNAL, _DUMPABLE = 1, 4
"""Of prctl(2)."""
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(command: list[str]) -> int:
    """Runs ``command``; returns its exit status as a shell does."""
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    # What comes before there is somebody to pass it on to waits.
    signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON)
    # Code of the sandbox has the same user id, by which it could else take this process over, and outlive the end.
    # Before there is such code; what the child executes begins without it.
    ctypes.CDLL(None).prctl(_DUMPABLE, 0)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)
        try:
            os.execvp(command[0], command)  # noqa: S606 - no shell is wanted
        except OSError as error:
            sys.stderr.write(f"{command[0]}: {error.strerror}\n")
            os._exit(127)
    for number in _PASSED_ON:
        signal.signal(number, lambda got, _frame: os.kill(child, got))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))
