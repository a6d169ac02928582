"""Projects' datasets on a tree, beside those that stay on the machine's disk."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from hops_platform.adapters.storage.hdfs_tree import HdfsTree
from hops_platform.adapters.storage.local import LocalStorage
from hops_platform.adapters.storage.trees import Tree, dataset_of, find, own, trash_of
from hops_platform.engines.places import Place
from hops_platform.engines.storage import DatasetRights, LookAgain
from hops_platform.errors import ConflictError, EngineUnavailableError, NotFoundError, PlatformError


class StoredStorage:
    """Folders of projects on a tree; those that sessions and servers work in stay on the machine's disk.

    Args:
        tree: The product.
        local: The machine's disk, where the homes of members lie too.
        on_machine: The datasets that stay there.
    """

    def __init__(self, tree: Tree, local: LocalStorage, on_machine: Collection[str]) -> None:
        self._tree = tree
        self._local = local
        self._on_machine = frozenset(on_machine)

    def probe(self) -> str:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""
        local = self._local.probe()
        find(self._tree, own("probes"))
        return f"{self._tree.name}; {local}"

    def project_address(self, project: str) -> str:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`: for notebook servers, a folder."""
        return self._local.project_address(project)

    def create_datasets(self, project: str, datasets: Sequence[str]) -> None:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""
        self._local.project_address(project)  # a name that is none goes no further
        here = [dataset for dataset in datasets if dataset in self._on_machine]
        # The project's folder is there for its servers in any case.
        self._local.create_datasets(project, here)
        for dataset in datasets:
            if dataset not in self._on_machine:
                self._tree.make_folder(dataset_of(Place(project, dataset)))

    def measure_homes(self, project: str) -> int:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""
        return self._local.measure_homes(project)

    def trash_project(self, project: str) -> None:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""
        self._local.trash_project(project)
        kept = own("deleted", f"{project}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}")
        for source, name in (((project,), "datasets"), (trash_of(project), "trash")):
            with suppress(NotFoundError):
                self._tree.stat(source)
                self._tree.make_folder(kept)
                self._tree.rename(source, (*kept, name))

    def let_out(self, project: str, rights: Sequence[DatasetRights]) -> None:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""
        if not isinstance(self._tree, HdfsTree):
            return
        failures: list[PlatformError] = []
        for one in self._stored(rights):
            try:
                self._tree.rights.let_out((project, one.dataset), one)
            except NotFoundError:
                pass  # nobody is in what is not there
            except PlatformError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def settle_rights(self, project: str, rights: Sequence[DatasetRights], *, again: LookAgain | None = None) -> None:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""
        if not isinstance(self._tree, HdfsTree):
            return
        failures: list[PlatformError] = []
        # Of all of them first: naming who reads can take long where much lies, and nobody stays for as long.
        with suppress(PlatformError):  # what it is, is told below
            self.let_out(project, rights)
        for one in self._stored(rights):
            look = None if again is None else partial(_of_dataset, again, one.dataset)
            try:
                self._tree.rights.settle(self._tree, (project, one.dataset), one, again=look)
            except NotFoundError as error:
                # Where nobody is let in, it may as well be gone.
                if one.writers or one.readers:
                    failures.append(EngineUnavailableError(f"The dataset {one.dataset!r} is not made yet: {error}"))
            except PlatformError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def _stored(self, rights: Sequence[DatasetRights]) -> list[DatasetRights]:
        return [one for one in rights if one.dataset not in self._on_machine]

    def close(self) -> None:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""
        self._tree.close()

    def check(self) -> None:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""
        probe = own("probes", secrets.token_hex(8))
        self._tree.make_folder(probe)
        try:
            self._tree.put((*probe, "probe"), iter([b"probe"]))
            node = self._tree.stat((*probe, "probe"))
            with self._tree.open_file((*probe, "probe"), node) as file:
                if file.read() != b"probe":
                    raise ConflictError("The storage gave back something else than was written.")
            # A product that knows rights is asked for them: without its lists nothing can be made there.
            self._tree.adopt((*probe, "probe"), probe)
        finally:
            self._tree.remove(probe)


def _of_dataset(again: LookAgain, dataset: str) -> DatasetRights:
    found = [one for one in again() if one.dataset == dataset]
    return found[0] if found else DatasetRights(dataset=dataset, writers=())
