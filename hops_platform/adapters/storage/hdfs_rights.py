"""Who may use a dataset on HDFS by themselves: project-users, in Spark sessions.

Laws:

1. ``/Projects`` and the folder of a project let everybody through and show nothing (``711``). The folder of a dataset
   is a gate: its access control list names who may enter, and it is closed to all others.
2. What lies behind a gate is open (``default:other::rwx``), so that a change of a project's members is one step for
   each dataset, however much lies in it.
3. Who may only read is named on everything behind the gate, and comes in only after that is done. Whoever is to leave
   is shut out first. What a reader wrote when they still could is the platform's from then on: of what is one's own one
   can change the list.
4. What is moved in by the platform is given the same names before it is there (:meth:`HdfsRights.welcome`).

A list of HDFS has at most 32 entries (``AclTransformation.MAX_ENTRIES``), four of which name nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from hops_platform.adapters.storage.trees import Path, all_nodes
from hops_platform.adapters.storage.webhdfs import WebHdfs
from hops_platform.engines.files import EntryKind
from hops_platform.engines.storage import DatasetRights
from hops_platform.errors import EngineRefusedError, NotFoundError

if TYPE_CHECKING:
    from hops_platform.adapters.storage.trees import Node, Tree

MOST_NAMED = 28
_DEFAULT_READER = "default:user:"


def gate(rights: DatasetRights, *, entering: Sequence[str]) -> str:
    """The list of a dataset's own folder.

    Args:
        rights: Who may do what.
        entering: Which of the readers may enter now.
    """
    people = [f"user:{one}:rwx" for one in sorted(rights.writers)] + [f"user:{one}:r-x" for one in sorted(entering)]
    return ",".join(["user::rwx", "group::---", *people, "mask::rwx", "other::---", *_handed_on(rights.readers)])


def behind(readers: Sequence[str], *, folder: bool) -> str:
    """The list of what lies in a dataset."""
    all_of_it, look = ("rwx", "r-x") if folder else ("rw-", "r--")
    people = [f"user:{one}:{look}" for one in sorted(readers)]
    own = [f"user::{all_of_it}", f"group::{all_of_it}", *people, f"mask::{all_of_it}", f"other::{all_of_it}"]
    return ",".join([*own, *_handed_on(readers)] if folder else own)


def _handed_on(readers: Sequence[str]) -> list[str]:
    people = [f"{_DEFAULT_READER}{one}:r-x" for one in sorted(readers)]
    return ["default:user::rwx", "default:group::rwx", *people, "default:mask::rwx", "default:other::rwx"]


def _readers_in(entries: Sequence[str]) -> frozenset[str]:
    named = (one.removeprefix(_DEFAULT_READER) for one in entries if one.startswith(_DEFAULT_READER))
    return frozenset(one.partition(":")[0] for one in named if not one.startswith(":"))


def _named_in(entries: Sequence[str], mode: str) -> frozenset[str]:
    named = (one.split(":") for one in entries if one.startswith("user:"))
    return frozenset(name for _, name, its in named if name and its == mode)


class HdfsRights:
    """Access control lists of datasets.

    Args:
        hdfs: HDFS's HTTP interface.
    """

    def __init__(self, hdfs: WebHdfs) -> None:
        self._hdfs = hdfs
        # Whoever sets a gate by what was true a moment ago would let in again whom another has let out since.
        self._gates = threading.Lock()

    def settle(
        self, tree: Tree, dataset: Path, rights: DatasetRights, *, again: Callable[[], DatasetRights] | None = None
    ) -> None:
        """Lets those and no others use a dataset; can be repeated.

        Args:
            tree: Where it lies.
            dataset: Which.
            rights: Who may do what.
            again: Says it anew, since it can take long until the gate is opened; whoever may not any more stays out.

        Raises:
            EngineRefusedError: They are more than a list takes, or HDFS lets the platform's user change none.
            NotFoundError: The dataset has no folder.
        """
        if len(rights.writers) + len(rights.readers) > MOST_NAMED:
            # Nobody comes in any more; whoever is to leave does all the same.
            self.let_out(dataset, rights)
            raise EngineRefusedError(
                f"More than {MOST_NAMED} project-users would use {dataset[-1]!r} on HDFS, whose lists name no more.",
                remedy="Those beyond them reach it through the platform; or share it with fewer.",
            )
        look = again or (lambda: rights)
        with self._gates:
            entering, known = self._entering(dataset), self._readers(dataset)
            self._open(dataset, rights, look(), entering=entering & known)
        if known != frozenset(rights.readers) or not entering.issuperset(rights.readers):
            self._name_behind(tree, dataset, rights.readers)
            with self._gates:
                self._open(dataset, rights, look(), entering=rights.readers)

    def let_out(self, dataset: Path, rights: DatasetRights) -> None:
        """Shuts out who may not be in any more; who is in and may be stays. Takes a moment, however much lies there.

        Raises:
            NotFoundError: The dataset has no folder.
        """
        with self._gates:
            self._let_out(dataset, rights)

    def _open(self, dataset: Path, rights: DatasetRights, now: DatasetRights, *, entering: Collection[str]) -> None:
        """Lets in those of ``rights`` who may be in ``now`` as well; of the readers, those of ``entering``."""
        writers = [one for one in rights.writers if one in now.writers]
        readers = [one for one in rights.readers if one in entering and one in now.readers]
        self._set(dataset, gate(replace(rights, writers=writers), entering=readers))

    def _let_out(self, dataset: Path, rights: DatasetRights) -> None:
        entries = self._entries(dataset)
        writing, entering = _named_in(entries, "rwx"), _named_in(entries, "r-x")
        if writing.issubset(rights.writers) and entering.issubset(rights.readers):
            return
        # Who is named behind stays named until :meth:`settle` has come through: it knows by that what there is to do.
        stay = DatasetRights(
            dataset=rights.dataset,
            writers=[one for one in rights.writers if one in writing],
            readers=sorted(_readers_in(entries)),
        )
        self._set(dataset, gate(stay, entering=[one for one in rights.readers if one in entering]))

    def close(self, dataset: Path) -> None:
        """Shuts everybody out of a dataset, until somebody is let in."""
        readers = sorted(self._readers(dataset))
        self._set(dataset, gate(DatasetRights(dataset=dataset[-1], writers=(), readers=readers), entering=()))

    def hand_on(self, folder: Path, to: Path) -> frozenset[str]:
        """Lets what is made in one folder of the platform's own have the rights that hold in another.

        Returns:
            The readers who are named on it so.
        """
        entries = [one for one in self._entries(folder) if one.startswith("default:")]
        if entries:
            self._hdfs.ask("PUT", "MODIFYACLENTRIES", to, aclspec=",".join(entries))
        return _readers_in(entries)

    def come_since(self, tree: Tree, path: Path, dataset: Path, *, known: frozenset[str]) -> None:
        """Names those readers of a dataset on what was made in it who came while it was made."""
        if self._readers(dataset) - known:
            self.adopt(tree, path, dataset)

    def welcome(self, tree: Tree, path: Path, dataset: Path, *, lies_in: Path | None) -> frozenset[str]:
        """Names the readers of a dataset on what is about to be moved into it, beside those where it lies.

        Returns:
            Who is named.

        Raises:
            EngineRefusedError: They are more than a list takes.
        """
        readers = self._readers(dataset)
        if not readers:
            return readers
        named = readers if lies_in is None else readers | self._readers(lies_in)
        if len(named) > MOST_NAMED:
            raise EngineRefusedError(
                f"More than {MOST_NAMED} project-users only read one of the two datasets, and lists of HDFS name no "
                "more.",
                remedy="Copy it, then delete it.",
            )
        self._name_all(tree, path, named)
        return named

    def adopt(self, tree: Tree, path: Path, dataset: Path, *, known: frozenset[str] = frozenset()) -> None:
        """Names the readers of a dataset on what was moved into it, unless those and no others are ``known`` to be."""
        readers = self._readers(dataset)
        if readers and readers != known:
            self._name_all(tree, path, readers)

    def _name_all(self, tree: Tree, path: Path, readers: Collection[str]) -> None:
        node = tree.stat(path)
        self._name(path, node, sorted(readers))
        if node.kind is EntryKind.FOLDER:
            self._name_behind(tree, path, sorted(readers))

    def _entering(self, dataset: Path) -> frozenset[str]:
        return _named_in(self._entries(dataset), "r-x")

    def _readers(self, dataset: Path) -> frozenset[str]:
        return _readers_in(self._entries(dataset))

    def _entries(self, path: Path) -> Sequence[str]:
        entries: Sequence[str] = self._hdfs.ask("GET", "GETACLSTATUS", path)["AclStatus"]["entries"]
        return entries

    def _name_behind(self, tree: Tree, path: Path, readers: Sequence[str]) -> None:
        # Not by recursion: who may write can put more folders into one another than Python calls.
        folders = [path]
        while folders:
            folder = folders.pop()
            with suppress(NotFoundError):  # somebody removed it meanwhile
                for node in all_nodes(tree, folder):
                    below = (*folder, node.name)
                    with suppress(NotFoundError):
                        self._name(below, node, readers)
                    if node.kind is EntryKind.FOLDER:
                        folders.append(below)

    def _name(self, path: Path, node: Node, readers: Sequence[str]) -> None:
        if node.owner in readers:
            self._hdfs.ask("PUT", "SETOWNER", path, owner=self._hdfs.user)
        # A folder before what is in it: what comes meanwhile is named by the folder.
        self._set(path, behind(readers, folder=node.kind is EntryKind.FOLDER))

    def _set(self, path: Path, entries: str) -> None:
        self._hdfs.ask("PUT", "SETACL", path, aclspec=entries)
