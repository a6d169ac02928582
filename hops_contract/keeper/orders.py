"""What a keeper is told to do, in lines: the quickest to read."""

from __future__ import annotations


class Orders:
    """What :meth:`hops_contract.keeping.Keeping.words` writes.

    Attributes:
        apart: Whether the sandbox has a network of its own.
        out: Hosts and ports that its code may reach then.
        into: Ports inside that are reached from outside then, each with a port of the machine or the path of a socket.
        memory_mib: The most memory; 0: no limit.
        processes: The most processes; 0: no limit.
        told: Where it is written why a limit ended something.
        beyond_memory: What is written there then.
        beyond_processes: What is written there then.
    """

    def __init__(self, text: str) -> None:
        self.apart = False
        self.out: list[tuple[str, int]] = []
        self.into: list[tuple[int, int | str]] = []
        self.memory_mib = self.processes = 0
        self.told = self.beyond_memory = self.beyond_processes = ""
        for line in text.split("\n"):
            word, _, rest = line.partition(" ")
            first, _, second = rest.partition(" ")
            if word == "apart":
                self.apart = True
            elif word == "out":
                self.out.append((first, int(second)))
            elif word == "port":
                self.into.append((int(first), int(second)))
            elif word == "socket":
                self.into.append((int(first), second))
            elif word == "memory":
                self.memory_mib, self.beyond_memory = int(first), second
            elif word == "processes":
                self.processes, self.beyond_processes = int(first), second
            elif word == "told":
                self.told = rest
