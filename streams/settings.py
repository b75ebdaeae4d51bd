"""The worker's settings, read once from the environment into a frozen object. Nothing else reads the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from mooring.environment import PREFIX, variables
from mooring.errors import InvalidSetting
from mooring.keys import check_id
from mooring.topics import DEFAULT_PREFIX


class Settings(BaseSettings):
    """What the worker and `python -m streams topics` need to know."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", frozen=True, extra="ignore")

    brokers: str = Field(default="localhost:9092", min_length=1)
    topic_prefix: str = Field(default=DEFAULT_PREFIX, pattern=r"^[A-Za-z0-9._-]*$")
    data_dir: Path = Path(".mooring")
    worker_http_host: str = "127.0.0.1"
    worker_http_port: int = Field(default=8081, ge=0, le=65_535)
    schema_registry_url: str | None = None
    watched_metrics: Annotated[tuple[str, ...], NoDecode] = ("roc_auc",)
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    bad_input_limit: float = Field(default=0.5, gt=0, le=1)
    partitions: int = Field(default=12, ge=1, le=1_000)
    replication: int = Field(default=1, ge=1, le=10)

    @field_validator("watched_metrics", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        # Once each: a metric named twice would have two alerts of one id.
        codes = tuple(dict.fromkeys(code.strip() for code in value.split(",") if code.strip()))
        for code in codes:
            check_id("watched_metrics", code)
        return codes


def read_settings() -> Settings:
    """The settings in force. Raises InvalidSetting, naming the variable, where one is unknown or has a bad value."""
    variables()
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise InvalidSetting(name, f"is {first['input']!r}: {first['msg']}") from None
