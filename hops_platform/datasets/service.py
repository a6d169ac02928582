"""Datasets of projects."""

from __future__ import annotations

from sqlalchemy import Select, select

from hops_platform.datasets.models import Dataset
from hops_platform.datasets.schemas import DatasetAnswer
from hops_platform.projects.models import Project


def datasets_of(project: Project) -> Select[Dataset]:
    """The query of a project's datasets."""
    return select(Dataset).where(Dataset.project_id == project.id)


def show_dataset(dataset: Dataset) -> DatasetAnswer:
    """A dataset on the wire."""
    return DatasetAnswer(name=dataset.name, description=dataset.description, created_at=dataset.created_at)
