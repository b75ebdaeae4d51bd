"""The web view's settings, read once from the environment into a frozen object. Nothing else reads the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from mooring.environment import PREFIX, variables
from mooring.errors import InvalidSetting
from mooring.topics import DEFAULT_PREFIX


class Settings(BaseSettings):
    """What `python -m web` needs to know."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", frozen=True, extra="ignore")

    brokers: str = Field(default="localhost:9092", min_length=1)
    topic_prefix: str = Field(default=DEFAULT_PREFIX, pattern=r"^[A-Za-z0-9._-]*$")
    data_dir: Path = Path(".mooring")
    # 0: any free port; the address that is printed at start says which.
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8080, ge=0, le=65_535)
    http_names: Annotated[tuple[str, ...], NoDecode] = ()
    schema_registry_url: str | None = None
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("http_names", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value


def read_settings() -> Settings:
    """The settings in force. Raises InvalidSetting, naming the variable, where one is unknown or has a bad value."""
    variables()
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise InvalidSetting(name, f"is {first['input']!r}: {first['msg']}") from None
