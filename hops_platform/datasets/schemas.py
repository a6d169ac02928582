"""Datasets on the wire."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field


class DatasetAnswer(BaseModel):
    """A dataset of a project."""

    name: str = Field(examples=["Resources"])
    description: str = Field(examples=["Measurements as they came."])
    created_at: datetime = Field(examples=["2026-05-04T10:00:00Z"])
