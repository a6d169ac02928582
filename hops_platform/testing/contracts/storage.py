"""The contract of the datasets of projects."""

from __future__ import annotations

from hops_platform.engines.storage import DatasetRights, ProjectStorage


class StorageContract:
    """What every :class:`~hops_platform.engines.storage.ProjectStorage` does."""

    def test_making_datasets_twice_is_making_them_once(self, engine: ProjectStorage) -> None:
        """Deliveries come at least once."""
        engine.create_datasets("weather", ["Jupyter", "Logs"])
        engine.create_datasets("weather", ["Jupyter", "Logs"])

    def test_a_trashed_projects_name_can_be_used_again(self, engine: ProjectStorage) -> None:
        """Also several times, so that nothing in the trash stands in the way."""
        for _ in range(3):
            engine.create_datasets("weather", ["Jupyter"])
            engine.trash_project("weather")

    def test_trashing_what_is_not_there_does_nothing(self, engine: ProjectStorage) -> None:
        """Deliveries come at least once."""
        engine.create_datasets("weather", ["Jupyter"])
        engine.trash_project("weather")
        engine.trash_project("weather")

    def test_what_is_written_can_be_looked_at_as_often_as_one_likes(self, engine: ProjectStorage) -> None:
        """Nothing is left of a look."""
        engine.check()
        engine.check()

    def test_rights_are_said_as_often_as_one_likes(self, engine: ProjectStorage) -> None:
        """Deliveries come at least once, and a dataset may be gone by then."""
        rights = [DatasetRights(dataset="raw", writers=["weather__ada"], readers=["tides__bob"])]
        engine.settle_rights("weather", [DatasetRights(dataset="raw", writers=[])])
        engine.create_datasets("weather", ["raw"])
        engine.settle_rights("weather", rights)
        engine.settle_rights("weather", rights)

    def test_projects_have_addresses_of_their_own(self, engine: ProjectStorage) -> None:
        """No two projects share a folder."""
        assert engine.project_address("weather") != engine.project_address("tides")
