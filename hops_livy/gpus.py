"""The ledger of this machine's GPUs: who holds which, each held by one session at most."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field


class NoGpuError(Exception):
    """Not enough GPUs; the message says how many there are, how many are free and who holds the others."""


class GpusTakenError(NoGpuError):
    """There are enough, and others hold them now."""


@dataclass(slots=True)
class GpuLedger:
    """Addresses ``0`` to ``count - 1``.

    Args:
        count: How many GPUs there are.
        labels: Labels of this machine's GPUs.
    """

    count: int
    labels: tuple[str, ...] = ()
    _held: dict[int, tuple[int, str]] = field(default_factory=dict)

    def take(self, amount: int, *, session_id: int, owner: str, label: str | None = None) -> tuple[int, ...]:
        """Takes ``amount`` free GPUs for a session.

        Raises:
            GpusTakenError: Not so many are free.
            NoGpuError: There are not so many, or none with that label.
        """
        taken = self.check(amount, owner=owner, label=label)
        for address in taken:
            self._held[address] = (session_id, owner)
        return taken

    def check(
        self, amount: int, *, owner: str, label: str | None = None, instead_of: int | None = None
    ) -> tuple[int, ...]:
        """Which GPUs could be taken, after the end of session ``instead_of`` where one is given.

        Raises:
            GpusTakenError: Not so many are free.
            NoGpuError: There are not so many, or none with that label.
        """
        if amount == 0:
            return ()
        if label is not None and label not in self.labels:
            raise NoGpuError(f"No GPU here has the label {label!r}; there are {', '.join(self.labels) or 'no labels'}.")
        if amount > self.count:
            raise NoGpuError(f"{amount} GPUs were asked for; this machine has {self.count}.")
        held = {address for address, holder in self._held.items() if holder[0] != instead_of}
        free = [address for address in range(self.count) if address not in held]
        if amount > len(free):
            raise GpusTakenError(
                f"{amount} GPUs were asked for; {len(free)} of {self.count} are free now. {self._holders(owner)}"
            )
        return tuple(free[:amount])

    def keep(self, addresses: tuple[int, ...], *, session_id: int, owner: str) -> None:
        """A session that is found again goes on holding what it held."""
        self._held |= dict.fromkeys(addresses, (session_id, owner))

    def give_back(self, session_id: int) -> None:
        """Frees whatever the session holds; safe to repeat."""
        self._held = {address: holder for address, holder in self._held.items() if holder[0] != session_id}

    @property
    def free(self) -> int:
        """How many nobody holds."""
        return self.count - len(self._held)

    def held_by(self, session_id: int) -> tuple[int, ...]:
        """Addresses that a session holds."""
        return tuple(sorted(address for address, holder in self._held.items() if holder[0] == session_id))

    def _holders(self, asker: str) -> str:
        # Who is not in a project must not learn that it exists, nor who its members are.
        project = asker.partition("__")[0]
        numbers: dict[str, int] = {}
        for _session, holder in self._held.values():
            owner = holder if holder.partition("__")[0] == project else "other projects"
            numbers[owner] = numbers.get(owner, 0) + 1
        return "In use: " + ", ".join(f"{number} by {owner}" for owner, number in sorted(numbers.items())) + "."


def count_gpus() -> int:
    """The number of GPUs that ``nvidia-smi`` lists; 0 without it."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return 0
    try:
        done = subprocess.run([program, "--list-gpus"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return sum(line.startswith("GPU ") for line in done.stdout.splitlines()) if done.returncode == 0 else 0


def discovery_script(addresses: tuple[int, ...], per_worker: int, state: str) -> str:
    """A script for Spark's workers that hands the GPUs out set by set.

    All workers of one machine run the same script; each call gets the next set, so no two see the same GPU.

    Args:
        addresses: The session's GPUs.
        per_worker: Size of a set.
        state: Path of a file that counts the calls; its folder must be writable.
    """
    sets = [addresses[start : start + per_worker] for start in range(0, len(addresses), per_worker)]
    lists = [", ".join(f'"{address}"' for address in addresses_of_set) for addresses_of_set in sets]
    cases = "\n".join(
        f'  {index}) echo \'{{"name": "gpu", "addresses": [{names}]}}\' ;;' for index, names in enumerate(lists)
    )
    return (
        "#!/bin/sh\n"
        f"exec 9>>'{state}.lock'\n"
        "flock 9\n"
        f"n=$(cat '{state}' 2>/dev/null || echo 0)\n"
        f"echo $((n + 1)) >'{state}'\n"
        "case $n in\n"
        f"{cases}\n"
        "  *) echo 'All GPUs of this session have been handed out.' >&2; exit 1 ;;\n"
        "esac\n"
    )
